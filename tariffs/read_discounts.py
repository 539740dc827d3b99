"""Reads discounts on the event: who gets them, on what, and what they take off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.compiled import DISCOUNT_KINDS
from tariffs.model import Discount
from tariffs.read_counts import threshold_of_discount
from tariffs.read_parts import anything, flag, read_bands, read_conditions, word
from tariffs.scalars import amount, percent

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context
    from tariffs.dated import Dated
    from tariffs.model import Count

AUDIENCES = ("everyone", "friends", "group")
OPTIONS = (
    "name",
    "for",
    "tiers",
    "when",
    "bands",
    "on_connect_fee",
    "exclusive",
    "one_of",
    "after",
)
MOST_GROUPS = 60


def read_discounts(cell: Cell, context: Context) -> None:
    """Reads a file of ``discounts/`` into ``context.discounts``."""
    for name, key, entry in cell.entries(cell.file):
        table = entry.table(f"discount {name}", (), (*DISCOUNT_KINDS, *OPTIONS))
        if name in context.discounts:
            key.fail(f"The discount {name!r} is also in {context.discounts[name].source}.")
        kinds = [kind for kind in DISCOUNT_KINDS if kind in table]
        if len(kinds) != 1:
            entry.fail(
                f"The discount {name!r} has {' and '.join(kinds) or 'nothing to take off'}.",
                f"Write one of {', '.join(DISCOUNT_KINDS)}.",
            )
            continue
        kind = kinds[0]
        after: tuple[int, Count | None] = (0, None)
        if "after" in table:
            after = threshold_of_discount(table["after"], name, context)
        context.discounts[name] = Discount(
            name,
            (table["name"].text("name") if "name" in table else None) or name,
            key.source,
            read_conditions(table["when"], context) if "when" in table else anything(context),
            read_bands(table, context),
            DISCOUNT_KINDS.index(kind),
            _value(table[kind], kind, context),
            word(table, "for", AUDIENCES),
            _tiers(table, context),
            _group(table, context),
            flag(table, "on_connect_fee"),
            flag(table, "exclusive"),
            *after,
            one_of_name=(table["one_of"].text("one_of") or "") if "one_of" in table else "",
        )


def _value(cell: Cell, kind: str, context: Context) -> Dated[int]:
    """Returns what a discount takes off, or leaves to pay."""
    parse = percent if kind == "percent" else amount
    return cell.dated(context.head.zone, kind, lambda one: one.value(kind, parse))


def _tiers(table: dict[str, Cell], context: Context) -> frozenset[int] | None:
    """Returns the tiers that a discount is for, None for all."""
    if "tiers" not in table:
        return None
    tiers = context.head.tiers
    return frozenset(tiers.index(one) for one in table["tiers"].chosen("tier", tiers[1:]))


def _group(table: dict[str, Cell], context: Context) -> int:
    """Returns the number of an exclusion group, 0 where the discount is in none."""
    name = table["one_of"].text("one_of") if "one_of" in table else None
    if not name:
        return 0
    if name not in context.exclusions and len(context.exclusions) == MOST_GROUPS:
        table["one_of"].fail(
            f"{name!r} is one exclusion group too many.", f"At most {MOST_GROUPS}."
        )
        return 0
    return context.exclusions.setdefault(name, 1 + len(context.exclusions))
