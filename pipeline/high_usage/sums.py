"""What units' usage comes to: by day and subscriber, and by account."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pyarrow as pa

from mediation.edr import MISSING
from rating.billing.columns import money
from rating.cycles import cycles_between, first_day, midnights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.high_usage.usage import Rows

    Int64 = NDArray[np.int64]

EPOCH: Final = dt.date(1970, 1, 1)
SUBSCRIBER_BITS: Final = 32


def day_sums(rows: Sequence[Rows], names: pa.StringArray, zone: str) -> pl.DataFrame:
    """Returns what each subscriber caused on each day, in order of both.

    Args:
        rows: Of all units.
        names: Of subscribers, in order.
        zone: The book's time zone.
    """

    def caused(column: str) -> Int64:
        parts = [getattr(one, column)[one.caused] for one in rows]
        return np.concatenate(parts, dtype=np.int64) if parts else np.zeros(0, np.int64)

    key = local_days(caused("start"), zone) << SUBSCRIBER_BITS | caused("subscriber")
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=key[:1] - 1))
    sums = {
        column: np.add.reduceat(caused(column)[order], first) if len(first) else key
        for column in ("seconds", "octets", "message", "net")
    }
    number = np.maximum.reduceat(caused("msisdn")[order], first) if len(first) else key
    key = key[first]
    return pl.DataFrame(
        {
            "day": pl.Series(key >> SUBSCRIBER_BITS).cast(pl.Int32).cast(pl.Date),
            "subscriber_id": _texts(names, key & ((1 << SUBSCRIBER_BITS) - 1)),
            "served_msisdn": pl.Series(pa.array(number, mask=number == MISSING)),
            "duration": sums["seconds"],
            "volume": sums["octets"],
            "messages": sums["message"],
            "charge": pl.Series(money(sums["net"])),
        }
    )


def spent(rows: Sequence[Rows], accounts: pa.StringArray) -> pl.DataFrame:
    """Returns what accounts spent: ``account_id``, ``charge``, ``last`` (start of the latest record).

    Args:
        rows: Of all units, of one cycle.
        accounts: Names.
    """
    net, last = np.zeros(len(accounts), np.int64), np.full(len(accounts), MISSING)
    for one in rows:
        np.add.at(net, one.account, one.net)
        np.maximum.at(last, one.account, one.start)
    those = np.flatnonzero(last != MISSING)
    return pl.DataFrame(
        {
            "account_id": _texts(accounts, those),
            "charge": pl.Series(money(net[those])),
            "last": pl.Series(pa.array(last[those]).cast(pa.timestamp("us", "UTC"))),
        }
    )


def local_days(instants: Int64, zone: str) -> Int64:
    """Returns the days (since 1970-01-01, on the clock of a zone) that hold UTC microseconds."""
    if not len(instants):
        return instants
    cycles = cycles_between(int(instants.min()), int(instants.max()), zone)
    edges = np.array([edge for cycle in cycles for edge in midnights(cycle, zone)[:-1]])
    day = (first_day(cycles[0]) - EPOCH).days - 1 + np.searchsorted(edges, instants, "right")
    return day.astype(np.int64)


def _texts(names: pa.StringArray, index: Int64) -> pl.Series:
    return pl.Series(names.take(pa.array(index)).cast(pa.string()), dtype=pl.String)
