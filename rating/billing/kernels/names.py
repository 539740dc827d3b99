"""Dictionary columns: which names occur, and their codes under other numbers."""

from __future__ import annotations

from compiled.jit import njit


@njit(nogil=True, cache=True)
def mark_used(codes, used):
    """Marks the names that occur.

    Args:
        codes: int32[n] or int8[n] from 0; -1 is no name.
        used: bool[names] set True where a code occurs.
    """
    for row in range(len(codes)):
        if codes[row] >= 0:
            used[codes[row]] = True


@njit(nogil=True, cache=True)
def renumber(codes, table, out):
    """Replaces codes; -1 stays.

    Args:
        codes: int32[n] or int8[n] from 0; -1 is no name.
        table: int32[names] new code of each.
        out: int32[n] filled.
    """
    for row in range(len(codes)):
        out[row] = table[codes[row]] if codes[row] >= 0 else -1
