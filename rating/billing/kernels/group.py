"""Grouping rated rows into bill lines: one pass over the keys, one over each amount."""

from __future__ import annotations

import numpy as np

from compiled.jit import njit


@njit(nogil=True, cache=True)
def group_rows(payer, owner, item, slots, group, first):
    """Numbers the distinct keys of rows in the order in which they first occur.

    Args:
        payer: int64[n] first part of a row's key.
        owner: int64[n] second part.
        item: int64[n] third part.
        slots: int32[power of two, more than n] filled with -1; scratch, an open hash table.
        group: int32[n] out, the group of each row.
        first: int64[n] out, the first row of each group; only the groups' entries are written.

    Returns:
        The number of groups.
    """
    mask = np.int64(len(slots) - 1)
    groups = np.int32(0)
    for row in range(len(payer)):
        # Rated rows come ordered by charge group, so that the row before is often the same key
        # and the slots of one group stay in the cache.
        mixed = payer[row] * np.int64(-7046029254386353131)
        mixed ^= owner[row] * np.int64(-4417276706812531889)
        mixed ^= item[row] * np.int64(1609587929392839161)
        mixed ^= mixed >> np.int64(29)
        mixed *= np.int64(-4658895280553007687)
        mixed ^= mixed >> np.int64(32)
        slot = mixed & mask
        while True:
            found = slots[slot]
            if found < 0:
                slots[slot] = groups
                first[groups] = row
                group[row] = groups
                groups += np.int32(1)
                break
            known = first[found]
            if (
                payer[known] == payer[row]
                and owner[known] == owner[row]
                and item[known] == item[row]
            ):
                group[row] = found
                break
            slot = (slot + np.int64(1)) & mask
    return groups


@njit(nogil=True, cache=True)
def sum_groups(group, amounts, sums):
    """Adds int64 amounts by group; the caller has checked that no sum can wrap.

    Args:
        group: int32[n] group of each row.
        amounts: int64[n].
        sums: int64[groups] added to.
    """
    for row in range(len(group)):
        sums[group[row]] += amounts[row]
