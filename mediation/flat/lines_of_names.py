"""The line of names of a delimited file: where each field stands in this very file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediation.flat.forms import decode
from mediation.kernels import flat_ops as ops
from mediation.reference.flat_lines import BLANKS, QuoteError, split

if TYPE_CHECKING:
    import numpy as np

    from mediation.flat.plan import FlatPlan

    Array = np.ndarray[Any, np.dtype[Any]]

HEAD_OCTETS: Final = 1 << 16
BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class FileFields:
    """The fields of one file.

    Attributes:
        fields: int32[fields * FIELD_WIDTH], as `FlatPlan.fields` with the file's positions.
        types: int64[types * TYPE_WIDTH], with the file's number of fields.
        positions: Position by heading; None where the mapping's positions hold.
        columns: Fields of a line that have to be kept.
        notes: What is wrong with the line of names.
    """

    fields: Array
    types: Array
    positions: dict[str, int] | None
    columns: int
    notes: tuple[str, ...] = ()


def headings_of(data: Array, plan: FlatPlan) -> list[str]:
    """Returns what stands in the first line of a file that is no comment; empty if nothing."""
    layout = plan.layout
    head = data[:HEAD_OCTETS].tobytes().removeprefix(BOM)
    for whole in head.split(b"\n"):
        line = whole.removesuffix(b"\r")
        if not line.strip(BLANKS):
            continue
        if layout.comment and line.startswith(layout.comment_octets):
            continue
        try:
            places = split(line, layout.separator, layout.quote)
        except QuoteError:
            return []
        cells = [line[place.start : place.end].strip(BLANKS) for place in places]
        return [decode(cell, layout.values.encoding) for cell in cells]
    return []


def file_fields(data: Array, plan: FlatPlan) -> FileFields:
    """Returns where the fields of a format stand in a file.

    Without a line of names, or where it has none of the format's names, they stand where the
    mapping says.
    """
    layout = plan.layout
    unchanged = FileFields(plan.fields, plan.types, None, plan.positions)
    if not layout.names:
        return unchanged
    headings = headings_of(data, plan)
    positions = {heading: at for at, heading in reversed(list(enumerate(headings)))}
    known = [name for name in plan.names if name in positions]
    if not known:
        note = "the first line names none of the format's columns; they are taken by position"
        return FileFields(plan.fields, plan.types, None, plan.positions, (note,))
    missing = [name for name in plan.names if name not in positions]
    notes = (f"the line of names lacks {', '.join(missing)}",) if missing else ()
    fields, types = plan.fields.copy(), plan.types.copy()
    for number, name in enumerate(plan.names):
        fields[number * ops.FIELD_WIDTH + ops.FLD_AT] = positions.get(name, -1)
    for first in range(0, len(types), ops.TYPE_WIDTH):
        if types[first + ops.TYP_LEAST] > 0:
            types[first + ops.TYP_LEAST] = len(headings)
        if types[first + ops.TYP_MOST] >= 0:
            types[first + ops.TYP_MOST] = len(headings)
    placed = {name: positions.get(name, -1) for name in plan.names}
    return FileFields(fields, types, placed, len(headings), notes)
