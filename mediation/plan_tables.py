"""Parts of a plan: tags to entries, lookup tables and layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.columns import CODES
from mediation.edr import MISSING
from mediation.kernels import ops

if TYPE_CHECKING:
    from mediation.formats.layouts import Layout
    from mediation.formats.rules import Mapping, RowsRule, TypeRule

    Int16s = np.ndarray[tuple[int], np.dtype[np.int16]]
    Int32s = np.ndarray[tuple[int], np.dtype[np.int32]]
    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]

CLASSES: Final = 4
"""Classes of tags."""
ZONELESS: Final = frozenset({"local_time", "clock"})
"""Codecs that read the clock on the wall."""


def tag_tables(layout: list[dict[tuple[int, int], int]]) -> tuple[Int16s, Int32s, Int32s, Int16s]:
    """Returns edges by first octet and by number for long tags; see `Plan`."""
    count = len(layout)
    edges = np.full(count * 256, ops.UNKNOWN, np.int16)
    base = np.zeros(count * CLASSES, np.int32)
    size = np.zeros(count * CLASSES, np.int32)
    long_edges: list[int] = []
    for number, found in enumerate(layout):
        for (tag_class, tag), entry in found.items():
            if tag < 31:
                edges[number * 256 + (tag_class << 6) + tag] = entry
                edges[number * 256 + (tag_class << 6) + 0x20 + tag] = entry
        for tag_class in range(CLASSES):
            # Small numbers stand here too: a careless encoder may write them in the long form.
            tags = {key[1]: entry for key, entry in found.items() if key[0] == tag_class}
            covered = max(tags, default=-1) + 1
            base[number * CLASSES + tag_class] = len(long_edges)
            size[number * CLASSES + tag_class] = covered
            long_edges.extend(tags.get(tag, ops.UNKNOWN) for tag in range(covered))
    return edges, base, size, np.array(long_edges or [ops.UNKNOWN], np.int16)


def lookup_tables(mapping: Mapping, layouts: dict[Layout, int]) -> Int64s:
    """Returns the lookup tables, then the layouts; see `lookups` of `mediation.plan.Plan`.

    Args:
        mapping: The mapping; the words of one of its tables are of one vocabulary.
        layouts: Layouts of dates and times to their number.
    """
    count = len(mapping.tables) + len(layouts)
    tables = np.full((max(count, 1), 256), MISSING, np.int64)
    for layout, number in layouts.items():
        for octets, parts in layout:
            tables[len(mapping.tables) + number, octets] = parts
    for number, table in enumerate(mapping.tables.values()):
        for octet, name in table.items():
            found = [words.index(name) for words in CODES.values() if name in words]
            if found:
                tables[number, octet] = found[0]
            elif name.removeprefix("-").isdecimal():
                tables[number, octet] = int(name)
    return tables.reshape(-1)


def zoneless(mapping: Mapping) -> bool:
    """Returns whether a mapping reads times without a time zone."""
    rules: list[TypeRule | RowsRule] = list(mapping.types)
    for rule in rules:  # it grows by the rows inside
        rules.extend(rule.rows)
    sources = (source for rule in rules for column in rule.columns for source in column.sources)
    return any(source.codec.name in ZONELESS for source in sources)
