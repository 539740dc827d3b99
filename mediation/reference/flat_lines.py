"""Plain-Python twin of `mediation.kernels.lines`: lines, their fields, their kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediation.kernels import flat_ops as ops

if TYPE_CHECKING:
    from mediation.flat.layout import Layout

BLANKS: Final = b" \t"


class QuoteError(ValueError):
    """A quoted field that does not end as it should.

    Attributes:
        at: Where its first quote stands.
    """

    def __init__(self, at: int) -> None:
        super().__init__(f"the quoted field at {at} does not end at a separator")
        self.at = at


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands in a line.

    Attributes:
        start: Its first octet, inside the quotes.
        end: The octet behind it.
        doubled: Whether quotes stand twice in it.
    """

    start: int
    end: int
    doubled: bool = False


def closing(octets: bytes, at: int, quote: int) -> int:
    """Returns where the quoted field closes that was opened before `at`; -1 if it does not."""
    while True:
        at = octets.find(quote, at)
        if at < 0 or octets[at + 1 : at + 2] != bytes([quote]):
            return at
        at += 2


def split(line: bytes, separator: int, quote: int) -> list[Place]:
    """Splits a line into its fields.

    Raises:
        QuoteError: A quoted field does not end, or something stands behind it.
    """
    places: list[Place] = []
    at = 0
    while True:
        if quote >= 0 and line[at : at + 1] == bytes([quote]):
            close = closing(line, at + 1, quote)
            if close < 0 or (close + 1 < len(line) and line[close + 1] != separator):
                raise QuoteError(at)
            places.append(Place(at + 1, close, quote in line[at + 1 : close]))
            at = close + 1
        else:
            end = line.find(separator, at)
            end = len(line) if end < 0 else end
            places.append(Place(at, end))
            at = end
        if at >= len(line):
            return places
        at += 1


def line_ends(data: bytes, start: int, layout: Layout, longest: int) -> int:
    """Returns where the line from `start` ends: its line feed, or the end of the file."""
    plain = data.find(b"\n", start)
    plain = len(data) if plain < 0 else plain
    quote = layout.quote
    if quote < 0:
        return plain
    at = start
    limit = min(len(data), start + longest)
    while at < len(data) and data[at] != 0x0A:
        opens = at == start or data[at - 1] == layout.separator
        if data[at] != quote or not opens:
            at += 1
            continue
        close = closing(data[:limit], at + 1, quote)
        behind = data[close + 1 : close + 3]
        ends = behind == b"" or behind[0] in {layout.separator, 0x0A} or behind in {b"\r\n", b"\r"}
        if close < 0 or not ends:
            return plain
        at = close + 1
    return at


def frame(data: bytes, layout: Layout, longest: int) -> list[tuple[int, int, str]]:
    """Returns (offset, length, what) of all lines: record, header, trailer, filler or too_long.

    Filler is a line end, a blank line or a comment.
    """
    found: list[tuple[int, int, str]] = []
    at = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    if at:
        found.append((0, at, "header"))
    heads = int(layout.names) + (layout.header.lines if layout.header is not None else 0)
    while at < len(data):
        stop = line_ends(data, at, layout, longest)
        following = min(stop + 1, len(data))
        end = stop - 1 if stop > at and data[stop - 1] == 0x0D else stop
        line = data[at:end]
        comment = layout.comment and line.startswith(layout.comment_octets)
        if comment or not line.strip(BLANKS):
            found.append((at, following - at, "filler"))
            at = following
            continue
        what = "record"
        if heads > 0:
            what, heads = "header", heads - 1
        else:
            what = kind_of(line, layout)
        if len(line) > longest:
            what = ops.FRAME_REASONS[ops.TOO_LONG]
        found.append((at, end - at, what))
        if following > end:
            found.append((end, following - end, "filler"))
        at = following
    if layout.trailer is not None and layout.trailer.lines:
        records = [place for place, piece in enumerate(found) if piece[2] == "record"]
        if records:
            offset, length, _ = found[records[-1]]
            found[records[-1]] = (offset, length, "trailer")
    return found


def kind_of(line: bytes, layout: Layout) -> str:
    """Returns whether a line is a record, a header or a trailer, by its type field."""
    field = layout.type_field
    if field is None:
        return "record"
    if field.octets < 0:
        place = nth_field(line, layout.separator, layout.quote, field.at)
        word = line[place.start : place.end]
    else:
        word = line[field.at : field.at + field.octets]
    word = word.strip(BLANKS)
    for special, name in ((layout.header, "header"), (layout.trailer, "trailer")):
        values = special.values if special is not None else ()
        if word in {value.encode(layout.values.encoding, "replace") for value in values}:
            return name
    return "record"


def nth_field(line: bytes, separator: int, quote: int, number: int) -> Place:
    """Returns where a field of a line stands, also where quotes are wrong; empty if nowhere."""
    at = 0
    while at <= len(line):
        if quote >= 0 and line[at : at + 1] == bytes([quote]):
            close = closing(line, at + 1, quote)
            place = Place(at + 1, len(line) if close < 0 else close)
            at = min(place.end + 1, len(line))
        else:
            end = line.find(separator, at)
            place = Place(at, len(line) if end < 0 else end)
            at = place.end
        if number == 0:
            return place
        number -= 1
        end = line.find(separator, at)
        at = len(line) + 1 if end < 0 else end + 1
    return Place(len(line), len(line))
