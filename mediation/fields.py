"""How many of the values in some records a format knows: what tells formats with like tags apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.tlv import read_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mediation.formats.schema import Element

MAX_RECORDS: Final = 64
MAX_VALUES: Final = 4096
MAX_DEPTH: Final = 32


class _Count:
    """Counts values and known ones; ends when it has seen enough."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data
        self.values = 0
        self.known = 0
        self.tables: dict[int, dict[tuple[int, int], Element]] = {}

    def table(self, elements: Sequence[Element]) -> dict[tuple[int, int], Element]:
        """Returns elements by their tag."""
        table = self.tables.get(id(elements))
        if table is None:
            table = {(each.tag_class, each.tag_number): each for each in elements}
            self.tables[id(elements)] = table
        return table

    def value(self, at: int, limit: int, elements: Sequence[Element], depth: int) -> int:
        """Counts the value at ``at`` and returns where it ends, ``limit`` where it does not hold."""
        head = read_head(self.data, at, limit)
        if head is None:
            return limit
        element = self.table(elements).get(head.tag)
        self.values += 1
        if element is not None and element.constructed == head.constructed:
            self.known += 1
        elif head.end is not None:
            return head.end
        if not head.constructed:
            return head.end or limit
        inside = () if element is None else element.children
        end = limit if head.end is None else min(head.end, limit)
        at = head.content
        while at < end and self.values < MAX_VALUES and depth < MAX_DEPTH:
            if head.end is None and self.data[at : at + 2].tobytes() == b"\0\0":
                return at + 2
            at = self.value(at, end, inside, depth + 1)
        return end


def known_fields(data: np.ndarray, offsets: np.ndarray, elements: Sequence[Element]) -> float:
    """Returns the share of the values in some records that a format knows, 0 without records.

    A value counts as known if its tag is a field where it stands and its form (primitive or
    constructed) is the field's; what is inside of an unknown value does not count.

    Args:
        data: uint8[n].
        offsets: int64[m], where whole records begin; as many as it takes are looked at.
        elements: What a record may be.
    """
    count = _Count(data)
    step = max(1, len(offsets) // MAX_RECORDS)
    for offset in offsets[::step].tolist():
        if count.values >= MAX_VALUES:
            break
        count.value(offset, len(data), elements, 0)
    return count.known / count.values if count.values else 0.0
