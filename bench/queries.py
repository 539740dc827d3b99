"""The benchmark's rating written as queries: what polars and duckdb are measured with.

Both say the same: guide by IMSI, find the zone by an as-of join on the deck flattened to
intervals, take the allowance as a running sum over the charge group in event order, price, halve
for friends, round. Money and quantities are integers, so equality with the kernel is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.rating_case import (
    BEAT_S,
    FRIEND_PPM,
    IMSI_BASE,
    NATIONAL_ZONES,
    OFFSET_MIN,
    PEAK_FROM_MIN,
    PEAK_TO_MIN,
    PLANS,
    ROUND_UNIT,
    ZONES,
    RatingCase,
)

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

DIGITS = 13


@dataclass(frozen=True, slots=True)
class Tables:
    """The case's facts as tables, made once, outside the measured work."""

    events: pl.DataFrame
    subscribers: pl.DataFrame
    intervals: pl.DataFrame
    prices: pl.DataFrame
    friends: pl.DataFrame


def make_tables(case: RatingCase) -> Tables:
    """Returns the facts as polars tables; `event` is the event's index."""
    low, zone = flatten_deck(case.prefixes, case.prefix_zone)
    count = len(case.event_start_us)
    return Tables(
        events=pl.DataFrame(
            {
                "event": np.arange(count, dtype=np.int64),
                "imsi": IMSI_BASE + case.event_subscriber,
                "number": case.event_number,
                "start_us": case.event_start_us,
                "duration": case.event_duration_s,
            }
        ),
        subscribers=pl.DataFrame(
            {
                "imsi": IMSI_BASE + np.arange(len(case.subscriber_plan), dtype=np.int64),
                "plan": case.subscriber_plan,
                "charge_group": case.subscriber_group,
                "allowance": case.allowance_s[case.subscriber_plan],
            }
        ),
        intervals=pl.DataFrame({"low": low, "zone": zone}),
        prices=pl.DataFrame(
            {
                "plan": np.repeat(np.arange(PLANS), ZONES),
                "zone": np.tile(np.arange(ZONES), PLANS),
                "peak": case.price_peak,
                "off_peak": case.price_off_peak,
            }
        ),
        friends=pl.DataFrame(
            {
                "imsi": IMSI_BASE + case.friend_subscriber,
                "number": case.friend_number,
                "friend": np.ones(len(case.friend_number), dtype=bool),
            }
        ),
    )


def flatten_deck(
    prefixes: NDArray[np.int64], zones: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the lower bounds and zones of disjoint intervals that cover the same numbers.

    A prefix is the interval of thirteen-digit numbers that begin with it; nested intervals are
    cut so that the longest prefix owns each number. Numbers under no prefix get zone -1.
    """
    digits = np.floor(np.log10(prefixes)).astype(np.int64) + 1
    scale = 10 ** (DIGITS - digits)
    low, high = prefixes * scale, (prefixes + 1) * scale
    order = np.lexsort((digits, low))
    bounds: list[int] = [0]
    owners: list[int] = [-1]
    stack: list[tuple[int, int]] = []  # (high, zone) of the intervals around the current point
    for index in order.tolist():
        begin = int(low[index])
        while stack and stack[-1][0] <= begin:
            end, _ = stack.pop()
            bounds.append(end)
            owners.append(stack[-1][1] if stack else -1)
        bounds.append(begin)
        owners.append(int(zones[index]))
        stack.append((int(high[index]), int(zones[index])))
    while stack:
        end, _ = stack.pop()
        bounds.append(end)
        owners.append(stack[-1][1] if stack else -1)
    points = np.array(bounds, dtype=np.int64)
    last = np.append(points[1:] != points[:-1], [True])  # the innermost owner of a point counts
    return points[last], np.array(owners, dtype=np.int64)[last]


def rate_with_polars(tables: Tables) -> pl.DataFrame:
    """Returns `event`, `allowance_units`, `net` (10⁻⁶) of each event, in charge-group order."""
    minute = ((pl.col("start_us") // 60_000_000) + OFFSET_MIN) % 1440
    weekday = ((pl.col("start_us") // 60_000_000 + OFFSET_MIN) // 1440 + 3) % 7
    peak = (weekday < 5) & (minute >= PEAK_FROM_MIN) & (minute < PEAK_TO_MIN)
    need = (pl.col("duration") + BEAT_S - 1) // BEAT_S * BEAT_S
    national = pl.col("zone") < NATIONAL_ZONES
    return (
        tables.events.lazy()
        .join(tables.subscribers.lazy(), on="imsi", how="left")
        .sort("number")
        .join_asof(tables.intervals.lazy(), left_on="number", right_on="low")
        .join(tables.prices.lazy(), on=["plan", "zone"], how="left")
        .join(tables.friends.lazy(), on=["imsi", "number"], how="left")
        .with_columns(need=need, claim=pl.when(national).then(need).otherwise(0))
        .sort("charge_group", "start_us", "event")
        .with_columns(before=pl.col("claim").cum_sum().over("charge_group") - pl.col("claim"))
        .with_columns(
            allowance_units=pl.min_horizontal(
                "claim", pl.max_horizontal(pl.col("allowance") - pl.col("before"), 0)
            ),
            price=pl.when(peak).then("peak").otherwise("off_peak"),
        )
        .with_columns(
            gross=(pl.col("need") - pl.col("allowance_units")) // BEAT_S * pl.col("price")
        )
        .with_columns(
            net=pl.col("gross")
            - pl.when(pl.col("friend").fill_null(value=False))
            .then((pl.col("gross") * FRIEND_PPM + 500_000) // 1_000_000)
            .otherwise(0)
        )
        .select(
            "event",
            "allowance_units",
            net=(pl.col("net") + ROUND_UNIT // 2) // ROUND_UNIT * ROUND_UNIT,
        )
        .collect()
    )


DUCKDB_QUERY = f"""
with priced as (
  select e.event, e.start_us, s.charge_group, s.allowance, f.friend,
    (e.duration + {BEAT_S - 1}) // {BEAT_S} * {BEAT_S} as need,
    case when i.zone < {NATIONAL_ZONES} then need else 0 end as claim,
    (e.start_us // 60000000) + {OFFSET_MIN} as local_minute,
    case when (local_minute // 1440 + 3) % 7 < 5
      and local_minute % 1440 >= {PEAK_FROM_MIN} and local_minute % 1440 < {PEAK_TO_MIN}
      then p.peak else p.off_peak end as price
  from events e
  left join subscribers s using (imsi)
  asof left join intervals i on e.number >= i.low
  left join prices p on p.plan = s.plan and p.zone = i.zone
  left join friends f on f.imsi = e.imsi and f.number = e.number
), running as (
  select *, coalesce(sum(claim) over (
    partition by charge_group order by start_us, event
    rows between unbounded preceding and 1 preceding), 0)::bigint as before
  from priced
), charged as (
  select event, least(claim, greatest(allowance - before, 0)) as allowance_units,
    (need - allowance_units) // {BEAT_S} * price as gross,
    gross - case when friend then (gross * {FRIEND_PPM} + 500000) // 1000000 else 0 end as net
  from running
)
select event, allowance_units, (net + {ROUND_UNIT // 2}) // {ROUND_UNIT} * {ROUND_UNIT} as net
from charged
"""  # noqa: S608 - the numbers are this module's own constants


def rate_with_duckdb(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Returns the same table as `rate_with_polars`, in no particular order."""
    return connection.sql(DUCKDB_QUERY).pl()


def open_duckdb(tables: Tables, threads: int) -> duckdb.DuckDBPyConnection:
    """Returns a connection that holds the tables in its own storage, ready to be queried."""
    import duckdb  # noqa: PLC0415 - an optional extra

    connection = duckdb.connect(config={"threads": threads})
    for name in ("events", "subscribers", "intervals", "prices", "friends"):
        connection.register("source", getattr(tables, name))
        connection.execute(f"create table {name} as select * from source")  # noqa: S608
        connection.unregister("source")
    return connection
