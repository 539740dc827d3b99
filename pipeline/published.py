"""What published rows and files have in common: the names of records, and of batches in paths."""

from __future__ import annotations

import re
from typing import Any, Final

NAME: Final = ("file_id", "offset", "container")
"""Columns that name a record (law 3)."""
BATCH: Final = re.compile(r"(?:^|/)(batch-\d+)[^/]*$")
DIGITS: Final = 6
LONG: Final = 16
"""Digits of a batch from the millionth on: 999999 and ten more, so that all names sort."""
NUMBERS: Final = 10**DIGITS

Name = tuple[str, int, int]


def item_name(row: dict[str, Any]) -> tuple[str, int, int]:
    """Returns the name of an item or an event: file id, offset, container."""
    return row["file_id"], row["offset"], row["container"]


def batch_name(number: int) -> str:
    """Returns the name of a batch; names sort as their numbers, also beyond six digits."""
    if number < NUMBERS:
        return f"batch-{number:0{DIGITS}}"
    return f"batch-{NUMBERS - 1}{number:0{LONG - DIGITS}}"


def batch_number(name: str) -> int:
    """Returns the number of a batch by its name."""
    digits = name.removeprefix("batch-")
    return int(digits[DIGITS:] if len(digits) == LONG else digits)


def batch_of(path: str) -> str:
    """Returns the batch that a published path is of; names sort as batches were committed."""
    found = BATCH.search(path)
    return found[1] if found else ""
