"""What holds of every rated batch, whatever the book: laws that need no twin.

Each check takes a case of :func:`tests.rating.compare.cases`. Amounts are Decimals of the currency,
quantities the units of a rule's metric, instants UTC microseconds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mediation.duplicates import record_keys
from rating.engine import Rater
from rating.reference.balances import Balances
from rating.reference.classify import classify
from rating.reference.pieces import SECOND, cut
from rating.reference.steps import NotRatedError
from rating.state import CycleState
from tests.rating import strategies
from tests.rating.strategies_edr import edr_batch, plain_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rating.reference.classify import Event
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

Row = dict[str, Any]
Case = tuple["CompiledBook", "Subscribers", list[Row], pa.Table | None]

ISOLATED, CONSECUTIVE = 2, 1
MOMENTS = 3
MOST_CUT = 4
"""Calls of a case that are cut."""


def rate(rater: Rater, rows: Sequence[tuple[int, Row]], state: CycleState) -> list[Row]:
    """Rates (offset, row) pairs and returns the rated records in event order."""
    batch = edr_batch([{**row, "offset": offset} for offset, row in rows])
    return list(rater.rate(rater.prepare(batch, plain_keys(batch)), state).table.to_pylist())


def conserved(case: Case) -> None:
    """What is taken from allowances is what they lost, charges add up, and no cap is passed."""
    book, data, rows, before = case
    rater = Rater(book, data)
    state = rater.open_cycle(strategies.CYCLE, before)
    taken: Counter[str] = Counter()
    for row in rate(rater, list(enumerate(rows)), state):
        units = [(take["allowance"], take["units"]) for take in row["allowances"]]
        assert all(unit > 0 for _, unit in units)
        assert row["allowance_units"] == sum(unit for _, unit in units)
        for name, unit in units:
            taken[name] += unit
        assert row["gross"] == row["connect_fee"] + row["usage_charge"]
        off = row["discount_amount"] + row["cap_reduction"]
        assert row["net"] == row["gross"] - off + row["rounding"]
        assert 0 <= row["discount_amount"] <= row["gross"]
        if not book.rule_free.any() and not book.rule_zero_duration.any():
            assert row["charged_units"] + row["allowance_units"] >= row["quantity"]
    used: Counter[str] = Counter()
    for row in state.balances().to_pylist():
        assert row["given"] == row["used"] + row["left"]
        used[row["allowance"]] += row["used"]
    assert +taken == +used
    caps = state.counters.slot_cap < len(book.caps)
    assert np.all(state.cap_spent[caps] <= book.cap_amount[state.counters.slot_cap[caps]])


def repeatable(case: Case) -> None:
    """Rated twice from the same opening is the same, to the bytes of records and balances."""
    book, data, rows, before = case
    batch = edr_batch(rows)
    found = []
    rater = Rater(book, data)
    opened = rater.open_cycle(strategies.CYCLE, before)
    for again in (rater, rater, Rater(book, data)):
        state = opened.copy() if again is rater else again.open_cycle(strategies.CYCLE, before)
        rated = again.rate(again.prepare(batch, plain_keys(batch)), state)
        unrated = (rated.unrated.row.tobytes(), rated.unrated.status.tobytes())
        found.append((_bytes(rated.table), unrated, _bytes(state.balances()), _spent(state)))
    assert found[0] == found[1] == found[2]
    assert not opened.used.any()
    assert not opened.cap_spent.any()


def whole_or_in_batches(case: Case, cuts: Iterable[int]) -> None:
    """Batches of one event order after another give what one batch gives, stored in between.

    Args:
        case: The case.
        cuts: Where to cut the event order, modulo its length.
    """
    book, data, rows, before = case
    rater = Rater(book, data)
    state = rater.open_cycle(strategies.CYCLE, before)
    expected = rate(rater, list(enumerate(rows)), state)
    order = [row["offset"] for row in expected]
    ends = sorted({at % (len(order) + 1) for at in cuts} | {len(order)})
    running = rater.open_cycle(strategies.CYCLE, before)
    got: list[Row] = []
    for begin, end in zip([0, *ends], ends, strict=False):
        got += rate(rater, [(at, rows[at]) for at in order[begin:end]], running)
        stored = running.to_table()
        running = CycleState.from_table(stored, strategies.CYCLE, book, data, running.opening)
        assert not running.orphans
    assert got == expected
    assert np.array_equal(running.used, state.used)
    assert np.array_equal(running.cap_spent, state.cap_spent)


def groups_apart(case: Case) -> None:
    """Whoever rates one charge group need not know what the others use."""
    book, data, rows, before = case
    rater = Rater(book, data)
    state = rater.open_cycle(strategies.CYCLE, before)
    whole = rate(rater, list(enumerate(rows)), state)
    of_group = defaultdict(list)
    for row in whole:
        of_group[row["charge_group"]].append(row["offset"])
    got: list[Row] = []
    used, spent = np.zeros_like(state.used), np.zeros_like(state.cap_spent)
    for offsets in of_group.values():
        alone = rater.open_cycle(strategies.CYCLE, before)
        got += rate(rater, [(at, rows[at]) for at in offsets], alone)
        used += alone.used
        spent += alone.cap_spent
    assert got == whole
    assert np.array_equal(used, state.used)
    assert np.array_equal(spent, state.cap_spent)


def any_order_of_rows(case: Case, seed: int) -> None:
    """Events that start together are charged alike in whatever order they arrive.

    Their own keys tell them apart; what has one key is one event, of which the first is taken.
    """
    book, data, drawn, before = case
    # few moments, so that many events start together
    rows = [
        {**row, "start_time": drawn[at % MOMENTS]["start_time"]}
        for at, row in enumerate(drawn)
        if len(drawn) >= MOMENTS
    ]
    high, low = record_keys(edr_batch(rows))
    keys = list(zip(high.tolist(), low.tolist(), strict=True))
    first = dict(reversed(list(zip(keys, enumerate(rows), strict=True))))
    events = list(first.values())
    shuffled = [events[at] for at in np.random.default_rng(seed).permutation(len(events))]
    rater = Rater(book, data)
    found = []
    for some in (events, shuffled):
        batch = edr_batch([{**row, "offset": offset} for offset, row in some])
        state = rater.open_cycle(strategies.CYCLE, before)
        rated = rater.rate(rater.prepare(batch), state)
        offsets = [some[row][0] for row in rated.unrated.row]
        unrated = sorted(zip(offsets, rated.unrated.status.tolist(), strict=True))
        found.append((_bytes(rated.table), unrated, state.used.tobytes(), _spent(state)))
    assert found[0] == found[1]


def isolated_pieces_add_up(case: Case) -> None:
    """A call that is cut in isolation costs what its pieces cost as calls of their own.

    True of the usage charge and of what allowances give. Not of what is looked at once for a call:
    connect fee, minimum, maximum and rounding; whether an allowance is valid, which day counts.
    """
    book, data, rows, before = case
    alone = _once_free(book, ISOLATED)
    rater, balances = Rater(alone, data), Balances.opened(strategies.CYCLE, alone, data)
    for row, event in _calls(rows, alone, data):
        parts = [(piece.begin, piece.end) for piece in cut(event, alone, data)]
        _same_in_parts(rater, balances, row, parts, before)


def unit_beats_add_up(case: Case, places: Sequence[int]) -> None:
    """A call in beats of a second at one price per second may be cut anywhere.

    With longer beats it may not: consecutive beats run on across a cut that they have paid for,
    and two records round up twice. Nor with steps, which begin with each event; nor may it where
    the first or last second says the price of all (``start``, ``end``).

    Args:
        case: The case.
        places: Seconds at which to cut, modulo the call's length.
    """
    book, data, rows, before = case
    first = np.repeat(book.pm_step_first[:-1], np.diff(book.pm_step_first))
    for split in (CONSECUTIVE, ISOLATED):
        even = replace(
            _once_free(book, split),
            step_price=book.step_price[first],
            step_per=np.ones_like(book.step_per),
            step_beat=np.ones_like(book.step_beat),
            step_flat=np.zeros_like(book.step_flat),
            alw_beat=np.ones_like(book.alw_beat),
        )
        rater, balances = Rater(even, data), Balances.opened(strategies.CYCLE, even, data)
        for row, event in _calls(rows, even, data):
            ends = sorted({place % event.quantity for place in places} - {0})
            parts = list(zip([0, *ends], [*ends, event.quantity], strict=True))
            _same_in_parts(rater, balances, row, parts, before)


def _once_free(book: CompiledBook, split: int) -> CompiledBook:
    """Returns the book without what is looked at once for a whole call."""
    return replace(
        book,
        rule_split=np.full_like(book.rule_split, split),
        rule_minimum=np.zeros_like(book.rule_minimum),
        pm_min=np.zeros_like(book.pm_min),
        pm_max=np.full_like(book.pm_max, -1),
        alw_daily=np.zeros_like(book.alw_daily),
        cnt_daily=np.zeros_like(book.cnt_daily),
        cnt_match=np.zeros_like(book.cnt_match),  # of a price: each part would be counted whole
        exchange={},
    )


def _calls(rows: list[Row], book: CompiledBook, data: Subscribers) -> list[tuple[Row, Event]]:
    """Returns some events that measure seconds and have a price at their start."""
    found = []
    for row in rows:
        try:
            event = classify(row, book, data)
            pieces = cut(event, book, data) if 0 < event.quantity < 2 * 86_400 else []
        except NotRatedError:
            continue
        if pieces and book.rule_rum[event.rule] == 0:
            found.append((row, event))
        if len(found) == MOST_CUT:
            break
    return found


def _same_in_parts(
    rater: Rater,
    balances: Balances,
    row: Row,
    parts: list[tuple[int, int]],
    before: pa.Table | None,
) -> None:
    """Rates a call whole and in parts; parts that are another subscriber's or class's say nothing."""
    book, data = rater.compiled, rater.subscribers
    pieces = [
        {**row, "start_time": row["start_time"] + begin * SECOND, "duration": end - begin}
        for begin, end in parts
    ]
    end_us = rater.open_cycle(strategies.CYCLE).end_us
    if pieces[-1]["start_time"] >= end_us:
        return

    def seen(part: Row) -> object:
        event = classify(part, book, data)
        usable = [grant.key for grant in balances.usable(event.period, event.start)]
        return event.period, event.class_id, int(book.rule_rum[event.rule]), usable

    try:
        if any(seen(part) != seen(row) for part in pieces[1:]):
            return
    except NotRatedError:
        return
    results = []
    for records in ([row], pieces):
        state = rater.open_cycle(strategies.CYCLE, before)
        rated = rate(rater, list(enumerate(records)), state)
        names = ("usage_charge", "charged_units", "allowance_units")
        sums = {name: sum(one[name] for one in rated) for name in names}
        results.append((sums, state.used.tolist(), len(rated) == len(records)))
    whole, divided = results
    if whole[2] and divided[2]:  # neither lacks a price or costs too much
        assert whole == divided


def _bytes(table: pa.Table | pa.RecordBatch) -> bytes:
    """Returns a table as it would be sent, so that every byte is compared."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write(table)
    return bytes(sink.getvalue())


def _spent(state: CycleState) -> bytes:
    return bytes(state.cap_spent.tobytes())


CHECKS: tuple[Callable[[Case, int], None], ...] = (
    lambda case, _: conserved(case),
    lambda case, _: repeatable(case),
    lambda case, _: groups_apart(case),
    lambda case, seed: whole_or_in_batches(case, (seed, seed // 7, seed // 31)),
    any_order_of_rows,
    lambda case, _: isolated_pieces_add_up(case),
    lambda case, seed: unit_beats_add_up(case, (seed % 86_399, seed // 17, 60)),
)
"""Each takes a case and a number from which it draws where to cut and how to shuffle."""
