"""Mutations of many records at once: octets of tags, lengths and content, by arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.mediation.fuzz_mutate import Clean

NASTY = np.array([0, 1, 0x1F, 0x30, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x85, 0xA0, 0xBF, 0xFF], np.uint8)
SHARES = (0.1, 0.6, 0.2, 0.1)
"""How many records have 0, 1, 2, 3 octets changed."""


@dataclass(frozen=True)
class Drawn:
    """Records one behind the other.

    Attributes:
        octets: uint8[n].
        offsets: Where each record begins.
        lengths: Its octets, which no mutation changes.
        chosen: Which clean record it was.
        changed: Whether any octet may differ from it.
    """

    octets: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    chosen: np.ndarray
    changed: np.ndarray


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns ``starts[0], starts[0] + 1, …`` for each start, as many as its count."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1]) + np.repeat(starts - ends + counts, counts)


class Bulk:
    """Clean records as arrays, to draw and change thousands of them in one step."""

    def __init__(self, clean: list[Clean], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.octets = np.frombuffer(b"".join(each.octets for each in clean), np.uint8)
        self.lengths = np.array([len(each.octets) for each in clean], np.int64)
        self.offsets = np.cumsum(self.lengths) - self.lengths
        heads = [(start, length) for each in clean for start, length, _, _ in each.heads]
        self.tag_at, self.length_at = np.array(heads, np.int64).T
        self.heads = np.array([len(each.heads) for each in clean], np.int64)
        self.first_head = np.cumsum(self.heads) - self.heads

    def draw(self, count: int) -> Drawn:
        """Returns records, most of them with some octets changed."""
        rng = self.rng
        chosen = rng.integers(0, len(self.lengths), count)
        lengths = self.lengths[chosen]
        offsets = np.cumsum(lengths) - lengths
        octets = self.octets[ranges(self.offsets[chosen], lengths)]
        changes = rng.choice(len(SHARES), count, p=SHARES)
        for number in range(1, len(SHARES)):
            places = np.flatnonzero(changes >= number)
            self.change(octets, offsets[places], chosen[places])
        return Drawn(octets, offsets, lengths, chosen, changes > 0)

    def change(self, octets: np.ndarray, offsets: np.ndarray, chosen: np.ndarray) -> None:
        """Changes one octet of each of some records: of a tag, of a length, or any."""
        rng, count = self.rng, len(chosen)
        head = self.first_head[chosen] + rng.integers(0, self.heads[chosen])
        any_octet = rng.integers(0, self.lengths[chosen])
        kind = rng.integers(0, 3, count)
        at = offsets + np.select(
            [kind == 0, kind == 1], [self.tag_at[head], self.length_at[head]], any_octet
        )
        near = octets[at] + rng.integers(-2, 3, count).astype(np.uint8)
        wild = rng.integers(0, 256, count, np.uint8)
        how = rng.integers(0, 3, count)
        octets[at] = np.select([how == 0, how == 1], [rng.choice(NASTY, count), near], wild)
