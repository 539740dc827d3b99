"""Reads allowances: what is given, for how long, who may take how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs.compiled import FOREVER
from tariffs.model import Allowance, Limit
from tariffs.read_fees import read_use_fee
from tariffs.read_parts import flag, identity, read_bands, read_conditions, read_roles, word
from tariffs.scalars import days_from, quantity, quantity_or_unlimited, whole

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

KIND_RUM = {"seconds": 0, "bytes": 1, "events": 4}
REQUIRED = ("id", "quantity", "when")
OPTIONAL = (
    "name",
    "bands",
    "priority",
    "shared",
    "prorate",
    "beat",
    "validity",
    "limits",
    "throttle",
    "rollover",
    "fee",
    "roles",
)
VALIDITIES = ("cycle", "day")
MOST_ROLLOVER = 100


class _Kinds:
    """Reads quantities and remembers what they count."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def read(self, cell: Cell, what: str, *, unlimited: bool = False) -> int | None:
        pair = cell.value(what, quantity_or_unlimited if unlimited else quantity)
        if pair is None:
            return None
        self.found.add(pair[0])
        return pair[1]


def read_allowance(cell: Cell, context: Context) -> Allowance | None:
    """Returns an allowance of a plan; the unit of its quantity says what it measures."""
    table = cell.table("allowance", REQUIRED, OPTIONAL)
    named = identity(cell, table)
    if named is None or not table.keys() >= set(REQUIRED):
        return None
    kinds = _Kinds()
    given = table["quantity"].dated(
        context.head.zone, "quantity", lambda one: kinds.read(one, "quantity", unlimited=True)
    )
    beat = kinds.read(table["beat"], "beat") if "beat" in table else None
    throttle = kinds.read(table["throttle"], "throttle") if "throttle" in table else None
    shared, prorate = flag(table, "shared"), flag(table, "prorate")
    limits = _limits(table["limits"], kinds, context, shared=shared) if "limits" in table else ()
    if len(kinds.found) > 1:
        counted = " and ".join(sorted(kinds.found))
        cell.fail(f"The allowance counts {counted}.", "Use one kind of unit.")
    daily, days = _validity(table)
    if (daily or days) and prorate:
        table["prorate"].fail(
            f"An allowance of {'a day' if daily else 'some days'} is not prorated.",
            "Leave out prorate: it is given whole.",
        )
    rollover, rolled_last = _rollover(table["rollover"]) if "rollover" in table else (0, False)
    if (daily or days) and rollover:
        table["rollover"].fail(
            "Only an allowance of a cycle rolls over.", "Leave out rollover, or write more days."
        )
    priority = table["priority"].value("priority", whole) if "priority" in table else 100
    return Allowance(
        *named,
        cell.source,
        read_conditions(table["when"], context),
        read_bands(table, context),
        KIND_RUM[min(kinds.found, default="seconds")],
        given,
        100 if priority is None else priority,
        shared,
        prorate,
        beat or 0,
        daily,
        FOREVER if throttle is None else throttle,
        limits,
        days,
        rollover,
        rolled_last,
        read_use_fee(table["fee"], named, context) if "fee" in table else None,
        read_roles(table),
    )


def _validity(table: dict[str, Cell]) -> tuple[bool, int]:
    """Returns (given by day, days from activation or 0)."""
    if "validity" not in table:
        return False, 0
    text = table["validity"].value("validity", _known_validity)
    if text is None or text in VALIDITIES:
        return text == "day", 0
    return False, int(text.split()[0])


def _known_validity(text: str) -> str:
    days = days_from(text) if text.endswith((" day", " days")) else 0
    if text not in VALIDITIES and not days:
        msg = f"{text!r} is none: write cycle, day, or days from activation such as 30 days."
        raise ValueError(msg)
    return text


def _rollover(cell: Cell) -> tuple[int, bool]:
    """Returns (following cycles, whether what rolled over is taken last)."""
    table = cell.table("rollover", ("cycles",), ("use",))
    cycles = table["cycles"].value("cycles", whole) if "cycles" in table else 1
    if cycles is not None and not 1 <= cycles <= MOST_ROLLOVER:
        cell.fail(f"rollover: {cycles} cycles.", f"Write 1 to {MOST_ROLLOVER}.")
        cycles = 1
    return cycles or 1, word(table, "use", ("first", "last")) == "last"


def _limits(cell: Cell, kinds: _Kinds, context: Context, *, shared: bool) -> tuple[Limit, ...]:
    """Returns the limits inside an allowance."""
    found: list[Limit] = []
    for item in cell.items("limits"):
        table = item.table("limit", ("quantity",), ("when", "per", "roles"))
        most = kinds.read(table["quantity"], "quantity") if "quantity" in table else None
        per_member = word(table, "per", ("all", "member")) == "member"
        if per_member and not shared:
            table["per"].fail(
                "Only a shared allowance has members.", "Write shared: yes, or leave out per."
            )
        if "when" not in table and not per_member and "roles" not in table:
            item.fail(
                "The limit is for everything that the allowance covers.",
                "Write when, roles, or per: member; or give less.",
            )
        when = read_conditions(table["when"], context) if "when" in table else None
        if most is not None:
            found.append(Limit(item.source, most, when, per_member, read_roles(table)))
    return tuple(found)
