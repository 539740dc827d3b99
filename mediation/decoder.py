"""Decoding: a range of records of a CDR file to EDR rows, suspended records and discards.

`decode_chunk` is what the pipeline calls, from any number of threads at once. Records go through
in blocks whose columns fit the L2 cache: walk and normalize (one kernel), validate, pack to Arrow.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from mediation import formats
from mediation.assemble import Output, Texts
from mediation.columns import COLUMNS, INDEX, QUANTITIES, RECORD_NUMBER
from mediation.edr import MISSING
from mediation.kernels import checks, ops, tables
from mediation.kernels.ber import decode_rows
from mediation.kernels.shapes import no_shapes
from mediation.local_times import LocalTimes
from mediation.normalize import CHINA, NormalizationSettings
from mediation.outcome import Fault, suspend, walk_fault
from mediation.record_numbers import Collector, NodeNumbers
from mediation.resolve import Resolver
from mediation.validation_rules import default_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from mediation.batch_facts import BatchFacts, Sums
    from mediation.flat.decode import FlatInput, FlatWalker
    from mediation.formats import Format
    from mediation.validation import Rule, RuleSet

    Int16s = np.ndarray[tuple[int], np.dtype[np.int16]]
    Int32s = np.ndarray[tuple[int], np.dtype[np.int32]]
    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]
    Shapes = tuple[np.ndarray[Any, Any], ...]

BLOCK_RECORDS: Final = 2048
ROW_ROOM: Final = BLOCK_RECORDS + 2 * ops.MAX_ROWS
NO_START: Final = "The record has none of the times that its mapping reads."
NO_ZONE: Final = (
    "The record has no time zone and none is known for its node: give the source a `time_zone`, or "
    "list the node in the table of `time_zones`."
)
PADDING: Final = 24
"""Keeps columns from beginning on the same cache set."""


class Records(Protocol):
    """What the decoder needs of an open CDR file."""

    @property
    def file_id(self) -> str:
        """The file's name in every output row."""

    @property
    def format_name(self) -> str:
        """Name of the format."""

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The file's octets, uint8[size]."""

    @property
    def offsets(self) -> np.ndarray[Any, Any]:
        """int64[n], first octet of each record's tag."""

    @property
    def lengths(self) -> np.ndarray[Any, Any]:
        """int64[n], octets of each record, tag and length included."""


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """What became of a range of records.

    Every record is in exactly one place: `records` is the sum of decoded, suspended, discarded.

    Attributes:
        edr: Rows in EDR_SCHEMA, by record offset and container.
        suspense: Rows in SUSPENSE_SCHEMA, by offset.
        discarded: Records by the name of the rule that discarded them.
        records: Records of the range.
        records_decoded: Records that became EDR rows.
        records_suspended: Records that went to suspense.
        records_discarded: Records that a rule discarded.
        bytes_decoded: Octets of the decoded records.
        bytes_suspended: Octets of the suspended records.
        bytes_discarded: Octets of the discarded records.
        sums: By batch of the file (-1 for records in none), what its records sum up to.
        integers_repaired: Integers without their leading zero octet that were read as counters.
        numbers: Running numbers of the records, by node; whatever became of the records.
    """

    edr: pa.RecordBatch
    suspense: pa.RecordBatch
    discarded: dict[str, int]
    records: int
    records_decoded: int
    records_suspended: int
    records_discarded: int
    bytes_decoded: int
    bytes_suspended: int
    bytes_discarded: int
    sums: dict[int, Sums] = field(default_factory=dict)
    integers_repaired: int = 0
    numbers: tuple[NodeNumbers, ...] = ()


@dataclass(slots=True)
class _Scratch:
    """Memory that a thread keeps between chunks: fresh pages cost more than decoding into them."""

    width: int = 0
    block: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    stack: Int64s = field(default_factory=lambda: np.empty((ops.MAX_DEPTH + 1) * 3, np.int64))
    columns: np.ndarray[Any, Any] = field(
        default_factory=lambda: np.full((len(COLUMNS), ROW_ROOM + PADDING), MISSING, np.int64)
    )
    row_record: Int32s = field(default_factory=lambda: np.empty(ROW_ROOM + PADDING, np.int32))
    row_container: Int32s = field(default_factory=lambda: np.empty(ROW_ROOM + PADDING, np.int32))
    row_status: Int16s = field(default_factory=lambda: np.empty(ROW_ROOM + PADDING, np.int16))
    every_row: Int32s = field(default_factory=lambda: np.arange(ROW_ROOM + PADDING, dtype=np.int32))

    shapes: dict[int, tuple[object, Shapes]] = field(default_factory=dict)

    def shapes_of(self, plan: object) -> Shapes:
        """Returns the shapes of records that this thread has seen of a plan."""
        if id(plan) not in self.shapes:  # with the plan itself, so that no other gets its id
            self.shapes[id(plan)] = (plan, no_shapes())
        return self.shapes[id(plan)][1]

    def fit(self, width: int) -> None:
        """Makes the block wide enough for a format."""
        if width != self.width:
            self.block = np.empty((ops.FLUSH_ROWS + ops.MAX_ROWS + 1) * width, np.int64)
            self.width = width


_LOCAL = threading.local()


def scratch_of(width: int) -> _Scratch:
    """Returns this thread's memory, its block wide enough for a format."""
    scratch: _Scratch | None = getattr(_LOCAL, "scratch", None)
    if scratch is None:
        scratch = _Scratch()
        _LOCAL.scratch = scratch
    scratch.fit(width)
    return scratch


START: Final = INDEX["start_time"]
OFFSET: Final = INDEX["utc_offset"]
ENTITY: Final = INDEX["recording_entity"]


def flat_walker(
    cdr_format: Format, data: np.ndarray[Any, Any], normalization: NormalizationSettings
) -> FlatWalker | None:
    """Returns what walks the records of a flat format, None for BER."""
    if cdr_format.flat is None:
        return None
    from mediation.flat.decode import FlatWalker  # noqa: PLC0415 - BER runs never need it

    return FlatWalker(cdr_format.flat, data, normalization.time_zones)


def needs_resolver(cdr_format: Format) -> bool:
    """Returns whether records leave something open that the file says elsewhere."""
    return cdr_format.mapping.file is not None or bool(cdr_format.ber.local_times)


NO_RECORDS: Final = np.empty(0, np.int32)
QUANTITY_COLUMNS: Final = np.array([INDEX[name] for name in QUANTITIES], np.int32)


class _Decoding:
    """One call of `decode_chunk`."""

    def __init__(
        self,
        records: Records,
        wanted: range,
        normalization: NormalizationSettings,
        rules: RuleSet,
    ) -> None:
        self.rules = rules
        self.records = records
        self.format = formats.load(records.format_name)
        self.plan = self.format.plan
        self.data = records.data.view()
        self.data.flags.writeable = False  # one compiled kernel for mapped and for made data
        self.offsets = np.ascontiguousarray(records.offsets[wanted.start : wanted.stop], np.int64)
        self.lengths = np.ascontiguousarray(records.lengths[wanted.start : wanted.stop], np.int64)
        self.status: Int16s = np.zeros(len(self.offsets), np.int16)
        self.fault: Int64s = np.zeros(len(self.offsets), np.int64)
        self.normalization = normalization
        self.settings = normalization.array()
        self.scratch = scratch_of(self.plan.width)
        self.scratch.columns[self._inactive()] = MISSING
        self.flat = flat_walker(self.format, self.data, normalization)
        self.texts = Texts(self.plan, self.data)
        self.first_record = wanted.start
        self.resolver: Resolver | None = None
        if self.flat is None and needs_resolver(self.format):
            # What is no file, such as records in memory, has no batches.
            batches: Sequence[BatchFacts] = getattr(records, "batches", ())
            self.resolver = Resolver(self.format, batches, self.texts)
        self.last = np.full(max(len(self.plan.texts), 1), -1, np.int32)
        self.output = Output(self.plan)
        self.faults: list[Fault] = []
        self.discarded = np.zeros(len(rules.rules) + 2, np.int64)  # by status, then octets
        self.numbers: Collector | None = None
        if INDEX[RECORD_NUMBER] in self.plan.active:
            file = None if self.flat is None else self.flat.file
            self.numbers = Collector(self.format, normalization, ROW_ROOM, file)
        self.local_times: LocalTimes | None = None
        if self.flat is not None and self.flat.by_node:
            self.local_times = LocalTimes(self.flat.zones)
        elif self.flat is None and self.format.ber.zoneless:
            self.local_times = LocalTimes(normalization.time_zones)

    def _inactive(self) -> list[int]:
        active = set(self.plan.active.tolist())
        return [column for column in range(len(COLUMNS)) if column not in active]

    def run(self) -> DecodedChunk:
        total = len(self.offsets)
        record = 0
        while record < total:
            following, rows, full = self.walk(record, min(record + BLOCK_RECORDS, total))
            self.texts.render()
            self.reserve(following, rows)
            self.settle(record, following, rows)
            if full:
                self.texts.grow()
            record = following
        return self.chunk()

    def run_sums(self) -> dict[int, Sums]:
        """Only sums the records up: no rows, no faults."""
        total = len(self.offsets)
        record = 0
        while record < total and self.resolver is not None:
            following, rows, full = self.walk(record, min(record + BLOCK_RECORDS, total))
            places = self.scratch.row_record[:rows].astype(np.int64) + self.first_record + record
            self.resolver.add_up(self.scratch.columns[:, :rows], places)
            if full:
                self.texts.grow()
            record = following
        return {} if self.resolver is None else self.resolver.sums

    def walk(self, first: int, stop: int) -> tuple[int, int, int]:
        """Runs the kernel; returns (next record, rows, texts are full)."""
        if self.flat is not None:
            return self.flat.walk(*self.flat_input(first, stop), self.out)
        plan, scratch, texts = self.format.ber, self.scratch, self.texts
        found: tuple[int, int, int] = decode_rows(
            self.data, self.offsets, self.lengths, first, stop,
            plan.edges, plan.long_base, plan.long_size, plan.long_edges, plan.entries,
            plan.actions, plan.templates, plan.width, plan.steps, plan.spans,
            plan.merge, QUANTITY_COLUMNS, plan.lookups, plan.active, self.settings,
            tables.TBCD, tables.BCD, tables.DAYS, tables.POWERS,
            scratch.shapes_of(plan), scratch.block, scratch.stack,
            texts.slots, texts.interned, texts.count, self.last, *self.out,
        )  # fmt: skip
        return found

    @property
    def out(self) -> tuple[Int64s, Int32s, Int32s, Int16s, Int64s]:
        """What a kernel writes: columns, record and container of each row, status, faults."""
        scratch = self.scratch
        return (
            scratch.columns, scratch.row_record, scratch.row_container, self.status, self.fault,
        )  # fmt: skip

    def flat_input(self, first: int, stop: int) -> FlatInput:
        """Returns what the walker of a flat format is given, for records `first` to `stop`."""
        texts = (self.texts.slots, self.texts.interned, self.texts.count, self.last)
        places = (self.offsets, self.lengths, (first, stop))
        return (*places, QUANTITY_COLUMNS, self.settings, texts)

    def reserve(self, records: int, rows: int) -> None:
        """Makes room for the rows of this block and, by what was seen, of the whole chunk."""
        needed = self.output.rows + rows
        if needed <= self.output.capacity:
            return
        expected = needed * len(self.offsets) // max(records, 1)
        grown = needed if not self.output.capacity else needed + needed // 4
        self.output.reserve(max(expected + expected // 16, grown))

    def settle(self, first: int, following: int, rows: int) -> None:
        """Validates the rows of records `first` to `following` and packs what may go on."""
        scratch = self.scratch
        for record in (np.flatnonzero(self.status[first:following]) + first).tolist():
            self.faults.append(self.described(record))
        if rows == 0:
            return
        if self.numbers is not None:
            self.numbers.add(scratch.columns, self.texts, scratch.row_record, rows)
        keep = self.kept(first, rows, self.unresolved(first, rows) | self.localise(first, rows))
        self.output.append(
            scratch.columns,
            keep,
            len(keep) == rows,
            self.texts.codes,
            scratch.row_record,
            scratch.row_container,
            first,
            self.offsets,
        )

    def described(self, record: int) -> Fault:
        """Describes a record that the kernel gave up."""
        place = int(self.offsets[record]), int(self.lengths[record])
        seen = int(self.status[record]), int(self.fault[record])
        if self.numbers is not None:
            self.numbers.add_alone(self.data[place[0] : sum(place)].tobytes())
        if self.flat is not None:
            return self.flat.fault(*place, *seen)
        return walk_fault(self.format, self.data, *place, *seen, self.normalization)

    def unresolved(self, first: int, rows: int) -> set[int]:
        """Fills in what the batch says; returns the records (from `first`) that it leaves open."""
        if self.resolver is None:
            return set()
        scratch = self.scratch
        base = self.first_record + first
        records = scratch.row_record[:rows].astype(np.int64) + base
        found = self.resolver.apply(scratch.columns[:, :rows], records)
        for record, why in found.items():
            place = record - self.first_record
            offset, length = int(self.offsets[place]), int(self.lengths[place])
            self.faults.append(
                Fault(offset, length, "normalize", why.reason, why.column, why.detail, "", offset)
            )
        return {record - base for record in found}

    def localise(self, first: int, rows: int) -> set[int]:
        """Makes UTC of local times; returns records (counted from `first`) without a time zone."""
        if self.local_times is None:
            return set()
        scratch, texts = self.scratch, self.texts
        words = texts.words.get(ENTITY, {})
        self.local_times.learn(words)
        entity = scratch.columns[ENTITY, :rows]
        if self.flat is not None:
            stop = first + int(scratch.row_record[rows - 1]) + 1
            zone = self.local_times.zones_of(entity, texts.codes)
            self.flat.walk_again(zone, self.flat_input(first, stop), self.out)
            return set()
        unknown = self.local_times.resolve(
            scratch.columns[START, :rows], scratch.columns[OFFSET, :rows], entity, texts.codes
        )
        if not len(unknown):
            return set()
        names = [*words, None]
        node: dict[int, str | None] = {}
        for row in unknown.tolist():
            code = -1 if entity[row] == MISSING else int(texts.codes[entity[row]])
            node.setdefault(int(scratch.row_record[row]), names[code])
        for record, name in node.items():
            at = int(self.offsets[first + record])
            length = int(self.lengths[first + record])
            fault = Fault(at, length, "normalize", "missing_time_zone", name, NO_ZONE, "", at)
            self.faults.append(fault)
        return set(node)

    def kept(self, first: int, rows: int, gone: set[int]) -> Int32s:
        """Returns the rows whose records go on; notes why others do not.

        `gone` are records, counted from `first`, that something else has stopped.
        """
        scratch = self.scratch
        hits = self.rules.check(scratch.columns, rows, scratch.row_status, self.plan.type_names)
        start = scratch.columns[START, :rows]
        if not hits and not gone and start.min() != MISSING:
            return scratch.every_row[:rows]
        before = np.array(sorted(gone), np.int32) if gone else NO_RECORDS
        keep, stopped = np.empty((2, rows), np.int32)
        n_kept, n_stopped = checks.sort_rows(
            scratch.row_status, start, MISSING, scratch.row_record, before,
            self.rules.discards, self.lengths[first:], rows, keep, stopped, self.discarded,
        )  # fmt: skip
        self.suspend_rows(first, stopped[:n_stopped])
        return keep[:n_kept]

    def suspend_rows(self, first: int, stopped: Int32s) -> None:
        """Notes the records of rows that are stopped and not discarded; there are few."""
        chosen: dict[int, Rule | None] = {}
        record, status = self.scratch.row_record[stopped], self.scratch.row_status[stopped]
        for at, number in zip(record.tolist(), status.tolist(), strict=True):
            before = chosen.get(at)
            if at not in chosen or (before is not None and before.outcome == "discard"):
                chosen[at] = self.rules.rules[number - 1] if number else None
        for at, why in chosen.items():
            offset, length = int(self.offsets[first + at]), int(self.lengths[first + at])
            reason = "missing_start_time" if why is None else why.reason
            column = "start_time" if why is None else why.columns[0]
            detail = NO_START if why is None else why.detail
            fault = Fault(offset, length, "validate", reason, column, detail, "", offset)
            self.faults.append(fault)

    def discards(self) -> dict[str, int]:
        """Returns how many records each rule discarded, by its reason."""
        found: dict[str, int] = {}
        for rule, count in zip(self.rules.rules, self.discarded[1:-1].tolist(), strict=True):
            if count:
                found[rule.reason] = found.get(rule.reason, 0) + count
        return found

    def sums(self) -> dict[int, Sums]:
        """Returns what the records, or the events that they return, sum up to."""
        if self.resolver is None:
            return {}
        around = self.format.mapping.file
        if around is None or not around.returned:
            return self.resolver.sums
        from mediation.returned import returned_sums  # noqa: PLC0415 - few files return events

        return returned_sums(self.records, self.first_record, len(self.offsets))

    def chunk(self) -> DecodedChunk:
        faults = sorted(self.faults, key=lambda fault: fault.offset)
        suspended_bytes = sum(fault.length for fault in faults)
        total_bytes = int(self.lengths.sum())
        discards, discarded_bytes = self.discards(), int(self.discarded[-1])
        discarded = sum(discards.values())
        total = len(self.offsets)
        return DecodedChunk(
            edr=self.output.batch(self.records.file_id, self.texts.words),
            suspense=suspend(self.records.file_id, self.data, faults),
            discarded=discards,
            records=total,
            records_decoded=total - len(faults) - discarded,
            records_suspended=len(faults),
            records_discarded=discarded,
            bytes_decoded=total_bytes - suspended_bytes - discarded_bytes,
            bytes_suspended=suspended_bytes,
            bytes_discarded=discarded_bytes,
            sums=self.sums(),
            integers_repaired=int(self.fault[self.status == ops.OK].sum()),
            numbers=() if self.numbers is None else self.numbers.found(self.texts),
        )


def decode_chunk(
    cdr_file: Records,
    record_range: range,
    normalization: NormalizationSettings = CHINA,
    rules: RuleSet | None = None,
) -> DecodedChunk:
    """Decodes, normalizes and validates the records of `record_range`.

    Thread safe: the kernels hold no lock and share nothing but the format's tables.

    Args:
        cdr_file: An open CDR file, or anything with its octets and record places.
        record_range: Indexes of records, step 1.
        normalization: How the source writes numbers.
        rules: What is validated; the package's own rules by default.

    Raises:
        MediationConfigError: The format is unknown or its files are wrong.
        ValueError: `record_range` is not a range inside the file.
    """
    total = len(cdr_file.offsets)
    if record_range.step != 1 or not 0 <= record_range.start <= record_range.stop <= total:
        msg = f"record range {record_range} does not lie in the file's {total} records; use step 1"
        raise ValueError(msg)
    return _Decoding(cdr_file, record_range, normalization, rules or default_rules()).run()


def decode_sums(cdr_file: Records) -> dict[int, Sums]:
    """Returns what all records of a file sum up to, by its batches, and makes no rows of them.

    Args:
        cdr_file: As in `decode_chunk`.

    Raises:
        MediationConfigError: The format is unknown or its files are wrong.
    """
    wanted = range(len(cdr_file.offsets))
    return _Decoding(cdr_file, wanted, CHINA, default_rules()).run_sums()
