"""Compiles the number deck to a direct table and a trie, level by level in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tariffs.compiled import NO_ZONE

if TYPE_CHECKING:
    from tariffs.compiled import Int32, Int64
    from tariffs.model import Book, NumberDeck

DIRECT_DIGITS = 5
PADDED = 15
_UNSET = -2


@dataclass(frozen=True, slots=True)
class Trie:
    """Longest-prefix tables as :class:`~tariffs.compiled.CompiledBook` describes them."""

    direct: Int32
    child: Int32
    value: Int32


def build_trie(deck: NumberDeck) -> Trie:
    """Returns the tables of a deck; 500,000 prefixes take well under a second."""
    powers = np.array([10**i for i in range(PADDED + 1)], np.int64)
    digits = deck.digits.astype(np.int64)
    padded = deck.prefix * powers[PADDED - digits]
    order = np.lexsort((digits, padded))
    padded, digits, zone = padded[order], digits[order], deck.zone[order]

    direct = np.full(10**DIRECT_DIGITS, -2 - NO_ZONE, np.int32)
    children = [np.full(10, -1, np.int32)]
    values = [np.full(1, NO_ZONE, np.int32)]
    node = np.zeros(padded.size, np.int64)
    count = 1
    for level in range(1, PADDED + 1):
        kept = digits >= level
        padded, digits, zone, node = padded[kept], digits[kept], zone[kept], node[kept]
        if not padded.size:
            break
        key = padded // powers[PADDED - level]
        fresh = np.concatenate(([True], key[1:] != key[:-1]))
        first = np.flatnonzero(fresh)
        parent, label = node[first], key[first]
        node = count + np.cumsum(fresh) - 1
        own = np.full(first.size, _UNSET, np.int32)
        ends = digits == level
        own[node[ends] - count] = zone[ends]
        parent_base = count - values[-1].size
        children[-1][(parent - parent_base) * 10 + label % 10] = count + np.arange(first.size)
        value = np.where(own == _UNSET, values[-1][parent - parent_base], own).astype(np.int32)
        _fill_direct(direct, level, label, value, count)
        values.append(value)
        children.append(np.full(first.size * 10, -1, np.int32))
        count += first.size
    return Trie(direct, np.concatenate(children), np.concatenate(values))


def _fill_direct(direct: Int32, level: int, label: Int64, value: Int32, base: int) -> None:
    """Enters the nodes of one level; levels come in order, so that longer prefixes win."""
    if level == DIRECT_DIGITS:
        direct[label] = base + np.arange(label.size, dtype=np.int32)
    elif level < DIRECT_DIGITS:
        span = 10 ** (DIRECT_DIGITS - level)
        rows = label[:, None] * span + np.arange(span)
        direct[rows] = (-2 - value)[:, None]


def matched_prefix(book: Book, number: int) -> tuple[str, int] | None:
    """Returns the longest prefix of a number and its line in ``numbers.csv``, for ``explain``."""
    digits = str(number)
    deck = book.numbers
    for length in range(min(len(digits), PADDED), 0, -1):
        hit = np.flatnonzero((deck.digits == length) & (deck.prefix == int(digits[:length])))
        if hit.size:
            return digits[:length], int(deck.line[hit[0]])
    return None
