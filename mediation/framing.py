"""From bytes to record boundaries: concatenated records, filler, headers, one outer value.

Of a format, framing knows only which tags may begin a record and what may stand around a list of
records (:class:`RecordTags`); :func:`tags_of` takes them from the format.

Law: header + records + filler + unframed octets == size, always. Records never overlap; what
cannot be framed is reported to the octet, with a reason, and loses none of its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mediation.formats.outline import LEAST_VALUES
from mediation.framing_outer import FoundOuter, OuterReader, Piece
from mediation.framing_scan import Found, Scanner, tag_tables
from mediation.framing_steps import FRAMINGS, FramingRules
from mediation.framing_ts32297 import FileHeader, header_notes, read_file_header
from mediation.kernels import boundaries as k
from mediation.mapped import STRETCH, let_go

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediation.formats.outer import Root

__all__ = [
    "FRAME_REASONS",
    "FRAMINGS",
    "Frames",
    "FramingRules",
    "OuterValue",
    "Piece",
    "RecordTags",
    "Unframed",
    "frame",
    "tag_tables",
    "tags_of",
]

FRAME_REASONS = {
    k.NO_RECORD_START: "no_record_start",
    k.PAST_END: "length_past_end",
    k.BAD_HEADER: "bad_tag_or_length",
    k.INSIDE_INCONSISTENT: "inside_inconsistent",
    k.TOO_LONG: "record_too_long",
    k.NO_END_OF_CONTENTS: "no_end_of_contents",
    k.SEARCH_EXHAUSTED: "search_exhausted",
    k.FILLER_IN_BLOCK: "filler_inside_block",
}
"""Reasons of unframed octets, by the kernels' codes."""


class TopElement(Protocol):
    """An alternative of a format's record type, as :class:`mediation.formats.schema.Element`."""

    @property
    def tag_class(self) -> int:
        """0 universal, 1 application, 2 context, 3 private."""
        ...

    @property
    def tag_number(self) -> int:
        """Number of the outermost tag."""
        ...

    @property
    def constructed(self) -> bool:
        """True if bit 6 of the tag is set on the wire."""
        ...

    @property
    def children(self) -> Sequence[TopElement]:
        """What it may hold."""
        ...


@dataclass(frozen=True, slots=True)
class RecordTags:
    """The tags that may begin a record.

    Attributes:
        first_octets: uint8[256], 1 where the octet may begin a record; 0xBF, 0x7F for long tags.
        long_tags: Tag numbers that may follow a first octet whose low five bits are all ones.
        roots: What the outermost value may be, where records are a list inside one.
        least_values: Values that a record found by searching must hold directly inside.
        own_tags: True if no field directly inside a record has a tag that may begin one.
    """

    first_octets: np.ndarray
    long_tags: frozenset[int]
    roots: tuple[Root, ...] = ()
    least_values: int = LEAST_VALUES
    own_tags: bool = False


def tags_of(
    elements: Sequence[TopElement],
    roots: tuple[Root, ...] = (),
    least_values: int = LEAST_VALUES,
) -> RecordTags:
    """Returns what framing knows of a format.

    Args:
        elements: The alternatives of its record type.
        roots: What may stand around its records.
        least_values: Values that a record holds at least.

    Example:
        ``tags_of(cdr_format.schema, cdr_format.outer)``
    """
    first = np.zeros(256, np.uint8)
    long_tags = set()
    for element in elements:
        octet = element.tag_class << 6 | (32 if element.constructed else 0)
        if element.tag_number < 31:
            first[octet | element.tag_number] = 1
        else:
            first[octet | 31] = 1
            long_tags.add(element.tag_number)
    own = {(element.tag_class, element.tag_number) for element in elements}
    fields = {(one.tag_class, one.tag_number) for element in elements for one in element.children}
    return RecordTags(first, frozenset(long_tags), roots, least_values, not own & fields)


@dataclass(frozen=True, slots=True)
class Unframed:
    """Octets that belong to no record.

    Attributes:
        offset: Where they begin in the file.
        length: How many they are, in octets.
        reason: One of the values of ``FRAME_REASONS``.
    """

    offset: int
    length: int
    reason: str


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file without a TS 32.297 header says of itself.

    Attributes:
        sequence_number: Running number of the file, None where it says none.
        records: Records that it declares, None where it declares none.
    """

    sequence_number: int | None
    records: int | None


@dataclass(frozen=True, slots=True)
class OuterValue:
    """One outer value of a file: a batch with its records.

    Attributes:
        root: Name of the alternative in the module, such as ``transferBatch``.
        offset: Where it begins in the file.
        length: Its octets, as far as the file has them.
        pieces: Elements beside the list of records, in file order.
        records: Indexes of its records in the file's ``offsets``.
    """

    root: str
    offset: int
    length: int
    pieces: tuple[Piece, ...]
    records: range


@dataclass(frozen=True, slots=True)
class Frames:
    """Where the records of a file are.

    Attributes:
        offsets: int64[n], first octet of each record's TLV.
        lengths: int64[n], octets of each record's TLV, tag and length included.
        header_octets: File header, CDR headers, and what of outer values is no record.
        filler_octets: Filler between the records.
        unframed: What belongs to no record, in file order.
        header: The TS 32.297 file header, or what another header or trailer declares, or None.
        notes: What headers declare and the file does not hold.
        outer: The outer values, in file order.
    """

    offsets: np.ndarray
    lengths: np.ndarray
    header_octets: int
    filler_octets: int
    unframed: tuple[Unframed, ...]
    header: FileHeader | Declared | None
    notes: tuple[str, ...]
    outer: tuple[OuterValue, ...] = ()


def frame(data: np.ndarray, tags: RecordTags, rules: FramingRules) -> Frames:
    """Finds the records in ``data``.

    Args:
        data: The file, uint8[n], C-contiguous; may be read-only.
        tags: What framing knows of the format.
        rules: How the source frames its records.

    Returns:
        Offsets, lengths and everything between them; the octets always add up to ``len(data)``.

    Raises:
        ValueError: If ``rules.framing`` is not one of ``FRAMINGS``.
    """
    if rules.framing not in FRAMINGS:
        message = f"framing {rules.framing!r} is not known; allowed: {', '.join(FRAMINGS)}"
        raise ValueError(message)
    data = data.view()
    data.flags.writeable = False  # one compiled kernel for mapped and for made data
    return frame_by(Scanner(data, tags, rules), tags, rules)


def frame_by(scanner: Scanner, tags: RecordTags, rules: FramingRules) -> Frames:
    """Finds the records in a scanner's file; arguments and result as those of :func:`frame`."""
    if rules.framing == "outer":
        return _outer(scanner, tags)
    if rules.framing == "ts32297":
        return _headed(scanner, rules)
    if rules.framing == "lengths":
        return _frames([scanner.headed(0, rules.length_octets)])
    return _frames([scanner.bare(0, len(scanner.data))])


def _frames(
    found: list[Found],
    *,
    header_octets: int = 0,
    filler_octets: int = 0,
    header: FileHeader | None = None,
    notes: tuple[str, ...] = (),
    outer: tuple[OuterValue, ...] = (),
) -> Frames:
    """Puts together what was found, in file order."""
    return Frames(
        offsets=_joined([part.offsets for part in found]),
        lengths=_joined([part.lengths for part in found]),
        header_octets=header_octets + sum(part.header_octets for part in found),
        filler_octets=filler_octets + sum(part.filler_octets for part in found),
        unframed=tuple(
            Unframed(int(offset), int(length), FRAME_REASONS[int(reason)])
            for part in found
            for offset, length, reason in part.gaps.T.tolist()
        ),
        header=header,
        notes=notes,
        outer=outer,
    )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Returns places one behind the other; a single part, often of millions, is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])


def _headed(scanner: Scanner, rules: FramingRules) -> Frames:
    """Frames a TS 32.297 file."""
    data = scanner.data
    header = read_file_header(data, rules.file_header_octets)
    start = header.length if header is not None else 0
    octets = rules.cdr_header_octets
    if octets is None:
        octets = 4 if header is None else header.cdr_header_length
        # Some writers put an extended release into the CDR header only.
        if len(data) > start + 5 and int(data[start + 2]) >> 5 == 7:
            octets = 5
    found = scanner.headed(start, octets)
    if found.gaps.shape[1]:
        # A file may hold records of several releases and services (TS 32.297, 6.1);
        # then nothing but the length tells a header, and that must explain more of the file.
        mixed = scanner.headed(start, octets, one_kind=False)
        more = len(mixed.offsets) > len(found.offsets)
        if more and mixed.gaps[1].sum() < found.gaps[1].sum():
            found = mixed
    notes = () if header is None else header_notes(header, len(data), len(found.offsets))
    return _frames([found], header=header, notes=notes)


def _outer(scanner: Scanner, tags: RecordTags) -> Frames:
    """Frames a file of outer values; what is outside of them is framed as bare records."""
    size = len(scanner.data)
    reader = OuterReader(scanner, tags.roots)
    found: list[Found] = []
    outer: list[OuterValue] = []
    notes: list[str] = []
    at = headers = records = passed = 0
    while at < size:
        if at - passed >= STRETCH:
            let_go(scanner.data, passed, at)
            passed = at
        start = reader.root_at(at) if reader.may_try() else None
        if start is None:
            end = reader.next_root(at + 1)
            found.append(scanner.bare(at, end))
        else:
            value = reader.read(at, *start)
            look = scanner.careful if value.note else scanner.bare
            found.append(look(*value.region))
            headers += value.headers
            end = value.end
            held = range(records, records + len(found[-1].offsets))
            outer.append(_value(value, held))
            if value.note:
                notes.append(value.note)
        records += len(found[-1].offsets)
        at = end
    return _frames(found, header_octets=headers, notes=tuple(notes), outer=tuple(outer))


def _value(found: FoundOuter, records: range) -> OuterValue:
    length = found.end - found.offset
    return OuterValue(found.root, found.offset, length, tuple(found.pieces), records)
