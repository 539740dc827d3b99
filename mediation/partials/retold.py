"""Containers that a gateway told again with other volumes: which telling counts.

A container that is told again word for word is a duplicate. One that says the same of itself, its
session, record, number, rating group and start, with other volumes, is no other usage either: the
gateway closed it anew. The record that tells the most of it counts, whichever came first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from mediation.duplicates import record_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Int64 = NDArray[np.int64]

RETOLD_KEY: Final = (
    "record_type",
    "recording_entity",
    "served_imsi",
    "charging_id",
    "partial_sequence",
    "container_sequence",
    "rating_group",
    "service_id",
    "start_time",
)
"""Containers that agree on all of these, and are no duplicates, are one container told again."""
NUMBERED: Final = ("charging_id", "container_sequence")
"""What a container must have to be known again."""
VOLUMES: Final = ("uplink", "downlink")
TOLD: Final = ("file_id", "offset", "container", *VOLUMES, "duration")


@dataclass(frozen=True, slots=True)
class Retold:
    """Rows that do not count.

    Attributes:
        rows: Of each table, the rows whose container another record tells.
        names: Of each of these rows, the name of the row that counts, ``file:offset:container``.
    """

    rows: tuple[Int64, ...]
    names: tuple[tuple[str, ...], ...]

    def without(self, tables: Sequence[pa.Table]) -> list[pa.Table]:
        """Returns the tables without these rows."""
        left = []
        for table, rows in zip(tables, self.rows, strict=True):
            keep = np.ones(table.num_rows, np.bool_)
            keep[rows] = False
            left.append(table.filter(pa.array(keep)) if len(rows) else table)
        return left


def told_again(tables: Sequence[pa.Table]) -> Retold:
    """Finds containers that are told again with other volumes.

    The answer is a function of the set of rows: neither their order nor the tables show in it.

    Args:
        tables: EDRs with ``RETOLD_KEY`` and ``TOLD``, no event twice; a table without all columns
            of the key has no containers.
    """
    candidates = [_sessions(table) for table in tables]
    keys = [
        record_keys(table.select(RETOLD_KEY).take(pa.array(rows)).combine_chunks().to_batches()[0],
                    RETOLD_KEY)
        for table, rows in zip(tables, candidates, strict=True)
        if len(rows)
    ]  # fmt: skip
    place = np.repeat(np.arange(len(tables)), [len(rows) for rows in candidates])
    row = np.concatenate([np.zeros(0, np.int64), *candidates])
    found: list[list[tuple[int, str]]] = [[] for _ in tables]
    if keys:
        high, low = (np.concatenate(halves) for halves in zip(*keys, strict=True))
        for group in _same(high, low):
            told = [_telling(tables[place[at]], int(row[at])) for at in group]
            counts = _longest(told)
            name = ":".join(map(str, min(each[0] for each in told if each[0][:2] == counts)))
            for at, (mine, *_) in zip(group, told, strict=True):
                if mine[:2] != counts:
                    found[place[at]].append((int(row[at]), name))
    ordered = [sorted(rows) for rows in found]
    return Retold(
        tuple(np.array([at for at, _ in rows], np.int64) for rows in ordered),
        tuple(tuple(name for _, name in rows) for rows in ordered),
    )


Telling = tuple[tuple[str, int, int], int, int]
"""Name of the row, octets both ways, seconds."""


def _sessions(table: pa.Table) -> Int64:
    """Returns the rows that are numbered containers of sessions; calls put together have none."""
    if not set(RETOLD_KEY) <= set(table.schema.names):
        return np.zeros(0, np.int64)
    mine = np.ones(table.num_rows, np.bool_)
    for name in NUMBERED:
        column = table.column(name)
        if column.null_count == table.num_rows:
            return np.zeros(0, np.int64)
        if column.null_count:
            mine &= column.is_valid().to_numpy()
    return np.flatnonzero(mine)


def _same(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> list[list[int]]:
    """Returns the groups of places that have the same key; nearly always none."""
    order = np.argsort(high)
    equal = np.flatnonzero(high[order][1:] == high[order][:-1])
    groups: dict[tuple[int, int], set[int]] = {}
    for at in equal.tolist():
        for one in (int(order[at]), int(order[at + 1])):
            groups.setdefault((int(high[one]), int(low[one])), set()).add(one)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _telling(table: pa.Table, row: int) -> Telling:
    file_id, offset, container, uplink, downlink, duration = (
        table.column(name)[row].as_py() for name in TOLD
    )
    return (file_id, offset, container), uplink + downlink, duration


def _longest(told: list[Telling]) -> tuple[str, int]:
    """Returns the record that tells the most: octets, then seconds, then the first by name."""
    records: dict[tuple[str, int], tuple[int, int]] = {}
    for (file_id, offset, _), octets, seconds in told:
        before = records.get((file_id, offset), (0, 0))
        records[file_id, offset] = (before[0] + octets, before[1] + seconds)
    return min(records, key=lambda record: (-records[record][0], -records[record][1], record))
