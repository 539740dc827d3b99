"""Files whose records are a list inside one outer value, with elements before and behind the list.

:class:`OuterReader` reads an outer value element by element and says where its list of records is
and what else belongs to it. Lengths may be definite or not, at any level, and need not be true:
where an outer value was cut or damaged, everything that may hold records is a region, so that
framing looks for records in it and reports what is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.mapped import let_go
from mediation.tlv import read_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mediation.formats.outer import Root
    from mediation.formats.schema import Element
    from mediation.framing_scan import Found, Scanner
    from mediation.tlv import Head

END: Final = b"\0\0"
"""End-of-contents of an indefinite length."""

TAIL_OCTETS: Final = 1 << 15
"""Octets at the end of a damaged outer value in which the elements behind its list are looked for."""

FILLER_OCTETS: Final = (0x00, 0xFF)
FIRST_STEP: Final = 1 << 12
STEP: Final = 1 << 20
MOST_FILLER: Final = 64
MAX_TRIES: Final = 1 << 17
"""Outer values, and places tried as one's beginning or tail, so that no bytes can make it hang."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An element beside the list of records: batch header, network tables, trailer.

    Attributes:
        name: Its name in the module, empty where the module does not know it.
        offset: Where its tag begins in the file.
        length: Octets of the whole value.
        behind: True if it stands behind the list.
    """

    name: str
    offset: int
    length: int
    behind: bool


@dataclass(slots=True)
class FoundOuter:
    """One outer value as it was found.

    Attributes:
        root: Name of the alternative.
        offset: Where it begins.
        end: Where it ends, or is cut off.
        headers: Octets of tags, lengths, ends-of-contents and pieces.
        pieces: Elements beside the list of records, in file order.
        region: (start, end) of the octets in which its records are; empty where they are equal.
        note: What is wrong with it, empty if nothing is.
    """

    root: str
    offset: int
    end: int
    headers: int = 0
    pieces: list[Piece] = field(default_factory=list)
    region: tuple[int, int] = (0, 0)
    note: str = ""


@dataclass(slots=True)
class _Level:
    """A constructed value that is open.

    Attributes:
        end: Where it ends, None for an indefinite length.
        known: Names of what may be inside, by tag.
        following: What may still come, in the module's order.
    """

    end: int | None
    known: dict[tuple[int, int], str]
    following: list[tuple[int, int]]

    def passed(self, tag: tuple[int, int]) -> None:
        """Notes that the element with a tag has come."""
        if tag in self.following:
            del self.following[: self.following.index(tag) + 1]


def _tag(element: Element) -> tuple[int, int]:
    return element.tag_class, element.tag_number


def _level(element: Element, end: int | None) -> _Level:
    known = {_tag(child): child.name or child.type_name for child in element.children}
    return _Level(end, known, list(known))


def _first_octets(tags: Iterable[tuple[int, int]]) -> list[int]:
    """Returns the octets that constructed or primitive values with these tags begin with."""
    octets = {tag_class << 6 | min(number, 31) for tag_class, number in tags}
    return sorted(octets | {octet | 32 for octet in octets})


class OuterReader:
    """Reads the outer values of one file.

    Args:
        scanner: Finds records in the file.
        roots: What the outermost value may be.
    """

    def __init__(self, scanner: Scanner, roots: Sequence[Root]) -> None:
        self.scanner = scanner
        self.data = scanner.data
        self.size = len(scanner.data)
        self.roots = {_tag(root.element): root for root in roots}
        self.tries = MAX_TRIES

    def may_try(self) -> bool:
        """Counts one try; False once all are used up."""
        self.tries -= 1
        return self.tries > 0

    def root_at(self, at: int) -> tuple[Root, Head] | None:
        """Returns the outer value that begins at ``at``, judged by its tag and what follows it."""
        if self.tries <= 0:
            return None
        head = read_head(self.data, at, self.size)
        root = None if head is None else self.roots.get(head.tag)
        if head is None or root is None or not head.constructed:
            return None
        inner = read_head(self.data, head.content, self.size)
        known = {_tag(child) for child in root.element.children}
        if head.end != head.content and (inner is None or inner.tag not in known):
            return None
        return root, head

    def next_root(self, at: int) -> int:
        """Returns where the next outer value that holds anything begins, else the file's end."""
        octets = [octet for octet in _first_octets(self.roots) if octet & 32]
        step = FIRST_STEP
        while at < self.size:
            hits = np.isin(self.data[at : at + step], octets).nonzero()[0] + at
            for place in hits.tolist():
                if not self.may_try():
                    return self.size
                root = self.root_at(place)
                # Two octets inside a record are soon an outer value of nothing.
                if root is not None and root[1].end != root[1].content:
                    return int(place)
            let_go(self.data, at, at + step)
            at += step
            step = min(step * 2, STEP)
        return self.size

    def read(self, at: int, root: Root, head: Head) -> FoundOuter:
        """Reads the outer value at ``at``, where :meth:`root_at` has found one."""
        bound = self.size if head.end is None else min(head.end, self.size)
        found = FoundOuter(root.name, at, bound, region=(bound, bound))
        if head.end is not None and head.end > self.size:
            found.note = (
                f"the outer value at offset {at} claims {head.end - at} octets and the file has "
                f"{self.size - at} from there: it was cut, fetch it again"
            )
        if root.itself:
            end = self.scanner.end_of_value(at, bound)
            found.end = end if end > 0 else bound
            found.region = (at, found.end)
            return found
        found.headers = head.content - at
        levels = [_level(root.element, head.end)]
        at, listed = self._down(found, root.path, levels, head.content, bound)
        if listed is None:
            start, tail = at, self._tail(levels, at)
        else:
            found.headers += listed.content - at
            start = listed.content
            tail = self._behind(levels, start, listed.end, bound)
        if tail is None or self._goes_on(start, *tail):
            bound = self._stretched(bound)
            found.end = bound
            self._damaged(
                found, levels, start, bound, open_list=listed is None or listed.end is None
            )
        else:
            self._close(found, start, *tail)
        return found

    def _goes_on(self, start: int, pieces: list[Piece], ends: int, end: int) -> bool:
        """Returns whether the last record of a list goes on behind where the list claims to end.

        So it is where octets were added to one of the records and nothing else stands behind the
        outer value, or where what seems to stand behind the list begins with no known element: a
        wrong end may be in the middle of a record, whose fields then look like elements.
        """
        if pieces and not pieces[0].name:
            return self._ends_in_a_gap(start, pieces[0].offset)
        at = end
        while at < self.size and self.data[at] in FILLER_OCTETS and at < end + MOST_FILLER:
            at += 1
        if pieces or ends or at in {self.size, end + MOST_FILLER} or self.root_at(at) is not None:
            return False
        return self._ends_in_a_gap(start, end)

    def _ends_in_a_gap(self, start: int, end: int) -> bool:
        """Returns whether the records in a stretch end before it does."""
        gaps = self.scanner.bare(start, end).gaps
        return gaps.shape[1] > 0 and int(gaps[0, -1] + gaps[1, -1]) == end

    def _stretched(self, bound: int) -> int:
        """Returns where an outer value whose lengths do not agree ends at the latest.

        That is where it claims to end, unless something else than filler or the next outer value
        stands there: then octets were added to it.
        """
        at = bound
        while at < self.size:
            other = (~np.isin(self.data[at : at + STEP], FILLER_OCTETS)).nonzero()[0]
            if len(other):
                at += int(other[0])
                return bound if self.root_at(at) is not None else self.next_root(at)
            let_go(self.data, at, at + STEP)
            at += STEP
        return bound

    def _down(
        self,
        found: FoundOuter,
        path: Sequence[Element],
        levels: list[_Level],
        at: int,
        bound: int,
    ) -> tuple[int, Head | None]:
        """Reads elements down to the list of records.

        Returns:
            Where reading ended, and the head of the list if it stands there.
        """
        for depth, wanted in enumerate(path, start=1):
            level = levels[-1]
            limit = bound if level.end is None else min(bound, level.end)
            while True:
                head = read_head(self.data, at, limit)
                if head is not None and head.tag == _tag(wanted) and head.constructed:
                    break
                end = None if head is None else self._piece_end(level, at, head, limit)
                if head is None or end is None:
                    return at, None
                level.passed(head.tag)
                found.pieces.append(
                    Piece(level.known.get(head.tag, ""), at, end - at, behind=False)
                )
                found.headers += end - at
                at = end
            level.passed(head.tag)
            if depth == len(path):
                return at, head
            found.headers += head.content - at
            levels.append(_level(wanted, head.end))
            at = head.content
        return at, None

    def _piece_end(self, level: _Level, at: int, head: Head, limit: int) -> int | None:
        """Returns where the element at ``at`` ends, None if it is none or cannot be believed."""
        if head.tag == (0, 0) or (head.tag not in level.known and self.scanner.starts_record(at)):
            return None
        end = self.scanner.end_of_value(at, limit)
        if end > 0:
            return end
        if head.end is not None and head.end <= limit:
            # Broken inside; its length counts where an element that the module knows follows.
            after = read_head(self.data, head.end, limit)
            if head.end == limit or (after is not None and after.tag in level.known):
                return head.end
        return None

    def _tail(self, levels: list[_Level], at: int) -> tuple[list[Piece], int, int] | None:
        """Reads what is behind the list up to the end of the outer value.

        Nothing is believed but elements in the module's order, or unknown ones that cannot be
        records, that end exactly where all open values end.

        Returns:
            (pieces, octets of ends-of-contents, end), or None.
        """
        pieces: list[Piece] = []
        ends = 0
        limits = [self.size]
        for level in levels:
            limits.append(limits[-1] if level.end is None else level.end)
        for level, limit in zip(reversed(levels), reversed(limits), strict=False):
            following = list(level.following)
            while at != level.end:
                if level.end is None and self.data[at : at + 2].tobytes() == END:
                    ends += 2
                    at += 2
                    break
                head = read_head(self.data, at, limit) if limit <= self.size else None
                if head is None or head.tag == (0, 0):
                    return None
                if head.tag in following:
                    del following[: following.index(head.tag) + 1]
                elif head.tag in level.known or self.scanner.starts_record(at):
                    return None
                end = self.scanner.end_of_value(at, limit)
                if end < 0:
                    return None
                pieces.append(Piece(level.known.get(head.tag, ""), at, end - at, behind=True))
                at = end
        return pieces, ends, at

    def _behind(
        self, levels: list[_Level], start: int, end: int | None, bound: int
    ) -> tuple[list[Piece], int, int] | None:
        """Finds the end of the list from its length or end-of-contents; result as :meth:`_tail`."""
        if end is not None:
            return self._tail(levels, end) if end <= bound else None
        end = self.scanner.end_of_list(start, bound)
        return None if end < 0 else self._after_end(levels, end)

    def _after_end(self, levels: list[_Level], end: int) -> tuple[list[Piece], int, int] | None:
        tail = self._tail(levels, end + len(END))
        return None if tail is None else (tail[0], tail[1] + len(END), tail[2])

    @staticmethod
    def _close(found: FoundOuter, start: int, pieces: list[Piece], ends: int, end: int) -> None:
        """Enters what was found behind the list."""
        behind = ends + sum(piece.length for piece in pieces)
        found.pieces += pieces
        found.headers += behind
        found.end = end
        found.region = (start, end - behind)

    def _inside_a_record(self, scan: Found, place: int) -> bool:
        """Returns whether a place is inside a whole record: its fields may look like a trailer."""
        index = int(np.searchsorted(scan.offsets, place, "right")) - 1
        if index < 0:
            return False
        begin = int(scan.offsets[index])
        end = begin + int(scan.lengths[index])
        return begin < place < end and self.scanner.end_of_value(begin, end) == end

    def _damaged(
        self, found: FoundOuter, levels: list[_Level], start: int, bound: int, *, open_list: bool
    ) -> None:
        """Looks for the elements behind the list from the end, and leaves the rest to framing."""
        found.note = found.note or (
            f"the lengths in the outer value at offset {found.offset} do not agree with what is in "
            "it: records were looked for everywhere in it"
        )
        for (
            level
        ) in levels:  # octets are missing or too many: what remains ends where the file has it
            level.end = None if level.end is None else bound
        first = max(start, bound - TAIL_OCTETS)
        tags = [tag for level in levels for tag in level.following]
        octets = np.array([*_first_octets(tags), *([0] if open_list else [])], np.uint8)
        found.region = (start, bound)
        best: tuple[list[Piece], int, int] | None = None
        least = TAIL_OCTETS
        scan: Found | None = None
        for place in (np.isin(self.data[first:bound], octets).nonzero()[0] + first).tolist():
            if not self.may_try():
                break
            if open_list and self.data[place : place + 2].tobytes() == END:
                tail = self._after_end(levels, place)
            else:
                tail = self._tail(levels, place)
            if tail is None or not (tail[0] or open_list):
                continue
            # Fields of the last records may look like a trailer, but not with names alone.
            unknown = sum(not piece.name for piece in tail[0])
            if unknown >= least:
                continue
            scan = scan or self.scanner.bare(start, bound)
            if not self._inside_a_record(scan, place):
                best, least = tail, unknown
            if least == 0:
                break
        if best is not None:
            self._close(found, start, *best)
