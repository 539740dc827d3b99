"""Usage taken from units, beside the plain way: one query over all rated records."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.high_usage import fraud, limits
from pipeline.high_usage.section import Call, Credit, Day, Fraud, HighUsage, Session
from pipeline.high_usage.sums import day_sums, local_days, spent
from pipeline.high_usage.suspects import suspects
from pipeline.high_usage.usage import MESSAGES, usage_of
from tests.pipeline.rated import ACCOUNTS, NOON, SUBSCRIBERS, ZONE, rated_rows, rated_table
from tests.pipeline.test_high_usage import IMSI, events, rated, seen

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.high_usage.usage import Rows, UnitUsage

ALL = HighUsage(
    call=Call(duration="1 h", charge="2.00"),
    session=Session(volume="1 kB", charge="3.00"),
    day=Day(duration="1 s"),
    credit=Credit(percent=(100,)),
    fraud=Fraud(premium_calls=2),
)


def units_of(rows: list[dict[str, Any]], cut: int, cycle: str = "2026-10") -> list[UnitUsage]:
    tables = [rated_table(some) for some in (rows[:cut], rows[cut:]) if some]
    found = [usage_of([(cycle, table)], ALL) for table in tables]
    return [one for one in found if one is not None]


def rows_of(units: list[UnitUsage]) -> list[Rows]:
    return [one for unit in units for one in unit.rows]


def plain_day_sums(usage: pl.LazyFrame) -> pl.DataFrame:
    """Returns what `day_sums` returns, by a query."""
    rum, quantity = pl.col("rum"), pl.col("quantity")
    return (
        usage.group_by("day", "subscriber_id")
        .agg(
            pl.col("served_msisdn").max(),
            quantity.filter(rum == "seconds").sum().alias("duration"),
            quantity.filter(rum.str.ends_with("bytes")).sum().alias("volume"),
            pl.col("service").is_in(MESSAGES).sum().cast(pl.Int64).alias("messages"),
            pl.col("net").sum().cast(pl.Decimal(18, 6)).alias("charge"),
        )
        .sort("day", "subscriber_id")
        .collect()
    )


record = st.fixed_dictionaries(
    {
        "subscriber_id": st.sampled_from(SUBSCRIBERS.to_pylist()),
        "account_id": st.sampled_from(ACCOUNTS.to_pylist()),
        "served_msisdn": st.sampled_from([None, 8613900000001, 8613900000002]),
        "service": st.sampled_from(["voice", "sms", "mms", "data"]),
        "direction": st.sampled_from(["originating", "terminating"]),
        "call_class": st.sampled_from(["local", "premium"]),
        "start_time": st.integers(0, 72 * 60).map(lambda n: NOON + dt.timedelta(minutes=n)),
        "rum": st.sampled_from(["seconds", "total_bytes", "uplink_bytes", "events"]),
        "quantity": st.integers(0, 8_000),
        "net": st.sampled_from([0, 1, 300_000, 2_000_001]).map(lambda n: Decimal(n).scaleb(-6)),
        "offset": st.integers(0, 3),
        "container": st.integers(0, 2),
    }
)


@given(st.lists(record, min_size=1, max_size=30), st.integers(0, 30))
@settings(deadline=None)
def test_units_come_to_what_one_query_comes_to(rows: list[dict[str, Any]], cut: int) -> None:
    full = sorted(rated_rows(*rows), key=lambda row: row["offset"])
    while 0 < cut < len(full) and full[cut]["offset"] == full[cut - 1]["offset"]:
        cut += 1  # a record is never of two units
    usage, units = rated(*full), units_of(full, cut)
    wanted = plain_day_sums(usage)
    sums = day_sums(rows_of(units), SUBSCRIBERS, ZONE)
    assert sums.rows() == wanted.rows()
    assert sums.columns == wanted.columns
    few = limits.caused(pl.concat([unit.notable for unit in units]).lazy(), ZONE)
    for finder, limit in ((limits.calls, ALL.call), (limits.sessions, ALL.session)):
        assert seen(finder(few, limit, "CNY")) == seen(finder(usage, limit, "CNY"))
    assert seen(fraud.premium_bursts(few, ALL.fraud)) == seen(
        fraud.premium_bursts(usage, ALL.fraud)
    )
    by_account: dict[str, list[dict[str, Any]]] = {}
    for row in full:
        by_account.setdefault(row["account_id"], []).append(row)
    assert spent(rows_of(units), ACCOUNTS).rows() == [
        (name, sum(row["net"] for row in mine), max(row["start_time"] for row in mine))
        for name, mine in sorted(by_account.items())
    ]


def test_days_are_those_of_the_books_zone() -> None:
    late = NOON.replace(hour=15, minute=59)  # 23:59 in Shanghai
    full = rated_rows({"start_time": late}, {"start_time": late + dt.timedelta(minutes=1)})
    sums = day_sums(rows_of(units_of(full, 1)), SUBSCRIBERS, ZONE)
    assert sums["day"].to_list() == [dt.date(2026, 10, 5), dt.date(2026, 10, 6)]


@given(st.lists(st.integers(-(10**15), 4 * 10**15), min_size=1, max_size=5))
@settings(deadline=None)
def test_local_days_are_those_of_the_clock(instants: list[int]) -> None:
    zone = "Europe/Berlin"  # with days of 23 and 25 hours
    times = pl.Series(instants, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    wanted = times.dt.convert_time_zone(zone).dt.date().cast(pl.Int32).to_list()
    assert local_days(pl.Series(instants, dtype=pl.Int64).to_numpy(), zone).tolist() == wanted


def test_what_is_not_wanted_is_not_kept() -> None:
    table = rated_table(rated_rows({}, {"quantity": 7_201}))
    assert usage_of([("2026-10", table)], HighUsage()) is None
    found = usage_of([("2026-10", table)], HighUsage(call=Call(duration="2 h")))
    assert found is not None
    assert not found.rows
    assert found.notable["quantity"].to_list() == [7_201]


event = st.fixed_dictionaries(
    {
        "minute": st.integers(0, 120),
        "duration": st.integers(0, 3_600),
        "served_imsi": st.sampled_from([None, IMSI, IMSI + 1, IMSI + 2]),
        "service": st.sampled_from(["voice", "sms"]),
        "direction": st.sampled_from(["originating", "terminating"]),
        "visited_network": st.sampled_from([None, "460-00", "460-01", "262-01", "none"]),
    }
)


@given(rows=st.lists(event, min_size=1, max_size=20), cut=st.integers(0, 20))
@settings(deadline=None)
def test_who_is_no_suspect_has_done_nothing(
    tmp_path_factory: Any,  # noqa: ANN401  of pytest
    rows: list[dict[str, Any]],
    cut: int,
) -> None:
    folder: Path = tmp_path_factory.mktemp("events")
    frame = events(*rows)
    text = pa.dictionary(pa.int32(), pa.string())
    whole = frame.collect().drop("day").to_arrow()
    for name in ("service", "direction", "visited_network"):
        at = whole.schema.get_field_index(name)
        whole = whole.set_column(at, name, whole.column(name).cast(pa.string()).cast(text))
    paths = [folder / "one.parquet", folder / "two.parquet"]
    for path, part in zip(paths, (whole.slice(0, cut), whole.slice(cut)), strict=True):
        pq.write_table(part, path)
    few = frame.filter(pl.col(fraud.SIM).is_in(pl.Series(suspects(paths)).implode()))
    rules = Fraud(overlap="60 s", country_change="1 h")
    for rule in (fraud.overlapping_calls, fraud.country_changes):
        assert seen(rule(few, rules)) == seen(rule(frame, rules))
