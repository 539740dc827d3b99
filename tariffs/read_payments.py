"""Reads the payments of ``bill.yaml``: what of a subscriber's usage another account pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.compiled import CLOCKS
from tariffs.payments import PaidUsage, Payment
from tariffs.read_parts import dated_amount, identity, read_conditions, read_parts

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

REQUIRED = ("id", "usage")


def read_payments(table: dict[str, Cell], context: Context) -> tuple[Payment, ...]:
    """Returns the payments in the order of the file: the first that fits an event counts."""
    return tuple(read_parts(table, "payments", _payment, context).values())


def _payment(cell: Cell, context: Context) -> Payment | None:
    table = cell.table("payment", REQUIRED, ("name", "limit"))
    named = identity(cell, table)
    if named is None or "usage" not in table:
        return None
    usage = [_usage(item, context) for item in table["usage"].items("usage")]
    if not usage:
        table["usage"].fail("The payment is for nothing.", "Write at least one {when: …}.")
    return Payment(
        *named,
        cell.source,
        tuple(one for one in usage if one is not None),
        dated_amount(table, "limit", context),
    )


def _usage(cell: Cell, context: Context) -> PaidUsage | None:
    table = cell.table("usage", ("when",), ("time", "bands", "clock"))
    if "when" not in table:
        return None
    bands: frozenset[int] | None = None
    model = 0
    if ("time" in table) != ("bands" in table):
        cell.fail("time and bands go together.", "Write both: whose bands, and which of them.")
    elif "time" in table:
        name = table["time"].name("time model", context.time_models)
        if name in context.time_models:
            found = context.time_models[name]
            model = list(context.time_models).index(name)
            allowed = [context.bands[band] for band in found.bands]
            names = table["bands"].chosen("band", allowed)
            bands = frozenset(context.bands.index(one) for one in names)
    clock = table["clock"].name("clock", CLOCKS) if "clock" in table else None
    return PaidUsage(
        cell.source,
        read_conditions(table["when"], context),
        model,
        bands,
        CLOCKS.index(clock) if clock in CLOCKS else context.head.clock,
    )
