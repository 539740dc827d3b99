"""Reads options: packs and subscriptions that subscribers buy beside their plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from tariffs.model import Allowance, Fee, Option
from tariffs.read_allowances import read_allowance
from tariffs.read_fees import read_fee

if TYPE_CHECKING:
    from collections.abc import Callable

    from tariffs.cells import Cell
    from tariffs.context import Context

T = TypeVar("T", Fee, Allowance)
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
            tuple(_parts(table, "fees", read_fee, context)),
            tuple(_parts(table, "allowances", read_allowance, context)),
        )


def _parts(
    table: dict[str, Cell],
    key: str,
    read: Callable[[Cell, Context], T | None],
    context: Context,
) -> list[T]:
    """Returns the parts of a list, whose ids must differ."""
    found: dict[str, T] = {}
    for cell in table[key].items(key) if key in table else []:
        part = read(cell, context)
        if part is None:
            continue
        if part.id in found:
            cell.fail(f"The id {part.id!r} is also in line {found[part.id].source.line}.")
        found[part.id] = part
    return list(found.values())
