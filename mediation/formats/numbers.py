"""The block `numbers` of a mapping: where the running number of a node's records begins again.

::

    numbers: {first: 0, last: 4294967295}   # columns: record_number
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.columns import RECORD_NUMBER
from mediation.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediation.formats.strings import Document

NAME: Final = "numbers"
KEYS: Final = ("first", "last")
LARGEST: Final = 2**62


def read_numbers(document: Document, columns: Iterable[str]) -> tuple[int, int] | None:
    """Returns the first and the last running number, None where no record type has one.

    Mistakes go to the document: a block without the column, or the column without the block.
    """
    mapped = RECORD_NUMBER in set(columns)
    if NAME not in document.root:
        if mapped:
            message = f"`{RECORD_NUMBER}` is mapped, but not where its numbers begin again"
            document.problem((), message, f"write `{NAME}: {{first: 0, last: 4294967295}}`")
        return None
    block = document.block(document.root[NAME], (NAME,), f"`{NAME}`")
    for key in block:
        if key not in KEYS:
            document.problem((NAME, key), f"`{key}` is not a key here", nearest(key, KEYS))
    first = _number(document, block, "first", 0)
    last = _number(document, block, "last", None)
    if not mapped:
        message = f"no record type maps the column `{RECORD_NUMBER}`"
        document.problem((NAME,), message, "map it, or leave the block out")
    if first is None or last is None:
        return None
    if last <= first:
        document.problem((NAME, "last"), f"`last` is {last}; it must be larger than {first}")
        return None
    return first, last


def _number(
    document: Document, block: dict[str, object], key: str, default: int | None
) -> int | None:
    if key not in block and default is not None:
        return default
    text = document.text(block.get(key), (NAME, key), f"`{key}`")
    if text.isdecimal() and int(text) < LARGEST:
        return int(text)
    if text:
        document.problem((NAME, key), f"`{text}` is no number from 0 on")
    return None
