"""Reads fees: of each cycle, once, and of the use of an allowance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.model import ROLES, Fee
from tariffs.read_parts import dated_amount, identity, read_roles, word
from tariffs.scalars import days_from

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

BOOKED = ("amount", "tax", "gl_code")
RECURRING = ("proration", "trial", "first_cycle", "leaving")


def read_fee(cell: Cell, context: Context) -> Fee | None:
    """Returns a fee of a plan or an option."""
    table = cell.table("fee", ("id", *BOOKED), ("name", "charged", "roles", *RECURRING))
    named, fee = identity(cell, table), dated_amount(table, "amount", context)
    if named is None or fee is None or not table.keys() >= set(BOOKED):
        return None
    charged = word(table, "charged", ("advance", "arrears", "once"))
    for key in RECURRING if charged == "once" else ():
        if key in table:
            table[key].fail(f"A fee that is charged once has no {key}.", "Leave it out.")
    trial = table["trial"].value("trial", days_from) if "trial" in table else 0
    return Fee(
        *named,
        cell.source,
        fee,
        word(table, "proration", ("none", "daily")),
        charged,
        *_booked(table, context),
        read_roles(table),
        trial or 0,
        dated_amount(table, "first_cycle", context),
        word(table, "leaving", ("as_usual", "whole", "daily", "free")),
    )


def read_use_fee(cell: Cell, named: tuple[str, str], context: Context) -> Fee | None:
    """Returns what the use of an allowance costs, whose id and name it has unless it says so."""
    table = cell.table("fee", BOOKED, ("name",))
    fee = dated_amount(table, "amount", context)
    if fee is None or not table.keys() >= set(BOOKED):
        return None
    name = table["name"].text("name") if "name" in table else None
    booked = _booked(table, context)
    named = (named[0], name or named[1])
    return Fee(*named, cell.source, fee, "none", "once", *booked, ROLES, 0, None, "as_usual")


def _booked(table: dict[str, Cell], context: Context) -> tuple[str, str]:
    """Returns tax class and G/L code."""
    head = context.head
    tax = table["tax"].name("tax", head.taxes)
    return tax or "", table["gl_code"].name("G/L code", head.gl_codes) or ""
