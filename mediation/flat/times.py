"""Time patterns of flat formats, compiled to the tokens that the kernels read."""

from __future__ import annotations

import re
from typing import Final

from mediation.kernels import flat_ops as ops

TOKENS: Final[dict[str, int]] = {
    "YYYY": ops.YEAR,
    "YY": ops.YEAR_2,
    "CC": ops.CENTURY,
    "MON": ops.MONTH_NAME,
    "MM": ops.MONTH,
    "M": ops.MONTH_1,
    "DD": ops.DAY,
    "D": ops.DAY_1,
    "hh": ops.HOUR,
    "h": ops.HOUR_1,
    "mm": ops.MINUTE,
    "ss": ops.SECOND,
    "f": ops.FRACTION,
    "Z": ops.ZONE,
    "AP": ops.HALF_DAY,
}
"""What a pattern may hold: fixed digits, MON Jan to Dec, M, D and h with one or two digits, f any
digits of a fraction, Z a zone as +hhmm, +hh:mm, +hh or Z, AP for AM and PM."""

SPLIT: Final = re.compile("|".join(sorted(TOKENS, key=len, reverse=True)) + "|.", re.DOTALL)
LITERAL_LETTERS: Final = "T"


def tokens_of(pattern: str) -> tuple[int, ...]:
    """Returns the tokens of a pattern.

    Raises:
        ValueError: A letter is no token; the message names it.
    """
    found: list[int] = []
    for piece in SPLIT.findall(pattern):
        if piece in TOKENS:
            found.append(TOKENS[piece])
        elif (piece.isalpha() and piece not in LITERAL_LETTERS) or not 32 <= ord(piece) < 127:
            message = f"`{piece}` is no token of a time; allowed: {', '.join(TOKENS)}"
            raise ValueError(message)
        else:
            found.append(ord(piece))
    return tuple(found)


def has_date(pattern: str) -> bool:
    """Returns whether a pattern says year, month, day and hour."""
    tokens = set(tokens_of(pattern.replace("+", "")))
    groups = (
        {ops.YEAR, ops.YEAR_2},
        {ops.MONTH, ops.MONTH_1, ops.MONTH_NAME},
        {ops.DAY, ops.DAY_1},
        {ops.HOUR, ops.HOUR_1},
    )
    return all(tokens & group for group in groups)
