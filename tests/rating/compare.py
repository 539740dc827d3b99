"""Compares the rater with its twin, row by row and balance by balance (:mod:`tests.rating.many`)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from rating.cycles import day_number, to_us
from rating.engine import Rater
from rating.kernels.guide import NO_PRICE, OVERFLOW
from rating.reference.balances import Balances, taken_of
from rating.reference.classify import classify
from rating.reference.steps import NotRatedError, money
from rating.reference.twin import rate
from rating.wholesale import cost_of
from tariffs.compiled import CAP_SCOPES
from tests.rating import strategies, strategies_events, strategies_subscribers
from tests.rating.strategies_edr import edr_batch, plain_keys
from tests.rating.strategies_written import load, written

if TYPE_CHECKING:
    import pyarrow as pa

    from rating.reference.classify import Event
    from rating.reference.grants import Carried
    from rating.reference.steps import Charge
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook


def compare(
    book: CompiledBook,
    data: Subscribers,
    rows: list[dict[str, Any]],
    before: pa.Table | None = None,
    cycle: str = strategies.CYCLE,
) -> int:
    """Rates the rows of a cycle both ways and asserts that everything is equal.

    Args:
        book: The tariff book.
        data: The subscribers.
        rows: EDRs.
        before: Balances of the cycle before.
        cycle: The month.

    Returns:
        How many events were rated.
    """
    rater = Rater(book, data)
    batch = edr_batch(rows)
    prepared = rater.prepare(batch, plain_keys(batch))
    state = rater.open_cycle(cycle, before)
    inside = {i for i, row in enumerate(rows) if state.begin_us <= row["start_time"] < state.end_us}
    balances = Balances.opened(cycle, book, data, _carried(before, data))
    expected: dict[int, Charge] = {}
    refused: dict[int, int] = {}
    found = []
    for i in sorted(inside):
        try:
            found.append((i, classify(rows[i], book, data)))
        except NotRatedError as error:
            refused[i] = error.status
    found.sort(key=lambda pair: (data.group[pair[1].period], pair[1].start, pair[0]))
    events = dict(found)
    for i, event in found:
        try:
            expected[i] = rate(event, book, data, balances)
        except NotRatedError as error:
            refused[i] = error.status
    rated = rater.rate(prepared, state)
    unrated = dict(zip(rated.unrated.row.tolist(), rated.unrated.status.tolist(), strict=True))
    # the twin cuts the whole event before it prices, the kernel piece by piece: an event that both
    # costs too much and runs into a time without a price has two reasons, and either is right
    both = {i for i, status in unrated.items() if status == OVERFLOW and refused.get(i) == NO_PRICE}
    assert unrated == refused | dict.fromkeys(both, OVERFLOW)
    assert rated.row.tolist() == [i for i, _ in found if i in expected]
    for got in rated.table.to_pylist():
        _compare_row(got, expected[got["offset"]], book, data, events[got["offset"]])
        event = events[got["offset"]]
        assert got["wholesale_cost"] == _cost(rows[got["offset"]], event, book)
    _compare_state(balances, state, book)
    return len(expected)


def _cost(row: dict[str, Any], event: Event, book: CompiledBook) -> Decimal | None:
    """What an event costs us."""
    found = cost_of(row, event.zone, event.start, book)
    return None if found is None else money(found[0])


def _compare_row(
    got: dict[str, Any], charge: Charge, book: CompiledBook, data: Subscribers, event: Event
) -> None:
    """Compares one rated record with the twin's charge."""
    assert got["net"] == (
        got["gross"] - got["discount_amount"] - got["cap_reduction"] + got["rounding"]
    )
    assert sum((step.amount or Decimal(0) for step in charge.steps), Decimal(0)) == charge.net
    names = [book.discounts[d] for d in charge.discounts]
    taken = [(book.allowances[grant.allowance], units) for grant, units in charge.takes]
    pairs = {
        "connect_fee": charge.connect,
        "usage_charge": charge.usage,
        "gross": charge.gross,
        "discount_amount": charge.discount,
        "cap_reduction": charge.cap,
        "rounding": charge.rounding,
        "net": charge.net,
        "charged_units": charge.charged,
        "allowance_units": charge.covered,
        "throttled": charge.throttled,
        "band": book.bands[charge.band],
        "discount": "+".join(names) or None,
        "quantity": event.quantity,
        "rule": book.rules[event.rule],
        "call_class": book.call_classes[event.call_class],
        "zone": book.zones[event.zone],
        "roaming": book.roaming_classes[event.roaming],
        "subscriber_id": data.names[data.subscriber[event.period]].as_py(),
        "plan": book.plans[data.plan[event.period]],
    }
    assert {name: got[name] for name in pairs} == pairs
    assert [(take["allowance"], take["units"]) for take in got["allowances"]] == taken


def _compare_state(balances: Balances, state: CycleState, book: CompiledBook) -> None:
    """Compares what is left of every allowance and what every cap has seen."""
    own = state.instances
    whole = balances_used(state)
    got = {
        tuple(int(c[i]) for c in (own.subscriber, own.giver, own.allowance, own.granted)): (
            int(own.given[i]),
            whole[i],
            int(own.valid_from[i]),
            int(own.valid_to[i]),
        )
        for i in range(len(own.allowance))
    }
    assert got == {
        grant.key: (
            grant.given,
            grant.used,
            grant.valid_from,
            grant.valid_to,
        )
        for grant in balances.grants
    }
    assert np.all(state.used >= 0)
    assert np.all(state.used[: len(own.given)] <= own.given)
    for grant in balances.grants:
        assert taken_of(state, grant) == {key: units for key, units in grant.taken.items() if units}
    _conserved(state, book)
    caps = state.counters
    first_day = day_number(state.begin_us, book.time_zone)
    names = book.caps + book.counts
    seen = {
        (
            names[caps.slot_cap[slot]],
            CAP_SCOPES[caps.slot_shared[slot]],
            int(caps.slot_owner[slot]),
            int(caps.slot_group[slot]),
            None if caps.slot_day[slot] < 0 else first_day + int(caps.slot_day[slot]),
        ): int(state.cap_spent[slot])
        for slot in np.flatnonzero(state.cap_spent)
    }
    spent = {key: int(amount.scaleb(6)) for key, amount in balances.spent.items()}
    expected = {key: amount for key, amount in (spent | balances.counted).items() if amount}
    assert seen == expected


def _carried(before: pa.Table | None, data: Subscribers) -> list[Carried]:
    """Returns balances as the twin takes them."""
    names = data.names.to_pylist()
    rows = [] if before is None else before.to_pylist()
    return [
        (
            names.index(row["subscriber_id"]),
            row["allowance"],
            to_us(row["granted_at"]),
            to_us(row["valid_to"]),
            row["left"],
        )
        for row in rows
        if row["subscriber_id"] in names
    ]


def balances_used(state: CycleState) -> list[int]:
    """Returns what was taken of each instance, on whatever day."""
    n = len(state.instances.allowance)
    used = state.used[:n].copy()
    days = state.further.by_day
    np.add.at(used, state.further.instance[days], state.used[n + days])
    return [int(units) for units in used]


def _conserved(state: CycleState, book: CompiledBook) -> None:
    """What is given is used or left, and no limit is passed on any day or by any member."""
    for row in state.balances().to_pylist():
        assert row["given"] == row["used"] + row["left"]
        assert row["left"] >= 0
    more = state.further
    for at in np.flatnonzero(more.limit_of >= 0):
        allowance = state.instances.allowance[more.instance[at]]
        limit = book.alw_limit_first[allowance] + more.limit_of[at]
        assert state.used[len(state.instances.given) + at] <= book.lim_quantity[limit]


@st.composite
def cases(
    draw: st.DrawFn, most: int = 120, times: int = 1, share: int = 4
) -> tuple[CompiledBook, Subscribers, list[dict[str, Any]], pa.Table | None]:
    """A book, subscribers, events and balances of the cycle before.

    One book of ``share`` is drawn as files, which take longer; the others as arrays.
    """
    if draw(st.integers(1, share)) == share:
        _, book = load(draw(written()))
    else:
        book = draw(strategies.books())
    data = draw(strategies_subscribers.subscribers(len(book.plans)))
    return (
        book,
        data,
        draw(strategies_events.events(most, times)),
        draw(strategies_subscribers.balances(book)),
    )
