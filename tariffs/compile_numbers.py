"""Compiles the number deck to a direct table and a trie, level by level in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tariffs.compiled import NO_ZONE

if TYPE_CHECKING:
    from tariffs.compiled import Int32, Int64
    from tariffs.model import Book, NumberDeck

DIRECT_DIGITS = 5
PADDED = 15


@dataclass(frozen=True, slots=True)
class Trie:
    """Longest-prefix tables as :class:`~tariffs.compiled.CompiledBook` describes them."""

    direct: Int32
    child: Int32
    value: Int32


def build_trie(deck: NumberDeck) -> Trie:
    """Returns the tables of a deck; 500,000 prefixes take well under a second.

    Level by level: the distinct first ``level`` digits of all prefixes are the level's places. A
    place with longer prefixes below becomes a node, any other is an answer in its parent's row.
    """
    powers = np.array([10**i for i in range(PADDED + 1)], np.int64)
    digits = deck.digits.astype(np.int64)
    padded = deck.prefix * powers[PADDED - digits]
    order = np.lexsort((digits, padded))
    padded, digits, zone = padded[order], digits[order], deck.zone[order]

    direct = np.full(10**DIRECT_DIGITS, _answer(NO_ZONE), np.int32)
    rows = [np.full(10, _answer(NO_ZONE), np.int32)]
    values = [np.full(1, NO_ZONE, np.int32)]
    node = np.zeros(padded.size, np.int64)
    base, count = 0, 1
    for level in range(1, PADDED + 1):
        if not padded.size:
            break
        # Places of this level, in ascending order as the prefixes are.
        key = padded // powers[PADDED - level]
        fresh = np.concatenate(([True], key[1:] != key[:-1]))
        place = np.cumsum(fresh) - 1
        first = np.flatnonzero(fresh)
        parent = node[first] - base
        value = values[-1][parent]
        ends = digits == level
        value[place[ends]] = zone[ends]
        inner = np.zeros(first.size, np.bool_)
        inner[place[~ends]] = True
        label = key[first]
        ids = count + np.cumsum(inner) - 1
        entry = np.where(inner, ids, _answer(value)).astype(np.int32)
        rows[-1][parent * 10 + label % 10] = entry
        _fill_direct(direct, level, label, entry, value)
        values.append(value[inner])
        rows.append(np.repeat(_answer(value[inner]), 10).astype(np.int32))
        node = ids[place][~ends]
        padded, digits, zone = padded[~ends], digits[~ends], zone[~ends]
        base, count = count, count + int(inner.sum())
    return Trie(direct, np.concatenate(rows), np.concatenate(values))


def _answer(zone: Any) -> Any:  # noqa: ANN401  # int or array
    """Returns the table entry that says: nothing longer follows, this is the zone."""
    return -2 - zone


def _fill_direct(direct: Int32, level: int, label: Int64, entry: Int32, value: Int32) -> None:
    """Enters one level; levels come in order, so that longer prefixes win."""
    if level == DIRECT_DIGITS:
        direct[label] = entry
    elif level < DIRECT_DIGITS:
        span = 10 ** (DIRECT_DIGITS - level)
        direct[label[:, None] * span + np.arange(span)] = _answer(value)[:, None]


def matched_prefix(book: Book, number: int) -> tuple[str, int] | None:
    """Returns the longest prefix of a number and its line in ``numbers.csv``, for ``explain``."""
    digits = str(number)
    deck = book.numbers
    for length in range(min(len(digits), PADDED), 0, -1):
        hit = np.flatnonzero((deck.digits == length) & (deck.prefix == int(digits[:length])))
        if hit.size:
            return digits[:length], int(deck.line[hit[0]])
    return None
