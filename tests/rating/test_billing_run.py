from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.billing.partition import split_batch
from rating.billing.run import BillRun, PartitionBill, charge_groups
from rating.billing.tie import tie
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tests.rating.strategies_edr import edr_batch

if TYPE_CHECKING:
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

CASES = Path(__file__).parent.parent / "cases" / "billing"
TABLES = ("rated", "unrated", "lines", "bills", "balances")


@pytest.fixture(scope="module")
def books() -> tuple[Book, CompiledBook]:
    book = load_book(CASES / "book")
    return book, compile_book(book)


def subscribers_of(text: str, folder: Path, compiled: CompiledBook) -> Subscribers:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "subscribers.csv").write_text(text, encoding="utf-8")
    return load_subscribers(folder, compiled)


def event_row(event: dict[str, Any]) -> dict[str, Any]:
    """The EDR of a case's event."""
    at = dt.datetime.fromisoformat(event["at"])
    offset = at.utcoffset()
    assert offset is not None
    row: dict[str, Any] = {
        "served_imsi": event["imsi"],
        "service": event["service"],
        "direction": event.get("direction", "originating"),
        "other_number": event.get("to"),
        "start_time": round(at.timestamp() * 10**6),
        "utc_offset": int(offset.total_seconds()) // 60,
        "duration": event.get("duration", 0),
        "downlink": event.get("downlink", 0),
        "events": event.get("events", 0),
        "visited_network": event.get("network", "460-00"),
    }
    name = hashlib.sha256(repr(sorted(event.items())).encode()).hexdigest()
    return {**row, "file_id": name[:32], "record_type": "moCallRecord"}


def matches(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    for name, value in wanted.items():
        got = row[name]
        same = got == Decimal(str(value)) if isinstance(got, Decimal) else got == value
        if not same:
            return False
    return True


def assert_rows(table: pa.Table, wanted: list[dict[str, Any]]) -> None:
    rows = table.to_pylist()
    assert len(rows) == len(wanted), rows
    for row, want in zip(rows, wanted, strict=True):
        assert matches(row, want), {name: (row[name], value) for name, value in want.items()}


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_case(case: Path, books: tuple[Book, CompiledBook], tmp_path: Path) -> None:
    book, compiled = books
    told = yaml.safe_load(case.read_text(encoding="utf-8"))
    subscribers = subscribers_of(told["subscribers"], tmp_path, compiled)
    run = BillRun(compiled, book, subscribers, str(told["cycle"]), 1)
    batch = edr_batch(event_row(event) for event in told["events"])
    bill = run.partition(0, [batch])
    expect = told["expect"]
    assert bill.rated.num_rows == expect["rated"]
    assert bill.outside == expect["outside"]
    assert dict(Counter(bill.unrated["reason"].to_pylist())) == expect["unrated"]
    assert_rows(bill.bills, expect["bills"])
    assert_rows(bill.lines, expect["lines"])
    assert_rows(bill.balances, expect["balances"])
    assert tie(bill.rated, bill.lines, bill.bills).problems == ()


HEAD = (
    "subscriber_id,account_id,charge_group,msisdn,imsi,plan,role,vpmn_group,home_area,"
    "valid_from,valid_to"
)
CROWD_PLANS = ("talk", "plus", "family")


def crowd(n: int) -> str:
    """Subscribers with several accounts to a group, groups to an account, and plan changes."""
    lines = [HEAD]
    for i in range(n):
        plan = CROWD_PLANS[i % 3]
        role = "single" if plan != "family" else "main" if i % 2 else "sub"
        group = f"G{i // 4}"
        who = f"S{i},A{i // 3},{group},+8619910{i:06},46000100{i:07}"
        lines.append(f"{who},{plan},{role},,north,2025-01-01,2026-10-{10 + i % 20}")
        lines.append(f"{who},talk,single,,north,2026-10-{10 + i % 20},")
    return "\n".join(lines) + "\n"


def events(rng: np.random.Generator, n: int, subscribers: int) -> list[dict[str, Any]]:
    begin = 1_790_784_000_000_000  # 2026-10-01 in Shanghai
    rows = []
    for i in range(n):
        service = ("voice", "sms", "data")[int(rng.integers(0, 3))]
        rows.append(
            {
                # One in twenty belongs to nobody.
                "served_imsi": 460_001_000_000_000 + int(rng.integers(0, subscribers * 20 // 19)),
                "record_type": "x",
                "file_id": f"{int(rng.integers(0, 5)):032x}",
                "offset": i,
                "service": service,
                "other_number": None if service == "data" else 8618810000001,
                # Few distinct starts, so that the order inside one microsecond is tested.
                "start_time": begin + int(rng.integers(0, 40)) * 60_000_000_000,
                "duration": int(rng.integers(0, 900)) if service == "voice" else 0,
                "downlink": int(rng.integers(0, 10**7)) if service == "data" else 0,
                "events": 1 if service == "sms" else 0,
                "visited_network": ("460-00", "440-10")[int(rng.integers(0, 2))],
                "call_reference": i,
            }
        )
    return rows


def written(bill: PartitionBill, folder: Path) -> dict[str, str]:
    """The digests of a partition's tables as Parquet."""
    out = {}
    for name in TABLES:
        path = folder / f"{name}.parquet"
        pq.write_table(getattr(bill, name), path)
        out[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return out


@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(1, 6))
@settings(deadline=None, max_examples=8)
def test_arrival_and_batches_do_not_show(seed: int, n: int, pieces: int) -> None:
    rng = np.random.default_rng(seed)
    rows = events(rng, n, 19)
    run = crowd_run(1)
    whole = run.partition(0, [edr_batch(rows)])
    shuffled = [rows[i] for i in rng.permutation(n)]
    cuts = [0, *sorted(rng.integers(0, n + 1, pieces - 1).tolist()), n]
    batches = [edr_batch(shuffled[a:b]) for a, b in pairwise(cuts) if b > a]
    split = run.partition(0, batches)
    with tempfile.TemporaryDirectory() as name:
        one, other = Path(name) / "one", Path(name) / "other"
        one.mkdir()
        other.mkdir()
        assert written(whole, one) == written(split, other)
    assert whole.rated.num_rows + whole.unrated.num_rows == n


def crowd_run(partitions: int) -> BillRun:
    """A run over twenty subscribers; loaded once per process."""
    if partitions not in _RUNS:
        book = load_book(CASES / "book")
        compiled = compile_book(book)
        with tempfile.TemporaryDirectory() as folder:
            subscribers = subscribers_of(crowd(20), Path(folder), compiled)
        _RUNS[partitions] = BillRun(compiled, book, subscribers, "2026-10", partitions)
    return _RUNS[partitions]


_RUNS: dict[int, BillRun] = {}


def routed(run: BillRun, batch: pa.RecordBatch, partitions: int) -> list[PartitionBill]:
    """Each partition's bill, from a batch that is split as the pipeline does."""
    parts = split_batch(batch, charge_groups(run.rater.prepare(batch)), run.home)
    return [run.partition(n, [parts[n]] if n in parts else []) for n in range(partitions)]


@given(st.integers(0, 2**32), st.integers(2, 9))
@settings(deadline=None, max_examples=6)
def test_partitions_add_up_to_the_whole(seed: int, partitions: int) -> None:
    batch = edr_batch(events(np.random.default_rng(seed), 60, 19))
    whole = crowd_run(1).partition(0, [batch])
    parts = routed(crowd_run(partitions), batch, partitions)

    def rows(bills: list[PartitionBill], name: str) -> list[str]:
        return sorted(str(row) for bill in bills for row in getattr(bill, name).to_pylist())

    for name in TABLES:
        assert rows(parts, name) == rows([whole], name)
    for part in parts:
        assert tie(part.rated, part.lines, part.bills).problems == ()


def test_an_event_in_the_wrong_partition_is_refused() -> None:
    run = crowd_run(5)
    batch = edr_batch(
        [{**events(np.random.default_rng(1), 1, 19)[0], "served_imsi": 460001 * 10**9}]
    )
    home = int(run.home[charge_groups(run.rater.prepare(batch))[0]])
    with pytest.raises(ValueError, match="belong elsewhere"):
        run.partition((home + 1) % 5, [batch])


def test_an_empty_partition_has_the_fees_of_its_subscribers() -> None:
    bill = crowd_run(1).partition(0, [])
    assert bill.rated.num_rows == 0
    assert set(bill.lines["kind"].to_pylist()) <= {"fee", "rounding", "tax"}
    assert bill.bills.num_rows == 7
    assert tie(bill.rated, bill.lines, bill.bills).problems == ()
