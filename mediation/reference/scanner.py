"""Framing of whole files in plain Python: block, headed, outer and bare framing.

:class:`PlainScanner` takes the place of :class:`mediation.framing_scan.Scanner`. Filler is what is
left when headers, records and gaps are taken away, and it must consist of filler octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mediation.framing import FRAME_REASONS, Frames, FramingRules, Unframed, frame_by
from mediation.framing_scan import FILLER_OCTETS, Found, Scanner
from mediation.kernels.boundaries import FILLER_IN_BLOCK
from mediation.reference.boundaries import Framer, TlvError, read_header, walk
from mediation.reference.boundaries_headed import HeadedFramer

if TYPE_CHECKING:
    from mediation.framing import RecordTags

CODES = {reason: code for code, reason in FRAME_REASONS.items()}


class PlainScanner(Scanner):
    """Finds records in one file, slowly.

    Args:
        data: The file, uint8[n].
        tags: The format's tags.
        rules: How the source frames its records.
    """

    def __init__(self, data: np.ndarray, tags: RecordTags, rules: FramingRules) -> None:
        super().__init__(data, tags, rules)
        self.octets = data.tobytes()
        self.tags = tags
        self.framing = rules

    def starts_record(self, at: int) -> bool:
        """Returns whether the tag at ``at`` may begin a record."""
        return Framer(self.octets, self.tags, self.framing).starts(at)

    def end_of_value(self, at: int, limit: int) -> int:
        """Returns where the value at ``at`` ends, negative unless all lengths inside agree."""
        return Framer(self.octets, self.tags, self.framing).whole(at, limit)[0]

    def end_of_list(self, start: int, limit: int) -> int:
        """Returns where the end-of-contents of the list at ``start`` stands, -1 if nowhere.

        Values follow one another until it; behind a value that is broken, or that does not end
        where another one begins, the next whole record is looked for.
        """
        framer = Framer(self.octets, self.tags, self.framing)
        at = before = start
        while at + 2 <= limit:
            if self.octets[at : at + 2] == b"\0\0":
                return at
            end = self._end_in_list(framer, at, limit)
            if end > 0:
                before, at = at, end
                continue
            before, at = framer.find(before + 1, limit, limit)
            if before < 0:
                return -1
        return -1

    def _end_in_list(self, framer: Framer, at: int, limit: int) -> int:
        """Returns where the value at ``at`` ends: of a record by its length alone; -1 if nowhere."""
        octet = self.octets[at]
        if framer.starts(at):
            try:
                content, length = read_header(self.octets, at, limit)
            except TlvError:
                return -1
            if length is not None:
                return content + length
        elif octet == 0 or not octet & 32:
            return -1
        return framer.whole(at, limit)[0]

    def inside(self, offsets: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns offsets and lengths of the records directly inside values of another format."""
        framer = Framer(self.octets, self.tags, self.framing)
        found: list[tuple[int, int]] = []
        for start, length in zip(offsets.tolist(), lengths.tolist(), strict=True):
            limit = start + length
            if length == 0:
                continue
            try:
                at, _ = read_header(self.octets, start, limit)
                while at < limit:
                    content, size = read_header(self.octets, at, limit)
                    end = walk(self.octets, at, limit)[0] if size is None else content + size
                    if framer.starts(at):
                        found.append((at, end - at))
                    at = end
            except TlvError:
                pass
        pairs = np.array(found, np.int64).reshape(-1, 2)
        return pairs[:, 0].copy(), pairs[:, 1].copy()

    def bare(self, start: int, end: int) -> Found:
        """Finds concatenated records in [start, end)."""
        framer = Framer(self.octets[start:end], self.tags, self.framing)
        framer.run()
        records = [(start + at, length) for at, length in framer.records]
        gaps = [Unframed(start + gap.offset, gap.length, gap.reason) for gap in framer.gaps]
        if self.framing.block_octets:
            gaps = _with_holes(records, gaps, end, self.framing.block_octets)
        return self._found(start, end, records, gaps)

    def hidden(self, start: int, end: int, found: Found) -> np.ndarray:
        """Returns where records begin that each record covers, its end if none; and how many."""
        framer = Framer(self.octets[start:end], self.tags, self.framing)
        begun = (found.offsets - start).tolist()
        ended = (found.offsets + found.lengths - start).tolist()
        hidden = [(at, 1) for at in ended]
        index = 0
        while index < len(begun):
            first, joined = _covered(framer, begun, ended, index)
            hidden[index] = first, joined - index
            index = joined
        places = np.array(hidden, np.int64).reshape(-1, 2).T
        places[0] += start
        return places

    def headed(self, start: int, header_octets: int, *, one_kind: bool = True) -> Found:
        """Finds records behind headers from ``start`` to the end of the file."""
        framer = HeadedFramer(self.octets, self.tags, self.framing, header=header_octets)
        record = start + header_octets
        marked = one_kind and self.framing.framing == "ts32297" and header_octets >= 4
        if marked and record < len(self.octets) and framer.constructed(record):
            framer.mark = self.octets[start + 2 : start + 4]
        framer.run(start)
        return self._found(0, len(self.octets), framer.records, framer.gaps, start, header_octets)

    def _found(
        self,
        start: int,
        end: int,
        records: list[tuple[int, int]],
        gaps: list[Unframed],
        front: int = 0,
        header: int = 0,
    ) -> Found:
        """Counts headers and filler by painting the octets."""
        kinds = np.zeros(end - start, np.uint8)
        kinds[:front] = 1
        for at, length in records:
            kinds[at - start - header : at - start] += 1
            kinds[at - start : at - start + length] += 2
        for gap in gaps:
            kinds[gap.offset - start : gap.offset - start + gap.length] += 3
        filler = self.data[start:end][kinds == 0]
        if not np.isin(filler, FILLER_OCTETS).all():
            message = f"octets of {self.framing.words} framing are in no place"
            raise AssertionError(message)
        return Found(
            np.array([at for at, _ in records], np.int64),
            np.array([length for _, length in records], np.int64),
            np.array([(g.offset, g.length, CODES[g.reason]) for g in gaps], np.int64)
            .reshape(-1, 3)
            .T,
            int((kinds == 1).sum()),
            len(filler),
        )


def _covered(framer: Framer, begun: list[int], ended: list[int], index: int) -> tuple[int, int]:
    """Returns where whole records begin inside a broken one, and which one they lead to.

    They lead to the beginning of a later record or to the end of the last; where there are none,
    the record's own end and the next record are the answer.
    """
    end = ended[index]
    borders = {place: number for number, place in enumerate(begun)} | {ended[-1]: len(begun)}
    whole = framer.whole(begun[index], end)[0] == end
    inside = framer.record_inside(begun[index], end) if whole else begun[index] + 1
    first, reached = (-1, -1) if inside < 0 else framer.find(inside, end, ended[-1])
    while first >= 0:
        while 0 < reached < ended[-1] and reached not in borders and framer.starts(reached):
            reached, values = framer.whole(reached, ended[-1])
            if values < framer.tags.least_values and not whole:
                reached = -1
        if reached in borders:
            return first, borders[reached]
        if whole:
            break
        first, reached = framer.find(first + 1, end, ended[-1])
    return end, index + 1


def _with_holes(
    records: list[tuple[int, int]], gaps: list[Unframed], size: int, block: int
) -> list[Unframed]:
    """Returns gaps and the filler behind which something stands in the same block, as gaps too."""
    spans = sorted([*records, *((gap.offset, gap.length) for gap in gaps)])
    holes = []
    at = 0
    for offset, length in spans:
        begin = max(at, offset - offset % block)
        if begin < offset < size:
            holes.append(Unframed(begin, offset - begin, FRAME_REASONS[FILLER_IN_BLOCK]))
        at = offset + length
    return sorted([*gaps, *holes], key=lambda gap: gap.offset)


def frame_plainly(data: bytes, tags: RecordTags, rules: FramingRules) -> Frames:
    """Returns what :func:`mediation.framing.frame` does, found in plain Python."""
    octets = np.frombuffer(data, np.uint8)
    return frame_by(PlainScanner(octets, tags, rules), tags, rules)
