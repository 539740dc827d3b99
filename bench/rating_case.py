"""The rating problem that we and the peers solve: the same facts as arrays, tables and a book.

A deliberately plain tariff, so that two queries can say it: voice calls, a price by plan, zone
and band at the start, 60 s beats, one allowance of minutes per charge group for national zones,
half price for friends, rounding half up to 0.01. Numbers are random and belong to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.edr import DIRECTIONS, EDR_SCHEMA, SERVICES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Int64s = NDArray[np.int64]

PLANS = 50
ZONES = 40
NATIONAL_ZONES = 10
BEAT_S = 60
FRIEND_PPM = 500_000
ROUND_UNIT = 10_000
IMSI_BASE = 460_001_000_000_000
MSISDN_BASE = 8_619_900_000_000
MONTH_START_US = 1_790_784_000_000_000 - 8 * 3_600_000_000  # 2026-10-01 00:00 at +08:00
MONTH_US = 31 * 86_400 * 1_000_000
OFFSET_MIN = 480
PEAK_FROM_MIN, PEAK_TO_MIN = 8 * 60, 20 * 60


@dataclass(frozen=True, slots=True)
class RatingCase:
    """Facts of one benchmark: int64 arrays; money in 10⁻⁶, quantities in seconds."""

    subscriber_plan: Int64s  # [subscribers] plan index
    subscriber_group: Int64s  # [subscribers] charge group index
    prefixes: Int64s  # [prefixes] E.164 digits, no duplicates
    prefix_zone: Int64s  # [prefixes] zone index
    price_peak: Int64s  # [plans * zones] per beat
    price_off_peak: Int64s  # [plans * zones] per beat
    allowance_s: Int64s  # [plans] seconds in a cycle, whole beats
    friend_subscriber: Int64s  # [friends]
    friend_number: Int64s  # [friends]
    event_subscriber: Int64s  # [events]
    event_number: Int64s  # [events]
    event_start_us: Int64s  # [events] UTC
    event_duration_s: Int64s  # [events]


def make_case(events: int, subscribers: int, prefixes: int, seed: int = 7) -> RatingCase:
    """Returns the facts for so many events, subscribers and prefixes; the same for a seed."""
    rng = np.random.default_rng(seed)
    group = np.arange(subscribers, dtype=np.int64)
    shared = group % 10 == 9
    group[shared] -= 1  # every tenth card is a sub card of the card before it
    plan = rng.integers(0, PLANS, subscribers)[group]
    deck, zones = _make_deck(rng, prefixes)
    numbers = _make_numbers(rng, deck, max(events // 8, 1000))
    caller = _skewed(rng, events, subscribers)
    callee = numbers[rng.integers(0, len(numbers), events)]
    befriended = rng.integers(0, events, min(subscribers, events) // 2)
    pairs = np.unique(np.stack([caller[befriended], callee[befriended]], axis=1), axis=0)
    peak = rng.integers(5, 200, PLANS * ZONES) * 10_000
    return RatingCase(
        subscriber_plan=plan,
        subscriber_group=group,
        prefixes=deck,
        prefix_zone=zones,
        price_peak=peak,
        price_off_peak=peak // 2,
        allowance_s=rng.integers(0, 30, PLANS) * 10 * BEAT_S,
        friend_subscriber=np.ascontiguousarray(pairs[:, 0]),
        friend_number=np.ascontiguousarray(pairs[:, 1]),
        event_subscriber=caller,
        event_number=callee,
        event_start_us=MONTH_START_US + rng.integers(0, MONTH_US // 1_000_000, events) * 1_000_000,
        event_duration_s=rng.exponential(150.0, events).astype(np.int64) + 1,
    )


def _skewed(rng: np.random.Generator, events: int, subscribers: int) -> Int64s:
    """Half of the calls come from a fifth of the subscribers, as in life."""
    heavy = rng.random(events) < 0.5
    return np.where(
        heavy,
        rng.integers(0, max(subscribers // 5, 1), events),
        rng.integers(0, subscribers, events),
    )


def _make_deck(rng: np.random.Generator, count: int) -> tuple[Int64s, Int64s]:
    """A root prefix for each first digit pair and random longer ones that nest inside."""
    roots = np.arange(10, 100, dtype=np.int64)
    lengths = rng.integers(3, 9, count * 2)
    longer = rng.integers(10, 100, count * 2) * 10 ** (lengths - 2)
    longer += rng.integers(0, 10**6, count * 2) % 10 ** (lengths - 2)
    deck = np.unique(np.concatenate([roots, rng.permutation(longer)[: max(count - 90, 0)]]))
    return deck, rng.integers(0, ZONES, len(deck))


def _make_numbers(rng: np.random.Generator, deck: Int64s, count: int) -> Int64s:
    """Thirteen-digit numbers, each beginning with some prefix of the deck."""
    prefix = deck[rng.integers(0, len(deck), count)]
    digits = np.floor(np.log10(prefix)).astype(np.int64) + 1
    return prefix * 10 ** (13 - digits) + rng.integers(0, 10**11, count) % 10 ** (13 - digits)


def as_edrs(case: RatingCase) -> pa.RecordBatch:
    """Returns the events as one EDR batch; `offset` is the event's index."""
    count = len(case.event_start_us)
    index = np.arange(count, dtype=np.int64)
    columns = {
        "file_id": _constant(count, "0" * 32),
        "offset": pa.array(index),
        "container": pa.array(np.zeros(count, np.int32)),
        "record_type": _constant(count, "moCallRecord"),
        "service": _code(count, SERVICES, "voice"),
        "direction": _code(count, DIRECTIONS, "originating"),
        "served_imsi": pa.array(IMSI_BASE + case.event_subscriber),
        "served_msisdn": pa.array(MSISDN_BASE + case.event_subscriber),
        "other_number": pa.array(case.event_number),
        "start_time": pa.array(case.event_start_us).cast(pa.timestamp("us", tz="UTC")),
        "utc_offset": pa.array(np.full(count, OFFSET_MIN, np.int16)),
        "duration": pa.array(case.event_duration_s),
        "uplink": pa.array(np.zeros(count, np.int64)),
        "downlink": pa.array(np.zeros(count, np.int64)),
        "events": pa.array(np.ones(count, np.int32)),
        "call_reference": pa.array(index),
    }
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(count, field.type)
        for field in EDR_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=EDR_SCHEMA)


def _constant(count: int, text: str) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [text])


def _code(count: int, vocabulary: tuple[str, ...], name: str) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        np.full(count, vocabulary.index(name), np.int8), list(vocabulary)
    )
