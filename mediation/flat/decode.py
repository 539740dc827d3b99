"""Runs the kernel of flat records for the decoder, and describes the records that it gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mediation.flat.lines_of_names import file_fields
from mediation.kernels import flat_ops as ops
from mediation.kernels import tables
from mediation.kernels.fields import decode_fields
from mediation.outcome import Fault

if TYPE_CHECKING:
    from mediation.flat.plan import FlatPlan
    from mediation.time_zones import TimeZones

    Array = np.ndarray[Any, np.dtype[Any]]

EXPANDED_OCTETS = 256
SECOND_US = 1_000_000


class FlatWalker:
    """The memory and the tables with which one chunk of a flat file is decoded.

    Args:
        plan: The format's plan.
        data: The file, uint8[n], read-only.
        zones: Zones of the source's nodes; its default goes before the format's.
    """

    def __init__(self, plan: FlatPlan, data: Array, zones: TimeZones) -> None:
        self.plan = plan
        self.data = data
        self.file = file_fields(data, plan)
        zones = zones if zones.default >= 0 else plan.time_zones
        steps = slice(int(zones.spans[zones.default]), int(zones.spans[zones.default + 1]))
        self.zone_steps = zones.starts[steps] // SECOND_US
        self.zone_offsets = zones.offsets[steps].copy()
        self.expanded = np.zeros(EXPANDED_OCTETS, np.uint8)
        self.scratch = self.expanded.view()
        self.scratch.flags.writeable = False
        self.clock = np.zeros(ops.CLOCK_CELLS, np.int64)
        self.row = np.zeros(plan.width, np.int64)
        self.starts = np.zeros(max(self.file.columns, 1), np.int64)
        self.ends = np.zeros_like(self.starts)
        self.doubled = np.zeros(len(self.starts), np.uint8)

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
