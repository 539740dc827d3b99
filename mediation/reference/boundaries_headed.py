"""Records behind headers, in plain Python: the oracle for :mod:`mediation.kernels.boundaries_headed`.

The rules in words:

1. A header can be one where the file goes on for at least two octets behind it, its length is two
   or more, release and format are those of the first header (TS 32.297), a constructed value of a
   class that records use begins behind it, and the record ends in the file and in its block.
2. Such a record counts where the file ends behind it, or a header stands there, or filler that leads
   to one. Where headers are nothing but lengths, the record behind must say the same length, and so
   must the record itself, filler at its end apart.
3. Where no header can be, filler that leads to a header or to the end of the file is skipped.
4. Otherwise a header counts whose record is whole inside, unless it shows the mark of a cut: a
   whole record behind its header begins in it and ends behind it.
5. Otherwise the record before may show that mark; then the break is where its header began.
6. From the break to the next header with a whole record that holds enough values, and that has
   something of rule 2 behind it, the octets are unframed.
7. Where octets are left over in a TS 32.297 file, all is tried once more with lengths alone: records of
   several releases may share a file. What holds more records and leaves fewer octets over counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from mediation.framing import FRAME_REASONS, Unframed
from mediation.framing_scan import FILLER_OCTETS
from mediation.kernels import boundaries as codes
from mediation.kernels.boundaries_headed import LOOK_AHEAD
from mediation.reference.boundaries import Framer, TlvError, read_header


class NoHeaderError(Exception):
    """No header can stand here; ``code`` is one of the kernels' reasons."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class HeadedFramer(Framer):
    """Frames records behind headers.

    Attributes:
        header: Octets of a header.
        mark: Release and format of the first header, None where headers are nothing but lengths.
    """

    header: int = 2
    mark: bytes | None = None

    @property
    def length_octets(self) -> int:
        """Octets of a header that are a length."""
        return self.rules.length_octets if self.rules.framing == "lengths" else 2

    def declared(self, pos: int) -> int:
        """Returns the octets of the record, as the header at ``pos`` declares."""
        octets = self.data[pos : pos + self.length_octets]
        if self.rules.framing != "lengths":
            return int.from_bytes(octets, "big")
        length = int.from_bytes(octets, "little" if self.rules.little_endian else "big")
        return length - self.header if self.rules.length_included else length

    def head(self, pos: int) -> tuple[int, int]:
        """Returns where the record behind the header at ``pos`` begins and ends (rule 1).

        Raises:
            NoHeaderError: No header can stand here.
        """
        record = pos + self.header
        if record + 2 > len(self.data):
            raise NoHeaderError(codes.PAST_END)
        length = self.declared(pos)
        if length < 2 or (self.mark is not None and self.data[pos + 2 : pos + 4] != self.mark):
            raise NoHeaderError(codes.NO_RECORD_START)
        if not self.constructed(record):
            raise NoHeaderError(codes.NO_RECORD_START)
        if record + length > self.limit(pos):
            raise NoHeaderError(codes.PAST_END)
        return record, record + length

    def is_head(self, pos: int) -> bool:
        """Returns whether a header can stand at ``pos``."""
        try:
            self.head(pos)
        except NoHeaderError:
            return False
        return True

    def filler(self, pos: int, farthest: int) -> int:
        """Returns the octets of filler at ``pos`` that lead somewhere, 0 if none do (rule 3)."""
        stop = min(len(self.data), pos + farthest)
        at = pos
        while at < stop and self.data[at] in FILLER_OCTETS:
            at += 1
        if at in {stop, pos}:
            return at - pos
        # A length may begin with octets that look like filler, or be nothing but such octets: the
        # shortest such beginning counts.
        count = self.length_octets
        heads: list[int] = [*range(at - count + 1, at + 1), at - count]
        for head in heads:
            if head > pos and self.is_head(head):
                return head - pos
        return 0

    def may_end(self, pos: int) -> bool:
        """Returns whether a record may end at ``pos`` (rule 2)."""
        if pos >= len(self.data):
            return True
        try:
            record, end = self.head(pos)
        except NoHeaderError:
            return self.filler(pos, LOOK_AHEAD) > 0
        if self.mark is not None:
            return True
        try:
            content, length = read_header(self.data, record, end)
        except TlvError:
            return False
        return length is None or content + length == end

    def next_head(self, pos: int, stop: int) -> tuple[int, int]:
        """Returns the next header in [pos, stop) that rule 6 takes, and where its record ends."""
        for at in range(pos, stop):
            if not self.is_head(at):
                continue
            record, end = self.head(at)
            reached, children = self.whole(record, end)
            if reached == end and children >= self.tags.least_values and self.may_end(end):
                return at, end
        return -1, -1

    def crosses(self, record: int, end: int) -> bool:
        """Returns whether the record [record, end) shows the mark of a cut (rule 4)."""
        return self.next_head(record + 1, end)[1] > end

    def believed(self, pos: int) -> tuple[int, int, int] | None:
        """Returns record, end of its value and end of its filler under rule 2, or None."""
        try:
            record, end = self.head(pos)
        except NoHeaderError:
            return None
        if not self.may_end(end):
            return None
        try:
            content, length = read_header(self.data, record, end)
        except TlvError:
            stop = -1
        else:
            stop = self.whole(record, end)[0] if length is None else content + length
        if stop > 0 and all(octet in FILLER_OCTETS for octet in self.data[stop:end]):
            return record, stop, end
        return None if self.mark is None else (record, end, end)

    def mend(self, pos: int) -> int:
        """Applies rules 4 to 6 at ``pos`` and returns where to go on."""
        try:
            record, end = self.head(pos)
        except NoHeaderError as error:
            reason = error.code
        else:
            if self.whole(record, end)[0] == end and not self.crosses(record, end):
                self.records.append((record, end - record))
                return end
            reason = codes.INSIDE_INCONSISTENT
        if len(self.records) > self.floor:
            last, length = self.records[-1]
            if self.crosses(last, last + length):
                self.records.pop()
                pos = last - self.header
                reason = codes.INSIDE_INCONSISTENT
        found, _ = self.next_head(pos + 1, len(self.data))
        if found < 0:
            found = len(self.data)
        self.gaps.append(Unframed(pos, found - pos, FRAME_REASONS[reason]))
        self.floor = len(self.records)
        return found

    def run(self, start: int = 0) -> None:
        """Frames ``data`` from ``start`` on."""
        pos = start
        while pos < len(self.data):
            found = self.believed(pos)
            if found is not None:
                record, stop, pos = found
                self.records.append((record, stop - record))
            elif not self.is_head(pos) and (filler := self.filler(pos, len(self.data))) > 0:
                pos += filler
            else:
                pos = self.mend(pos)
