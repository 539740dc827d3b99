"""Calls from other areas, from a border cell and to the place where the roamer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from traffic.digits import INTERNATIONAL
from traffic.network import OTHER_PREFIX

if TYPE_CHECKING:
    from traffic.troubles import Planter

HOUR: Final = 3_600
AWAY: Final = {"lac": 0x1011, "cell": 5}
"""A cell in the north; the planted caller lives in the south."""
BORDER: Final = {"lac": 0x1011, "cell": 9}
"""A cell in the north that the book lists as the south's border."""
SOUTH, NORTH = 20_012_345, 10_123_456
"""Eight digits behind the other operators' prefix, the first two say the area."""
CALLS: Final = (
    ("call_in_another_area", AWAY, SOUTH, "Away, to a number of his home area", "1.800000"),
    ("call_to_the_same_place", AWAY, NORTH, "Away, to a number of the place", "0.750000"),
    ("call_on_a_border_cell", BORDER, NORTH, "On a border cell that counts as home", None),
)
"""Kind, place, called number, note, and what 130 s cost after 15 October."""


def plant_places(planter: Planter) -> None:
    """Plants calls of 130 s whose place decides what they cost."""
    draft = planter.file("msc1", 8)
    for number, (kind, place, called, note, net) in enumerate(CALLS):
        when = planter.evening(draft.plan.span, (10 + number) * HOUR)
        other = OTHER_PREFIX * 100_000_000 + called
        values = {**place, "called": other << 12 | 13 << 8 | INTERNATIONAL}
        record, facts = planter.call(when, 130, **values)
        index = planter.insert(draft, record)
        known = {} if net is None else {"net": net}
        facts = {**facts, "other_number": other}
        planter.add(kind, draft, (index,), note, facts, destination="rated", records=1, **known)
