"""Suspended records once more: taken from the archive and decoded with the formats as they are now.

A file is framed anew. What is taken of it is shown to the rest of the road as a file of its own, so
that sheets and suspense rows are made by the same code as in a run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from mediation.columns import CODES, EDR_COLUMNS, KIND
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.edr import EDR_SCHEMA, MISSING, SUSPENSE_SCHEMA
from mediation.formats import load
from mediation.framing import Unframed
from mediation.outcome import Fault, suspend
from mediation.validation import RuleSet, validate
from pipeline.arrow import joined
from pipeline.batch.units import OpenFile, Slice
from pipeline.suspense.corrections import Change, Correction, corrected
from pipeline.suspense.rows import WHOLE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from mediation.normalize import NormalizationSettings
    from mediation.reader import CdrFile
    from mediation.record_numbers import NodeNumbers
    from pipeline.published import Name
    from pipeline.suspense.calls import SuspendedCall

    Int64s = NDArray[np.int64]

BLOCK: Final = 2048
"""Records that are decoded together around a wanted one."""
EVENT_STAGES: Final = ("guide", "classify", "rate")
"""Stages of items that are events: their record has decoded, and is in ``edr/``."""
CONTAINER_BITS: Final = 20
NO_RULES: Final = RuleSet(())
NOBODY: Final = np.zeros(0, np.int64)
GONE: Final = "The record does not decode to this event any more; look at its format."
ASTRIDE: Final = "record_overlaps"


@dataclass(frozen=True, slots=True)
class Items:
    """What is taken out of suspense of one file.

    Attributes:
        rows: The items as `pipeline.suspense.journal` lists them, by offset and container.
        calls: The items among them that are calls made of several parts.
    """

    rows: list[dict[str, Any]]
    calls: list[SuspendedCall]

    @property
    def whole_file(self) -> bool:
        """Returns whether nothing of the file could be read."""
        return any(row["sub_reason"] == WHOLE_FILE for row in self.rows)

    @property
    def pieces(self) -> list[tuple[int, int]]:
        """Returns (begin, end) of the octets that could not be framed."""
        found = [row for row in self.rows if row["stage"] == "frame"]
        return [(row["offset"], row["offset"] + row["length"]) for row in found]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Returns the items that are events."""
        return [row for row in self.rows if row["stage"] in EVENT_STAGES]

    @property
    def records(self) -> list[dict[str, Any]]:
        """Returns the items that are records."""
        return [row for row in self.rows if row["stage"] not in {"frame", *EVENT_STAGES}]

    def with_parts(self, names: Sequence[Name]) -> list[Name]:
        """Returns names of events, of calls the names of all their parts."""
        parts = {call.name: call.parts for call in self.calls}
        return [part for name in names for part in parts.get(name, (name,))]

    def owners(self, edr: pa.RecordBatch) -> Int64s:
        """Returns the item of each event, as an index of `rows`; -1 for events of none."""
        offset = edr.column("offset").to_numpy()
        container = edr.column("container").to_numpy().astype(np.int64)
        owner = np.full(edr.num_rows, 0 if self.whole_file else -1, np.int64)
        if self.whole_file:
            return owner
        number = {id(row): at for at, row in enumerate(self.rows)}
        for begin, row in sorted((r["offset"], number[id(r)]) for r in self.rows):
            if self.rows[row]["stage"] == "frame":
                owner[(offset >= begin) & (offset < begin + self.rows[row]["length"])] = row
        _owned(owner, offset, [(r["offset"], number[id(r)]) for r in self.records])
        key = (offset << CONTAINER_BITS) | container
        names = [
            ((r["offset"] << CONTAINER_BITS) | r["container"], number[id(r)]) for r in self.events
        ]
        _owned(owner, key, names)
        return owner


def _owned(owner: Int64s, key: Int64s, names: Sequence[tuple[int, int]]) -> None:
    """Writes the item of each event whose key is known."""
    if not names or not len(key):
        return
    known, item = np.array(sorted(names), np.int64).T
    at = np.minimum(np.searchsorted(known, key), len(known) - 1)
    hit = known[at] == key
    owner[hit] = item[at[hit]]


@dataclass(frozen=True, slots=True)
class Changed:
    """One value that a correction changed."""

    offset: int
    container: int
    correction: int
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Again:
    """A slice of what was taken of a file, decoded.

    Attributes:
        part: The slice.
        decoded: What became of its records; None where the file cannot be read.
        owner: int64[events] item of each event.
        changes: What corrections changed in its events.
        discarded: Rule that discards each record, by offset.
    """

    part: Slice
    decoded: DecodedChunk | None
    owner: Int64s
    changes: list[Changed]
    discarded: dict[int, str]


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes what is taken of files."""

    rules: RuleSet
    corrections: Sequence[Correction]
    chunk: int
    """Records of a slice."""

    def slices(
        self, file: OpenFile, items: Items, settings: NormalizationSettings
    ) -> Iterator[Again]:
        """Yields what was taken of an open file, slice by slice."""
        if file.fault is not None:
            yield Again(Slice(file, range(0)), None, NOBODY, [], {})
            return
        cdr = file.cdr
        view, chosen = _view(cdr, items)
        shown = OpenFile(file.entry, view, None)
        calls = [call.name[1] for call in items.calls]
        for begin in range(0, max(len(chosen), 1), self.chunk):
            part = Slice(shown, range(begin, min(begin + self.chunk, len(chosen))))
            work = _Work(self, cdr, items, chosen[begin : begin + self.chunk], settings)
            yield work.run(part, calls)


def _view(cdr: CdrFile, items: Items) -> tuple[CdrFile, Int64s]:
    """Returns a file that has only what is taken, and the indexes of its records in the whole."""
    offsets, ends = cdr.offsets, cdr.offsets + cdr.lengths
    if items.whole_file:
        return cdr, np.arange(cdr.n_records, dtype=np.int64)
    names = [row["offset"] for row in items.rows if row["stage"] != "frame"]
    wanted = np.isin(offsets, np.array(names, np.int64))
    gaps: list[Unframed] = []
    filler = size = 0
    for begin, end in items.pieces:
        inside = (offsets >= begin) & (ends <= end)
        wanted |= inside
        left = end - begin - int(cdr.lengths[inside].sum())
        for gap in _gaps(cdr, begin, end, offsets, ends):
            gaps.append(gap)
            left -= gap.length
        filler += left
        size += end - begin
    chosen = np.flatnonzero(wanted)
    alone = np.isin(offsets[chosen], np.array(names, np.int64))
    frames = replace(
        cdr.frames,
        offsets=np.ascontiguousarray(offsets[chosen]),
        lengths=np.ascontiguousarray(cdr.lengths[chosen]),
        header_octets=0,
        filler_octets=filler,
        unframed=tuple(sorted(gaps, key=lambda gap: gap.offset)),
        header=None,
        notes=(),
    )
    size += int(cdr.lengths[chosen[alone]].sum())
    return replace(cdr, size=size, frames=frames, batches=()), chosen


def _gaps(cdr: CdrFile, begin: int, end: int, offsets: Int64s, ends: Int64s) -> Iterator[Unframed]:
    """Yields what of a piece still belongs to no record of its own."""
    for gap in cdr.frames.unframed:
        low, high = max(begin, gap.offset), min(end, gap.offset + gap.length)
        if low < high:
            yield Unframed(low, high - low, gap.reason)
    astride = (offsets < end) & (ends > begin) & ~((offsets >= begin) & (ends <= end))
    for at in np.flatnonzero(astride).tolist():
        low, high = max(begin, int(offsets[at])), min(end, int(ends[at]))
        yield Unframed(low, high - low, ASTRIDE)


@dataclass(slots=True)
class _Work:
    """One slice."""

    decoder: Decoder
    cdr: CdrFile
    items: Items
    chosen: Int64s
    settings: NormalizationSettings
    numbers: list[NodeNumbers] = field(default_factory=list)
    """Running numbers of the records that are read again, and of some beside them."""

    def run(self, part: Slice, calls: list[int]) -> Again:
        offsets = self.cdr.offsets[self.chosen]
        fits = [self._fits(one) for one in self.decoder.corrections]
        loose = self._loose(fits)
        strict = ~np.isin(offsets, loose) & ~np.isin(offsets, np.array(calls, np.int64))
        edr, suspense, repaired = self._decode(self.chosen[strict], self.decoder.rules)
        more, stopped, _ = self._decode(self.chosen[np.isin(offsets, loose)], NO_RULES)
        edr = joined([edr, more, self._calls(offsets)], EDR_SCHEMA)
        suspense = joined([suspense, stopped], SUSPENSE_SCHEMA)
        edr = edr.take(pa.array(np.argsort(edr.column("offset").to_numpy(), kind="stable")))
        owner = self.items.owners(edr)
        edr, owner = edr.filter(pa.array(owner >= 0)), owner[owner >= 0]
        changes: list[Changed] = []
        for correction, mine in zip(self.decoder.corrections, fits, strict=True):
            edr, some = corrected(edr, correction, np.isin(owner, mine))
            changes += _named(edr, correction, some)
        edr, refused, discarded = self._validated(edr, loose)
        suspense = joined([suspense, refused], SUSPENSE_SCHEMA)
        edr, vanished = self._complete(edr, suspense, discarded, offsets)
        suspense = joined([suspense, vanished], SUSPENSE_SCHEMA)
        self._find_discarded(offsets, edr, suspense, discarded)
        owner = self.items.owners(edr)
        decoded = DecodedChunk(
            edr=edr,
            suspense=suspense,
            discarded=dict(Counter(discarded.values())),
            records=len(offsets),
            records_decoded=len(offsets) - suspense.num_rows - len(discarded),
            records_suspended=suspense.num_rows,
            records_discarded=len(discarded),
            bytes_decoded=0,
            bytes_suspended=0,
            bytes_discarded=0,
            integers_repaired=repaired,
            numbers=tuple(self.numbers),
        )
        return Again(part, decoded, owner, changes, discarded)

    def _fits(self, correction: Correction) -> list[int]:
        """Returns the items that a correction is for."""
        conditions = correction.wanted.of_items
        return [
            at
            for at, row in enumerate(self.items.rows)
            if all(
                name == "state" or str(row["name" if name == "file" else name]) == value
                for name, value in conditions.items()
            )
        ]

    def _loose(self, fits: list[list[int]]) -> Int64s:
        """Returns offsets of records that are corrected before they are validated."""
        rows = {at for some in fits for at in some}
        found = {row["offset"] for at, row in enumerate(self.items.rows) if at in rows}
        pieces = {row["offset"] for row in self.items.rows if row["stage"] == "frame"}
        return np.array(sorted(found - pieces), np.int64)

    def _decode(self, chosen: Int64s, rules: RuleSet) -> tuple[pa.RecordBatch, pa.RecordBatch, int]:
        """Decodes records by their indexes, in blocks."""
        wanted = self.cdr.offsets[chosen]
        events, suspense, repaired = [], [], 0
        for records in _blocks(chosen, self.cdr.n_records):
            found = decode_chunk(self.cdr, records, self.settings, rules)
            whole = len(records) == len(chosen)
            events.append(found.edr if whole else _of(found.edr, wanted))
            suspense.append(found.suspense if whole else _of(found.suspense, wanted))
            repaired += found.integers_repaired if whole else 0
            self.numbers += found.numbers
        return joined(events, EDR_SCHEMA), joined(suspense, SUSPENSE_SCHEMA), repaired

    def _calls(self, offsets: Int64s) -> pa.RecordBatch:
        events = [call.event for call in self.items.calls]
        return _of(joined(events, EDR_SCHEMA), offsets)

    def _validated(
        self, edr: pa.RecordBatch, loose: Int64s
    ) -> tuple[pa.RecordBatch, pa.RecordBatch, dict[int, str]]:
        """Applies the rules to corrected events; returns what may go on, suspense, discards."""
        offset = edr.column("offset").to_numpy()
        checked = np.flatnonzero(np.isin(offset, loose))
        if not len(checked):
            return edr, joined([], SUSPENSE_SCHEMA), {}
        rows = edr.take(pa.array(checked))
        types = load(self.cdr.format_name).plan.type_names
        verdict = validate(_columns(rows, types), self.decoder.rules, types)
        stopped: dict[int, int] = {}
        for at in np.flatnonzero(verdict.status).tolist():
            where, number = int(offset[checked[at]]), int(verdict.status[at]) - 1
            if verdict.suspended[at] or where not in stopped:
                stopped[where] = number
        faults, discarded = [], {}
        for where, number in sorted(stopped.items()):
            rule = verdict.rules[number]
            if rule.outcome == "discard":
                discarded[where] = rule.reason
            else:
                faults.append(
                    self._fault(where, "validate", rule.reason, rule.columns[0], rule.detail)
                )
        kept = edr.filter(pa.array(~np.isin(offset, np.array(list(stopped), np.int64))))
        return kept, suspend(self.cdr.file_id, self.cdr.data, faults), discarded

    def _complete(
        self,
        edr: pa.RecordBatch,
        suspense: pa.RecordBatch,
        discarded: Mapping[int, str],
        offsets: Int64s,
    ) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """Sends records back that do not have an event any more that is in suspense."""
        there = set(
            zip(edr.column("offset").to_pylist(), edr.column("container").to_pylist(), strict=True)
        )
        done = {*suspense.column("offset").to_pylist(), *discarded}
        present = set(offsets.tolist()) & set(edr.column("offset").to_pylist()) - done
        gone = {
            row["offset"]
            for row in self.items.events
            if row["offset"] in present and (row["offset"], row["container"]) not in there
        }
        if not gone:
            return edr, joined([], SUSPENSE_SCHEMA)
        faults = [self._fault(at, "decode", "event_missing", None, GONE) for at in sorted(gone)]
        left = ~np.isin(edr.column("offset").to_numpy(), np.array(list(gone), np.int64))
        return edr.filter(pa.array(left)), suspend(self.cdr.file_id, self.cdr.data, faults)

    def _fault(
        self, offset: int, stage: str, reason: str, column: str | None, detail: str
    ) -> Fault:
        at = int(np.searchsorted(self.cdr.offsets, offset))
        length = int(self.cdr.lengths[at])
        return Fault(offset, length, stage, reason, column, detail, "", offset)

    def _find_discarded(
        self,
        offsets: Int64s,
        edr: pa.RecordBatch,
        suspense: pa.RecordBatch,
        discarded: dict[int, str],
    ) -> None:
        """Names the rule of each record that left nothing behind; they are decoded one by one."""
        seen = {
            *edr.column("offset").to_pylist(),
            *suspense.column("offset").to_pylist(),
            *discarded,
        }
        for at, offset in zip(self.chosen.tolist(), offsets.tolist(), strict=True):
            if offset not in seen:
                alone = decode_chunk(self.cdr, range(at, at + 1), self.settings, self.decoder.rules)
                discarded[offset] = next(iter(alone.discarded), "no_event")


def _named(edr: pa.RecordBatch, correction: Correction, changes: list[Change]) -> list[Changed]:
    offset, container = edr.column("offset"), edr.column("container")
    return [
        Changed(offset[row].as_py(), container[row].as_py(), correction.id, field, before, after)
        for row, field, before, after in changes
    ]


def _of(rows: pa.RecordBatch, offsets: Int64s) -> pa.RecordBatch:
    """Returns the rows of some records."""
    if not rows.num_rows:
        return rows
    return rows.filter(pa.array(np.isin(rows.column("offset").to_numpy(), offsets)))


def _blocks(chosen: Int64s, total: int) -> Iterator[range]:
    """Yields ranges of records that hold the chosen ones and little else."""
    if not len(chosen):
        return
    if len(chosen) == chosen[-1] - chosen[0] + 1:
        yield range(int(chosen[0]), int(chosen[-1]) + 1)
        return
    blocks = np.unique(chosen // BLOCK)
    for some in np.split(blocks, np.flatnonzero(np.diff(blocks) > 1) + 1):
        yield range(int(some[0]) * BLOCK, min((int(some[-1]) + 1) * BLOCK, total))


def _columns(rows: pa.RecordBatch, types: tuple[str, ...]) -> dict[str, Int64s]:
    """Returns events as the rules read them: int64 by column, MISSING where there is no value."""
    out = {}
    for name, kind in zip(EDR_COLUMNS, KIND, strict=False):
        column = rows.column(name)
        if kind == "number":
            column = column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column
            out[name] = column.cast(pa.int64()).fill_null(MISSING).to_numpy(zero_copy_only=False)
            continue
        known = CODES.get(name, types if kind == "record_type" else ())
        texts = column.to_pylist()
        out[name] = np.array(
            [MISSING if t is None else known.index(t) if t in known else 0 for t in texts], np.int64
        )
    return out
