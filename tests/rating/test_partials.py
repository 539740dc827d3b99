"""What a call or a session costs does not depend on how it was cut into records."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.edr import EDR_SCHEMA
from mediation.partials.assemble import assemble
from mediation.partials.rules import all_rules
from rating.engine import Rater
from rating.subscribers import load_subscribers
from tests.rating.strategies_edr import edr_batch, plain_keys
from tests.rating.strategies_shop import NUMBER, at, call, golden_book, line, write

if TYPE_CHECKING:
    import random

Row = dict[str, Any]
RULES = all_rules()
CARDS = 4
STEP = 100
"""Offsets of a call's records lie below the next call's."""


@pytest.fixture(scope="module")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Rater:
    lines = [line(k, charge_group=f"G{k // 2}") for k in range(CARDS)]
    friends = [f"S{k},+{NUMBER + 99},2026-01-01," for k in range(CARDS)]
    folder = write(tmp_path_factory.mktemp("subscribers"), lines, friends)
    book = golden_book()
    return Rater(book, load_subscribers(folder, book))


def charges(rater: Rater, batch: pa.RecordBatch) -> list[Row]:
    rated = rater.rate(rater.prepare(batch, plain_keys(batch)), rater.open_cycle("2026-10"))
    assert not len(rated.unrated)
    rows: list[Row] = rated.table.to_pylist()
    return rows


@st.composite
def calls(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Draws calls over time bands and allowances: (uncut, the same cut into parts)."""
    whole, parts = [], []
    for number in range(draw(st.integers(1, 5))):
        start = at(draw(st.integers(1, 28)), 18, 0) + draw(st.integers(0, 4 * 3_600)) * 1_000_000
        length = draw(st.integers(2, 9_000))
        edges = [0, *sorted(draw(st.sets(st.integers(1, length - 1), max_size=5))), length]
        one = call(
            draw(st.integers(0, CARDS - 1)),
            start,
            length,
            other_number=NUMBER + draw(st.sampled_from((99, 1, 77))),
            record_type="moCallRecord",
            recording_entity="8619900900001",
            call_reference=number,
            offset=number * STEP,
            cause=0,
        )
        whole.append(one)
        for at_, (begin, end) in enumerate(pairwise(edges)):
            parts.append(
                one
                | {
                    "offset": number * STEP + at_,
                    "start_time": start + begin * 1_000_000,
                    "duration": end - begin,
                    "partial_sequence": at_ + 1,
                    "cause": 1 if end < length else 0,
                }
            )
    return whole, parts


@settings(deadline=None)
@given(calls(), st.randoms(use_true_random=False), st.data())
def test_the_same_charges_however_a_call_was_cut(
    rater: Rater,
    drawn: tuple[list[Row], list[Row]],
    luck: random.Random,
    data: st.DataObject,
) -> None:
    whole, parts = drawn
    luck.shuffle(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(parts)), max_size=3)))
    batches = [edr_batch(parts[a:b]) for a, b in pairwise([0, *cuts, len(parts)]) if a < b]
    made = assemble(pa.Table.from_batches(batches, EDR_SCHEMA).unify_dictionaries(), RULES)
    assert made.complete.all()
    events = made.events.combine_chunks().to_batches()[0]
    assert charges(rater, events) == charges(rater, edr_batch(whole))


def session(containers: list[tuple[int | None, int]]) -> list[Row]:
    """Records' rows: (record sequence, container)."""
    return [
        call(
            0,
            at(5, 12) + n * 600_000_000,
            600,
            partial_sequence=record,
            container=container,
            charging_id=7,
        )
        for n, (record, container) in enumerate(containers)
    ]


@pytest.mark.parametrize(
    "containers",
    [
        [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)],
        [(2, 0), (1, 0), (1, 1)],
        [(None, 0), (None, 1), (None, 2)],
    ],
)
def test_a_session_pays_its_connect_fee_once(
    rater: Rater, containers: list[tuple[int | None, int]]
) -> None:
    rows = charges(rater, edr_batch(session(containers)))
    assert sum(row["connect_fee"] > 0 for row in rows) == 1
    assert sum(row["quantity"] for row in rows) == 600 * len(containers)
    paid = next(row for row in rows if row["connect_fee"] > 0)
    assert paid["connect_fee"] == Decimal("0.10")
    first = containers.index((1, 0)) if (1, 0) in containers else 0
    assert paid["offset"] == first


def test_events_that_share_a_record_pay_each_for_itself(rater: Rater) -> None:
    rows = session([(None, 0), (None, 1)])
    found = charges(rater, edr_batch(row | {"charging_id": None} for row in rows))
    assert [row["connect_fee"] for row in found] == [Decimal("0.10")] * 2


def test_what_comes_after_a_flush_pays_no_second_connect_fee(rater: Rater) -> None:
    base = call(1, at(6, 12), 300, record_type="moCallRecord", call_reference=5)
    early = [base | {"partial_sequence": n, "cause": 1} for n in (1, 2)]
    late = [base | {"partial_sequence": 3, "cause": 0, "start_time": at(6, 13), "offset": 9}]
    fees = []
    for rows in (early, late):
        made = assemble(pa.Table.from_batches([edr_batch(rows)]), RULES)
        fees += [row["connect_fee"] for row in charges(rater, made.events.to_batches()[0])]
    assert fees == [Decimal("0.10"), Decimal(0)]
