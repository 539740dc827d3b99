"""Coverage: which tags files hold, and which of them a format maps, knows, or does not know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.formats.schema import CLASS_WORDS
from mediation.kernels import tags as k

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mediation.formats import Format
    from mediation.formats.schema import Element
    from mediation.plan import Plan

    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]
    Tags = tuple[tuple[int, int], ...]

MAX_PATHS: Final = 1 << 15
"""Distinct paths that are kept apart; made-up bytes have more, and those count as other."""

MAPPED: Final = "mapped"
KNOWN: Final = "known"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class TagCount:
    """One path of tags and how often it was seen.

    Attributes:
        path: Names down to the tag, a tag such as ``[7]`` where the module has no name.
        tags: (class, number) of each step.
        type_name: ASN.1 type of the module; empty for an unknown tag.
        status: ``mapped`` if the mapping reads it or goes down here, ``known`` if only the module
            has it, ``unknown`` otherwise.
        constructed: True if it holds other values.
        count: How often it was seen.
        shortest: Fewest content octets, of primitive values.
        longest: Most content octets, of primitive values.
        first: Where the first one begins in its file.
    """

    path: tuple[str, ...]
    tags: Tags
    type_name: str
    status: str
    constructed: bool
    count: int
    shortest: int
    longest: int
    first: int


def _nodes() -> Int64s:
    return np.zeros(MAX_PATHS * k.NODE_WIDTH, np.int64)


@dataclass(slots=True)
class TagCounts:
    """Counts of tags over any number of records and files of one format.

    Attributes:
        broken: Records that could not be walked to their end.
    """

    nodes: Int64s = field(default_factory=_nodes)
    slots: np.ndarray[Any, Any] = field(
        default_factory=lambda: np.full(MAX_PATHS * 4, -1, np.int32)
    )
    used: Int64s = field(default_factory=lambda: np.full(1, k.OTHER + 1, np.int64))
    broken: int = 0

    def add(self, data: np.ndarray[Any, Any], offsets: Int64s, lengths: Int64s) -> None:
        """Counts the tags of records, given by their places in `data`, uint8[n]."""
        data = data.view()
        data.flags.writeable = False  # one compiled kernel for mapped and for made data
        stack = np.zeros((k.MAX_DEPTH + 1) * k.STACK_WIDTH, np.int64)
        self.broken += k.count_tags(
            data,
            np.ascontiguousarray(offsets, np.int64),
            np.ascontiguousarray(lengths, np.int64),
            self.nodes,
            self.slots,
            self.used,
            stack,
        )

    @property
    def other(self) -> int:
        """How many tags stood at paths beyond the `MAX_PATHS` that are kept apart."""
        return int(self.nodes[k.OTHER * k.NODE_WIDTH + k.NODE_COUNT])

    def rows(self, cdr_format: Format) -> list[TagCount]:
        """Returns every path that was seen, in the order of tags, containers before contents."""
        cells = self.nodes[: int(self.used[0]) * k.NODE_WIDTH].reshape(-1, k.NODE_WIDTH)
        below: dict[int, list[int]] = {}
        for number in range(k.OTHER + 1, len(cells)):
            below.setdefault(int(cells[number, k.NODE_ABOVE]), []).append(number)
        top = _Place((), (), cdr_format.schema, 0)
        return list(_walk(cells, below, k.ROOT, top, cdr_format.ber))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: what the module knows there, and the plan's node (-1 not read)."""

    path: tuple[str, ...]
    tags: Tags
    elements: tuple[Element, ...]
    node: int


def _walk(
    cells: np.ndarray[Any, Any],
    below: dict[int, list[int]],
    number: int,
    place: _Place,
    plan: Plan,
) -> Iterator[TagCount]:
    known = {(element.tag_class, element.tag_number): element for element in place.elements}
    order = sorted(below.get(number, ()), key=lambda each: int(cells[each, k.NODE_TAG]))
    for each in order:
        tag = int(cells[each, k.NODE_TAG]) >> 40, int(cells[each, k.NODE_TAG]) & (1 << 40) - 1
        element = known.get(tag)
        entry = plan.entry(place.node, tag) if place.node >= 0 else -1
        node = plan.child(entry) if entry >= 0 else -1
        name = "" if element is None else element.name or element.type_name
        path = (*place.path, name or f"[{CLASS_WORDS[tag[0]]}{tag[1]}]")
        tags = (*place.tags, tag)
        status = UNKNOWN if element is None else KNOWN if entry < 0 else MAPPED
        yield TagCount(
            path,
            tags,
            "" if element is None else element.type_name,
            status,
            bool(cells[each, k.NODE_FORM] & 2),
            int(cells[each, k.NODE_COUNT]),
            min(int(cells[each, k.NODE_SHORTEST]), int(cells[each, k.NODE_LONGEST])),
            int(cells[each, k.NODE_LONGEST]),
            int(cells[each, k.NODE_FIRST]),
        )
        inner = _Place(path, tags, () if element is None else element.children, node)
        yield from _walk(cells, below, each, inner, plan)
