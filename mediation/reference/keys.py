"""Keys and key set in plain Python: the oracle for :mod:`mediation.kernels.keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.duplicates import SEED_HIGH, SEED_LOW, text_words
from mediation.edr import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORD = 1 << 64
MULTIPLY = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def finish(word: int) -> int:
    """Returns MurmurHash3's finalizer of a 64-bit word."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        word = (word ^ word >> 33) * factor % WORD
    return word ^ word >> 33


def record_key(values: Sequence[int | str | None]) -> tuple[int, int]:
    """Returns the key of one event from its key columns, in their order."""
    lanes = [SEED_HIGH, SEED_LOW]
    for value in values:
        words: tuple[int, int]
        if isinstance(value, str):
            words = text_words(value)
        else:
            word = (MISSING if value is None else value) % WORD
            words = (word, word)
        for lane in (0, 1):
            mixed = (lanes[lane] ^ words[lane]) * MULTIPLY[lane] % WORD
            lanes[lane] = mixed ^ mixed >> 32
    high, low = finish(lanes[0]), finish(lanes[1])
    return (high, low) if (high, low) != (0, 0) else (0, 1)


def add(known: set[tuple[int, int]], keys: Iterable[tuple[int, int]]) -> list[bool]:
    """Adds keys to ``known`` in order and returns which were there already."""
    seen = []
    for key in keys:
        seen.append(key in known)
        known.add(key)
    return seen
