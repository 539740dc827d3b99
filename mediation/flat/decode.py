"""Runs the kernel of flat records for the decoder, and describes the records that it gives up."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.columns import INDEX
from mediation.flat.lines_of_names import file_fields
from mediation.kernels import flat_ops as ops
from mediation.kernels import tables
from mediation.kernels.fields import decode_fields
from mediation.outcome import Fault

if TYPE_CHECKING:
    from mediation.flat.plan import FlatPlan
    from mediation.time_zones import TimeZones

    Array = np.ndarray[Any, np.dtype[Any]]
    FlatInput = tuple[
        Array, Array, tuple[int, int], Array, Array, tuple[Array, Array, Array, Array]
    ]

EXPANDED_OCTETS = 256
SECOND_US = 1_000_000
TIMED: Final = [INDEX[name] for name in ("start_time", "utc_offset", "duration")]
"""What a zone can be seen in; the duration where it is the time between two clock times."""


@lru_cache(maxsize=64)
def zones_of(declared: TimeZones, own: TimeZones) -> TimeZones:
    """Returns the zones of a source's nodes, with a format's own default where it has none."""
    if declared.default >= 0:
        return declared
    return declared.with_default(own.names[own.default]) if declared.nodes else own


class FlatWalker:
    """The memory and the tables with which one chunk of a flat file is decoded.

    Args:
        plan: The format's plan.
        data: The file, uint8[n], read-only.
        zones: Zones of the source's nodes; its default goes before the format's.

    Attributes:
        zones: The same, with a default.
        by_node: Whether records say of which node they are, and nodes have zones of their own.
    """

    def __init__(self, plan: FlatPlan, data: Array, zones: TimeZones) -> None:
        self.plan = plan
        self.data = data
        self.file = file_fields(data, plan)
        self.zones = zones_of(zones, plan.time_zones)
        self.by_node = bool(self.zones.nodes) and INDEX["recording_entity"] in plan.active
        self.timed = [column for column in TIMED if column in plan.active]
        self.keep(self.zones.default)
        self.expanded = np.zeros(EXPANDED_OCTETS, np.uint8)
        self.scratch = self.expanded.view()
        self.scratch.flags.writeable = False
        self.clock = np.zeros(ops.CLOCK_CELLS, np.int64)
        self.row = np.zeros(plan.width, np.int64)
        self.starts = np.zeros(max(self.file.columns, 1), np.int64)
        self.ends = np.zeros_like(self.starts)
        self.doubled = np.zeros(len(self.starts), np.uint8)

    def keep(self, zone: int) -> None:
        """Has clocks that tell no zone be those of a zone, by its number."""
        steps = slice(int(self.zones.spans[zone]), int(self.zones.spans[zone + 1]))
        self.zone_steps = self.zones.starts[steps] // SECOND_US
        self.zone_offsets = self.zones.offsets[steps].copy()

    def walk_again(
        self,
        zone: Array,
        walked: FlatInput,
        out: tuple[Array, Array, Array, Array, Array],
    ) -> None:
        """Reads the times of nodes anew that keep another zone than the default.

        The records are walked once more for each such zone: what a clock says may decide a duration
        too, so that shifting starts would not do.

        Args:
            zone: int64[rows], number of each row's zone.
            walked: What `walk` was given before `out`.
            out: What `walk` was given; its columns are changed in place.
        """
        columns, rest = out[0], out[1:]
        spare = np.empty_like(columns)
        for other in np.unique(zone[zone != self.zones.default]).tolist():
            self.keep(other)
            self.walk(*walked, (spare, *rest))
            rows = np.flatnonzero(zone == other)
            for column in self.timed:
                columns[column, rows] = spare[column, rows]
        self.keep(self.zones.default)

    def walk(
        self,
        offsets: Array,
        lengths: Array,
        records: tuple[int, int],
        quantities: Array,
        settings: Array,
        texts: tuple[Array, Array, Array, Array],
        out: tuple[Array, Array, Array, Array, Array],
    ) -> tuple[int, int, int]:
        """Decodes records; see `mediation.kernels.fields.decode_fields` for the arrays.

        Returns:
            Next record, rows, 1 if the texts are full.
        """
        plan = self.plan
        found: tuple[int, int, int] = decode_fields(
            self.data, offsets, lengths, *records, plan.rules, self.file.types, self.file.fields,
            plan.actions, plan.templates, plan.width, plan.type_blob, plan.type_words, plan.blob,
            plan.words, plan.word_values, plan.empties, plan.patterns, self.zone_steps,
            self.zone_offsets, settings, tables.DAYS, tables.POWERS, tables.TBCD, plan.active, quantities,
            self.scratch, self.expanded, self.clock, self.row, self.starts, self.ends,
            self.doubled, *texts, *out,
        )  # fmt: skip
        return found

    def fault(self, offset: int, length: int, status: int, seen: int) -> Fault:
        """Describes a record that the kernel gave up; `seen` is what it left as the fault."""
        number = (seen >> ops.FAULT_BITS) - 1
        field = self.plan.field_names[number] if number >= 0 else ""
        return Fault(
            offset,
            length,
            "decode" if status < ops.FIRST_VALUE_STATUS else "normalize",
            ops.STATUS_NAMES[status],
            field or None,
            ops.STATUS_DETAILS[status],
            field,
            seen & ((1 << ops.FAULT_BITS) - 1),
        )
