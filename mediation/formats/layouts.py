"""Layouts of dates and times as mappings write them: ``bcd DDMMYYYYhhmmss``, ``binary hhmmss--``.

Two letters are one octet: YYYY (two octets), YY, MM, DD, hh, mm, ss, and ``--`` for one that is not
read. Octets are numbers (binary) or two decimal digits, the high nibble first (bcd). Layouts of
other lengths stand behind ``|``; the number of octets of a field decides which one it has.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mediation.kernels import ops

if TYPE_CHECKING:
    from collections.abc import Iterable

ENCODINGS: Final = ("bcd", "binary")
PARTS: Final = ("CC", "YY", "MM", "DD", "hh", "mm", "ss")
DATE: Final = frozenset({"YY", "MM", "DD"})
TIME: Final = frozenset({"hh", "mm", "ss"})
TOKEN: Final = re.compile(r"YYYY|YY|MM|DD|hh|mm|ss|--")
MAX_OCTETS: Final = 15

Layout = tuple[tuple[int, int], ...]
"""(octets of the field, its parts as `mediation.kernels.ops` packs them), by octets."""


def parse_layout(encoding: str, text: str, *, parts: Iterable[str], elapsed: bool) -> Layout:
    """Returns the layouts that `text` names.

    Args:
        encoding: One of `ENCODINGS`.
        text: Layouts with ``|`` between them, such as ``YYMMDD|YYYYMMDD``.
        parts: The parts that each of them must have, of `DATE` and `TIME`.
        elapsed: True for a duration, whose hours may pass 23.

    Raises:
        ValueError: With what is wrong and what is allowed.
    """
    if encoding not in ENCODINGS:
        message = f"`{encoding}` is no encoding of dates; allowed: {', '.join(ENCODINGS)}"
        raise ValueError(message)
    wanted = frozenset(parts)
    found: dict[int, int] = {}
    for one in text.split("|"):
        octets = _octets(one)
        if {part for part in octets if part not in ("--", "CC")} != wanted:
            message = f"layout `{one}` must have {', '.join(p for p in PARTS if p in wanted)}"
            raise ValueError(message)
        if len(octets) in found:
            message = f"two layouts of `{text}` have {len(octets)} octets; a field's length decides"
            raise ValueError(message)
        found[len(octets)] = _packed(octets, encoding, elapsed=elapsed)
    return tuple(sorted(found.items()))


def _octets(text: str) -> list[str]:
    """Returns the part in each octet of one layout."""
    octets: list[str] = []
    rest = text
    while rest:
        token = TOKEN.match(rest)
        if token is None:
            message = f"layout `{text}`: `{rest}` begins with none of YYYY YY MM DD hh mm ss --"
            raise ValueError(message)
        octets += ["CC", "YY"] if token[0] == "YYYY" else [token[0]]
        rest = rest[token.end() :]
    used = [part for part in octets if part != "--"]
    if len(set(used)) < len(used) or len(octets) > MAX_OCTETS:
        message = f"layout `{text}` has a part twice, or more than {MAX_OCTETS} octets"
        raise ValueError(message)
    return octets


def _packed(octets: list[str], encoding: str, *, elapsed: bool) -> int:
    value = 0
    for number, part in enumerate(PARTS):
        place = octets.index(part) if part in octets else ops.LAYOUT_ABSENT
        value |= place << 4 * number
    if encoding == "binary":
        value |= ops.LAYOUT_BINARY
    if "DD" in octets:
        value |= ops.LAYOUT_DATE
    if elapsed:
        value |= ops.LAYOUT_ELAPSED
    return value
