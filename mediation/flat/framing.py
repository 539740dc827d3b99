"""Finding the records of a flat file: lines, or binary records in blocks, headers and trailers.

Law: header + records + filler + unframed octets == size, always. Line ends, blank lines and
comments are filler; header and trailer lines, block headers and trailers, the line of names and a
byte order mark are header. What a header or trailer declares is compared with what was read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.flat.claims import claims_of
from mediation.flat.lines_of_names import file_fields
from mediation.framing import Frames, Unframed
from mediation.kernels import flat_ops as ops
from mediation.kernels.blocks import frame_records
from mediation.kernels.lines import frame_lines
from mediation.mapped import STRETCH, let_go

if TYPE_CHECKING:
    from mediation.flat.plan import FlatPlan

    Array = np.ndarray[Any, np.dtype[Any]]

BOM: Final = b"\xef\xbb\xbf"
ROOM: Final = 4096
SOME: Final = 1 << 14
"""Records that are found before memory of the file is given back."""

LINES: Final = "lines"
RECORDS: Final = "records"
BLOCKS: Final = "blocks"


@dataclass(frozen=True, slots=True)
class Pieces:
    """What was found in a file.

    Attributes:
        offsets: int64[n], first octet of each record.
        lengths: int64[n], octets of each record.
        specials: int64[3, m], headers and trailers: offset, length, HEADER or TRAILER.
        gaps: int64[3, k]: offset, length, reason.
        filler: Octets of filler.
        header: Octets of headers and trailers, and of the byte order mark.
    """

    offsets: Array
    lengths: Array
    specials: Array
    gaps: Array
    filler: int
    header: int


def framing_name(plan: FlatPlan) -> str:
    """Returns what the framing of a format is called."""
    if plan.layout.lines:
        return LINES
    return RECORDS if plan.layout.blocks is None else BLOCKS


def text_start(data: Array) -> int:
    """Returns where the text begins, behind a byte order mark."""
    return len(BOM) if data[: len(BOM)].tobytes() == BOM else 0


def find_pieces(data: Array, plan: FlatPlan, longest: int) -> Pieces:
    """Runs the framing kernel over ``data`` (uint8[n]), enlarging its outputs as needed."""
    data = data.view()
    data.flags.writeable = False  # one compiled kernel for mapped and for made data
    rules = plan.rules.copy()
    rules[ops.LONGEST] = longest
    start = text_start(data) if plan.layout.lines else 0
    state = np.zeros(ops.STATE_CELLS, np.int64)
    state[ops.POSITION] = state[ops.HEADERS] = start
    room = len(data) // 64 + ROOM
    offsets, lengths = np.empty(room, np.int64), np.empty(room, np.int64)
    specials, gaps = np.empty((3, 64), np.int64), np.empty((3, 64), np.int64)
    selector = np.array([-1, -1, 0], np.int32)
    if rules[ops.TYPE_FIELD] >= 0:
        first = int(rules[ops.TYPE_FIELD]) * ops.FIELD_WIDTH
        selector = file_fields(data, plan).fields[first : first + ops.FIELD_WIDTH].copy()
    comment = np.frombuffer(plan.layout.comment_octets, np.uint8)
    passed = 0
    while True:
        # A stretch is what so many records take: then what lies behind is given back.
        until = min(int(state[ops.RECORDS]) + SOME, len(offsets))
        if plan.layout.lines:
            frame_lines(
                data, rules, selector, comment, plan.type_blob, plan.type_words,
                offsets[:until], lengths[:until], specials, gaps, state,
            )  # fmt: skip
        else:
            frame_records(
                data, rules, plan.fields, plan.type_blob, plan.type_words,
                offsets[:until], lengths[:until], specials, gaps, state,
            )  # fmt: skip
        if state[ops.POSITION] >= len(data):
            break
        if state[ops.POSITION] >= passed + STRETCH:
            let_go(data, passed, int(state[ops.POSITION]))
            passed = int(state[ops.POSITION])
        if state[ops.RECORDS] >= len(offsets):
            offsets = np.concatenate([offsets, np.empty_like(offsets)])
            lengths = np.concatenate([lengths, np.empty_like(lengths)])
        if state[ops.SPECIALS] + 3 > specials.shape[1]:
            specials = np.concatenate([specials, np.empty_like(specials)], axis=1)
        if state[ops.GAPS] + 3 > gaps.shape[1]:
            gaps = np.concatenate([gaps, np.empty_like(gaps)], axis=1)
    records = int(state[ops.RECORDS])
    pieces = Pieces(
        offsets[:records],
        lengths[:records],
        specials[:, : int(state[ops.SPECIALS])],
        gaps[:, : int(state[ops.GAPS])],
        int(state[ops.FILLED]),
        int(state[ops.HEADERS]),
    )
    return _last_line(pieces, plan)


def _last_line(pieces: Pieces, plan: FlatPlan) -> Pieces:
    """Returns the pieces with the last line as the trailer, where the format says that it is."""
    trailer = plan.layout.trailer
    if trailer is None or not trailer.lines or not len(pieces.offsets):
        return pieces
    offset, length = int(pieces.offsets[-1]), int(pieces.lengths[-1])
    last = np.array([[offset], [length], [ops.TRAILER]], np.int64)
    return replace(
        pieces,
        offsets=pieces.offsets[:-1],
        lengths=pieces.lengths[:-1],
        specials=np.concatenate([pieces.specials, last], axis=1),
        header=pieces.header + length,
    )


def framing_of(name: str) -> str:
    """Returns what the framing of a flat format is called."""
    return framing_name(_plan(name))


def frames_of(data: Array, name: str, max_record_octets: int) -> Frames:
    """Finds the records of a file of a flat format; see `flat_frames`."""
    return flat_frames(data, _plan(name), max_record_octets)


def _plan(name: str) -> FlatPlan:
    from mediation import formats  # noqa: PLC0415 - formats import this package

    plan = formats.load(name).flat
    assert plan is not None  # noqa: S101 - the caller knows the kind
    return plan


def flat_frames(data: Array, plan: FlatPlan, max_record_octets: int) -> Frames:
    """Finds the records of a flat file.

    Args:
        data: The file, uint8[n].
        plan: The format's plan.
        max_record_octets: Longest record that is believed.

    Returns:
        Offsets, lengths and everything between them; the octets always add up to ``len(data)``.
    """
    pieces = find_pieces(data, plan, max_record_octets)
    claims = claims_of(data, plan, pieces)
    return Frames(
        offsets=pieces.offsets,
        lengths=pieces.lengths,
        header_octets=pieces.header,
        filler_octets=pieces.filler,
        unframed=tuple(
            Unframed(int(offset), int(length), ops.FRAME_REASONS[int(reason)])
            for offset, length, reason in pieces.gaps.T.tolist()
        ),
        header=claims.header,
        notes=claims.notes,
    )
