"""Subscriber data as flat arrays: one row per validity period, indexes by IMSI and by number.

Codes are positions in sorted name tables, so nothing depends on the order in which a file lists
its rows. Periods are sorted by (subscriber, valid_from) and half-open.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.edr import MISSING
from rating.errors import SubscriberDataError
from rating.kernels import guide as kernel
from rating.kernels.probe import COUNT_MASK, fill_slots, pair_keys
from rating.room import aligned
from rating.subscribers_terms import GroupTerms, Purchases

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from tariffs.compiled import CompiledBook, Int8, Int32, Int64

ROLES: Final = ("single", "main", "sub")
"""Role of a card: a ``sub`` card uses the main card's shared allowances and brings none."""

NO_LIMIT: Final = -1
"""A credit limit that is not set."""

TABLES: Final = ("subscribers", "friends", "options", "groups")
"""File names, without ending, of the tables that make up the subscriber data."""


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

    @property
    def n_periods(self) -> int:
        """Number of validity periods."""
        return len(self.subscriber)

    @cached_property
    def arrays(self) -> kernel.GuideArrays:
        """Indexes and packed periods for the kernels; built on first use."""
        imsi_slots, imsi_chain = _index(self.imsi, self.valid_from)
        msisdn_slots, msisdn_chain = _index(self.msisdn, self.valid_from)
        pairs = np.empty(len(self.friend_number), np.int64)
        pair_keys(self.friend_subscriber.astype(np.int64), self.friend_number, pairs)
        friend_slots, friend_chain = _index(pairs, self.friend_from)
        return kernel.GuideArrays(
            self._packed(),
            imsi_slots,
            imsi_chain,
            msisdn_slots,
            msisdn_chain,
            friend_slots,
            friend_chain,
            self.friend_subscriber,
            self.friend_number,
            self.friend_from,
            self.friend_to,
        )

    def _packed(self) -> Int64:
        """Returns the periods as rows of eight words (see :mod:`rating.kernels.guide`)."""
        # rows of one cache line each
        words = aligned(self.n_periods * kernel.PERIOD_WORDS).reshape(-1, kernel.PERIOD_WORDS)
        has_friends = np.zeros(len(self.names), np.int64)
        has_friends[self.friend_subscriber] = kernel.HAS_FRIENDS
        words[:, 0] = self.valid_from
        words[:, 1] = self.valid_to
        words[:, 2] = (self.subscriber.astype(np.int64) << 32) | self.group
        words[:, 3] = (self.plan.astype(np.int64) << 32) | has_friends[self.subscriber]
        words[:, 4] = (self.vpmn.astype(np.int64) << 32) | self.area
        words[:, 5] = self.msisdn
        words[:, 6] = self.home_zone
        return words.reshape(-1)

    def period_of_imsi(self, imsi: int, at: int) -> int | None:
        """Returns the period that has ``imsi`` at UTC microsecond ``at``, None if there is none."""
        guide = self.arrays
        found = kernel.valid_period(guide.imsi_slots, guide.imsi_chain, guide.period, imsi, at)
        return int(found) if found >= 0 else None

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
    chain, sorted_keys = chain_by_key(keys, valid_from)
    distinct = int(np.count_nonzero(np.diff(sorted_keys)) + 1) if len(chain) else 0
    size = max(4, 1 << (2 * distinct - 1).bit_length()) if distinct else 4
    slots = np.zeros(2 * size, np.int64)
    at = fill_slots(sorted_keys, slots)
    if at >= 0:
        message = f"one IMSI or number has more than {COUNT_MASK:,} validity periods"
        raise OverflowError(message)
    return slots, chain


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

    Args:
        folder: Folder with ``subscribers.csv`` and what there is of the other :data:`TABLES`.
        compiled: The tariff book: plans and areas are looked up in it, dates are in its zone.

    Raises:
        SubscriberDataError: With every mistake, file and line.
    """
    from rating.subscribers_build import build  # noqa: PLC0415  polars is only needed here

    columns, problems = build(folder, compiled)
    if problems:
        raise SubscriberDataError(str(folder), problems)
    return Subscribers(digest=_digest(folder), **columns)


def _digest(folder: Path) -> str:
    """Returns the digest of the files that make up the subscriber data."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*")):
        if path.suffix in {".csv", ".parquet"} and path.stem in TABLES:
            with path.open("rb") as file:
                inner = hashlib.file_digest(file, "sha256")
            total.update(f"{path.name}\0{inner.hexdigest()}\n".encode())
    return total.hexdigest()


__all__ = [
    "NO_LIMIT",
    "ROLES",
    "TABLES",
    "GroupTerms",
    "Purchases",
    "Subscribers",
    "chain_by_key",
    "load_subscribers",
]
