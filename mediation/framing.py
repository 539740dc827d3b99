"""From bytes to record boundaries: bare concatenation, filler, TS 32.297 headers.

Of a format, framing knows only which tags may begin a record (:class:`RecordTags`);
:func:`tags_of` takes them from the format's schema.

Law: header + records + filler + unframed octets == size, always. Records never overlap; what
cannot be framed is reported to the octet, with a reason, and loses none of its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mediation.framing_ts32297 import FileHeader, header_notes, read_file_header
from mediation.kernels import boundaries as k
from mediation.kernels.boundaries_headed import frame_headed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FRAMINGS = ("bare", "ts32297")
"""Framings that a source may declare: concatenated records, or TS 32.297 headers."""

FILLER_OCTETS = (0x00, 0xFF)
"""Octets that fill the room between records and blocks; neither can begin a record."""

FRAME_REASONS = {
    k.NO_RECORD_START: "no_record_start",
    k.PAST_END: "length_past_end",
    k.BAD_HEADER: "bad_tag_or_length",
    k.INSIDE_INCONSISTENT: "inside_inconsistent",
    k.TOO_LONG: "record_too_long",
    k.NO_END_OF_CONTENTS: "no_end_of_contents",
    k.SEARCH_EXHAUSTED: "search_exhausted",
}
"""Reasons of unframed octets, by the kernels' codes."""

MAX_TAG_NUMBER = 1 << 14
SEARCH_FACTOR = 64
"""TLVs that a search may look at per octet of the file, so that no bytes can make it hang."""


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


@dataclass(frozen=True, slots=True)
class RecordTags:
    """The tags that may begin a record.

    Attributes:
        first_octets: uint8[256], 1 where the octet may begin a record; 0xBF, 0x7F for long tags.
        long_tags: Tag numbers that may follow a first octet whose low five bits are all ones.
    """

    first_octets: np.ndarray
    long_tags: frozenset[int]


def tags_of(elements: Iterable[TopElement]) -> RecordTags:
    """Returns the tags that may begin a record, from the alternatives of a format's record type.

    Example:
        ``tags_of(mediation.formats.load("3gpp_cs").schema)``
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
    return RecordTags(first, frozenset(long_tags))


@dataclass(frozen=True, slots=True)
class FramingRules:
    """How a source frames its records.

    Attributes:
        framing: One of ``FRAMINGS``.
        block_octets: Block size that no record crosses, 0 where there are no blocks.
        max_record_octets: Longest record; a longer one counts as a broken length.
        min_children: Values that a record found by searching must hold at least.
        file_header_octets: Length of the TS 32.297 file header, None as it says itself.
        cdr_header_octets: Length of each CDR header (at least 4), None by the release.
    """

    framing: str = "bare"
    block_octets: int = 0
    max_record_octets: int = 1 << 20
    min_children: int = 4
    file_header_octets: int | None = None
    cdr_header_octets: int | None = None


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
class Frames:
    """Where the records of a file are.

    Attributes:
        offsets: int64[n], first octet of each record's TLV.
        lengths: int64[n], octets of each record's TLV, tag and length included.
        header_octets: File header and CDR headers together.
        filler_octets: Filler between the records.
        unframed: What belongs to no record, in file order.
        header: The TS 32.297 file header, None for other framings.
        notes: What the header declares and the file does not hold.
    """

    offsets: np.ndarray
    lengths: np.ndarray
    header_octets: int
    filler_octets: int
    unframed: tuple[Unframed, ...]
    header: FileHeader | None
    notes: tuple[str, ...]


def tag_tables(tags: RecordTags) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the kernels' tables of a format: kinds, long numbers and classes.

    Returns:
        ``kinds`` uint8[256], ``long_numbers`` uint8[16384] and ``classes`` uint8[256], as the
        module :mod:`mediation.kernels.boundaries` describes them.
    """
    first = np.asarray(tags.first_octets, np.uint8)
    octets = np.arange(256)
    kinds = np.zeros(256, np.uint8)
    kinds[list(FILLER_OCTETS)] = k.FILLER
    kinds[(first == 1) & (octets & 31 != 31)] = k.SHORT
    kinds[(first == 1) & (octets & 31 == 31)] = k.LONG
    long_numbers = np.zeros(MAX_TAG_NUMBER, np.uint8)
    long_numbers[[number for number in tags.long_tags if number < MAX_TAG_NUMBER]] = 1
    classes = np.zeros(256, np.uint8)
    for tag_class in np.unique(octets[(first == 1) & (octets & 32 != 0)] >> 6):
        classes[(octets >> 6 == tag_class) & (octets & 32 != 0)] = 1
    # Octets 00 and FF are filler between records even where the class would allow them.
    classes[list(FILLER_OCTETS)] = 0
    return kinds, long_numbers, classes


def _scan(
    data: np.ndarray,
    state: np.ndarray,
    kernel: Callable[[np.ndarray, np.ndarray, np.ndarray], None],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs a framing kernel to the end of ``data``, enlarging its output as needed."""
    size = len(data)
    room = size // 96 + 1024
    offsets, lengths = np.empty(room, np.int64), np.empty(room, np.int64)
    gaps = np.empty((3, 64), np.int64)
    while True:
        kernel(offsets, lengths, gaps)
        if state[k.POSITION] >= size:
            break
        if state[k.RECORDS] >= len(offsets):
            offsets = np.concatenate([offsets, np.empty_like(offsets)])
            lengths = np.concatenate([lengths, np.empty_like(lengths)])
        if state[k.GAPS] >= gaps.shape[1]:
            gaps = np.concatenate([gaps, np.empty_like(gaps)], axis=1)
    records = int(state[k.RECORDS])
    return offsets[:records], lengths[:records], gaps[:, : int(state[k.GAPS])]


def frame(data: np.ndarray, tags: RecordTags, rules: FramingRules) -> Frames:
    """Finds the records in ``data``.

    Args:
        data: The file, uint8[n], C-contiguous; may be read-only.
        tags: The format's tags.
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
    kinds, long_numbers, classes = tag_tables(tags)
    state = np.zeros(k.STATE_CELLS, np.int64)
    state[k.BUDGET] = SEARCH_FACTOR * len(data) + 4096
    flat = np.zeros(k.RULE_CELLS, np.int64)
    flat[k.BLOCK] = rules.block_octets
    flat[k.MAX_RECORD] = rules.max_record_octets
    flat[k.MIN_CHILDREN] = rules.min_children
    stack = np.zeros((2, k.MAX_DEPTH), np.int64)
    header = None
    if rules.framing == "ts32297":
        header = read_file_header(data, rules.file_header_octets)
        start = header.length if header is not None else 0
        flat[k.HEADER_LENGTH], flat[k.MARK] = _cdr_header(data, start, header, rules, classes)
        state[k.POSITION] = state[k.HEADERS] = start

        def kernel(offsets: np.ndarray, lengths: np.ndarray, gaps: np.ndarray) -> None:
            frame_headed(data, offsets, lengths, gaps, flat, kinds, classes, stack, state)
    else:

        def kernel(offsets: np.ndarray, lengths: np.ndarray, gaps: np.ndarray) -> None:
            k.frame_bare(
                data, offsets, lengths, gaps, flat, kinds, long_numbers, classes, stack, state
            )

    offsets, lengths, gaps = _scan(data, state, kernel)
    return Frames(
        offsets=offsets,
        lengths=lengths,
        header_octets=int(state[k.HEADERS]),
        filler_octets=int(state[k.FILLED]),
        unframed=tuple(
            Unframed(int(offset), int(length), FRAME_REASONS[int(reason)])
            for offset, length, reason in gaps.T.tolist()
        ),
        header=header,
        notes=() if header is None else header_notes(header, len(data), len(offsets)),
    )


def _cdr_header(
    data: np.ndarray,
    start: int,
    header: FileHeader | None,
    rules: FramingRules,
    classes: np.ndarray,
) -> tuple[int, int]:
    """Returns (octets of a CDR header, its release and format octets; -1 where not known)."""
    octets = rules.cdr_header_octets
    if octets is None:
        octets = 4 if header is None else header.cdr_header_length
        # Some writers put an extended release into the CDR header only.
        if len(data) > start + 5 and int(data[start + 2]) >> 5 == 7:
            octets = 5
    if octets < 4 or len(data) <= start + octets or classes[data[start + octets]] == 0:
        return octets, -1
    return octets, int(data[start + 2]) << 8 | int(data[start + 3])
