"""A flat record as a tree of fields for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.flat.forms import decode, expand
from mediation.flat.lines_of_names import file_fields
from mediation.inspector import Node
from mediation.normalize import CHINA, visible
from mediation.reference.flat import FlatError, FlatWalk

if TYPE_CHECKING:
    import numpy as np

    from mediation.flat.layout import Field, Layout
    from mediation.flat.plan import FlatPlan


def record_nodes(
    octets: bytes,
    plan: FlatPlan,
    offset: int,
    file: np.ndarray | None = None,
) -> list[Node]:
    """Returns one node per record with one child per field, named, with octets and value.

    Args:
        octets: The record.
        plan: The format's plan.
        offset: Where the record begins in the file.
        file: The whole file, uint8[n], for its line of names; None as the mapping says.
    """
    layout = plan.layout
    walk = FlatWalk(layout, octets, CHINA)
    if file is not None:
        names = file_fields(file, plan)
        walk.positions, walk.columns = names.positions, names.columns
    name, error = "", ""
    fields: tuple[Field, ...] = ()
    try:
        walk.split()
        rule = walk.type_rule()
        name, fields = rule.name, rule.fields
        walk.row()
    except FlatError as fault:
        error = f"{fault}: {fault.field.name}" if fault.field is not None else str(fault)
    known = {}
    for field in fields:
        place = walk.place(field)
        if place is not None:
            known[place.start, place.end] = field
    if layout.separator >= 0:
        places = [(place.start, place.end) for place in walk.places]
        places = places or [(0, len(octets))]
    else:
        places = sorted(known) or [(0, len(octets))]
    children = tuple(
        _node(octets, layout, offset, number, place, known.get(place))
        for number, place in enumerate(places)
    )
    return [Node("line" if layout.lines else "record", name, offset, len(octets), octets,
                 None, children, error)]  # fmt: skip


def _node(
    octets: bytes,
    layout: Layout,
    offset: int,
    number: int,
    place: tuple[int, int],
    field: Field | None,
) -> Node:
    start, end = place
    raw = octets[start:end]
    form = "text" if field is None else field.form
    value: str | None = visible(decode(expand(raw, form), layout.values.encoding))
    if field is None and not layout.lines:
        value = None  # octets of a meaning that nobody knows could be anybody's number
    tag = f"[{number + 1}]" if layout.separator >= 0 else f"[{start}..{end - 1}]"
    name = "" if field is None else field.name
    return Node(tag, name, offset + start, end - start, raw, value)
