"""Reads what is counted over a day or a cycle: the steps of a price, the threshold of a discount."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tariffs.compiled import CAP_SCOPES, RUMS, SPEND
from tariffs.model import Count
from tariffs.read_parts import anything, read_conditions, word
from tariffs.scalars import amount, quantity

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

PERIODS = ("cycle", "day")
RUM_OF = {"seconds": "seconds", "bytes": "total_bytes", "events": "events"}
"""What a threshold on usage counts, by the kind of its unit."""


def count_of_price(cell: Cell, price: str, rum: int, context: Context) -> Count | None:
    """Returns the count of ``count: cycle`` or ``count: {per: day, scope: …, name: …}``.

    Prices of one name go on with one count, in whatever plan they are.
    """
    if not cell.is_mapping:
        period = cell.name("period", PERIODS)
        own = Count(f"price/{price}", cell.source, rum, period == "day", 0)
    else:
        table = cell.table("count", ("per",), ("scope", "name"))
        if "per" not in table:
            return None
        name = table["name"].text("name") if "name" in table else None
        if name is not None and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            table["name"].fail(f"{name!r} is no name for a count.", "Small letters, digits and _.")
        scope = CAP_SCOPES.index(word(table, "scope", CAP_SCOPES))
        daily = word(table, "per", PERIODS) == "day"
        own = Count(f"price/{name or price}", cell.source, rum, daily, scope)
    other = context.counts.setdefault(own.name, own)
    if _what(own) != _what(other):
        cell.fail(
            f"The count {own.name.partition('/')[2]!r} counts {_what(own)}, that of {other.source} "
            f"{_what(other)}.",
            "Give one of them another `name`.",
        )
    return own


def _what(count: Count) -> str:
    """Returns what a count counts, in words."""
    scope = CAP_SCOPES[count.scope].replace("_", " ")
    return f"{RUMS[count.rum]} of a {scope} over the {PERIODS[count.daily]}"


def threshold_of_discount(cell: Cell, discount: str, context: Context) -> tuple[int, Count | None]:
    """Returns (least, count) of ``after: {spend: 200.00}`` or ``after: {usage: 100 min, per: day}``."""
    table = cell.table("after", (), ("spend", "usage", "per", "scope", "when"))
    kinds = [key for key in ("spend", "usage") if key in table]
    if len(kinds) != 1:
        what = " and ".join(kinds) or "nothing that is counted"
        cell.fail(f"The threshold has {what}.", "Write spend or usage.")
        return 0, None
    least, rum = 0, SPEND
    if kinds == ["spend"]:
        least = table["spend"].value("spend", amount) or 0
    else:
        pair = table["usage"].value("usage", quantity)
        if pair is None:
            return 0, None
        least, rum = pair[1], RUMS.index(RUM_OF[pair[0]])
    if least == 0:
        table[kinds[0]].fail("The threshold is 0: it always holds.", "Leave out `after`.")
    when = read_conditions(table["when"], context) if "when" in table else anything(context)
    scope = CAP_SCOPES.index(word(table, "scope", CAP_SCOPES))
    daily = word(table, "per", PERIODS) == "day"
    return least, Count(f"discount/{discount}", cell.source, rum, daily, scope, when)
