"""Record boundaries in plain Python: the oracle for :mod:`mediation.kernels.boundaries`.

:mod:`mediation.reference.scanner` frames whole files with it.

The rules of framing in words:

1. At a position outside a record, filler (00, FF) is skipped.
2. A legal tag whose length fits, with a record, filler or the end behind it, is a record; before
   filler or the end only if it does not show the mark of a cut (rule 4).
3. Otherwise, a TLV that is whole inside is a record if its tag is legal, or if it is constructed,
   of a class that records use and holds enough values, four or more (a record type that nobody
   declared); but not if it shows the mark of a cut.
4. Otherwise one of the last sixteen records may show the mark of a cut: a whole record begins
   inside it and ends behind it, or at its end (filler between them) if the record around it is
   inconsistent or of a type that nobody declared. Then the break is where that record began. A
   record of a declared type that is whole inside, with another such record at its end, is no cut one.
5. From the break to the next whole record that begins legally, the octets are unframed.
6. Where types of record have tags of their own, a value that holds a record is no whole record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mediation.framing import FRAME_REASONS, Unframed
from mediation.framing_scan import FILLER_OCTETS
from mediation.kernels import boundaries as codes

if TYPE_CHECKING:
    from mediation.framing import FramingRules, RecordTags


class TlvError(Exception):
    """A TLV that does not hold; ``code`` is one of the kernels' reasons."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def after_tag(data: bytes, pos: int, limit: int) -> int:
    """Returns the position behind the tag at ``pos``.

    Raises:
        TlvError: If the tag does not end before ``limit`` or has more than six octets.
    """
    if data[pos] & 31 != 31:
        return pos + 1
    for count, octet in enumerate(data[pos + 1 : limit], start=1):
        if octet < 128:
            return pos + 1 + count
        if count == 5:
            raise TlvError(codes.BAD_HEADER)
    raise TlvError(codes.PAST_END)


def read_header(data: bytes, pos: int, limit: int) -> tuple[int, int | None]:
    """Returns where the content begins and its length, None for indefinite.

    Raises:
        TlvError: If tag or length do not hold before ``limit``.
    """
    at = after_tag(data, pos, limit)
    if at >= limit:
        raise TlvError(codes.PAST_END)
    length = data[at]
    content = at + 1
    if length == 128:
        if not data[pos] & 32:
            raise TlvError(codes.BAD_HEADER)
        return content, None
    if length > 128:
        count = length - 128
        if count > 4:
            raise TlvError(codes.BAD_HEADER)
        if content + count > limit:
            raise TlvError(codes.PAST_END)
        length = int.from_bytes(data[content : content + count], "big")
        content += count
    if content + length > limit:
        raise TlvError(codes.PAST_END)
    return content, length


def walk(data: bytes, pos: int, limit: int, depth: int = 0) -> tuple[int, int]:
    """Returns where the TLV at ``pos`` ends and how many values it holds.

    Raises:
        TlvError: If lengths inside do not agree.
    """
    if pos >= limit:
        raise TlvError(codes.PAST_END)
    if data[pos] == 0:
        raise TlvError(codes.INSIDE_INCONSISTENT)
    try:
        content, length = read_header(data, pos, limit)
    except TlvError as error:
        raise TlvError(error.code if depth == 0 else codes.INSIDE_INCONSISTENT) from error
    if not data[pos] & 32:
        return content + (length or 0), 0
    if depth == codes.MAX_DEPTH:
        raise TlvError(codes.INSIDE_INCONSISTENT)
    children = 0
    at = content
    end = limit if length is None else content + length
    while length is None or at < end:
        if length is None and at + 1 < end and data[at : at + 2] == b"\0\0":
            return at + 2, children
        if at >= end:
            raise TlvError(codes.NO_END_OF_CONTENTS)
        at, _ = walk(data, at, end, depth + 1)
        children += 1
    return at, children


@dataclass(slots=True)
class Framer:
    """Frames bare concatenated records, one step at a time.

    Attributes:
        data: The file.
        tags: The format's tags.
        rules: Framing rules.
        records: (offset, length) of the records found so far.
        gaps: What belongs to no record.
    """

    data: bytes
    tags: RecordTags
    rules: FramingRules
    records: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[Unframed] = field(default_factory=list)
    floor: int = 0

    def starts(self, pos: int) -> bool:
        """Returns True where the tag at ``pos`` may begin a record."""
        octet = self.data[pos]
        if not self.tags.first_octets[octet]:
            return False
        if octet & 31 != 31:
            return octet not in FILLER_OCTETS
        number = 0
        for more in self.data[pos + 1 : pos + 3]:
            number = number << 7 | more & 127
            if more < 128:
                return number in self.tags.long_tags
        return False

    def constructed(self, pos: int) -> bool:
        """Returns True where a constructed value of a class that records use may begin."""
        octet = self.data[pos]
        legal = [first for first in range(256) if self.tags.first_octets[first] and first & 32]
        classes = {first >> 6 for first in legal}
        return bool(octet & 32) and octet >> 6 in classes and octet not in FILLER_OCTETS

    def may_end(self, pos: int) -> bool:
        """Returns True where a record may end at ``pos``."""
        if pos >= len(self.data):
            return True
        return self.data[pos] in FILLER_OCTETS or self.starts(pos)

    def limit(self, pos: int) -> int:
        """Returns where a record at ``pos`` must have ended."""
        block = self.rules.block_octets
        return min(len(self.data), (pos // block + 1) * block) if block else len(self.data)

    def whole(self, pos: int, limit: int) -> tuple[int, int]:
        """Returns end and number of values of the TLV at ``pos``; end is -reason on a fault."""
        try:
            return walk(self.data, pos, limit)
        except TlvError as error:
            return -error.code, 0

    def believable(self, pos: int) -> int:
        """Returns the end of the record at ``pos`` under rule 2, or -1."""
        if not self.starts(pos):
            return -1
        try:
            content, length = read_header(self.data, pos, self.limit(pos))
        except TlvError:
            return -1
        end = self.whole(pos, self.limit(pos))[0] if length is None else content + length
        if end < 0 or end - pos > self.rules.max_record_octets or not self.may_end(end):
            return -1
        if (end < len(self.data) and self.starts(end)) or not self.is_cut(pos, end):
            return end
        return -1

    def is_cut(self, start: int, end: int) -> bool:
        """Returns True where the record [start, end) shows the mark of a cut (rule 4)."""
        last = following = self.find(start + 1, end)[1]
        while 0 < following < end:
            last, following = following, self.find(following, end)[1]
        if following > end or last < 0:
            return following > end
        behind = self.data[max(last, following) : end]
        if not all(octet in FILLER_OCTETS for octet in behind):
            return False
        return not self.starts(start) or self.whole(start, end)[0] != end

    def find(self, pos: int, stop: int, bound: int | None = None) -> tuple[int, int]:
        """Returns start and end of the next whole record in [pos, stop), else (-1, -1).

        It must end by ``bound``, by default the end of the file.
        """
        for at in range(pos, stop):
            if self.starts(at):
                limit = self.limit(at) if bound is None else min(self.limit(at), bound)
                end, children = self.whole(at, limit)
                if (
                    end > 0
                    and children >= self.tags.least_values
                    and end - at <= self.rules.max_record_octets
                    and self.may_end(end)
                    and self.record_inside(at, end) < 0
                ):
                    return at, end
        return -1, -1

    def record_inside(self, start: int, end: int) -> int:
        """Returns where a record's tag stands directly inside a whole value, or -1 (rule 6)."""
        at = read_header(self.data, start, end)[0] if self.tags.own_tags else end
        while at < end:
            if self.starts(at):
                return at
            try:
                content, length = read_header(self.data, at, end)
            except TlvError:
                return -1
            if length is None:
                return -1
            at = content + length
        return -1

    def cut_record(self) -> int:
        """Returns the index of a cut record among the last sixteen, or -1 (rule 4)."""
        first = max(self.floor, len(self.records) - codes.LOOK_BACK)
        follower = -1
        for index in range(len(self.records) - 1, first - 1, -1):
            start, length = self.records[index]
            whole = self.starts(start) and self.whole(start, start + length)[0] == start + length
            if not (whole and follower == start + length) and self.is_cut(start, start + length):
                return index
            follower = start if whole else -1
        return -1

    def mend(self, pos: int) -> int:
        """Applies rules 3 to 5 at ``pos`` and returns where to go on."""
        legal = self.starts(pos)
        reason = codes.NO_RECORD_START
        if legal or self.constructed(pos):
            end, children = self.whole(pos, self.limit(pos))
            least = max(self.tags.least_values, codes.UNDECLARED_VALUES)
            if end > 0 and (legal or children >= least):
                if end - pos > self.rules.max_record_octets:
                    reason = codes.TOO_LONG
                elif self.is_cut(pos, end):
                    reason = codes.INSIDE_INCONSISTENT
                else:
                    self.records.append((pos, end - pos))
                    return end
            elif legal:
                reason = -end
        cut = self.cut_record()
        if cut >= 0:
            pos = self.records[cut][0]
            del self.records[cut:]
            reason = codes.INSIDE_INCONSISTENT
        found, _ = self.find(pos + 1, len(self.data))
        if found < 0:
            found = len(self.data)
        self.gaps.append(Unframed(pos, found - pos, FRAME_REASONS[reason]))
        self.floor = len(self.records)
        return found

    def run(self) -> None:
        """Frames all of ``data``."""
        pos = 0
        while pos < len(self.data):
            if self.data[pos] in FILLER_OCTETS:
                pos += 1
                continue
            end = self.believable(pos)
            if end > 0:
                self.records.append((pos, end - pos))
                pos = end
            else:
                pos = self.mend(pos)


def frame_bare(
    data: bytes, tags: RecordTags, rules: FramingRules
) -> tuple[list[tuple[int, int]], list[Unframed]]:
    """Returns records as (offset, length) and the unframed octets of bare concatenation."""
    framer = Framer(data, tags, rules)
    framer.run()
    return framer.records, framer.gaps
