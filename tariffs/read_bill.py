"""Reads ``bill.yaml``: what is taken off a bill, the least that it comes to, and who else pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.dated import Dated
from tariffs.model import BillDiscount, Commitment
from tariffs.read_parts import dated_amount, identity
from tariffs.read_payments import read_payments
from tariffs.scalars import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tariffs.cells import Cell
    from tariffs.context import Context
    from tariffs.payments import Payment

KINDS = ("usage", "fee")
WHOM = ("name", "tiers", "plans", "contracts", "accounts", "per")
BillRules = tuple[tuple[BillDiscount, ...], tuple[Commitment, ...], tuple["Payment", ...]]


def read_bill(cell: Cell, plans: Sequence[str], context: Context) -> BillRules:
    """Returns discounts on bills, minimum commitments and payments, in the order of the file."""
    table = cell.table("bill.yaml", (), ("discounts", "commitments", "payments"))
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
    return (
        tuple(discounts.values()),
        tuple(one for one in commitments if one is not None),
        read_payments(table, context),
    )


def _discount(cell: Cell, plans: Sequence[str], context: Context) -> BillDiscount | None:
    table = cell.table("bill discount", ("id", "percent"), (*WHOM, "of", "from", "gl_code"))
    named = identity(cell, table)
    if named is None or "percent" not in table:
        return None
    head = context.head
    return BillDiscount(
        *named,
        cell.source,
        table["percent"].dated(head.zone, "percent", lambda one: one.value("percent", percent)),
        dated_amount(table, "from", context) or Dated.always(0),
        tuple(table["of"].chosen("kind of line", KINDS)) if "of" in table else ("usage",),
        _tiers(table, context),
        _names(table, "plans", "plan", plans),
        _texts(table, "contracts"),
        (table["gl_code"].name("G/L code", head.gl_codes) or "") if "gl_code" in table else "",
        _texts(table, "accounts"),
        _per_account(table),
    )


def _commitment(cell: Cell, plans: Sequence[str], context: Context) -> Commitment | None:
    required = ("id", "amount", "tax", "gl_code")
    table = cell.table("commitment", required, WHOM)
    named, least = identity(cell, table), dated_amount(table, "amount", context)
    if named is None or least is None or not table.keys() >= set(required):
        return None
    return Commitment(
        *named,
        cell.source,
        least,
        _tiers(table, context),
        _names(table, "plans", "plan", plans),
        _texts(table, "contracts"),
        table["tax"].name("tax", context.head.taxes) or "",
        table["gl_code"].name("G/L code", context.head.gl_codes) or "",
        _texts(table, "accounts"),
        _per_account(table),
    )


def _tiers(table: dict[str, Cell], context: Context) -> tuple[str, ...] | None:
    return _names(table, "tiers", "tier", context.head.tiers[1:])


def _names(
    table: dict[str, Cell], key: str, what: str, allowed: Sequence[str]
) -> tuple[str, ...] | None:
    """Returns allowed names, None where nothing is said."""
    return tuple(table[key].chosen(what, allowed)) if key in table else None


def _texts(table: dict[str, Cell], key: str) -> tuple[str, ...] | None:
    """Returns contracts or accounts, whose names are the subscriber data's."""
    if key not in table:
        return None
    return tuple(one.text(key.removesuffix("s")) or "" for one in table[key].some(key))


def _per_account(table: dict[str, Cell]) -> bool:
    """Returns whether an account's subscribers are looked at together."""
    return "per" in table and table["per"].name("per", ("subscriber", "account")) == "account"
