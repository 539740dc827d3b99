"""Duplicate events: a 128-bit key from the event's own content, and a set that knows keys again.

Two EDRs that agree on all ``KEY_COLUMNS`` are the same event told twice. The key is a function of
the content alone: neither file, offset, batch nor the order of a dictionary moves it, so keys may
be stored and compared for as long as ``KEY_COLUMNS`` and this module stay what they are.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mediation.edr import KEY_COLUMNS
from mediation.kernels import keys as kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    Keys = np.ndarray[Any, np.dtype[np.uint64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

SEED_HIGH = 0x243F6A8885A308D3
SEED_LOW = 0x13198A2E03707344
"""Where the lanes begin: the first digits of pi, so that nothing is hidden in them."""

SMALLEST_CAPACITY = 1 << 10
FULL = 0.6
"""Share of the slots in use at which the set doubles; linear probing slows down beyond."""


@lru_cache(maxsize=65_536)
def text_words(text: str) -> tuple[int, int]:
    """Returns the two 64-bit words that a text mixes into the lanes of a key."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")


def record_keys(edr: pa.RecordBatch, columns: Sequence[str] = KEY_COLUMNS) -> tuple[Keys, Keys]:
    """Computes the keys of events.

    Args:
        edr: Rows with at least ``columns`` in the types of ``EDR_SCHEMA``.
        columns: What the key is made of.

    Returns:
        (high, low), both uint64[n]; never both 0 for one row.

    Raises:
        KeyError: If a key column is missing.
    """
    rows = edr.num_rows
    high = np.full(rows, SEED_HIGH, np.uint64)
    low = np.full(rows, SEED_LOW, np.uint64)
    for name in columns:
        column = edr.column(name)
        if pa.types.is_dictionary(column.type):
            _mix_dictionary(column, high, low)
        else:
            _mix_numbers(column, high, low)
    kernels.finish(high, low)
    return high, low


def _mix_numbers(column: pa.Array, high: Keys, low: Keys) -> None:
    """Mixes an integer or timestamp column into the lanes."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    elif column.type != pa.int64():
        column = column.cast(pa.int64())
    rows = len(column)
    if column.null_count == rows:
        kernels.mix_nulls(high, low)
        return
    bitmap, values = column.buffers()
    words = np.frombuffer(values, np.uint64)[column.offset : column.offset + rows]
    if column.null_count == 0:
        kernels.mix_values(words, high, low)
        return
    skipped, first = divmod(column.offset, 8)
    bits = np.frombuffer(bitmap, np.uint8)[skipped : skipped + (first + rows + 7) // 8]
    valid = np.unpackbits(bits, bitorder="little")[first : first + rows]
    kernels.mix_nullable(words, valid, high, low)


def _mix_dictionary(column: pa.DictionaryArray, high: Keys, low: Keys) -> None:
    """Mixes a text column into the lanes, hashing each text of the dictionary once."""
    words = [text_words(text) for text in column.dictionary.to_pylist()]
    # The last word stands for null.
    lanes = np.array([*words, (kernels.NULL, kernels.NULL)], np.uint64).T.copy()
    indices = column.indices
    if indices.null_count:
        indices = indices.fill_null(len(words))
    codes = indices.cast(pa.int32()).to_numpy().view(np.uint32)
    kernels.mix_codes(codes, lanes[0], lanes[1], high, low)


class KeySet:
    """A growing set of 128-bit keys; the first occurrence of a key wins.

    Not thread safe: one caller at a time, in the order that decides which event is the duplicate.
    Memory is 16 bytes per slot; a slot in two to three is in use.
    """

    __slots__ = ("_count", "_slots")

    def __init__(self, capacity_hint: int = 0) -> None:
        self._count = 0
        self._slots = np.zeros(2 * _capacity(capacity_hint), np.uint64)

    def __len__(self) -> int:
        return self._count

    def add(self, high: Keys, low: Keys) -> Mask:
        """Adds keys in order.

        Args:
            high: uint64[n]; its upper bits spread evenly, as those of :func:`record_keys` do.
            low: uint64[n]; never 0 where ``high`` is 0.

        Returns:
            bool[n], True where the key was in the set or came earlier in this call.

        Raises:
            ValueError: If the arrays differ in length or hold the key (0, 0).
        """
        if len(high) != len(low):
            message = f"high has {len(high)} keys and low {len(low)}; they must be equally many"
            raise ValueError(message)
        top = np.ascontiguousarray(high, np.uint64)
        bottom = np.ascontiguousarray(low, np.uint64)
        if bool(np.any((top | bottom) == 0)):
            message = "the key (0, 0) marks a free slot; take keys from record_keys"
            raise ValueError(message)
        self._reserve(self._count + len(top))
        seen = np.empty(len(top), np.uint8)
        self._count += int(kernels.insert(self._slots, top, bottom, seen))
        return seen.view(np.bool_)

    def export(self) -> Keys:
        """Returns all keys, uint64[2 * len(self)], as (high, low), sorted by high, then low."""
        pairs = np.empty(2 * self._count, np.uint64)
        kernels.extract(self._slots, pairs)
        return pairs

    def clear(self) -> None:
        """Empties the set, which keeps its memory."""
        self._count = 0
        self._slots[:] = 0

    def _reserve(self, keys: int) -> None:
        """Doubles the table until ``keys`` fit."""
        capacity = _capacity(keys)
        if capacity <= len(self._slots) // 2:
            return
        larger = np.zeros(2 * capacity, np.uint64)
        kernels.move(self._slots, larger)
        self._slots = larger


def _capacity(keys: int) -> int:
    """Returns the power of two of slots that holds ``keys`` with room to spare."""
    needed = int(keys / FULL) + 1
    return max(SMALLEST_CAPACITY, 1 << (needed - 1).bit_length())
