"""Runs the framing kernels over a stretch of a file, with room for whatever they find."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mediation.kernels import boundaries as k
from mediation.kernels.boundaries_headed import frame_headed
from mediation.kernels.hidden import hidden_records
from mediation.kernels.lists import end_of_list, end_of_value, records_inside
from mediation.mapped import STRETCH, let_go

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.framing import RecordTags
    from mediation.framing_steps import FramingRules

FILLER_OCTETS = (0x00, 0xFF)
"""Octets that fill the room between records and blocks; neither can begin a record."""

MAX_TAG_NUMBER = 1 << 14
SEARCH_FACTOR = 64
"""TLVs that a search may look at per octet of the file, so that no bytes can make it hang."""


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


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan found in its stretch; positions count from the start of the file.

    Attributes:
        offsets: int64[n], first octet of each record's TLV.
        lengths: int64[n], octets of each record's TLV.
        gaps: int64[3, m]: offset, length and reason of what is no record.
        header_octets: CDR headers, and what lies before the stretch if it was skipped as a header.
        filler_octets: Filler.
    """

    offsets: np.ndarray
    lengths: np.ndarray
    gaps: np.ndarray
    header_octets: int
    filler_octets: int


class Scanner:
    """Finds records in one file.

    Args:
        data: The file, uint8[n], C-contiguous and read-only: one compiled kernel for all.
        tags: The format's tags.
        rules: How the source frames its records.
    """

    def __init__(self, data: np.ndarray, tags: RecordTags, rules: FramingRules) -> None:
        self.data = data
        self.kinds, self.long_numbers, self.classes = tag_tables(tags)
        self.rules = np.zeros(k.RULE_CELLS, np.int64)
        self.rules[k.BLOCK] = rules.block_octets
        self.rules[k.MAX_RECORD] = rules.max_record_octets
        self.rules[k.MIN_CHILDREN] = tags.least_values
        self.rules[k.OWN_TAGS] = tags.own_tags
        self.marked = rules.framing != "lengths"
        self.rules[k.LENGTH_OCTETS] = 2 if self.marked else rules.length_octets
        self.rules[k.LITTLE_ENDIAN] = not self.marked and rules.little_endian
        self.rules[k.LENGTH_INCLUDED] = not self.marked and rules.length_included
        self.stack = np.zeros((2, k.MAX_DEPTH), np.int64)

    def starts_record(self, at: int) -> bool:
        """Returns whether the tag at ``at`` may begin a record."""
        kind = int(self.kinds[self.data[at]])
        if kind != k.LONG:
            return kind == k.SHORT
        number = 0
        for octet in self.data[at + 1 : at + 3].tolist():
            number = number << 7 | octet & 127
            if octet < 128:
                return bool(self.long_numbers[number])
        return False

    def end_of_value(self, at: int, limit: int) -> int:
        """Returns where the value at ``at`` ends, negative unless all lengths inside agree."""
        state = self._state(limit - at)
        return int(end_of_value(self.data, at, limit, self.stack, state))

    def end_of_list(self, start: int, limit: int) -> int:
        """Returns where the end-of-contents of the list at ``start`` stands, -1 if nowhere."""
        state = self._state(limit - start)
        tables = self.kinds, self.long_numbers
        found = end_of_list(self.data, start, limit, self.rules, *tables, self.stack, state)
        return int(found)

    def inside(self, offsets: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns offsets and lengths of the records directly inside values of another format.

        Args:
            offsets: int64[n], where the values begin.
            lengths: int64[n], their octets.
        """
        room = len(offsets)
        while True:
            found = np.empty((2, room), np.int64)
            state = self._state(len(self.data))
            tables = self.kinds, self.long_numbers
            count = records_inside(self.data, offsets, lengths, *tables, found, self.stack, state)
            if count <= room:
                return found[0, :count].copy(), found[1, :count].copy()
            room = count

    def bare(self, start: int, end: int) -> Found:
        """Finds concatenated records in [start, end)."""
        data = self.data[start:end]
        state = self._state(len(data))

        def kernel(offsets: np.ndarray, lengths: np.ndarray, gaps: np.ndarray) -> None:
            tables = self.kinds, self.long_numbers, self.classes
            k.frame_bare(data, offsets, lengths, gaps, self.rules, *tables, self.stack, state)

        found = _scan(data, state, kernel)
        found.offsets[:] += start
        found.gaps[0] += start
        block = int(self.rules[k.BLOCK])
        return _filled_blocks(found, end, block) if block else found

    def careful(self, start: int, end: int) -> Found:
        """Finds records as :meth:`bare`, and those that broken ones cover; slower, all are walked.

        A cut record whose length ends where a later record ends leaves no other trace. This is for
        stretches that are known to be damaged.
        """
        found = self.bare(start, end)
        hidden, counts = self.hidden(start, end, found)
        ends = found.offsets + found.lengths
        broken = (hidden < ends).nonzero()[0]
        if not len(broken):
            return found
        kept = np.ones(len(ends), np.bool_)
        alone = np.ones(found.gaps.shape[1], np.bool_)
        covered = []
        for at in broken.tolist():
            last = at + int(counts[at])
            until = int(ends[last - 1])
            kept[at:last] = False
            alone &= (found.gaps[0] < found.offsets[at]) | (found.gaps[0] >= until)
            covered.append(self.bare(int(hidden[at]), until))
        begun = found.offsets[broken]
        reasons = np.full(len(broken), k.INSIDE_INCONSISTENT)
        new = np.stack([begun, hidden[broken] - begun, reasons])
        gaps = np.concatenate([found.gaps[:, alone], new, *(each.gaps for each in covered)], axis=1)
        offsets, lengths = (
            np.concatenate([own[kept], *(getattr(each, name) for each in covered)])
            for name, own in (("offsets", found.offsets), ("lengths", found.lengths))
        )
        order = np.argsort(offsets)
        return Found(
            offsets[order],
            lengths[order],
            gaps[:, np.argsort(gaps[0], kind="stable")],
            found.header_octets,
            end - start - int(lengths.sum()) - int(gaps[1].sum()),
        )

    def hidden(self, start: int, end: int, found: Found) -> np.ndarray:
        """Returns int64[2, n]: where the first record begins that each record covers.

        It is the record's own end where it covers none; then how many records take part.
        """
        state = self._state(end - start)
        hidden = np.empty((2, len(found.offsets)), np.int64)
        places = found.offsets - start, found.lengths
        tables = self.kinds, self.long_numbers
        hidden_records(
            self.data[start:end], *places, self.rules, *tables, self.stack, state, hidden
        )
        hidden[0] += start
        return hidden

    def headed(self, start: int, header_octets: int, *, one_kind: bool = True) -> Found:
        """Finds records behind headers from ``start`` to the end of the file.

        Args:
            start: Octets of the file header.
            header_octets: Octets of the header before each record.
            one_kind: Release and format (TS 32.297) are those of the first header in all others.
        """
        data = self.data
        rules = self.rules.copy()
        rules[k.HEADER_LENGTH], rules[k.MARK] = header_octets, -1
        record = start + header_octets
        if (
            self.marked
            and one_kind
            and header_octets >= 4
            and record < len(data)
            and self.classes[data[record]] == 1
        ):
            rules[k.MARK] = int(data[start + 2]) << 8 | int(data[start + 3])
        state = self._state(len(data))
        state[k.POSITION] = state[k.HEADERS] = start

        def kernel(offsets: np.ndarray, lengths: np.ndarray, gaps: np.ndarray) -> None:
            tables = self.kinds, self.classes
            frame_headed(data, offsets, lengths, gaps, rules, *tables, self.stack, state)

        return _scan(data, state, kernel)

    @staticmethod
    def _state(octets: int) -> np.ndarray:
        state = np.zeros(k.STATE_CELLS, np.int64)
        state[k.BUDGET] = SEARCH_FACTOR * octets + 4096
        state[k.UNTIL] = STRETCH
        return state


def _scan(
    data: np.ndarray,
    state: np.ndarray,
    kernel: Callable[[np.ndarray, np.ndarray, np.ndarray], None],
) -> Found:
    """Runs a framing kernel over octets stretch by stretch, enlarging its output as needed."""
    size = len(data)
    room = size // 96 + 1024
    offsets, lengths = np.empty(room, np.int64), np.empty(room, np.int64)
    gaps = np.empty((3, 64), np.int64)
    while True:
        kernel(offsets, lengths, gaps)
        if state[k.POSITION] >= size:
            break
        if state[k.POSITION] >= state[k.UNTIL]:
            let_go(data, int(state[k.UNTIL]) - STRETCH, int(state[k.POSITION]))
            state[k.UNTIL] = state[k.POSITION] + STRETCH
        if state[k.RECORDS] >= len(offsets):
            offsets = np.concatenate([offsets, np.empty_like(offsets)])
            lengths = np.concatenate([lengths, np.empty_like(lengths)])
        if state[k.GAPS] >= gaps.shape[1]:
            gaps = np.concatenate([gaps, np.empty_like(gaps)], axis=1)
    records = int(state[k.RECORDS])
    return Found(
        offsets[:records],
        lengths[:records],
        gaps[:, : int(state[k.GAPS])],
        int(state[k.HEADERS]),
        int(state[k.FILLED]),
    )


def _filled_blocks(found: Found, size: int, block: int) -> Found:
    """Moves filler that does not reach the end of its block to the gaps: records were there once.

    Args:
        found: Records and gaps of a whole file.
        size: Octets of the file.
        block: Octets of a block.
    """
    starts = np.concatenate([found.offsets, found.gaps[0], [size]])
    ends = np.concatenate([found.offsets + found.lengths, found.gaps[0] + found.gaps[1], [size]])
    order = np.argsort(starts, kind="stable")
    began, ended = np.concatenate([[0], ends[order][:-1]]), starts[order]
    wrong = (ended > began) & (ended % block != 0) & (ended != size)
    # A run over several blocks is filler up to where its last block begins.
    began = np.maximum(began, ended // block * block)
    octets = (ended - began)[wrong]
    more = np.stack([began[wrong], octets, np.full(len(octets), k.FILLER_IN_BLOCK)])
    gaps = np.concatenate([found.gaps, more], axis=1)
    gaps = gaps[:, np.argsort(gaps[0], kind="stable")]
    filler = found.filler_octets - int(octets.sum())
    return replace(found, gaps=gaps, filler_octets=filler)
