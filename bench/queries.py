"""The benchmark's rating written as queries: what polars and duckdb are measured with.

Both say the same, in two parts. `guide` (by IMSI and date, on-net numbers, the zone by an as-of
join on the deck flattened to intervals, friends) is done once, outside the measured work, as it is
for us. What is measured brings the guided events into event order, takes the allowances as running
sums over the charge group, prices in two steps, halves for friends, caps by a running sum over the
subscriber and rounds. Money and quantities are integers, so equality with the kernel is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.rating_case import (
    BEAT_S,
    CAP,
    FIRST_STEP_S,
    FRIEND_PPM,
    IMSI_BASE,
    MONTH_START_US,
    MONTH_US,
    MSISDN_BASE,
    NATIONAL_ZONES,
    OFFSET_MIN,
    PEAK_FROM_MIN,
    PEAK_TO_MIN,
    PLANS,
    ROUND_UNIT,
    SMS,
    VOICE,
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
    plans: pl.DataFrame
    prices: pl.DataFrame
    friends: pl.DataFrame


def make_tables(case: RatingCase) -> Tables:
    """Returns the facts as polars tables; `event` is the event's index."""
    low, zone = flatten_deck(case.prefixes, case.prefix_zone)
    subscriber = np.arange(len(case.subscriber_plan), dtype=np.int64)
    plan_zone = {
        "plan": np.repeat(np.arange(PLANS), ZONES),
        "zone": np.tile(np.arange(ZONES), PLANS),
    }
    return Tables(
        events=pl.DataFrame(
            {
                "event": np.arange(len(case.event_start_us), dtype=np.int64),
                "service": case.event_service,
                "imsi": IMSI_BASE + case.event_subscriber,
                "number": case.event_number,
                "start_us": case.event_start_us,
                "duration": case.event_duration_s,
            }
        ),
        subscribers=pl.DataFrame(
            {
                "imsi": IMSI_BASE + subscriber,
                "msisdn": MSISDN_BASE + subscriber,
                "valid_from": np.full(len(subscriber), MONTH_START_US),
                "valid_to": np.full(len(subscriber), MONTH_START_US + MONTH_US),
                "plan": case.subscriber_plan,
                "charge_group": case.subscriber_group,
            }
        ),
        intervals=pl.DataFrame({"low": low, "zone": zone}),
        plans=pl.DataFrame(
            {
                "plan": np.arange(PLANS),
                "connect": case.connect,
                "on_net_price": case.on_net_price,
                "allowance_s": case.allowance_s,
                "allowance_sms": case.allowance_sms,
            }
        ),
        prices=pl.DataFrame(
            {
                **plan_zone,
                "first": case.first_price,
                "later": case.later_price,
                "sms": case.sms_price,
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


def guide(tables: Tables) -> pl.DataFrame:
    """Returns the events with plan, charge group, zone, on-net and friend flag, in event order 0…n.

    `event` keeps the order of arrival, which is what the measured queries begin with.
    """
    own = tables.subscribers.lazy().select("msisdn", on_net=pl.lit(value=True))
    return (
        tables.events.lazy()
        .join(tables.subscribers.lazy(), on="imsi", how="left")
        .filter(pl.col("start_us").is_between("valid_from", "valid_to", closed="left"))
        .join(own, left_on="number", right_on="msisdn", how="left")
        .sort("number")
        .join_asof(tables.intervals.lazy(), left_on="number", right_on="low")
        .join(tables.friends.lazy(), on=["imsi", "number"], how="left")
        .select(
            *("event", "service", "imsi", "charge_group", "plan", "zone", "start_us", "duration"),
            on_net=pl.col("on_net").fill_null(value=False) & (pl.col("zone") < NATIONAL_ZONES),
            friend=pl.col("friend").fill_null(value=False),
        )
        .sort("event")
        .collect()
    )


def rate_with_polars(tables: Tables, guided: pl.DataFrame) -> pl.DataFrame:
    """Returns `event`, `allowance_units`, `net` (10⁻⁶) of each event, in charge group order."""
    return (
        guided.lazy()
        .join(tables.plans.lazy(), on="plan", how="left")
        .join(tables.prices.lazy(), on=["plan", "zone"], how="left")
        .with_columns(**_classified())
        .sort("charge_group", "start_us", "event")
        .with_columns(
            before=pl.col("claim").cum_sum().over("charge_group", "service") - pl.col("claim")
        )
        .with_columns(
            allowance_units=pl.min_horizontal(
                "claim", pl.max_horizontal(pl.col("allowance") - pl.col("before"), 0)
            )
        )
        .with_columns(usage=_usage_charge())
        .with_columns(net=_discounted())
        .with_columns(spent=pl.col("net").cum_sum().over("imsi") - pl.col("net"))
        .select(
            "event",
            "allowance_units",
            net=_rounded(pl.min_horizontal("net", pl.max_horizontal(CAP - pl.col("spent"), 0))),
        )
        .collect()
    )


def _classified() -> dict[str, pl.Expr]:
    minute = pl.col("start_us") // 60_000_000 + OFFSET_MIN
    weekday = (minute // 1440 + 3) % 7
    peak = (weekday < 5) & (minute % 1440 >= PEAK_FROM_MIN) & (minute % 1440 < PEAK_TO_MIN)
    voice = pl.col("service") == VOICE
    national = pl.col("zone") < NATIONAL_ZONES
    need = pl.when(voice).then((pl.col("duration") + BEAT_S - 1) // BEAT_S * BEAT_S).otherwise(1)
    return {
        "half": pl.when(peak).then(1).otherwise(2),
        "need": need,
        "claim": pl.when(national & (voice | pl.col("on_net").not_())).then(need).otherwise(0),
        "allowance": pl.when(voice).then("allowance_s").otherwise("allowance_sms"),
    }


def _usage_charge() -> pl.Expr:
    units = pl.col("need") - pl.col("allowance_units")
    beats = units // BEAT_S
    first = pl.min_horizontal(beats, FIRST_STEP_S // BEAT_S)
    stepped = first * pl.col("first") + (beats - first) * pl.col("later")
    voice = pl.when("on_net").then(beats * pl.col("on_net_price")).otherwise(stepped)
    message = pl.when("on_net").then(0).otherwise(units * pl.col("sms"))
    return pl.when(pl.col("service") == SMS).then(message).otherwise(voice // pl.col("half"))


def _discounted() -> pl.Expr:
    discount = (pl.col("usage") * FRIEND_PPM + 500_000) // 1_000_000
    paid = (pl.col("service") == VOICE) & (pl.col("need") > pl.col("allowance_units"))
    connect = pl.when(paid).then("connect").otherwise(0)
    return connect + pl.col("usage") - pl.when("friend").then(discount).otherwise(0)


def _rounded(amount: pl.Expr) -> pl.Expr:
    return (amount + ROUND_UNIT // 2) // ROUND_UNIT * ROUND_UNIT


DUCKDB_QUERY = f"""
with classified as (
  select e.event, e.service, e.start_us, e.imsi, e.charge_group, e.friend, e.on_net,
    l.connect, l.on_net_price, p.first, p.later, p.sms,
    case when e.service = {VOICE} then l.allowance_s else l.allowance_sms end as allowance,
    case when e.service = {VOICE}
      then (e.duration + {BEAT_S - 1}) // {BEAT_S} * {BEAT_S} else 1 end as need,
    case when e.zone < {NATIONAL_ZONES} and (e.service = {VOICE} or not e.on_net)
      then need else 0 end as claim,
    (e.start_us // 60000000) + {OFFSET_MIN} as local_minute,
    case when (local_minute // 1440 + 3) % 7 < 5
      and local_minute % 1440 >= {PEAK_FROM_MIN} and local_minute % 1440 < {PEAK_TO_MIN}
      then 1 else 2 end as half
  from guided e
  left join plans l on l.plan = e.plan
  left join prices p on p.plan = e.plan and p.zone = e.zone
), running as (
  select *, coalesce(sum(claim) over (
    partition by charge_group, service order by start_us, event
    rows between unbounded preceding and 1 preceding), 0)::bigint as before
  from classified
), priced as (
  select event, start_us, imsi, friend, service, connect,
    least(claim, greatest(allowance - before, 0)) as allowance_units,
    need - allowance_units as units,
    units // {BEAT_S} as beats,
    least(beats, {FIRST_STEP_S // BEAT_S}) as first_beats,
    case when service = {SMS} then case when on_net then 0 else units * sms end
      when on_net then beats * on_net_price // half
      else (first_beats * first + (beats - first_beats) * later) // half end as usage
  from running
), discounted as (
  select event, start_us, imsi, allowance_units,
    case when service = {VOICE} and units > 0 then connect else 0 end + usage
      - case when friend then (usage * {FRIEND_PPM} + 500000) // 1000000 else 0 end as net
  from priced
), capped as (
  select event, allowance_units, least(net, greatest({CAP} - coalesce(sum(net) over (
    partition by imsi order by start_us, event
    rows between unbounded preceding and 1 preceding), 0), 0))::bigint as net
  from discounted
)
select event, allowance_units, (net + {ROUND_UNIT // 2}) // {ROUND_UNIT} * {ROUND_UNIT} as net
from capped
"""  # noqa: S608 - the numbers are this module's own constants


def rate_with_duckdb(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Returns the same table as `rate_with_polars`, in no particular order."""
    rated: pl.DataFrame = connection.sql(DUCKDB_QUERY).pl()
    return rated


def open_duckdb(tables: Tables, guided: pl.DataFrame, threads: int) -> duckdb.DuckDBPyConnection:
    """Returns a connection that holds the tables in its own storage, ready to be queried."""
    import duckdb  # noqa: PLC0415 - an optional extra

    connection = duckdb.connect(config={"threads": threads})
    for name, table in (("guided", guided), ("plans", tables.plans), ("prices", tables.prices)):
        connection.register("source", table)
        connection.execute(f"create table {name} as select * from source")  # noqa: S608
        connection.unregister("source")
    return connection
