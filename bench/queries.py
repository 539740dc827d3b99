"""The benchmark's facts as tables, and the part of the queries that is not measured.

polars and duckdb (`rate_polars.py`, `rate_duckdb.py`) begin with what `guide` returns, as we begin
with guided events: by IMSI and date, on-net numbers, the zone by an as-of join on the deck flattened
to intervals, friends. What is measured brings them into event order, takes the pack and then the
allowances as running sums over the subscriber and over the charge group, prices in two steps, takes
the discounts in their order, rounds, and caps by running sums over the subscriber's day and cycle.
Money and quantities are integers, so equality with the kernel is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.rating_case import (
    DATA,
    IMSI_BASE,
    MONTH_START_US,
    MONTH_US,
    MSISDN_BASE,
    NATIONAL_ZONES,
    PLANS,
    TIER_PPM,
    ZONES,
    RatingCase,
)

if TYPE_CHECKING:
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
                "bytes": case.event_bytes,
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
                "tier_ppm": np.array(list(TIER_PPM.values()))[case.subscriber_tier],
                "pack_us": case.subscriber_pack_us,
            }
        ),
        intervals=pl.DataFrame({"low": low, "zone": zone}),
        plans=pl.DataFrame(
            {
                "plan": np.arange(PLANS),
                "connect": case.connect,
                "on_net_price": case.on_net_price,
                "allowance_s": case.allowance_s,
                "data_price": case.data_price,
                "allowance_sms": case.allowance_sms,
                "allowance_bytes": case.allowance_bytes,
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
    """Returns the events with what is known of their subscriber, zone, on-net and friend flag.

    They are in order of arrival (`event`), which is what the measured queries begin with.
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
            *("event", "service", "imsi", "charge_group", "plan", "tier_ppm", "pack_us"),
            *("zone", "start_us", "duration", "bytes"),
            on_net=pl.col("on_net").fill_null(value=False) & (pl.col("zone") < NATIONAL_ZONES),
            friend=pl.col("friend").fill_null(value=False) & (pl.col("service") != DATA),
        )
        .sort("event")
        .collect()
    )
