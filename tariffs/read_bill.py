"""Reads ``bill.yaml``: what is taken off a bill, and the least that it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.dated import Dated
from tariffs.model import BillDiscount, Commitment
from tariffs.read_parts import dated_amount, identity
from tariffs.scalars import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tariffs.cells import Cell
    from tariffs.context import Context

KINDS = ("usage", "fee")
BillRules = tuple[tuple[BillDiscount, ...], tuple[Commitment, ...]]


def read_bill(cell: Cell, plans: Sequence[str], context: Context) -> BillRules:
    """Returns discounts on bills and minimum commitments, in the order of the file."""
    table = cell.table("bill.yaml", (), ("discounts", "commitments"))
    discounts: dict[str, BillDiscount] = {}
    for item in table["discounts"].items("discounts") if "discounts" in table else []:
        one = _discount(item, plans, context)
        if one is not None and one.id in discounts:
            item.fail(f"The id {one.id!r} is also in line {discounts[one.id].source.line}.")
        if one is not None:
            discounts[one.id] = one
    commitments = [
        _commitment(item, plans, context)
        for item in (table["commitments"].items("commitments") if "commitments" in table else [])
    ]
    return tuple(discounts.values()), tuple(one for one in commitments if one is not None)


def _discount(cell: Cell, plans: Sequence[str], context: Context) -> BillDiscount | None:
    optional = ("name", "tiers", "plans", "contracts", "of", "from")
    table = cell.table("bill discount", ("id", "percent", "gl_code"), optional)
    named = identity(cell, table)
    if named is None or not table.keys() >= {"percent", "gl_code"}:
        return None
    head = context.head
    return BillDiscount(
        *named,
        cell.source,
        table["percent"].dated(head.zone, "percent", lambda one: one.value("percent", percent)),
        dated_amount(table, "from", context) or Dated.always(0),
        tuple(table["of"].names("kind of line", KINDS)) if "of" in table else ("usage",),
        _tiers(table, context),
        _names(table, "plans", "plan", plans),
        _texts(table),
        table["gl_code"].name("G/L code", head.gl_codes) or "",
    )


def _commitment(cell: Cell, plans: Sequence[str], context: Context) -> Commitment | None:
    required = ("id", "amount", "tax", "gl_code")
    table = cell.table("commitment", required, ("name", "tiers", "plans", "contracts"))
    named, least = identity(cell, table), dated_amount(table, "amount", context)
    if named is None or least is None or not table.keys() >= set(required):
        return None
    return Commitment(
        *named,
        cell.source,
        least,
        _tiers(table, context),
        _names(table, "plans", "plan", plans),
        _texts(table),
        table["tax"].name("tax", context.head.taxes) or "",
        table["gl_code"].name("G/L code", context.head.gl_codes) or "",
    )


def _tiers(table: dict[str, Cell], context: Context) -> tuple[str, ...] | None:
    return _names(table, "tiers", "tier", context.head.tiers[1:])


def _names(
    table: dict[str, Cell], key: str, what: str, allowed: Sequence[str]
) -> tuple[str, ...] | None:
    """Returns allowed names, None where nothing is said."""
    return tuple(table[key].names(what, allowed)) if key in table else None


def _texts(table: dict[str, Cell]) -> tuple[str, ...] | None:
    """Returns the contracts, whose names are the subscriber data's."""
    if "contracts" not in table:
        return None
    return tuple(one.text("contract") or "" for one in table["contracts"].items("contracts"))
