"""Credit and debit notes: what somebody decided about a billed cycle, kept in the ledger with the reason.

The bills of a cycle that has notes are final. A note stands on the bill of a later cycle that is not
billed yet, as a line of its own; from then on it can be undone by its opposite only.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.ledger.rollbacks import mark_bill
from pipeline.nearest import nearest
from rating.cycles import first_day, last_day

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from pipeline.ledger.store import Ledger
    from rating.billing.adjustments import Adjustment

_COLUMNS = (
    *("id", "made", "who", "reason", "account", "subscriber", "cycle", "bill_cycle", "item"),
    *("amount", "tax", "tax_rate", "gl_code", "withdrawn"),
)


AGAIN = "billed again"
"""Item of a note that says what billing a final cycle again comes to."""


@dataclass(frozen=True, slots=True)
class Note:
    """One credit or debit note.

    Attributes:
        id: Its number, 0 before it is entered.
        made: When, UTC.
        who: By whom.
        reason: Why.
        account: Whose.
        subscriber: Whom it is about, empty: the whole account.
        cycle: The billed cycle that it is for.
        bill_cycle: The cycle on whose bill it stands.
        item: What the bill says beside its number.
        amount: 10^-6, less than 0: a credit; without a tax that comes on top of prices.
        tax: Tax class.
        tax_rate: ppm, None: that of the class when `cycle` began.
        gl_code: Account of the general ledger.
        withdrawn: When it was withdrawn, None: it counts.
    """

    id: int
    made: str
    who: str
    reason: str
    account: str
    subscriber: str
    cycle: str
    bill_cycle: str
    item: str
    amount: int
    tax: str
    tax_rate: int | None
    gl_code: str
    withdrawn: str | None = None

    @property
    def title(self) -> str:
        """Returns what the bill calls it."""
        name = f"{'Credit' if self.amount < 0 else 'Debit'} note {self.id}"
        return f"{name}: {self.item}" if self.item else name

    def text(self) -> str:
        """Returns all that bills depend on, as one line."""
        told = dataclasses.asdict(self)
        for name in ("made", "who", "reason", "withdrawn", "bill_cycle"):
            del told[name]
        return json.dumps(told, sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object; the amount is text, in units of the currency."""
        told = dataclasses.asdict(self)
        return {**told, "amount": str(Decimal(self.amount).scaleb(-6)), "title": self.title}

    def for_bill(self, time_zone: str) -> Adjustment:
        """Returns the note as a bill run takes it."""
        from rating.billing.adjustments import Adjustment  # noqa: PLC0415 - heavy imports
        from rating.billing.cycle import month_cycle  # noqa: PLC0415

        return Adjustment(
            number=self.id,
            account=self.account,
            subscriber=self.subscriber,
            item=self.title,
            amount=self.amount,
            tax=self.tax,
            tax_rate=self.tax_rate,
            gl=self.gl_code,
            cycle=month_cycle(self.cycle, time_zone),
        )


def notes(ledger: Ledger) -> list[Note]:
    """Returns all notes in the order in which they were entered."""
    return [
        Note(*row)
        for row in ledger.rows(f"SELECT {', '.join(_COLUMNS)} FROM adjustments ORDER BY id")  # noqa: S608 - ours
    ]


def notes_on(ledger: Ledger, bill_cycle: str) -> list[Note]:
    """Returns the notes that stand on the bills of a cycle, by number."""
    return [one for one in notes(ledger) if one.bill_cycle == bill_cycle and one.withdrawn is None]


def notes_for(ledger: Ledger, cycle: str) -> list[Note]:
    """Returns the notes for a cycle, wherever they stand."""
    return [one for one in notes(ledger) if one.cycle == cycle and one.withdrawn is None]


def next_step(ledger: Ledger, cycle: str) -> str:
    """Returns the command that brings a billed cycle up to date: notes if its bills are final."""
    if notes_for(ledger, cycle):
        return f"huadan adjust rerate {cycle} --reason TEXT"
    return f"huadan bill --cycle {cycle}"


def sum_of(found: Iterable[Note]) -> Decimal:
    """Returns the sum of notes."""
    return Decimal(sum(one.amount for one in found)).scaleb(-6)


def require_taxes(some: Iterable[Note], known: Sequence[str]) -> None:
    """Refuses notes whose tax class the book does not have: nobody knows what tax is due on them.

    Args:
        some: The notes.
        known: Tax classes of the book.

    Raises:
        UsageError: one has another.
    """
    lost = [one for one in some if one.tax and one.tax not in known]
    if lost:
        names = ", ".join(sorted({repr(one.tax) for one in lost}))
        first = f"note {lost[0].id}" if lost[0].id else f"a note to {lost[0].account}"
        more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
        message = f"the tariff book has no tax class {names}, that of {first}{more}"
        hint = f"it has: {', '.join(known) or 'none'}; keep a class that earlier bills use under `taxes`"
        raise UsageError(message, hint)


def require_open(ledger: Ledger, cycle: str) -> None:
    """Refuses to bill a cycle anew whose bills are final.

    Raises:
        UsageError: there are notes for it.
    """
    found = notes_for(ledger, cycle)
    if found and ledger.bill_of(cycle) is not None:
        message = (
            f"the bills of {cycle} are final: there are {len(found)} credit or debit notes for it"
        )
        hint = f"what has changed since: huadan adjust rerate {cycle} --reason TEXT"
        raise UsageError(message, hint)


def bill_cycle_of(ledger: Ledger, cycle: str, wanted: str | None) -> str:
    """Returns the cycle on whose bill a note for a billed cycle stands.

    Args:
        ledger: The ledger.
        cycle: The cycle that it is for.
        wanted: The cycle that was asked for; None: the first after all billed ones.

    Raises:
        UsageError: a cycle is none, is not billed, or the one that was asked for is.
    """
    for name in (cycle, *([wanted] if wanted else [])):
        try:
            first_day(name)
        except ValueError:
            message = f"{name!r} is not a cycle"
            raise UsageError(message, "write YYYY-MM") from None
    billed = sorted({batch.cycle or "" for batch in ledger.batches("bill")})
    if cycle not in billed:
        message = f"cycle {cycle} has not been billed"
        raise UsageError(message, f"a note is for one of: {', '.join(billed) or 'none'}")
    following = f"{last_day(billed[-1]):%Y-%m}"
    if wanted is not None and wanted <= billed[-1]:
        message = f"cycle {wanted} cannot take the note: {billed[-1]} is billed"
        raise UsageError(message, f"the next bill is that of {following}")
    return wanted or following


def enter(ledger: Ledger, some: Sequence[Note]) -> list[Note]:
    """Writes notes into the ledger in one transaction; returns them with their numbers.

    Raises:
        UsageError: no reason is given, or an amount is nothing.
    """
    if not all(one.reason.strip() for one in some):
        message = "a credit or debit note needs a reason"
        raise UsageError(message, "write --reason TEXT")
    if not all(one.amount for one in some):
        message = "a note of 0 changes nothing"
        raise UsageError(message, "write an amount, less than 0 for a credit")
    with ledger.writing() as db:
        return [dataclasses.replace(one, id=_insert(db, one)) for one in some]


def _insert(db: sqlite3.Connection, one: Note) -> int:
    columns = _COLUMNS[1:]
    row = db.execute(
        f"INSERT INTO adjustments ({', '.join(columns)})"  # noqa: S608 - ours
        f" VALUES ({', '.join('?' * len(columns))}) RETURNING id",
        [getattr(one, name) for name in columns],
    ).fetchone()
    return int(row[0])


def withdraw(ledger: Ledger, number: int, now: str) -> Note:
    """Withdraws a note that stands on no bill yet.

    Raises:
        UsageError: there is no such note in force, or its bill is made.
    """
    found = [one for one in notes(ledger) if one.withdrawn is None]
    mine = [one for one in found if one.id == number]
    if not mine:
        message = f"there is no note {number} in force"
        raise UsageError(message, nearest(str(number), [str(one.id) for one in found]))
    if ledger.bill_of(mine[0].bill_cycle) is not None:
        message = f"note {number} stands on the bill of {mine[0].bill_cycle}"
        raise UsageError(message, "enter the opposite: huadan adjust add")
    bills = ledger.bill_of(mine[0].cycle) if mine[0].item == AGAIN else None
    with ledger.writing() as db:
        db.execute("UPDATE adjustments SET withdrawn = ? WHERE id = ?", (now, number))
        if bills is not None:
            mark_bill(db, bills.id, f"note {number} was withdrawn")
    return mine[0]
