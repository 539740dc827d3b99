"""Octets of mapped files: giving back memory that has been read."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    Octets = np.ndarray[Any, np.dtype[np.uint8]]

STRETCH: Final = 4 << 20
"""Octets of a file that are looked at before what lies behind is given back."""


def let_go(data: Octets, start: int, end: int) -> None:
    """Gives back the memory of octets [start, end) of a mapped file; they can be read again.

    Pages of a mapping count as memory of the process although the system may take them at any time:
    a file of gigabytes would seem to need gigabytes. Octets of no mapping stay as they are.

    Args:
        data: uint8[n], a mapped file, or a stretch of one.
        start: First octet, counted in `data`.
        end: Octet to stop before.
    """
    base: object = data
    while isinstance(base, np.ndarray):
        base = base.base
    mapped = base.obj if isinstance(base, memoryview) else base
    if not isinstance(mapped, mmap.mmap) or not hasattr(mmap, "MADV_DONTNEED"):
        return
    whole = np.frombuffer(mapped, np.uint8)
    moved = data.ctypes.data - whole.ctypes.data
    first = (start + moved) // mmap.PAGESIZE * mmap.PAGESIZE
    last = (min(end, len(data)) + moved) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        mapped.madvise(mmap.MADV_DONTNEED, first, last - first)
