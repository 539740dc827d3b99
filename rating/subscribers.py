"""Subscriber data as flat arrays: one row per validity period, indexes by IMSI and by number.

Codes are positions in sorted name tables, so nothing depends on the order in which a file lists
its rows. Periods are sorted by (subscriber, valid_from) and half-open.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.edr import MISSING
from rating.errors import Problem, SubscriberDataError
from rating.kernels import guide as kernel
from rating.kernels.periods import pack_periods
from rating.kernels.probe import COUNT_MASK, fill_index, fill_runs, overlapping, pair_keys
from rating.room import Block, scratch
from rating.subscribers_terms import GroupTerms, Payers, Purchases
from tariffs.snapshot import read_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from tariffs.compiled import CompiledBook, Int8, Int32, Int64

ROLES: Final = ("single", "main", "sub")
"""Role of a card: a ``sub`` card uses the main card's shared allowances and brings none."""

NO_LIMIT: Final = -1
"""A credit limit that is not set."""

TABLES: Final = ("subscribers", "friends", "options", "groups", "payers")
"""File names, without ending, of the tables that make up the subscriber data."""
SUFFIXES: Final = (".csv", ".parquet")


@dataclass(frozen=True)
class Subscribers:
    """Subscriber data of one workspace; made by :func:`load_subscribers`, never changed.

    Arrays have one entry per validity period, unless said otherwise. Times are UTC microseconds.
    """

    digest: str
    """SHA-256 over the files' names and bytes, hex."""
    names: pa.StringArray
    """Subscriber ids, sorted; the dictionary of ``subscriber_id``."""
    accounts: pa.StringArray
    """Account ids, sorted."""
    groups: pa.StringArray
    """Charge group names, sorted."""
    vpmn_groups: pa.StringArray
    """VPMN group names, sorted; index 0 is the empty text: none."""
    subscriber: Int32
    account: Int32
    group: Int32
    plan: Int32
    """Index in the compiled book's ``plans``."""
    role: Int8
    """Index in :data:`ROLES`."""
    vpmn: Int32
    area: Int32
    """Home area, index in the compiled book's ``areas``."""
    msisdn: Int64
    """E.164 digits, MISSING if none."""
    imsi: Int64
    """Digits, MISSING if none."""
    valid_from: Int64
    valid_to: Int64
    """First instant no longer valid, FOREVER if open."""
    friend_subscriber: Int32
    """[friends] subscriber whose friend the number is."""
    friend_number: Int64
    """[friends] E.164 digits."""
    friend_from: Int64
    friend_to: Int64
    tier: Int32
    """Index in the compiled book's ``tiers``, 0 none."""
    credit_limit: Int64
    """µ, NO_LIMIT if none is set."""
    home_zone: Int32
    """Index in ``home_zones``."""
    home_zones: tuple[str, ...] = ("",)
    """Home zones by index: those of the compiled book, or the data's own where it lists none."""
    purchases: Purchases = field(default_factory=Purchases.empty)
    group_terms: GroupTerms = field(default_factory=GroupTerms.empty)
    payers: Payers = field(default_factory=Payers.empty)

    @property
    def n_periods(self) -> int:
        """Number of validity periods."""
        return len(self.subscriber)

    @cached_property
    def arrays(self) -> kernel.GuideArrays:
        """Indexes and packed periods for the kernels; built on first use."""
        pairs = np.empty(len(self.friend_number), np.int64)
        pair_keys(self.friend_subscriber.astype(np.int64), self.friend_number, pairs)
        with ThreadPoolExecutor(2) as pool:
            by_imsi = pool.submit(_index, self.imsi, self.valid_from)
            by_msisdn = pool.submit(_index, self.msisdn, self.valid_from)
            by_friend = pool.submit(_index, pairs, self.friend_from)
            packed = self._packed()
        return kernel.GuideArrays(
            packed,
            *by_imsi.result(),
            *by_msisdn.result(),
            *by_friend.result(),
            self.friend_subscriber,
            self.friend_number,
            self.friend_from,
            self.friend_to,
        )

    def _packed(self) -> Int64:
        """Returns the periods as rows of eight words (see :mod:`rating.kernels.guide`)."""
        # rows of one cache line each
        n = self.n_periods * kernel.PERIOD_WORDS
        words: Int64 = Block(scratch(Block.size(n, 1), np.uint8)).array(n, np.int64)
        flags = np.zeros(len(self.names), np.int64)
        flags[self.friend_subscriber] = kernel.HAS_FRIENDS
        pack_periods(
            self.valid_from,
            self.valid_to,
            self.subscriber,
            self.group,
            self.plan,
            flags,
            self.vpmn,
            self.area,
            self.msisdn,
            self.home_zone,
            words,
        )
        return words

    @property
    def valid_twice(self) -> bool:
        """Returns whether an IMSI or a number belongs to two periods at the same time."""
        found = self.arrays
        limits = self.valid_from, self.valid_to
        with ThreadPoolExecutor(1) as beside:
            imsi = beside.submit(overlapping, found.imsi_slots, found.imsi_chain, *limits)
            msisdn = overlapping(found.msisdn_slots, found.msisdn_chain, *limits)
        return bool(imsi.result() or msisdn)

    def period_of_number(self, number: int, at: int) -> int | None:
        """Returns the period that has E.164 ``number`` at ``at``, None if there is none."""
        guide = self.arrays
        found = kernel.valid_period(
            guide.msisdn_slots, guide.msisdn_chain, guide.period, number, at
        )
        return int(found) if found >= 0 else None

    def is_friend(self, subscriber: int, number: int, at: int) -> bool:
        """Returns whether ``number`` is a friends & family number of ``subscriber`` at ``at``."""
        friends = self.arrays[5:]
        return bool(kernel.is_friend(*friends, subscriber, number, at))

    def periods_of(self, subscriber_id: str) -> list[int]:
        """Returns the periods of a subscriber by name, in order of time; empty if unknown."""
        at = self._position(self.names, subscriber_id)
        if at is None:
            return []
        first, last = np.searchsorted(self.subscriber, [at, at + 1])
        return list(range(int(first), int(last)))

    def group_index(self, charge_group: str) -> int | None:
        """Returns the index of a charge group by name, None if it is not known."""
        return self._position(self.groups, charge_group)

    @staticmethod
    def _position(names: pa.StringArray, wanted: str) -> int | None:
        """Returns the index of ``wanted`` in sorted ``names``."""
        low, high = 0, len(names)
        while low < high:
            middle = (low + high) // 2
            if names[middle].as_py().encode() < wanted.encode():
                low = middle + 1
            else:
                high = middle
        return low if low < len(names) and names[low].as_py() == wanted else None


def _index(keys: Int64, valid_from: Int64) -> tuple[Int64, Int32]:
    """Returns (slots, chain) of the open-addressing index over ``keys`` that are not MISSING."""
    size = max(4, 1 << (2 * len(keys) - 1).bit_length())
    slots = np.zeros(2 * size, np.int64)
    chain = scratch(len(keys), np.int32)
    used = fill_runs(keys, valid_from, slots, chain)
    if used < 0:
        slots[:] = 0
        where, rank = scratch(len(keys), np.int32), scratch(len(keys), np.int32)
        used = fill_index(keys, valid_from, slots, chain, where, rank)
    if used < 0:
        message = f"one IMSI or number has more than {COUNT_MASK:,} validity periods"
        raise OverflowError(message)
    return slots, chain[:used]


def chain_by_key(keys: Int64, valid_from: Int64) -> tuple[Int32, Int64]:
    """Returns the rows with a key, sorted by (key, valid_from), and their keys."""
    rows = np.flatnonzero(keys != MISSING)
    picked = keys[rows]
    if len(rows) > 1 and np.all(picked[1:] > picked[:-1]):
        return rows.astype(np.int32), picked
    order = np.lexsort((valid_from[rows], picked))
    return rows[order].astype(np.int32), picked[order]


def load_subscribers(folder: Path, compiled: CompiledBook) -> Subscribers:
    """Reads the tables (CSV or Parquet) and checks everything.

    The files are read once, as they are at one moment: the digest is over the bytes that were
    parsed.

    Args:
        folder: Folder with ``subscribers.csv`` and what there is of the other :data:`TABLES`.
        compiled: The tariff book: plans and areas are looked up in it, dates are in its zone.

    Raises:
        SubscriberDataError: With every mistake, file and line.
    """
    from rating.subscribers_build import build  # noqa: PLC0415  polars is only needed here

    files = _read_files(folder)
    with ThreadPoolExecutor(1) as beside:
        digest = beside.submit(_digest, files)
        columns, problems = build(files, compiled, told=False)
        if not problems:
            found = Subscribers(digest=digest.result(), **columns)
            if not found.valid_twice:
                return found
            columns, problems = build(files, compiled, told=True)
    raise SubscriberDataError(str(folder), problems)


def _read_files(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of the tables by file name, in order of name."""

    def listing() -> dict[str, Path]:
        found = sorted(path for path in folder.resolve().glob("*") if path.stem in TABLES)
        return {path.name: path for path in found if path.suffix in SUFFIXES}

    try:
        files = read_snapshot(listing)
    except OSError as error:
        problem = Problem(".", 1, f"The tables cannot be read: {error}.")
        raise SubscriberDataError(str(folder), [problem]) from error
    problems = [
        Problem(f"{stem}.csv", 1, f"{stem}.parquet is there as well.", "Keep one of them.")
        for stem in TABLES
        if all(f"{stem}{suffix}" in files for suffix in SUFFIXES)
    ]
    if not any(f"subscribers{suffix}" in files for suffix in SUFFIXES):
        missing = f"Put it into {folder}."
        problems.append(Problem("subscribers.csv", 1, "the file is missing.", missing))
    if problems:
        raise SubscriberDataError(str(folder), problems)
    return files


def _digest(files: dict[str, bytes]) -> str:
    """Returns the digest of the files that make up the subscriber data."""
    total = hashlib.sha256()
    for name, data in files.items():
        total.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return total.hexdigest()


__all__ = [
    "NO_LIMIT",
    "ROLES",
    "TABLES",
    "GroupTerms",
    "Payers",
    "Purchases",
    "Subscribers",
    "chain_by_key",
    "load_subscribers",
]
