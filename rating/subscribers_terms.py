"""What subscribers have bought and what groups have agreed on, dated: flat arrays beside the periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from tariffs.compiled import Int32, Int64


def _none(dtype: type) -> np.ndarray:
    return np.empty(0, dtype)


@dataclass(frozen=True)
class Purchases:
    """Options that subscribers have (``options.csv``).

    Sorted by (subscriber, option, valid_from, valid_to), so that the order of rows decides nothing.
    The same option may be bought twice at overlapping times: each row is a purchase of its own.
    """

    names: tuple[str, ...]
    """Options by index: those of the compiled book, or the data's own where it lists none."""
    subscriber: Int32
    """[rows] index in the subscribers' names."""
    option: Int32
    """[rows] index in ``names``."""
    valid_from: Int64
    """[rows] UTC µs."""
    valid_to: Int64
    """[rows] UTC µs, first instant no longer valid, FOREVER if open."""

    @staticmethod
    def empty() -> Purchases:
        """Returns a table without a row."""
        return Purchases((), _none(np.int32), _none(np.int32), _none(np.int64), _none(np.int64))

    def of(self, subscriber: int) -> list[int]:
        """Returns the rows of a subscriber, by option and time."""
        first, last = np.searchsorted(self.subscriber, [subscriber, subscriber + 1])
        return list(range(int(first), int(last)))


@dataclass(frozen=True)
class GroupTerms:
    """Tier and contract of VPMN groups (``groups.csv``), sorted by (group, valid_from).

    A group has at most one row at a time.
    """

    contracts: pa.StringArray
    """Contract names, sorted; index 0 is the empty text: none."""
    group: Int32
    """[rows] index in the subscribers' ``vpmn_groups``."""
    tier: Int32
    """[rows] index in the compiled book's ``tiers``, 0 none."""
    contract: Int32
    """[rows] index in ``contracts``."""
    valid_from: Int64
    """[rows] UTC µs."""
    valid_to: Int64
    """[rows] UTC µs, first instant no longer valid, FOREVER if open."""

    @staticmethod
    def empty() -> GroupTerms:
        """Returns a table without a row."""
        narrow, wide = _none(np.int32), _none(np.int64)
        return GroupTerms(pa.array([""]), narrow, narrow, narrow, wide, wide)

    def at(self, group: int, when_us: int) -> int | None:
        """Returns the row of a VPMN group that holds at an instant (UTC µs), None without one."""
        first, last = np.searchsorted(self.group, [group, group + 1])
        row = int(first + np.searchsorted(self.valid_from[first:last], when_us, "right")) - 1
        return row if row >= first and when_us < self.valid_to[row] else None

    def tier_in(self, group: int, begin_us: int, end_us: int) -> int | None:
        """Returns the first tier that a VPMN group has in a stretch of time, None without one."""
        for row in range(len(self.group)):
            valid = self.valid_from[row] < end_us and self.valid_to[row] > begin_us
            if self.group[row] == group and valid:
                return int(self.tier[row])
        return None


@dataclass(frozen=True)
class Payers:
    """Which account pays a payment of the book for whom (``payers.csv``).

    Sorted by (payment, subscriber, valid_from); a subscriber has at most one row of a payment at a
    time.
    """

    accounts: pa.StringArray
    """Account ids, sorted; they need not be accounts of subscribers."""
    subscriber: Int32
    """[rows] index in the subscribers' names."""
    payment: Int32
    """[rows] index in the compiled book's ``payments``."""
    account: Int32
    """[rows] index in ``accounts``."""
    valid_from: Int64
    """[rows] UTC µs."""
    valid_to: Int64
    """[rows] UTC µs, first instant no longer valid, FOREVER if open."""

    @staticmethod
    def empty() -> Payers:
        """Returns a table without a row."""
        narrow, wide = _none(np.int32), _none(np.int64)
        return Payers(pa.array([], pa.string()), narrow, narrow, narrow, wide, wide)

    def at(self, payment: int, subscriber: Int32, when_us: Int64) -> Int64:
        """Returns the row of a payment that holds for subscribers at instants, -1 without one.

        Args:
            payment: The payment.
            subscriber: int32[n].
            when_us: int64[n] UTC µs.
        """
        low, high = np.searchsorted(self.payment, [payment, payment + 1]).tolist()
        mine = self.subscriber[low:high]
        row = low + np.searchsorted(mine, subscriber)
        last = low + np.searchsorted(mine, subscriber, side="right") - 1
        found: Int64 = np.where(row <= last, row, -1).astype(np.int64)
        while True:  # few have more than one row
            later = np.flatnonzero((found >= 0) & (found < last))
            later = later[self.valid_from[found[later] + 1] <= when_us[later]]
            if not len(later):
                break
            found[later] += 1
        some = np.flatnonzero(found >= 0)
        here = (self.valid_from[found[some]] <= when_us[some]) & (
            when_us[some] < self.valid_to[found[some]]
        )
        found[some[~here]] = -1
        return found


__all__ = ["GroupTerms", "Payers", "Purchases"]
