"""Several key files become one, in which each key keeps the number of its batch.

The files are sorted, so all keys of one part of the range of keys are a slice of each: slices are put
together, sorted and written, one part after the other. Memory is a few slices and 4 octets a key.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.key_files import MERGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from mediation.key_files import KeyFile, Origins, Pairs

SLICE: Final = 1 << 17
"""Keys that are sorted at a time."""
RANGE: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be merged, and the batch of its keys; one that is merged already has its own."""

    file: KeyFile
    batch: int


class Merge:
    """Files that are read as one, sorted.

    Args:
        sources: The files; the same key may be in several.
        before: Only keys of batches before this one; None: all.

    Attributes:
        keys: How many keys the result has.
    """

    def __init__(self, sources: Sequence[Source], before: int | None = None) -> None:
        full = [source for source in sources if source.file.keys]
        self._before = before
        self._pairs: list[Pairs] = []
        self._origins: list[Origins] = []
        for source in full:
            view = source.file.mapped()
            self._pairs.append(source.file.pairs(view))
            self._origins.append(
                source.file.origins(view)
                if source.file.merged
                else np.broadcast_to(np.uint32(source.batch), source.file.keys)
            )
        self.keys = sum(int(np.count_nonzero(self._stay(one))) for one in self._origins)

    def octets(self) -> Iterator[memoryview]:
        """Yields the content of the merged file, piece by piece."""
        yield np.array([MERGED, self.keys], "<u8").data.cast("B")
        kept: list[Origins] = []
        for pairs, origins in self._slices():
            yield pairs.data.cast("B")
            kept.append(origins)
        for origins in kept:
            yield origins.data.cast("B")

    def _stay(self, origins: Origins) -> NDArray[np.bool_]:
        if self._before is None:
            return np.ones(len(origins), np.bool_)
        return origins < self._before

    def _slices(self) -> Iterator[tuple[Pairs, Origins]]:
        parts = self.keys // SLICE + 1
        begins = [0] * len(self._pairs)
        for part in range(1, parts + 1):
            ends = [
                bisect_left(pairs[0::2], RANGE * part // parts) if part < parts else len(pairs) // 2
                for pairs in self._pairs
            ]
            yield self._slice(begins, ends)
            begins = ends

    def _slice(self, begins: list[int], ends: list[int]) -> tuple[Pairs, Origins]:
        """Returns the keys of a slice of each file, sorted, and their batches."""
        places = list(zip(begins, ends, strict=True))
        pairs = np.concatenate(
            [
                one[2 * begin : 2 * end]
                for one, (begin, end) in zip(self._pairs, places, strict=True)
            ]
        ).reshape(-1, 2)
        origins = np.concatenate(
            [one[begin:end] for one, (begin, end) in zip(self._origins, places, strict=True)]
        )
        if self._before is not None:
            stays = self._stay(origins)
            pairs, origins = pairs[stays], origins[stays]
        order = np.argsort(pairs[:, 0], kind="stable")  # merges what is sorted by pieces
        high = pairs[order, 0]
        if (high[1:] == high[:-1]).any():
            order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        return pairs[order].reshape(-1), origins[order]
