"""What one SIM cannot do, or seldom does, from events in order of their starts.

A SIM's events are compared with the one before, in the order of start time and record name, so the
result does not depend on files or threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.high_usage.alarms import limited
from pipeline.published import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.high_usage.section import Fraud

EARTH_KM: Final = 6_371
SIM: Final = "served_imsi"


def of_sims(events: pl.LazyFrame, zone: str) -> pl.LazyFrame:
    """Returns the events of known SIMs, with their day."""
    return events.filter(pl.col(SIM).is_not_null()).with_columns(
        pl.col("service", "direction", "visited_network").cast(pl.String),
        pl.col("start_time").dt.convert_time_zone(zone).dt.date().alias("day"),
    )


def in_order(events: pl.LazyFrame) -> pl.LazyFrame:
    """Orders events by SIM, start and name; call it on as few as can be."""
    return events.sort(SIM, "start_time", *NAME)


def overlapping_calls(events: pl.LazyFrame, fraud: Fraud) -> Iterator[pl.DataFrame]:
    """Yields calls that a SIM made while another of its calls had long to go (a cloned SIM)."""
    if fraud.overlap is None:
        return
    end = pl.col("start_time") + pl.duration(seconds=pl.col("duration"))
    made = in_order(
        events.filter(
            (pl.col("service") == "voice")
            & (pl.col("direction") == "originating")
            & (pl.col("duration") > 0)
        )
    ).with_columns(end.alias("end"))
    # Where any two calls of a SIM overlap, two neighbours do: few SIMs are left to look at closely.
    near = (pl.col(SIM) == pl.col(SIM).shift(1)) & (pl.col("start_time") < pl.col("end").shift(1))
    all_made = made.collect()
    sims = all_made.filter(near).get_column(SIM).unique()
    made = all_made.filter(pl.col(SIM).is_in(sims.implode())).lazy()
    # The one before in order of starts need not be the one that lasts longest.
    longest = pl.col("end").cum_max().shift(1).over(SIM)
    until = pl.when(longest.is_not_null()).then(pl.min_horizontal("end", longest))
    overlap = (until - pl.col("start_time")).dt.total_seconds().alias("overlap")
    found = before(made).with_columns(overlap).filter(pl.col("overlap") > fraud.overlap).collect()
    yield limited(found, "overlapping_calls", "overlap", fraud.overlap, "s")


def premium_bursts(usage: pl.LazyFrame, fraud: Fraud) -> Iterator[pl.DataFrame]:
    """Yields the call that completes a burst to premium numbers; later ones of it are not told.

    Args:
        usage: Rated usage with its day, see `limits.caused`.
        fraud: How many calls within how long.
    """
    if fraud.premium_calls is None:
        return
    within = pl.duration(seconds=fraud.premium_within)
    ordered = (
        usage.filter(pl.col("call_class").cast(pl.String) == "premium")
        .with_columns(pl.col("subscriber_id").cast(pl.String))
        .sort("subscriber_id", "start_time", *NAME)
    )
    many = pl.col("start_time") - pl.col("start_time").shift(fraud.premium_calls - 1) <= within
    found = (
        ordered.with_columns(many.over("subscriber_id").fill_null(value=False).alias("many"))
        .filter(pl.col("many") & ~pl.col("many").shift(1, fill_value=False).over("subscriber_id"))
        .with_columns(pl.lit(fraud.premium_calls).alias("calls"))
        .collect()
    )
    yield limited(found, "premium_burst", "calls", fraud.premium_calls - 1, "event")


def country_changes(events: pl.LazyFrame, fraud: Fraud) -> Iterator[pl.DataFrame]:
    """Yields usage in another country (MCC) too soon after the last."""
    if fraud.country_change is None:
        return
    country = pl.col("visited_network").str.slice(0, 3)
    placed = events.filter(pl.col("visited_network").str.contains("^[0-9]{3}-"))
    placed = placed.with_columns(country.alias("country"))
    # Nearly all SIMs stay in one country.
    lowest, highest = country.min().alias("lowest"), country.max().alias("highest")
    moved = placed.group_by(SIM).agg(lowest, highest)
    moved = moved.filter(pl.col("lowest") != pl.col("highest"))
    placed = in_order(placed.join(moved, on=SIM, how="semi"))
    apart = pl.col("start_time") - pl.col("start_time").shift(1).over(SIM)
    found = (
        before(placed)
        .with_columns(apart.dt.total_seconds().alias("apart"))
        .filter(
            (pl.col("country") != pl.col("country").shift(1).over(SIM))
            & (pl.col("apart") < fraud.country_change)
        )
        .collect()
    )
    yield limited(found, "country_change", "apart", fraud.country_change, "s")


def impossible_travel(
    events: pl.LazyFrame, places: pl.DataFrame, fraud: Fraud
) -> Iterator[pl.DataFrame]:
    """Yields usage in a place that nobody can have reached from the place before.

    Args:
        events: From `of_sims`.
        places: network, area (null: the rest of the network), latitude, longitude in radians.
        fraud: The fastest that anybody travels.
    """
    if places.is_empty():
        return
    exact = places.filter(pl.col("area").is_not_null())
    rest = places.filter(pl.col("area").is_null()).drop("area")
    keys = ["visited_network", "area"]
    placed = (
        events.join(exact.lazy(), on=keys, how="left")
        .join(rest.lazy(), on="visited_network", how="left", suffix="_rest")
        .with_columns(
            pl.coalesce("latitude", "latitude_rest").alias("latitude"),
            pl.coalesce("longitude", "longitude_rest").alias("longitude"),
        )
        .filter(pl.col("latitude").is_not_null())
    )
    placed = in_order(placed)
    lat, lon = pl.col("latitude"), pl.col("longitude")
    lat_0, lon_0 = lat.shift(1).over(SIM), lon.shift(1).over(SIM)
    arc = ((lat - lat_0) / 2).sin() ** 2 + lat.cos() * lat_0.cos() * ((lon - lon_0) / 2).sin() ** 2
    km = 2 * EARTH_KM * arc.clip(0, 1).sqrt().arcsin()
    apart = pl.col("start_time") - pl.col("start_time").shift(1).over(SIM)
    # Half a minute at least: two records of one moment would make any distance infinitely fast.
    hours = pl.max_horizontal(apart.dt.total_seconds(), pl.lit(30)) / 3600
    speed = (km / hours).floor().cast(pl.Int64).alias("speed")
    found = before(placed).with_columns(speed).filter(pl.col("speed") > fraud.fastest_km_per_hour)
    yield limited(found.collect(), "impossible_travel", "speed", fraud.fastest_km_per_hour, "km/h")


def before(events: pl.LazyFrame) -> pl.LazyFrame:
    """Adds the name of the SIM's event before, null at its first."""
    return events.with_columns(
        pl.col(name).shift(1).over(SIM).alias(f"with_{name}") for name in NAME
    )
