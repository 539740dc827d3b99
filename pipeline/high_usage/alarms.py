"""What an alarm says: kind, who, when, how much against which limit, and the records behind it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow as pa

from mediation.edr import DICTIONARY, field

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS: Final = {
    "call_duration": "A call lasted longer than the limit",
    "call_charge": "A call cost more than the limit",
    "session_volume": "A data session moved more than the limit",
    "session_charge": "A data session cost more than the limit",
    "day_duration": "A subscriber called for longer than the limit of a day",
    "day_volume": "A subscriber moved more data than the limit of a day",
    "day_messages": "A subscriber sent more messages than the limit of a day",
    "day_charge": "A subscriber's usage of a day cost more than the limit",
    "credit_limit": "An account's usage of a cycle came to more than a share of its credit limit",
    "overlapping_calls": "One SIM made two calls at the same time",
    "premium_burst": "Many calls to premium numbers in a short time",
    "country_change": "One SIM was used in two countries within too short a time",
    "impossible_travel": "One SIM was used in two places too far apart for the time between",
}
"""Kind of alarm → what it means."""

AMOUNT: Final = pl.Decimal(18, 6)
VALUE: Final = pl.Decimal(25, 6)
"""Any amount, and any whole number of 64 bits: a broken counter of octets is one."""
CHARGES: Final = ("net", "charge")
"""Columns of money."""

ALARM_SCHEMA: Final = pa.schema(
    [
        field("kind", DICTIONARY, "name", "One of KINDS", nullable=False),
        field("subscriber_id", pa.string(), "name", "Subscriber; null where only the SIM is known"),
        field("served_imsi", pa.int64(), "IMSI", "The SIM, where it is what the alarm is about"),
        field("served_msisdn", pa.int64(), "E.164", "Number of the subscriber or SIM"),
        field("day", pa.date32(), "day", "Day in the book's time zone", nullable=False),
        field("start_time", pa.timestamp("us", tz="UTC"), "us UTC", "Start of the event behind it"),
        field("value", pa.decimal128(25, 6), "unit", "What was seen", nullable=False),
        field("limit", pa.decimal128(25, 6), "unit", "What is allowed", nullable=False),
        field("unit", DICTIONARY, "name", "s, byte, event, km/h or the currency", nullable=False),
        field("file_id", pa.string(), "hex", "Record behind it; null for sums of a day"),
        field("offset", pa.int64(), "byte", "The same record"),
        field("container", pa.int32(), "index", "The same record"),
        field("with_file_id", pa.string(), "hex", "The earlier record that it does not go with"),
        field("with_offset", pa.int64(), "byte", "The same record"),
        field("with_container", pa.int32(), "index", "The same record"),
        field("account_id", pa.string(), "name", "Account, where it is what the alarm is about"),
        field("percent", pa.int32(), "%", "Share of the limit that was passed; null: all of it"),
    ]
)
"""Arrow schema of ``alarms/``: one row for each limit that a batch's usage went over."""

ORDER: Final = (
    *("kind", "day", "subscriber_id", "served_imsi", "start_time", "file_id", "offset"),
    *("account_id", "percent"),
)


def as_table(found: Sequence[pl.DataFrame]) -> pa.Table:
    """Returns alarms in a fixed order, as ALARM_SCHEMA; absent columns are null."""
    rows = pl.concat([frame for frame in found if frame.height], how="diagonal_relaxed")
    rows = rows.sort(*(name for name in ORDER if name in rows.columns), nulls_last=True)
    columns = []
    for one in ALARM_SCHEMA:
        if one.name not in rows.columns:
            columns.append(pa.nulls(rows.height, one.type))
            continue
        values = rows.get_column(one.name)
        plain = values.cast(pl.String) if values.dtype == pl.Categorical else values
        columns.append(plain.to_arrow().cast(one.type))
    return pa.table(columns, schema=ALARM_SCHEMA)


def limit_of(value: str, limit: int) -> pl.Expr:
    """Returns the limit of a column in its own unit: those of charges are written in millionths."""
    return pl.lit(Decimal(limit).scaleb(-6)).cast(AMOUNT) if value in CHARGES else pl.lit(limit)


def limited(frame: pl.DataFrame, kind: str, value: str, limit: int, unit: str) -> pl.DataFrame:
    """Returns rows with what every alarm has: kind, value, limit, unit.

    Args:
        frame: The rows.
        kind: One of KINDS.
        value: The column with what was seen: an amount, or a whole number.
        limit: What is allowed: millionths of CHARGES.
        unit: Of both.
    """
    return frame.with_columns(
        pl.lit(kind).alias("kind"),
        pl.col(value).cast(VALUE).alias("value"),
        limit_of(value, limit).cast(VALUE).alias("limit"),
        pl.lit(unit).alias("unit"),
    )
