"""``huadan adjust``: enters notes by hand, and those that rating a billed cycle anew comes to."""

from __future__ import annotations

import datetime as dt
import getpass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.batch.stopwatch import Stopwatch
from pipeline.billing.adjust import (
    AGAIN,
    Note,
    bill_cycle_of,
    enter,
    notes,
    notes_for,
    require_taxes,
    withdraw,
)
from pipeline.billing.again import bill_again, scratch_folder
from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.nearest import nearest
from pipeline.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.progress import Listener
    from pipeline.workspace import Workspace

Key = tuple[str, str, str, int, str]
"""Account, subscriber, tax class, rate (ppm), G/L code."""
KINDS = ("usage", "fee", "discount", "transfer")
"""Kinds of lines that are compared; tax and rounding follow from them on the next bill."""


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def add(
    workspace: Workspace,
    account: str,
    cycle: str,
    amount: int,
    *,
    tax: str,
    gl_code: str,
    reason: str,
    item: str = "",
    subscriber: str = "",
    on: str | None = None,
) -> Note:
    """Enters a note.

    Args:
        workspace: Where.
        account: Whose; it has a bill in the cycle.
        cycle: The billed cycle that it is for.
        amount: 10^-6, less than 0: a credit.
        tax: Tax class of the book.
        gl_code: G/L code of the book.
        reason: Why.
        item: What the bill says.
        subscriber: Whom it is about; he has lines on that bill.
        on: The cycle on whose bill it stands; None: the next.

    Raises:
        UsageError: something that is named does not exist, or the bill is made.
    """
    from pipeline.billing.show import BillReader  # noqa: PLC0415 - heavy imports
    from tariffs import load_book  # noqa: PLC0415

    config = load_config(workspace)
    with locked(workspace.lock_file, "adjust"), Ledger(workspace.ledger_file) as ledger:
        bill_cycle = bill_cycle_of(ledger, cycle, on)
        book = load_book(workspace.root / config.paths.book)
        for what, name, known in (
            ("tax class", tax, [one.name for one in book.taxes]),
            ("G/L code", gl_code, list(book.gl_codes)),
        ):
            if name not in known:
                message = f"the tariff book has no {what} {name!r}"
                raise UsageError(message, nearest(name, known))
        lines = BillReader.open(workspace, cycle).one(account)["lines"]
        cards = sorted({line["subscriber_id"] for line in lines if line["subscriber_id"]})
        if subscriber and subscriber not in cards:
            message = f"subscriber {subscriber!r} is not on the bill of {account!r} in {cycle}"
            raise UsageError(message, nearest(subscriber, cards))
        note = Note(
            0, _now(), getpass.getuser(), reason, account, subscriber, cycle, bill_cycle, item,
            amount, tax, None, gl_code,
        )  # fmt: skip
        return enter(ledger, [note])[0]


def rerate_notes(
    workspace: Workspace,
    cycle: str,
    reason: str,
    *,
    on: str | None = None,
    threads: int | None = None,
    listener: Listener | None = None,
) -> list[Note]:
    """Rates and bills a billed cycle anew, and enters what its bills should have been other than they are.

    A note for each account, subscriber, tax class, rate and G/L code whose sum of usage, fees, discounts
    and transfers, less earlier notes for the cycle, differs. A second time there is nothing to enter.

    Raises:
        UsageError: the cycle is not billed, the bill is made, or the book lacks a tax class that
            the bills have.
        ReconciliationError: what was made does not tie.
    """
    config = load_config(workspace)
    with (
        locked(workspace.lock_file, "adjust"),
        Ledger(workspace.ledger_file) as ledger,
        scratch_folder(workspace.root) as scratch,
    ):
        bill_cycle = bill_cycle_of(ledger, cycle, on)
        watching = (listener or Silent(), Stopwatch())
        folders = (workspace.root, scratch)
        made, anew = bill_again(
            ledger, config, cycle, config.paths.book, folders, threads, watching
        )
        lines = f"billed/cycle={cycle}/bill_lines/"
        old = _sums([workspace.root / one.path for one in ledger.outputs(lines)])
        new = _sums([scratch / one.path for one in made if one.path.startswith(lines)])
        for note in notes_for(ledger, cycle):
            if note.item == AGAIN and note.tax_rate is not None:
                key = (note.account, note.subscriber, note.tax, note.tax_rate, note.gl_code)
                old[key] = old.get(key, 0) + note.amount
        when, who = _now(), getpass.getuser()
        found = [
            Note(
                0, when, who, reason, key[0], key[1], cycle, bill_cycle, AGAIN,
                new.get(key, 0) - old.get(key, 0), key[2], key[3], key[4],
            )
            for key in sorted(old.keys() | new.keys())
            if new.get(key, 0) != old.get(key, 0)
        ]  # fmt: skip
        require_taxes(found, list(dict.fromkeys(anew.rater.compiled.taxes)))
        entered = enter(ledger, found)
        bills = ledger.bill_of(cycle)
        if bills is not None and notes_for(ledger, cycle):
            ledger.bill_holds(bills.id)  # final: with their notes they say all that has changed
        return entered


def _sums(paths: Sequence[Path]) -> dict[Key, int]:
    """Returns the net of bill lines by what a note is told by, 10^-6."""
    import polars as pl  # noqa: PLC0415 - heavy

    if not paths:
        return {}
    names = ("account_id", "subscriber_id", "tax", "gl_code")
    frame = (
        pl.scan_parquet(list(paths), hive_partitioning=False)
        .with_columns(pl.col("kind", *names).cast(pl.String))
        .filter(pl.col("kind").is_in(KINDS))
        .group_by(*names[:3], "tax_rate", "gl_code")
        .agg(pl.col("net").cast(pl.Decimal(38, 6)).sum())
        .collect()
    )
    return {
        (account, who or "", tax or "", rate or 0, gl or ""): int(Decimal(net).scaleb(6))
        for account, who, tax, rate, gl, net in frame.iter_rows()
    }


def take_back(workspace: Workspace, number: int) -> Note:
    """Withdraws a note.

    Raises:
        UsageError: there is no such note, or its bill is made.
    """
    load_config(workspace)
    with locked(workspace.lock_file, "adjust"), Ledger(workspace.ledger_file) as ledger:
        return withdraw(ledger, number, _now())


def listed(workspace: Workspace, cycle: str | None = None) -> list[dict[str, Any]]:
    """Returns the notes as JSON-ready objects, with the bill run that they are in (None: not yet).

    Args:
        workspace: Where.
        cycle: Only those for this cycle, or on its bills.
    """
    load_config(workspace)
    workspace.require()
    if not workspace.ledger_file.exists():
        return []
    with Ledger(workspace.ledger_file) as ledger:
        runs = {batch.cycle: batch.name for batch in ledger.batches("bill")}
        return [
            {**one.to_dict(), "billed": None if one.withdrawn else runs.get(one.bill_cycle)}
            for one in notes(ledger)
            if cycle is None or cycle in {one.cycle, one.bill_cycle}
        ]
