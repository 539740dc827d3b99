"""Reads the parts that plans are made of: conditions, caps, discounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from tariffs.compiled import CAP_SCOPES, DIRECTIONS, HOME_ZONE, RUMS, SERVICES
from tariffs.errors import nearest
from tariffs.model import ROLES, Cap, Conditions
from tariffs.scalars import amount, yes_no

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tariffs.cells import Cell
    from tariffs.context import Context
    from tariffs.dated import Dated
    from tariffs.errors import Source

CONDITIONS = ("service", "direction", "class", "zone", "data_class", "roaming")
SERVED = frozenset(DIRECTIONS.index(name) for name in ("originating", "terminating", "forwarded"))
"""Legs that charge the served party; the others are meant only where they are named."""


class Part(Protocol):
    """What a list defines: a fee, an allowance, a cap."""

    @property
    def id(self) -> str:
        """Its name among its like."""

    @property
    def source(self) -> Source:
        """Where it is written."""


AnyPart = TypeVar("AnyPart", bound=Part)


def read_conditions(cell: Cell, context: Context) -> Conditions:
    """Returns ``when: {service: voice, zone: [a, b], roaming: {not: home}}`` as sets."""
    if cell.is_blank:
        cell.fail("Nothing is written under when.", "Write {} if everything is meant.")
    table = cell.table("when", (), CONDITIONS)

    def pick(key: str) -> frozenset[int] | None:
        return _indexes(table[key], key, context.positions(key)) if key in table else None

    services, directions = pick("service"), pick("direction")
    if "zone" in table and "data_class" in table:
        table["data_class"].fail("A zone and a data class.", "Data has no zone; write one of them.")
    return Conditions(
        anything(context).services if services is None else services,
        SERVED if directions is None else directions,
        pick("class"),
        pick("data_class" if "data_class" in table else "zone"),
        _with_home_zone(pick("roaming"), table, context),
    )


def _with_home_zone(
    roaming: frozenset[int] | None, table: dict[str, Cell], context: Context
) -> frozenset[int] | None:
    """Returns roaming classes of a condition: who is in his home zone is at home as well."""
    positions = context.positions("roaming")
    if roaming is None or HOME_ZONE not in positions:
        return roaming
    if table["roaming"].is_mapping:
        return roaming if 0 in roaming else roaming - {positions[HOME_ZONE]}
    return roaming | {positions[HOME_ZONE]} if 0 in roaming else roaming


def anything(context: Context) -> Conditions:
    """Returns the conditions that hold for every event that charges the served party."""
    return Conditions(frozenset(context.head.services), SERVED, None, None, None)


def _indexes(cell: Cell, what: str, positions: Mapping[str, int]) -> frozenset[int]:
    inverted = cell.is_mapping
    if inverted:
        table = cell.table(what, ("not",))
        if "not" not in table:
            return frozenset()
        cell = table["not"]
    found = frozenset(positions[name] for name in cell.names(what, positions))
    if not found:
        cell.fail(f"The condition {what} names nothing.", "Leave it out to match everything.")
    if not inverted:
        return found
    every = SERVED if what == "direction" else frozenset(positions.values())
    return every - found


def read_bands(table: dict[str, Cell], context: Context) -> frozenset[int] | None:
    """Returns the bands that ``bands`` names, None for all."""
    if "bands" not in table:
        return None
    names = table["bands"].chosen("band", context.bands)
    return frozenset(context.bands.index(name) for name in names)


def read_roles(table: dict[str, Cell]) -> tuple[str, ...]:
    """Returns the roles of cards that ``roles`` names, in the order of ROLES; all where it is not."""
    if "roles" not in table:
        return ROLES
    names = table["roles"].chosen("role", ROLES)
    return tuple(role for role in ROLES if role in names)


def flag(table: dict[str, Cell], key: str, *, default: bool = False) -> bool:
    """Returns a yes/no value of a table."""
    value = table[key].value(key, yes_no) if key in table else None
    return default if value is None else value


def word(table: dict[str, Cell], key: str, allowed: Sequence[str]) -> str:
    """Returns one of the allowed words, the first where the key is not written."""
    return (table[key].name(key, allowed) if key in table else None) or allowed[0]


def identity(cell: Cell, table: dict[str, Cell]) -> tuple[str, str] | None:
    """Returns (id, name) of a list entry; the name is the id where it is not written."""
    if "id" not in table:
        return None
    one = table["id"].text("id")
    if not one or not one.replace("_", "a").isalnum():
        cell.fail(f"{one!r} is not an id.", "Use letters, digits and _.")
        return None
    return one, (table["name"].text("name") if "name" in table else None) or one


def read_parts(
    table: dict[str, Cell],
    key: str,
    read: Callable[[Cell, Context], AnyPart | None],
    context: Context,
) -> dict[str, AnyPart]:
    """Returns id → part of a list, whose ids must differ."""
    found: dict[str, AnyPart] = {}
    for cell in table[key].items(key) if key in table else []:
        part = read(cell, context)
        if part is None:
            continue
        if part.id in found:
            cell.fail(f"The id {part.id!r} is also in line {found[part.id].source.line}.")
        found[part.id] = part
    return found


def dated_amount(table: dict[str, Cell], key: str, context: Context) -> Dated[int] | None:
    """Returns a dated amount of money, None where the key is missing (already noted)."""
    if key not in table:
        return None
    return table[key].dated(context.head.zone, key, lambda c: c.value(key, amount))


def read_cap(cell: Cell, context: Context) -> Cap | None:
    """Returns a cap of a plan."""
    required = ("id", "amount", "when")
    table = cell.table("cap", required, ("name", "scope", "per"))
    named, most = identity(cell, table), dated_amount(table, "amount", context)
    if named is None or most is None or "when" not in table:
        return None
    return Cap(
        *named,
        cell.source,
        read_conditions(table["when"], context),
        most,
        CAP_SCOPES.index(word(table, "scope", CAP_SCOPES)),
        word(table, "per", ("cycle", "day")) == "day",
    )


def unit_fits(rum: int, service: int) -> bool:
    """Tells whether a service has that measure: seconds for calls, bytes for data, events all."""
    name, what = RUMS[rum], SERVICES[service]
    if name == "seconds":
        return what in {"voice", "video", "data"}
    return name in {"events", "partner_charge"} or what in {"data", "mms", "content"}


def explain_unit(rum: int, service: int) -> str:
    """Returns the message for a price whose unit the service does not have."""
    fitting = [name for i, name in enumerate(RUMS) if unit_fits(i, service)]
    return f"{SERVICES[service]} is not measured in {RUMS[rum]}. {nearest('', fitting)}"
