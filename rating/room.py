"""Memory for the kernels: reused where it may be, in one piece where it may not.

Memory that was never touched costs more than what the kernels do with it: the system clears each
page when it is first written. Scratch is therefore kept from call to call, and columns that are
handed out are cut from one block, which is large enough for huge pages.
"""

from __future__ import annotations

import threading
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tariffs.compiled import Int64

LINE = 64
"""Bytes of a cache line."""
ROUND = 1 << 22
"""Bytes that blocks are a multiple of, so that batches of nearly one size can use each other's."""
FREE = 3
"""References to memory that only its pool holds, while it looks: its list, a name, the question."""


def scratch(n: int, dtype: Any) -> NDArray[Any]:  # noqa: ANN401  a numpy scalar type
    """Returns an uninitialised array (numpy asks for huge pages, which random access needs)."""
    return np.empty(n, dtype)


def aligned(n: int) -> Int64:
    """Returns int64 zeros that begin on a cache line, so that a row of 8 words is one line."""
    lines: Int64 = Block(scratch(Block.size(n, 1), np.uint8)).array(n, np.int64)
    lines[:] = 0
    return lines


class Block:
    """One piece of uninitialised memory that arrays are cut from.

    Args:
        memory: The piece; it lives as long as one of the arrays.
    """

    def __init__(self, memory: NDArray[np.uint8]) -> None:
        self._memory = memory
        self._address = memory.ctypes.data
        self._used = 0

    @staticmethod
    def size(words: int, arrays: int) -> int:
        """Returns the bytes that so many arrays with so many int64 words in all need at most."""
        return 8 * words + 2 * LINE * arrays

    def array(self, n: int, dtype: Any) -> NDArray[Any]:  # noqa: ANN401  a numpy scalar type
        """Returns an array of n entries that begins on a cache line.

        Raises:
            MemoryError: If the block does not hold it.
        """
        first = self._used + -(self._address + self._used) % LINE
        self._used = first + n * np.dtype(dtype).itemsize
        if self._used > len(self._memory):
            message = f"a block of {len(self._memory):,} bytes cannot hold {self._used:,}"
            raise MemoryError(message)
        return self._memory[first : self._used].view(dtype)


class Reused:
    """Memory of blocks of nearly one size, used again when nothing refers to it any more.

    Arrays cut from a block refer to its memory, and so do Arrow buffers over them. Threads may share
    it. It holds as many blocks as were alive at once.
    """

    def __init__(self) -> None:
        self._lent: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()

    def block(self, size: int) -> Block:
        """Returns a block of at least ``size`` bytes; it is the caller's while anything refers to it."""
        with self._lock:
            for memory in self._lent:
                if len(memory) >= size and getrefcount(memory) == FREE:
                    return Block(memory)
            # What is free is too small now: what comes next has rather this size.
            self._lent = [memory for memory in self._lent if getrefcount(memory) > FREE]
            self._lent.append(scratch(-(-size // ROUND) * ROUND, np.uint8))
            return Block(self._lent[-1])
