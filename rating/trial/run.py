"""Rates a test case twice: by the kernels as a bill run does, and by the twin event by event."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mediation.duplicates import record_keys
from rating.billing.run import BillRun
from rating.cycles import cycle_before, cycle_of, day_number, to_us
from rating.engine import Rater
from rating.errors import nearest
from rating.reasons import REASONS
from rating.reference.balances import Balances
from rating.reference.classify import classify
from rating.reference.payers import Purses
from rating.reference.steps import NotRatedError
from rating.reference.twin import rate
from rating.schema import RUMS
from rating.trial.world import CaseError, batch_of, load_rows, record, tables_of
from tariffs.cases import FIRST_SUBSCRIBER
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from rating.reference.classify import Event
    from rating.reference.payers import Share
    from rating.reference.steps import Charge
    from rating.state import CycleState
    from rating.subscribers import Subscribers
    from tariffs.cases import Case
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

Row = dict[str, Any]
OF_BILLS = ("lines", "bill", "bills")
"""Expectations for which a case is billed."""
Left = dict[tuple[str, str], tuple[str, int]]
"""(allowance, subscriber who brings it) → (what is measured, units left; None: unlimited)."""


@dataclass(slots=True)
class Outcome:
    """What a case came to; lists have one entry for each usage.

    Attributes:
        rated: The kernels' rated record, None where there is none.
        unrated: Name of the reason, None where it was rated.
        charges: The twin's charge.
        refused: The twin's reason, None where it was rated.
        left_after: What the twin has left after the usage.
        left: What the kernels have left at the end.
        lines: Bill lines of all cycles.
        bills: Bills of all cycles.
        account: Account of the first subscriber, whose lines and bill are looked at.
        owners: Account of the subscriber at each usage, "" where nobody owns it.
        shares: What the twin has another account pay of each usage, None: nothing.
    """

    rated: list[Row | None]
    unrated: list[str | None]
    charges: list[Charge | None]
    refused: list[str | None]
    left_after: list[Left]
    left: Left = field(default_factory=dict)
    lines: list[Row] = field(default_factory=list)
    bills: list[Row] = field(default_factory=list)
    account: str = ""
    owners: list[str] = field(default_factory=list)
    shares: list[Share | None] = field(default_factory=list)

    @classmethod
    def of(cls, count: int) -> Outcome:
        """Returns an outcome of so many usages, none of them rated yet."""
        return cls(
            [None] * count,
            [None] * count,
            [None] * count,
            [None] * count,
            [{}] * count,
            owners=[""] * count,
            shares=[None] * count,
        )


class Trial:
    """Runs the cases of one book.

    Args:
        book: The book as written.
        compiled: The same book, compiled.
    """

    def __init__(self, book: Book, compiled: CompiledBook) -> None:
        self.book = book
        self.compiled = compiled
        self._people: dict[str, Rater] = {}

    def run(self, case: Case) -> Outcome:
        """Returns what a case comes to.

        Raises:
            RatingError: The case's people or records cannot be made.
        """
        rater = self._rater(case)
        data = rater.subscribers
        rows = self._records(case, data)
        zone = self.compiled.time_zone
        cycles = [cycle_of(to_us(row["start_time"]), zone) for row in rows]
        out = Outcome.of(len(rows))
        own = data.periods_of(FIRST_SUBSCRIBER)
        out.account = str(data.accounts[data.account[own[0]]].as_py()) if own else ""
        others_pay = bool(self.book.payments and len(data.payers.subscriber))
        bills = others_pay or any(one.path[0] in OF_BILLS for one in case.expect)
        before: pa.Table | None = None
        last = ""
        for at, cycle in enumerate(sorted(set(cycles))):
            state = rater.open_cycle(cycle, before if last == cycle_before(cycle) else None)
            if at == 0:
                _open(state, case)
            mine = [row for row, its in zip(rows, cycles, strict=True) if its == cycle]
            self._twin(mine, state.copy(), out)
            made = self._bill if bills else partial(_kernels, rater)
            before = made(mine, state, out)
            last = cycle
        return out

    def _rater(self, case: Case) -> Rater:
        """Returns the rater for a case's people; cases with the same people share it."""
        tables = tables_of(case, self.compiled)
        key = repr(tables)
        if key not in self._people:
            self._people[key] = Rater(self.compiled, load_rows(tables, self.compiled))
        return self._people[key]

    def _records(self, case: Case, data: Subscribers) -> list[Row]:
        names = data.names.to_pylist()
        rows = []
        for offset, usage in enumerate(case.usages):
            mine = data.periods_of(usage.by) if usage.by in names else []
            at = [i for i in mine if data.valid_from[i] <= to_us(usage.at) < data.valid_to[i]]
            period = (at or mine or [-1])[0]
            imsi, number = (
                (int(data.imsi[period]), int(data.msisdn[period])) if period >= 0 else (-1, -1)
            )
            rows.append(record(usage, imsi, number, offset))
        return rows

    def _bill(self, rows: list[Row], state: CycleState, out: Outcome) -> pa.Table:
        """Rates and bills; returns the balances."""
        run = BillRun(
            self.compiled, self.book, state.subscribers, state.cycle, partitions=1, state=state
        )
        bill = run.partition(0, [batch_of(rows)])
        for row in bill.unrated.to_pylist():
            out.unrated[row["offset"]] = row["reason"]
        out.lines += bill.lines.to_pylist()
        out.bills += bill.bills.to_pylist()
        _taken(bill.rated, bill.balances, out)
        purses = Purses(self.book, state.subscribers, state.begin_us)
        for row in bill.rated.to_pylist():
            out.shares[row["offset"]] = purses.pay(row, to_us(row["start_time"]))
        return bill.balances

    def _twin(self, rows: list[Row], state: CycleState, out: Outcome) -> None:
        data = state.subscribers
        events = []
        for row in rows:
            try:
                events.append((row["offset"], classify(row, self.compiled, data)))
            except NotRatedError as error:
                out.refused[row["offset"]] = REASONS[error.status].name
        keys = _keys(rows)
        events.sort(key=lambda one: (data.group[one[1].period], one[1].start, keys[one[0]]))
        held: dict[int, Balances] = {}
        for offset, event in events:
            group = int(data.group[event.period])
            out.owners[offset] = str(data.accounts[data.account[event.period]].as_py())
            balances = held.setdefault(group, Balances.of_state(state, group))
            try:
                out.charges[offset] = rate(event, self.compiled, data, balances)
            except NotRatedError as error:
                out.refused[offset] = REASONS[error.status].name
            out.left_after[offset] = self._left(balances, event)

    def _left(self, balances: Balances, event: Event) -> Left:
        """Returns what is left after an event, of what is given by day on its day."""
        book, out = self.compiled, Left()
        day = day_number(event.start, book.time_zone)
        for grant in balances.grants:
            daily = bool(book.alw_daily[grant.allowance])
            used = grant.taken.get((day, None, None), 0) if daily else grant.used
            key = (book.allowances[grant.allowance], _name(balances.data, grant.subscriber))
            _add_left(out, key, RUMS[book.alw_rum[grant.allowance]], grant.given - used)
        return out


def _kernels(rater: Rater, rows: list[Row], state: CycleState, out: Outcome) -> pa.Table:
    """Rates as a bill run does, but makes no bill; returns the balances."""
    rated = rater.rate(rater.prepare(batch_of(rows)), state)
    for row, reason in zip(rated.unrated.row.tolist(), rated.unrated.reasons(), strict=True):
        out.unrated[rows[row]["offset"]] = reason
    balances = pa.Table.from_batches([state.balances()])
    _taken(rated.table, balances, out)
    return balances


def _taken(
    rated: pa.Table | pa.RecordBatch, balances: pa.Table | pa.RecordBatch, out: Outcome
) -> None:
    """Notes rated records and what is left after them."""
    for row in rated.to_pylist():
        out.rated[row["offset"]] = row
    out.left = {}
    for row in balances.to_pylist():
        _add_left(out.left, (row["allowance"], row["subscriber_id"]), row["rum"], row["left"])


def _keys(rows: list[Row]) -> dict[int, tuple[int, int]]:
    """Returns the key that orders events of one instant, by offset."""
    high, low = record_keys(batch_of(rows))
    pairs = zip(high.tolist(), low.tolist(), strict=True)
    return dict(zip((row["offset"] for row in rows), pairs, strict=True))


def _add_left(out: Left, key: tuple[str, str], rum: str, units: int) -> None:
    """Adds what one grant has left; grants of one name and owner are one."""
    before = out.get(key, ("", 0))[1]
    most = FOREVER if units > FOREVER // 2 else before + units
    out[key] = (kind_of(rum), most)


def kind_of(rum: str) -> str:
    """Returns what a metric counts: seconds, bytes or events."""
    return "bytes" if rum.endswith("bytes") else rum


def _name(data: Subscribers, index: int) -> str:
    return str(data.names[index].as_py())


def _open(state: CycleState, case: Case) -> None:
    """Puts what the case says is left and spent into a state.

    Raises:
        CaseError: There is no such allowance or cap.
    """
    own, book, counters = state.instances, state.compiled, state.counters
    grants = [
        (book.allowances[a], int(s)) for a, s in zip(own.allowance, own.subscriber, strict=True)
    ]
    for name, (_, units) in case.left.items():
        for at in _found(name, grants, "allowance", case, state):
            state.used[at] = max(0, int(own.given[at]) - units)
    names = book.caps + book.counts
    slots = [
        (names[cap], -1 if shared else int(owner))
        for cap, owner, shared in zip(
            counters.slot_cap, counters.slot_owner, counters.slot_shared, strict=True
        )
    ]
    for name, amount in case.spent.items():
        for slot in _found(name, slots, "cap", case, state):
            state.cap_spent[slot] = amount
    for name, (_, units) in case.counted.items():
        for slot in _found(name, slots, "count", case, state):
            state.cap_spent[slot] = units


def _found(
    name: str, given: list[tuple[str, int]], what: str, case: Case, state: CycleState
) -> list[int]:
    """Returns the positions of what a name means; raises CaseError where it means nothing."""
    names = state.subscribers.names
    found = [
        at
        for at, (full, owner) in enumerate(given)
        if matches(name, full, str(names[owner].as_py()) if owner >= 0 else "")
    ]
    if not found:
        hint = nearest(name, sorted({full.rpartition("/")[2] for full, _ in given}))
        message = f"{case.source}: the case's people have no {what} {name!r}. {hint}"
        raise CaseError(message)
    return found


def matches(name: str, full: str, owner: str) -> bool:
    """Returns whether ``minutes``, ``talk/minutes`` or ``S2 minutes`` means what is named."""
    who, _, what = name.rpartition(" ")
    return (not who or who == owner) and what in {full, full.rpartition("/")[2]}
