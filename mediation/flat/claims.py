"""What headers and trailers of a flat file declare, and whether the file holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.flat.forms import expand
from mediation.flat.lines_of_names import file_fields, headings_of
from mediation.framing import Declared
from mediation.kernels import flat_ops as ops
from mediation.kernels.tables import POWERS
from mediation.kernels.totals import special_numbers, sum_field
from mediation.mapped import STRETCH, let_go
from mediation.normalize import visible
from mediation.reference.flat_lines import BLANKS, QuoteError, nth_field, split
from mediation.reference.flat_values import InvalidError, decimal_number

if TYPE_CHECKING:
    from mediation.flat.framing import Pieces
    from mediation.flat.layout import Blocks, Field, Special
    from mediation.flat.plan import FlatPlan

    Array = np.ndarray[Any, np.dtype[Any]]

SOME: Final = 1 << 16
"""Records that are summed up at a time."""

MAX_NOTES: Final = 20
"""Notes of one file; a file of a thousand bad blocks need not say so a thousand times."""


@dataclass(slots=True)
class Claims:
    """What a file says of itself.

    Attributes:
        header: Running number and number of records, None where the format declares neither.
        notes: What it declares and does not hold.
    """

    header: Declared | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Checker:
    data: Array
    plan: FlatPlan
    pieces: Pieces
    notes: list[str] = field(default_factory=list)
    given_back: int = 0
    sequence: int | None = None
    records: int | None = None
    columns: dict[int, int] = field(default_factory=dict)
    width: int = 0

    def __post_init__(self) -> None:
        """Notes where the columns of the mapping stand, where a line of names says it."""
        if file_fields(self.data, self.plan).positions is None:
            return
        found = headings_of(self.data, self.plan)
        self.width = len(found)
        self.columns = {
            each.at: found.index(each.heading) if each.heading in found else len(found)
            for rule in reversed(self.plan.layout.types)
            for each in rule.fields
        }

    def column(self, one: Field, line: bytes) -> int:
        """Returns where a field of a header or trailer stands in its line.

        One that fills the columns of the records moves with them; one of another width does not.
        """
        layout = self.plan.layout
        if one.at not in self.columns:
            return one.at
        try:
            width = len(split(line, layout.separator, layout.quote))
        except QuoteError:
            return one.at
        return self.columns[one.at] if width == self.width else one.at

    def text(self, one: Field, start: int, length: int) -> str:
        """Returns what a field of a header or trailer says."""
        octets = self.data[start : start + length].tobytes()
        layout = self.plan.layout
        if one.octets < 0:
            at = self.column(one, octets)
            place = nth_field(octets, layout.separator, layout.quote, at)
            raw = octets[place.start : place.end]
        else:
            raw = octets[one.at : one.at + one.octets]
        if one.form != "text" and len(raw) < one.octets:
            return ""
        return expand(raw.strip(BLANKS) if one.form == "text" else raw, one.form).decode("latin-1")

    def number(self, one: Field | None, start: int, length: int) -> Decimal | None:
        """Returns a number of a header or trailer, None where it says none; notes nonsense."""
        if one is None:
            return None
        text = self.text(one, start, length)
        try:
            return decimal_number(text, *self.plan.layout.values.marks)
        except InvalidError:
            said = visible(text[:40])
            self.notes.append(f"`{one.name}` at offset {start} says `{said}`, no number")
            return None

    def check(self) -> Claims:
        if self.plan.layout.blocks is not None:
            self.blocks(self.plan.layout.blocks)
        else:
            self.segments()
        declares = self.sequence is not None or self.records is not None
        notes = self.notes[:MAX_NOTES]
        if len(self.notes) > MAX_NOTES:
            notes.append(f"and {len(self.notes) - MAX_NOTES} more notes")
        return Claims(Declared(self.sequence, self.records) if declares else None, tuple(notes))

    def blocks(self, blocks: Blocks) -> None:
        """Compares the numbers of each block's first and last record with its records."""
        specials = self.pieces.specials
        if specials.shape[1]:
            self.number_of_file(blocks.sequence, int(specials[0, 0]), int(specials[1, 0]))
        if blocks.first is None or blocks.last is None:
            return
        first = self.numbers(blocks.first, ops.HEADER)
        last = self.numbers(blocks.last, ops.TRAILER)
        at = np.searchsorted(self.pieces.offsets, specials[0])
        closed = np.flatnonzero((first[:-1] >= 0) & (last[1:] >= first[:-1]))
        declared = last[closed + 1] - first[closed] + 1
        found = at[closed + 1] - at[closed]
        self.records = int(declared.sum()) if len(closed) else None
        for block in np.flatnonzero(declared != found).tolist():
            start = int(specials[0, closed[block] + 1])
            self.mismatch("trailer", start, str(declared[block]), int(found[block]))

    def numbers(self, one: Field, kind: int) -> Array:
        """Returns int64[n]: a field of all headers or all trailers, -1 for the others."""
        out = np.empty(self.pieces.specials.shape[1], np.int64)
        number = self.plan.numbers[one.at, one.octets, one.form, one.heading]
        data = self.data.view()
        data.flags.writeable = False
        specials = np.ascontiguousarray(self.pieces.specials)
        special_numbers(data, specials, kind, self.plan.fields, number, out)
        return out

    def segments(self) -> None:
        """Compares each trailer with the lines since the one before, or since its header."""
        layout = self.plan.layout
        starts, lengths, kinds = self.pieces.specials.tolist()
        first = 0
        waiting: Decimal | None = None
        header_at = -1
        top = self.top_lines()
        for start, length, kind in zip(starts, lengths, kinds, strict=True):
            here = int(np.searchsorted(self.pieces.offsets, start))
            if kind == ops.HEADER:
                if (start, length) in top[1:]:  # read with the first line
                    continue
                if waiting is not None:
                    self.count("header", header_at, waiting, here - first)
                first, header_at = here, start
                waiting = self.head(top if (start, length) in top else [(start, length)])
                continue
            if waiting is not None:
                self.count("header", header_at, waiting, here - first)
            self.trailer(start, length, first, here, counted=waiting is not None)
            waiting, first = None, here
        if waiting is not None:
            self.count("header", header_at, waiting, len(self.pieces.offsets) - first)
        trailer = layout.trailer
        if trailer is not None and ops.TRAILER not in kinds:
            self.notes.append("there is no trailer: the file may be cut short")
        if layout.names:
            self.notes += file_fields(self.data, self.plan).notes

    def top_lines(self) -> list[tuple[int, int]]:
        """Returns offset and length of the lines that are one header, where `lines` says how many."""
        layout = self.plan.layout
        if layout.header is None or not layout.header.lines:
            return []
        first = int(layout.names)
        lines = self.pieces.specials[:, first : first + layout.header.lines].T.tolist()
        return [(start, length) for start, length, kind in lines if kind == ops.HEADER]

    def head(self, lines: list[tuple[int, int]]) -> Decimal | None:
        """Reads a header, of one line or several; returns how many records it declares."""
        layout = self.plan.layout
        if layout.header is None or (layout.names and self.is_names(lines[0][0])):
            return None
        sequence = self.first_number(layout.header.sequence, lines)
        if sequence is not None and self.sequence is None:
            self.sequence = int(sequence)
        return self.first_number(layout.header.records, lines)

    def first_number(self, one: Field | None, lines: list[tuple[int, int]]) -> Decimal | None:
        """Returns a number of a header: that of its first line in which the field is one."""
        noted = len(self.notes)
        for start, length in lines:
            found = self.number(one, start, length)
            if found is not None:
                del self.notes[noted:]
                return found
        del self.notes[noted + 1 :]
        return None

    def is_names(self, start: int) -> bool:
        """Returns whether the header at `start` is the line of names, the first of the file."""
        return bool(self.pieces.specials[0, 0] == start)

    def number_of_file(self, one: Field | None, start: int, length: int) -> None:
        found = self.number(one, start, length)
        if found is not None and self.sequence is None:
            self.sequence = int(found)

    def count(
        self, what: str, start: int, declared: Decimal, found: int, *, counted: bool = False
    ) -> None:
        """Compares a number of records; `counted` where a header has said it already."""
        if not counted:
            self.records = (self.records or 0) + int(declared)
        if declared != found:
            self.mismatch(what, start, f"{declared.normalize():f}", found)

    def mismatch(self, what: str, start: int, declared: str, found: int) -> None:
        """Notes a number of records that is not the one read."""
        self.notes.append(
            f"the {what} at offset {start} declares {declared} records; {found} were read"
        )

    def trailer(self, start: int, length: int, first: int, stop: int, *, counted: bool) -> None:
        """Compares count and totals of a trailer with records `first` to `stop`."""
        special = self.plan.layout.trailer
        if special is None:
            return
        declared = self.number(special.records, start, length)
        if declared is not None:
            self.count("trailer", start, declared, stop - first, counted=counted)
        self.number_of_file(special.sequence, start, length)
        self.totals(special, start, length, first, stop)

    def totals(self, special: Special, start: int, length: int, first: int, stop: int) -> None:
        for one, summed in special.totals:
            declared = self.number(one, start, length)
            if declared is None:
                continue
            found, unread = self.sum(summed, first, stop)
            if found != declared:
                rest = f", {unread} of them not readable" if unread else ""
                self.notes.append(
                    f"the trailer at offset {start} declares {declared.normalize():f} as sum of "
                    f"`{summed}`; the {stop - first} records sum up to {found.normalize():f}{rest}"
                )

    def sum(self, name: str, first: int, stop: int) -> tuple[Decimal, int]:
        """Returns the sum of a field over records and how many of them hold no number."""
        plan = self.plan
        wanted = np.full(len(plan.layout.types), -1, np.int32)
        for code, rule in enumerate(plan.layout.types):
            for one in rule.fields:
                if one.name == name:
                    wanted[code] = plan.numbers[one.at, one.octets, one.form, one.heading]
        data = self.data.view()
        data.flags.writeable = False
        expanded = np.zeros(256, np.uint8)
        scratch = expanded.view()
        scratch.flags.writeable = False
        total = np.zeros(3, np.int64)
        fields = file_fields(self.data, plan).fields
        offsets = self.pieces.offsets
        for begin in range(first, stop, SOME):
            self.given_back = min(self.given_back, int(offsets[begin]))
            end = min(begin + SOME, stop)
            sum_field(
                data, offsets, self.pieces.lengths, begin, end, plan.rules,
                fields, plan.type_blob, plan.type_words, wanted,
                POWERS, scratch, expanded, total,
            )  # fmt: skip
            read = int(offsets[end - 1])
            if read - self.given_back >= STRETCH:
                let_go(data, self.given_back, read)
                self.given_back = read
        high, low, unread = (int(part) for part in total)
        return Decimal(high * 10**18 + low).scaleb(-9), unread


def claims_of(data: Array, plan: FlatPlan, pieces: Pieces) -> Claims:
    """Compares what a file declares with what it holds.

    Args:
        data: The file, uint8[n].
        plan: The format's plan.
        pieces: Its records, headers and trailers.
    """
    return _Checker(data, plan, pieces).check()
