"""Reads options: packs and subscriptions that subscribers buy beside their plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tariffs.model import Option
from tariffs.read_allowances import read_allowance
from tariffs.read_fees import read_fee
from tariffs.read_parts import read_parts

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

OPTION_KEYS = ("name", "fees", "allowances")


def read_options(cell: Cell, context: Context) -> None:
    """Reads a file of ``options/`` into ``context.options``."""
    for name, key, entry in cell.entries(cell.file):
        table = entry.table(f"option {name}", (), OPTION_KEYS)
        if name in context.options:
            key.fail(f"The option {name!r} is also in {context.options[name].source}.")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            key.fail(f"{name!r} is no name for an option.", "Small letters, digits and _.")
        if not table.keys() & {"fees", "allowances"}:
            entry.fail(f"The option {name!r} is nothing.", "Write fees, allowances, or both.")
        context.options[name] = Option(
            name,
            (table["name"].text("name") if "name" in table else None) or name,
            key.source,
            tuple(read_parts(table, "fees", read_fee, context).values()),
            tuple(read_parts(table, "allowances", read_allowance, context).values()),
        )
