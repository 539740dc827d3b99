"""Calls, sessions and days beyond a limit, from rated records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.high_usage.alarms import limit_of, limited
from pipeline.published import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.high_usage.section import Call, Day, Session

RECORD: Final = NAME[:2]
SUMS: Final = {"duration": "s", "volume": "byte", "messages": "event", "charge": ""}
"""What is summed by day → its unit; a charge's is the currency."""


def caused(rated: pl.LazyFrame, zone: str) -> pl.LazyFrame:
    """Returns the usage that a subscriber causes, with its day: calls received free are none."""
    received = pl.col("direction").cast(pl.String) == "terminating"
    return rated.filter(~received | (pl.col("net") > 0)).with_columns(
        pl.col("rum").cast(pl.String),
        pl.col("service").cast(pl.String),
        pl.col("start_time").dt.convert_time_zone(zone).dt.date().alias("day"),
    )


def calls(usage: pl.LazyFrame, limits: Call, currency: str) -> Iterator[pl.DataFrame]:
    """Yields alarms about single calls."""
    of_calls = usage.filter(pl.col("rum") == "seconds")
    yield from _over(of_calls, "call_duration", "quantity", limits.duration, "s")
    yield from _over(of_calls, "call_charge", "net", limits.charge, currency)


def sessions(usage: pl.LazyFrame, limits: Session, currency: str) -> Iterator[pl.DataFrame]:
    """Yields alarms about records of data sessions, all containers together."""
    if limits.volume is None and limits.charge is None:
        return
    whole = (
        usage.filter(pl.col("rum").str.ends_with("bytes"))
        .group_by(RECORD)
        .agg(
            pl.col("container", "start_time", "day", "subscriber_id", "served_msisdn")
            .sort_by("container")
            .first(),
            pl.col("quantity", "net").sum(),
        )
        .collect()
        .lazy()
    )
    yield from _over(whole, "session_volume", "quantity", limits.volume, "byte")
    yield from _over(whole, "session_charge", "net", limits.charge, currency)


def _over(
    rows: pl.LazyFrame, kind: str, value: str, limit: int | None, unit: str
) -> Iterator[pl.DataFrame]:
    """Yields alarms about rows whose `value` is over the limit, if there is one."""
    if limit is not None:
        over = rows.filter(pl.col(value) > limit_of(value, limit)).collect()
        yield limited(over, kind, value, limit, unit)


def added_up(sums: pl.DataFrame) -> pl.DataFrame:
    """Returns one row for each day and subscriber."""
    added = [pl.col(name).sum().cast(sums.schema[name]) for name in SUMS]
    return sums.group_by("day", "subscriber_id").agg(*added)


def days(
    now: pl.DataFrame, before: pl.DataFrame, limits: Day, currency: str
) -> Iterator[pl.DataFrame]:
    """Yields alarms about days that went over a limit with this batch, once for each limit.

    Args:
        now: Sums of this batch, as `day_sums` gives them.
        before: Sums of earlier batches, any number of rows for a day and subscriber.
        limits: What is allowed.
        currency: Of charges.
    """
    earlier = added_up(before).rename({name: f"old_{name}" for name in SUMS})
    both = now.join(earlier, on=["day", "subscriber_id"], how="left").with_columns(
        pl.col(f"old_{name}").fill_null(0) for name in SUMS
    )
    for name, unit in SUMS.items():
        limit = getattr(limits, name)
        if limit is None:
            continue
        allowed = limit_of(name, limit)
        total = pl.col(name) + pl.col(f"old_{name}")
        over = both.filter((total > allowed) & (pl.col(f"old_{name}") <= allowed))
        over = over.with_columns(total.alias(name))
        yield limited(over, f"day_{name}", name, limit, unit or currency)
