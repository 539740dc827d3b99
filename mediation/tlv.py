"""Tag and length of single values in plain Python, for the few that are read outside of kernels.

Source: X.690, clauses 8.1.2 (identifier octets) and 8.1.3 (length octets).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np

    from mediation.formats.schema import Element

MAX_TAG_OCTETS: Final = 6
MAX_LENGTH_OCTETS: Final = 4


@dataclass(frozen=True, slots=True)
class Head:
    """Tag and length of one value.

    Attributes:
        tag: (class, number): class 0 universal, 1 application, 2 context, 3 private.
        constructed: True if bit 6 of the tag is set.
        content: Where its content begins.
        end: Where its content ends, None for an indefinite length.
    """

    tag: tuple[int, int]
    constructed: bool
    content: int
    end: int | None


def read_head(data: np.ndarray, at: int, limit: int) -> Head | None:
    """Reads tag and length at ``at``.

    Args:
        data: uint8[n].
        at: Where the tag begins.
        limit: Octets that may be read.

    Returns:
        The head, None where tag or length do not hold; ``end`` may lie behind ``limit``.
    """
    octets = data[at : min(limit, at + MAX_TAG_OCTETS + 1 + MAX_LENGTH_OCTETS)].tobytes()
    if not octets:
        return None
    number, pos = octets[0] & 31, 1
    if number == 31:
        number = 0
        for more in octets[1:MAX_TAG_OCTETS]:
            number = number << 7 | more & 127
            pos += 1
            if more < 128:
                break
        else:
            return None
    if pos >= len(octets):
        return None
    constructed = bool(octets[0] & 32)
    tag = (octets[0] >> 6, number)
    length = octets[pos]
    pos += 1
    if length == 128:
        return Head(tag, constructed, at + pos, None) if constructed else None
    if length > 128:
        count = length - 128
        if count > MAX_LENGTH_OCTETS or pos + count > len(octets):
            return None
        length = int.from_bytes(octets[pos : pos + count], "big")
        pos += count
    return Head(tag, constructed, at + pos, at + pos + length)


def tag_octets(element: Element) -> bytes:
    """Returns the identifier octets of an element."""
    first = element.tag_class << 6 | (32 if element.constructed else 0)
    number = element.tag_number
    if number < 31:
        return bytes([first | number])
    more = [number & 127]
    while number := number >> 7:
        more.insert(0, number & 127 | 128)
    return bytes([first | 31, *more])
