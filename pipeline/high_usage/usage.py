"""What limits need of rated records, taken while a unit of them is in memory.

To read a month's rated records again, with their texts, costs as much as to rate them. So each unit
leaves numbers (who, when, how much) and the few records that a limit of a single call, session or
burst may want to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from mediation.edr import MISSING
from pipeline.arrow import joined, micros
from pipeline.high_usage.section import Credit, Day
from pipeline.published import NAME
from rating.schema import RATED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.high_usage.section import HighUsage

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]
    Mask = NDArray[np.bool_]

OCTETS: Final = ("total_bytes", "uplink_bytes", "downlink_bytes")
MESSAGES: Final = ("sms", "mms")
COLUMNS: Final = (
    *NAME,
    *("subscriber_id", "served_msisdn", "service", "direction", "call_class", "start_time"),
    *("rum", "quantity", "net"),
)


class Rows(NamedTuple):
    """Rated records of one unit and cycle, n of them."""

    cycle: str
    subscriber: Int32
    """int32[n], index of the subscriber's name."""
    account: Int32
    """int32[n], index of the account's name."""
    msisdn: Int64
    """int64[n], served number, MISSING if none."""
    start: Int64
    """int64[n], UTC microseconds."""
    seconds: Int64
    """int64[n], length of a call."""
    octets: Int64
    """int64[n], data."""
    message: Mask
    """bool[n], whether it is one."""
    net: Int64
    """int64[n], millionths."""
    caused: Mask
    """bool[n], whether the subscriber caused it: free received calls are nobody's usage."""


@dataclass(frozen=True, slots=True)
class UnitUsage:
    """What a unit leaves: its rows, if sums are wanted, and COLUMNS of records to look at closely."""

    rows: list[Rows]
    notable: pl.DataFrame


def usage_of(rated: Sequence[tuple[str, pa.RecordBatch]], wanted: HighUsage) -> UnitUsage | None:
    """Returns the usage of a unit's rated records (RATED_SCHEMA) by cycle; None if there is none."""
    tables = [table for _, table in rated if table.num_rows]
    if not wanted.wanted or not tables:
        return None
    rows = [_rows(cycle, table) for cycle, table in rated if table.num_rows]
    table = joined(tables, RATED_SCHEMA)
    notable = np.flatnonzero(_notable(table, rows, wanted))
    sums = wanted.day != Day() or wanted.credit != Credit()
    return UnitUsage(rows if sums else [], _told(table.select(COLUMNS).take(pa.array(notable))))


def _rows(cycle: str, table: pa.RecordBatch) -> Rows:
    """Returns copies: what a unit rates in is used again by the next."""
    quantity = table.column("quantity").to_numpy()
    net = micros(table.column("net")).copy()
    return Rows(
        cycle=cycle,
        subscriber=table.column("subscriber_id").indices.to_numpy().copy(),
        account=table.column("account_id").indices.to_numpy().copy(),
        msisdn=table.column("served_msisdn").fill_null(MISSING).to_numpy().copy(),
        start=table.column("start_time").view(pa.int64()).to_numpy().copy(),
        seconds=np.where(_among(table, "rum", ("seconds",)), quantity, 0),
        octets=np.where(_among(table, "rum", OCTETS), quantity, 0),
        message=_among(table, "service", MESSAGES),
        net=net,
        caused=~_among(table, "direction", ("terminating",)) | (net > 0),
    )


def _among(table: pa.RecordBatch, column: str, names: Sequence[str]) -> Mask:
    """Returns where a dictionary column without nulls has one of some names."""
    coded = table.column(column)
    wanted = np.isin(np.array(coded.dictionary.to_pylist(), np.str_), names)
    chosen: Mask = wanted[coded.indices.to_numpy()]
    return chosen


def _notable(table: pa.RecordBatch, rows: Sequence[Rows], wanted: HighUsage) -> Mask:
    """Returns the records that are over a limit of their own, or may be part of a burst."""
    caused, net, octets, seconds = (
        np.concatenate([getattr(one, name) for one in rows])
        for name in ("caused", "net", "octets", "seconds")
    )
    found = np.zeros(len(net), np.bool_)
    if wanted.fraud.premium_calls is not None:
        found |= _among(table, "call_class", ("premium",))
    call, session = wanted.call, wanted.session
    if call.duration is not None:
        found |= seconds > call.duration
    if call.charge is not None:
        found |= _among(table, "rum", ("seconds",)) & (net > call.charge)
    if session.volume is not None or session.charge is not None:
        of_sessions = np.flatnonzero(_among(table, "rum", OCTETS) & caused)
        file = table.column("file_id").indices.to_numpy()[of_sessions]
        offset = table.column("offset").to_numpy()[of_sessions]
        order = np.lexsort((offset, file))
        of_sessions, file, offset = of_sessions[order], file[order], offset[order]
        begins = np.ones(len(order), np.bool_)
        begins[1:] = (file[1:] != file[:-1]) | (offset[1:] != offset[:-1])
        first = np.flatnonzero(begins)
        for values, limit in ((octets, session.volume), (net, session.charge)):
            if limit is not None and len(first):
                over = np.add.reduceat(values[of_sessions], first) > limit
                found[of_sessions[np.repeat(over, np.diff(first, append=len(order)))]] = True
    told: Mask = found & caused
    return told


def _told(rows: pa.RecordBatch) -> pl.DataFrame:
    """Returns records as polars reads them, names as texts."""
    plain = {
        field.name: column.dictionary_decode() if pa.types.is_dictionary(field.type) else column
        for field, column in zip(rows.schema, rows.columns, strict=True)
    }
    return pl.DataFrame(pa.table(plain))
