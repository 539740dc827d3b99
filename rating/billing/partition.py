"""Partitions: which worker rates which charge group.

The unit of state is the charge group. A group goes to the partition that its written-down hash
says: the first eight bytes of the SHA-256 of its id, big endian, modulo the number of partitions.
So the split is the same on every machine, in every run and in any other program.

A bill belongs to an account, and an account's subscribers may belong to several groups (a member
that joins a family in the month). Groups that share an account go together, to the partition of
the one whose id comes first; so no bill is ever split.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Int32 = NDArray[np.int32]

UNGUIDED = 0
"""Partition of events that belong to nobody; they end there as unrated rows."""


def partition_of(group: str, n: int) -> int:
    """Returns the partition of a charge group, 0 to n - 1.

    Args:
        group: Id of the charge group.
        n: Number of partitions, at least 1.
    """
    if n < 1:
        message = f"{n} partitions; at least 1 is needed"
        raise ValueError(message)
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % n


def partition_index(groups: Sequence[str], group_of: Int32, account_of: Int32, n: int) -> Int32:
    """Returns the partition of each charge group.

    Args:
        groups: Ids of the groups, by index.
        group_of: int32[periods] group of each validity period.
        account_of: int32[periods] account of each validity period.
        n: Number of partitions.

    Returns:
        int32[groups]. Groups that share an account, directly or through others, are together.
    """
    leader = _leaders(groups, group_of, account_of)
    result = np.zeros(len(groups), np.int32)
    for group, name in enumerate(groups):
        if leader[group] == group:
            result[group] = partition_of(name, n)
    moved: Int32 = result[leader]
    return moved


def _leaders(groups: Sequence[str], group_of: Int32, account_of: Int32) -> Int32:
    """Returns for each group the one of its connected groups whose id comes first."""
    pairs = np.unique(np.stack([account_of, group_of], axis=1).astype(np.int32), axis=0)
    shared = np.flatnonzero(pairs[1:, 0] == pairs[:-1, 0])
    leader = np.arange(len(groups), dtype=np.int32)

    def find(group: int) -> int:
        while leader[group] != group:
            leader[group] = leader[leader[group]]
            group = int(leader[group])
        return group

    # Few accounts have more than one group, so these few are joined one by one.
    for row in shared:
        one, other = find(int(pairs[row, 1])), find(int(pairs[row + 1, 1]))
        first, second = (one, other) if groups[one] <= groups[other] else (other, one)
        leader[second] = first
    for row in np.unique(np.concatenate([pairs[shared, 1], pairs[shared + 1, 1]])):
        leader[row] = find(int(row))
    return leader


def split_batch(edr: pa.RecordBatch, group: Int32, partitions: Int32) -> dict[int, pa.RecordBatch]:
    """Splits a batch of EDRs by partition, keeping the order of rows.

    Args:
        edr: The batch.
        group: int32[rows] charge group of each row as guided, -1 where nobody owns the event.
        partitions: int32[groups] from :func:`partition_index`.

    Returns:
        Partition → its rows, ascending by partition; partitions without rows are left out. Rows
        that belong to nobody go to :data:`UNGUIDED`.
    """
    if len(group) != edr.num_rows:
        message = f"{len(group)} guided rows for a batch of {edr.num_rows}"
        raise ValueError(message)
    # Group -1 reads the entry that is appended.
    home = np.append(partitions, np.int32(UNGUIDED))[group]
    order = np.argsort(home, kind="stable")
    found, first = np.unique(home[order], return_index=True)
    bounds = [*first.tolist(), len(order)]
    return {
        int(partition): edr.take(pa.array(order[bounds[n] : bounds[n + 1]]))
        for n, partition in enumerate(found)
    }
