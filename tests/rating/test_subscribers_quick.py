"""The quick way into subscriber tables against the slow one, and the indexes against a dictionary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.edr import MISSING
from rating.errors import SubscriberDataError
from rating.kernels.probe import COUNT_BITS, COUNT_MASK, find_chain
from rating.subscribers import _index, load_subscribers
from rating.subscribers_build import build
from rating.subscribers_quick import quick
from tests.rating.strategies_shop import HEAD, golden_book, line

if TYPE_CHECKING:
    from pathlib import Path

BOOK = replace(golden_book(), tiers=("", "gold", "silver"))
EXTRA = "tier,credit_limit,home_zone"


def csv(*lines: str, head: str = HEAD) -> bytes:
    return ("\n".join([head, *lines]) + "\n").encode()


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Checks that two sets of columns are equal."""
    assert one.keys() <= other.keys()
    for name, column in one.items():
        if isinstance(column, np.ndarray):
            assert np.array_equal(column, other[name]), name
            assert column.dtype == other[name].dtype, name
        else:
            assert column == other[name], name


def both(data: bytes, suffix: str = ".csv") -> dict[str, Any]:
    """Returns the columns, which must come the quick way, after comparing both ways."""
    files = {f"subscribers{suffix}": data}
    found = quick(files, BOOK)
    assert found is not None
    slow, problems = build(files, BOOK, told=True)
    assert not problems
    same(found, slow)
    return found


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "subscriber_id": st.sampled_from(["S1", "S2", "S10", "s", "Ü", "", "S1x"]),
            "charge_group": st.sampled_from(["", "", "G", "A1"]),
            "msisdn": st.sampled_from(["+8613", "8614", "", "+8615", "86x", "0", "+", "0012"]),
            "imsi": st.sampled_from(["460001", "460002", "", "1" * 15, "1" * 16, "-1"]),
            "plan": st.sampled_from(["golden", "golden", "golden", "silver"]),
            "role": st.sampled_from(["", "single", "main", "sub", "sub", "boss"]),
            "vpmn_group": st.sampled_from(["", "V2", "V1", "Vß"]),
            "home_area": st.sampled_from(["", "north", "south"]),
            "valid_from": st.sampled_from(["2026-01-01", "2026-02-01", "2026-03-01T08:30:00Z"]),
            "valid_to": st.sampled_from(["", "2026-02-01", "2026-03-01", "2026-01-31"]),
            "tier": st.sampled_from(["", "gold", "silver", "lead"]),
            "credit_limit": st.sampled_from(["", "0", "12.5", "x"]),
            "home_zone": st.sampled_from(["", "b", "a"]),
        }
    ),
    max_size=4,
)


@settings(deadline=None)
@given(ROWS)
def test_both_ways_agree_on_what_is_right_and_what_it_means(rows: list[dict[str, str]]) -> None:
    lines = [
        ",".join([line(0, **row), row["tier"], row["credit_limit"], row["home_zone"]])
        for row in rows
    ]
    files = {"subscribers.csv": csv(*lines, head=f"{HEAD},{EXTRA}")}
    found = quick(files, BOOK)
    slow, problems = build(files, BOOK, told=True)
    if found is None:
        # an unusual table may be right: the slow way has the last word
        assert (
            problems or any("Ü" in one or "ß" in one or "0012" in one for one in lines) or not rows
        )
        return
    told = [one for one in problems if "valid twice" not in one.message]
    assert not told
    same(found, slow)


@pytest.mark.parametrize(
    "data",
    [
        csv(line(1), line(2)),
        csv(line(1), line(2)).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + csv(line(1)),
        csv(line(1), line(2)).rstrip(b"\n"),
        csv(line(3, vpmn_group="ä"), line(1), line(2, charge_group="A1")),
        csv(line(1, valid_from="2026-05-01"), line(1, valid_to="2026-05-01")),
        csv(),
    ],
    ids=["plain", "CRLF", "BOM", "no last newline", "out of order", "two periods", "no rows"],
)
def test_usual_files_go_the_quick_way(data: bytes) -> None:
    both(data)


def test_columns_may_stand_in_any_order() -> None:
    turned = [",".join(reversed(one.split(","))) for one in (HEAD, line(1), line(2))]
    straight, other = both(csv(line(1), line(2))), both(csv(*turned[1:], head=turned[0]))
    same(straight, other)


@pytest.mark.parametrize("kind", ["text", "numbers", "dictionaries"])
def test_parquet_goes_the_quick_way(kind: str) -> None:
    data = csv(line(2, vpmn_group="V"), line(1, imsi=""), line(3, charge_group="G", role=""))
    frame = pl.read_csv(data, infer_schema=False)
    if kind == "numbers":
        number = pl.col("msisdn").str.strip_prefix("+").cast(pl.Int64)
        frame = frame.with_columns(number, pl.col("imsi").cast(pl.Int64))
        frame = frame.with_columns(pl.col("valid_from").str.to_date())
    if kind == "dictionaries":
        repeated = ["plan", "role", "vpmn_group", "home_area", "valid_from", "valid_to"]
        frame = frame.with_columns(pl.col(repeated).cast(pl.Categorical))
    sink = pa.BufferOutputStream()
    frame.write_parquet(sink)
    same(both(sink.getvalue().to_pybytes(), ".parquet"), both(data))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (csv(line(1), "S2,A2"), "subscribers.csv:3: too few values: 2 in place of 11."),
        (csv(line(1) + ",x", line(2)), "subscribers.csv:2: too many values: 12 in place of 11."),
        (csv(line(1), "", line(2)), "subscribers.csv:3: an empty line."),
        (csv(line(1), line(2).replace("S2", '"S2')), "subscribers.csv:3: not CSV"),
        (csv(line(1), line(2).replace("S2", '"S\n2"')), "subscribers.csv:3: a value goes on"),
        (csv(line(1)) + b"S2,\xff", "subscribers.csv:3: byte 0xff is not UTF-8."),
    ],
)
def test_rows_that_are_not_well_formed_have_a_line(
    tmp_path: Path, data: bytes, problem: str
) -> None:
    (tmp_path / "subscribers.csv").write_bytes(data)
    with pytest.raises(SubscriberDataError) as caught:
        load_subscribers(tmp_path, BOOK)
    assert str(caught.value.problems[0]).startswith(problem)


def test_a_quoted_file_is_read_all_the_same(tmp_path: Path) -> None:
    quoted = ",".join(f'"{value}"' for value in line(1, account_id="A").split(","))
    (tmp_path / "subscribers.csv").write_bytes(csv(quoted))
    assert load_subscribers(tmp_path, BOOK).accounts.to_pylist() == ["A"]


def test_a_table_stands_in_one_file_only(tmp_path: Path) -> None:
    (tmp_path / "subscribers.csv").write_bytes(csv(line(1)))
    pl.read_csv(csv(line(1))).write_parquet(tmp_path / "subscribers.parquet")
    with pytest.raises(SubscriberDataError, match=r"subscribers.parquet is there as well"):
        load_subscribers(tmp_path, BOOK)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30)), max_size=60),
    st.booleans(),
)
def test_the_index_is_a_dictionary_of_sorted_rows(
    rows: list[tuple[int, int]],
    ordered: bool,  # noqa: FBT001  drawn
) -> None:
    rows = sorted(rows) if ordered else rows
    keys = np.array([MISSING if key == 0 else 1000 + key for key, _ in rows], np.int64)
    begin = np.array([start for _, start in rows], np.int64)
    slots, chain = _index(keys, begin)
    expected: dict[int, list[int]] = {}
    for row in sorted(range(len(rows)), key=lambda row: (begin[row], row)):
        if keys[row] != MISSING:
            expected.setdefault(int(keys[row]), []).append(row)
    assert len(chain) == sum(map(len, expected.values()))
    for key in range(1000, 1010):
        value = find_chain(slots, key)
        first = value >> COUNT_BITS
        assert chain[first : first + (value & COUNT_MASK)].tolist() == expected.get(key, [])


def test_a_key_with_many_rows_is_no_quadratic_work() -> None:
    n = 200_000
    keys = np.full(n, 7, np.int64)
    begin = np.arange(n, 0, -1, dtype=np.int64)
    slots, chain = _index(keys, begin)
    assert find_chain(slots, 7) & COUNT_MASK == n
    assert chain.tolist() == list(range(n - 1, -1, -1))
