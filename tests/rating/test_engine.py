"""The rater as a whole: order, threads, cycles, reasons, and what a batch may look like."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from rating import engine
from rating.engine import Rater
from rating.schema import RATED_SCHEMA
from rating.subscribers import load_subscribers
from tests.rating.strategies_edr import edr_batch, plain_keys
from tests.rating.strategies_shop import NUMBER, at, call, golden_book, line, write

if TYPE_CHECKING:
    from rating.rated import Rated
    from tariffs.compiled import CompiledBook

BOOK = golden_book()
CARDS = 20


@pytest.fixture(scope="module")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Rater:
    lines = [line(k, charge_group=f"G{k // 4}") for k in range(CARDS)]
    folder = write(tmp_path_factory.mktemp("subscribers"), lines)
    return Rater(BOOK, load_subscribers(folder, BOOK))


def month(count: int, seed: int = 1) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        call(
            int(rng.integers(0, CARDS)),
            at(1, 0) + int(rng.integers(0, 31 * 86_400)) * 1_000_000,
            int(rng.integers(0, 400)),
            other_number=NUMBER + int(rng.integers(0, CARDS)),
        )
        for _ in range(count)
    ]


def rate(rater: Rater, batch: pa.RecordBatch) -> tuple[Rated, Any]:
    state = rater.open_cycle("2026-10")
    return rater.rate(rater.prepare(batch, plain_keys(batch)), state), state


def test_output_has_the_schema_and_is_valid(rater: Rater) -> None:
    rated, _ = rate(rater, edr_batch(month(200)))
    rated.table.validate(full=True)
    assert rated.table.schema.equals(RATED_SCHEMA, check_metadata=True)
    assert rated.table.num_rows == 200


def test_order_of_the_input_does_not_matter(rater: Rater) -> None:
    batch = edr_batch(month(500))
    shuffled = batch.take(pa.array(np.random.default_rng(2).permutation(500)))
    (one, state), (other, state2) = rate(rater, batch), rate(rater, shuffled)
    assert one.table.equals(other.table)
    assert np.array_equal(state.used, state2.used)


def test_event_order_is_group_then_start(rater: Rater) -> None:
    rated, _ = rate(rater, edr_batch(month(500)))
    rows = rated.table.select(["charge_group", "start_time"]).to_pylist()
    assert rows == sorted(rows, key=lambda row: (row["charge_group"], row["start_time"]))


def test_batches_in_event_order_are_one_batch(rater: Rater) -> None:
    rows = sorted(month(400), key=lambda row: row["start_time"])
    whole, _ = rate(rater, edr_batch(rows))
    state = rater.open_cycle("2026-10")
    parts = []
    for first in range(0, 400, 100):
        batch = edr_batch(
            [dict(row, offset=first + k) for k, row in enumerate(rows[first : first + 100])]
        )
        parts.append(rater.rate(rater.prepare(batch, plain_keys(batch)), state).table)
    both = (
        pa.Table.from_batches(parts).sort_by("offset"),
        pa.Table.from_batches([whole.table]).sort_by("offset"),
    )
    for name in ("net", "allowance_units", "charged_units"):
        assert both[0][name].to_pylist() == both[1][name].to_pylist()


def test_threads_over_charge_groups_share_a_state(rater: Rater) -> None:
    batch = edr_batch(month(2000))
    whole, state = rate(rater, batch)
    shared = rater.open_cycle("2026-10")
    card = pc.subtract(batch.column("served_imsi"), 460_000_000_000_000).to_numpy()
    parts = [batch.filter(pa.array(card // 4 % 2 == half)) for half in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(lambda part: rater.rate(rater.prepare(part, plain_keys(part)), shared), parts)
        )
    assert np.array_equal(shared.used, state.used)
    assert sum(part.table.num_rows for part in done) == whole.table.num_rows
    total = sum(pc.sum(part.table.column("net")).as_py() for part in done)
    assert total == pc.sum(whole.table.column("net")).as_py()


def test_taken_units_are_conserved(rater: Rater) -> None:
    rated, state = rate(rater, edr_batch(month(1000)))
    taken = pc.sum(rated.table.column("allowance_units")).as_py()
    assert taken == int(state.used.sum()) > 0
    listed = sum(
        take["units"] for row in rated.table.column("allowances").to_pylist() for take in row
    )
    assert listed == taken
    assert np.all(state.used <= state.instances.given)


def test_every_row_ends_in_one_place(rater: Rater) -> None:
    rows = [
        call(1, at(5)),
        call(99, at(5)),
        call(1, at(5, month=12), offset=7),
        call(1, at(5), other_number=5),
        call(1, at(5), direction="transit"),
        call(1, at(5), duration=-1),
    ]
    batch = edr_batch(rows)
    prepared = rater.prepare(batch, plain_keys(batch))
    assert rater.cycles(prepared) == ("2026-10", "2026-12")
    october = rater.rate(prepared, rater.open_cycle("2026-10"))
    december = rater.rate(prepared, rater.open_cycle("2026-12"))
    assert october.row.tolist() == [0]
    assert december.row.tolist() == [2]
    assert october.table.column("cycle").to_pylist() == ["2026-10"]
    assert october.unrated.row.tolist() == [1, 3, 4, 5]
    assert october.unrated.reasons() == [
        "unknown_subscriber",
        "no_zone",
        "direction_not_charged",
        "implausible_quantity",
    ]
    assert october.unrated.suspended.row.tolist() == [1, 3, 5]
    assert october.unrated.not_charged.row.tolist() == [4]
    assert len(december.unrated) == 0
    told = october.unrated.to_batch(BOOK, rater.subscribers).to_pylist()
    assert [row["stage"] for row in told] == ["guide", "classify", "rate", "rate"]


def test_no_price_names_the_class(rater: Rater) -> None:
    batch = edr_batch([call(1, at(5), visited_network="999-99")])
    rated, _ = rate(Rater(_without_prices(), rater.subscribers), batch)
    (row,) = rated.unrated.to_batch(BOOK, rater.subscribers).to_pylist()
    assert row["reason"] == "unknown_network"
    assert "voice.originating" in row["detail"]
    assert "plan golden" in row["detail"]


def _without_prices() -> CompiledBook:
    return replace(BOOK, rule_of=np.full_like(BOOK.rule_of, -1))


def test_overflow_is_a_reason_and_takes_nothing(rater: Rater) -> None:
    dear = replace(BOOK, step_price=BOOK.step_price * 10**11)
    batch = edr_batch([call(1, at(5), duration=30 * 86_400)])
    rated, state = rate(Rater(dear, rater.subscribers), batch)
    assert rated.unrated.reasons() == ["overflow"]
    assert rated.table.num_rows == 0
    assert not state.used.any()


def test_an_empty_batch(rater: Rater) -> None:
    rated, _ = rate(rater, edr_batch([]))
    assert rated.table.num_rows == 0
    assert rater.cycles(rater.prepare(edr_batch([]), plain_keys(edr_batch([])))) == ()


def test_short_take_lists_grow(rater: Rater, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = edr_batch(month(500))
    whole, _ = rate(rater, batch)
    monkeypatch.setattr(engine, "SPARE_TAKES", -480)
    again, _ = rate(rater, batch)
    assert again.table.equals(whole.table)


def test_zero_seconds_cost_nothing_and_name_their_rule(rater: Rater) -> None:
    rated, _ = rate(rater, edr_batch([call(1, at(5), duration=0)]))
    (row,) = rated.table.to_pylist()
    assert row["net"] == row["connect_fee"] == Decimal(0)
    assert row["rule"].endswith("voice")


def test_number_of_the_served_card_comes_from_the_subscriber_data(rater: Rater) -> None:
    rated, _ = rate(rater, edr_batch([call(1, at(5), served_msisdn=NUMBER + 7)]))
    assert rated.table.column("served_msisdn").to_pylist() == [NUMBER + 1]


def test_sliced_batches_and_foreign_dictionaries(rater: Rater) -> None:
    batch = edr_batch(month(50))
    sliced = edr_batch(month(50)).slice(10, 20)
    names = pa.array(["sms", "voice"])
    column = pa.DictionaryArray.from_arrays(pa.array(np.ones(50, np.int8)), names)
    foreign = batch.set_column(batch.schema.get_field_index("service"), "service", column)
    one, _ = rate(rater, batch)
    other, _ = rate(rater, foreign)
    assert one.table.column("net").equals(other.table.column("net"))
    part, _ = rate(rater, sliced)
    assert sorted(part.table.column("offset").to_pylist()) == list(range(10, 30))
