"""Rated records that a test writes, as a unit leaves them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.high_usage.section import Day, HighUsage
from pipeline.high_usage.sums import day_sums
from pipeline.high_usage.usage import COLUMNS, usage_of
from rating.schema import RATED_SCHEMA

if TYPE_CHECKING:
    import polars as pl

ZONE = "Asia/Shanghai"
NOON = dt.datetime(2026, 10, 5, 4, tzinfo=dt.UTC)
SUBSCRIBERS = pa.array(["s1", "s2", "s3"])
ACCOUNTS = pa.array(["a1", "a2"])


def rated_rows(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Makes rated records: what a row does not say is a call of a minute that cost 0.30."""
    usual = {
        "subscriber_id": "s1",
        "account_id": "a1",
        "served_msisdn": 8613900000001,
        "service": "voice",
        "direction": "originating",
        "call_class": "local",
        "start_time": NOON,
        "rum": "seconds",
        "quantity": 60,
        "net": Decimal("0.300000"),
        "file_id": "f",
        "container": 0,
    }
    return [{**usual, "offset": 100 * number, **row} for number, row in enumerate(rows)]


def rated_table(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Makes rated records with the dictionaries of a rater: whole tables of names."""
    names = {"subscriber_id": SUBSCRIBERS, "account_id": ACCOUNTS}
    columns = []
    for name in (*COLUMNS, "account_id"):
        kind = RATED_SCHEMA.field(name).type
        values = [row[name] for row in rows]
        if not pa.types.is_dictionary(kind):
            columns.append(pa.array(values, kind))
            continue
        table = names.get(name, pa.array(sorted(set(values))))
        codes = [table.to_pylist().index(value) for value in values]
        columns.append(pa.DictionaryArray.from_arrays(pa.array(codes, kind.index_type), table))
    return pa.RecordBatch.from_arrays(columns, [*COLUMNS, "account_id"])


def sums_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Returns what the records come to by day and subscriber."""
    found = usage_of([("2026-10", rated_table(rows))], HighUsage(day=Day(duration="1 s")))
    return day_sums([] if found is None else found.rows, SUBSCRIBERS, ZONE)
