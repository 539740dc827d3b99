"""The rating problem that we and the peers solve: the same facts as arrays, tables and a book.

A tariff as operators sell it, with all that a query can still say: calls, messages and data sessions,
on-net and by zone, a connect fee, two price steps, peak and off-peak by the start, beats of 60 s and
of 100 kB; a pack that some buy inside the month and that goes before the allowances of the plan,
which the charge group shares; half price for friends, less for who talked much this month, and less
by customer tier, in this order; a cap on the data of a day and one on all of a cycle; rounding half up
to 0.01. Numbers are random and belong to nobody.
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
BEAT_BYTES = 100_000
FIRST_STEP_S = 180
PACK_S, PACK_BYTES = 60 * BEAT_S, 5_000 * BEAT_BYTES
FRIEND_PPM = 500_000
BUSY_PPM = 200_000
BUSY_FROM_S = 1_200
TIER_PPM = {"": 0, "silver": 50_000, "gold": 100_000}
DAY_DATA_CAP = 5_000_000
CAP = 60_000_000
ROUND_UNIT = 10_000
VOICE, SMS, DATA = 0, 1, 2
IMSI_BASE = 460_001_000_000_000
MSISDN_BASE = 8_619_900_000_000
MONTH_START_US = 1_790_812_800_000_000 - 8 * 3_600_000_000  # 2026-10-01 00:00 at +08:00
MONTH_US = 31 * 86_400 * 1_000_000
OFFSET_MIN = 480
FAR = 2**62
"""When who bought no pack bought it."""
PEAK_FROM_MIN, PEAK_TO_MIN = 8 * 60, 20 * 60


@dataclass(frozen=True, slots=True)
class RatingCase:
    """Facts of one benchmark: int64 arrays; money in 10⁻⁶, quantities in seconds or messages."""

    subscriber_plan: Int64s  # [subscribers] plan index
    subscriber_group: Int64s  # [subscribers] charge group index
    subscriber_tier: Int64s  # [subscribers] index into TIER_PPM
    subscriber_pack_us: Int64s  # [subscribers] when a pack was bought, FAR for none
    prefixes: Int64s  # [prefixes] E.164 digits, no duplicates
    prefix_zone: Int64s  # [prefixes] zone index
    connect: Int64s  # [plans] of a call
    first_price: Int64s  # [plans * zones] per beat in the first 180 s, peak
    later_price: Int64s  # [plans * zones] per beat after them, peak
    on_net_price: Int64s  # [plans] per beat, peak
    sms_price: Int64s  # [plans * zones] per message; on-net messages are free
    data_price: Int64s  # [plans] per beat
    allowance_s: Int64s  # [plans] seconds in a cycle, whole beats
    allowance_sms: Int64s  # [plans] messages in a cycle
    allowance_bytes: Int64s  # [plans] bytes in a cycle, whole beats
    friend_subscriber: Int64s  # [friends]
    friend_number: Int64s  # [friends]
    event_service: Int64s  # [events] VOICE, SMS or DATA
    event_subscriber: Int64s  # [events]
    event_number: Int64s  # [events] of no meaning for data
    event_start_us: Int64s  # [events] UTC
    event_duration_s: Int64s  # [events] 0 unless it is a call
    event_bytes: Int64s  # [events] 0 unless it is a data session


def make_case(events: int, subscribers: int, prefixes: int, seed: int = 7) -> RatingCase:
    """Returns the facts for so many events, subscribers and prefixes; the same for a seed."""
    rng = np.random.default_rng(seed)
    group = np.arange(subscribers, dtype=np.int64)
    group[group % 10 == 9] -= 1  # every tenth card is a sub card of the card before it
    deck, zones = _make_deck(rng, prefixes)
    caller = _skewed(rng, events, subscribers)
    callee = _make_numbers(rng, deck, max(events // 8, 1000), subscribers)
    callee = callee[rng.integers(0, len(callee), events)]
    befriended = rng.integers(0, events, min(subscribers, events) // 2)
    pairs = np.unique(np.stack([caller[befriended], callee[befriended]], axis=1), axis=0)
    first = rng.integers(2, 100, PLANS * ZONES) * 80_000
    service = rng.choice(3, events, p=[0.45, 0.15, 0.4])
    seconds = rng.exponential(150.0, events).astype(np.int64) + 1
    volume = rng.exponential(8e6, events).astype(np.int64) + 1
    bought = MONTH_START_US + rng.integers(0, 31, subscribers) * (MONTH_US // 31)
    return RatingCase(
        subscriber_plan=rng.integers(0, PLANS, subscribers)[group],
        subscriber_group=group,
        subscriber_tier=rng.choice(3, subscribers, p=[0.8, 0.15, 0.05]),
        subscriber_pack_us=np.where(rng.random(subscribers) < 0.25, bought, FAR),
        prefixes=deck,
        prefix_zone=zones,
        connect=rng.integers(0, 10, PLANS) * 10_000,
        first_price=first,
        later_price=first // 2,
        on_net_price=rng.integers(1, 10, PLANS) * 40_000,
        sms_price=rng.integers(1, 50, PLANS * ZONES) * 20_000,
        allowance_s=rng.integers(0, 30, PLANS) * 10 * BEAT_S,
        allowance_sms=rng.integers(0, 30, PLANS),
        data_price=rng.integers(1, 6, PLANS) * 10_000,
        allowance_bytes=rng.integers(0, 30, PLANS) * 10**7,
        friend_subscriber=np.ascontiguousarray(pairs[:, 0]),
        friend_number=np.ascontiguousarray(pairs[:, 1]),
        event_service=service,
        event_subscriber=caller,
        event_number=callee,
        event_start_us=MONTH_START_US + rng.integers(0, MONTH_US, events),
        event_duration_s=np.where(service == VOICE, seconds, 0),
        event_bytes=np.where(service == DATA, volume, 0),
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
    """A root prefix for each first digit pair and random longer ones that nest inside.

    Everything under 86, where the own numbers are, is one national zone.
    """
    roots = np.arange(10, 100, dtype=np.int64)
    lengths = rng.integers(3, 9, count * 2)
    longer = rng.integers(10, 100, count * 2) * 10 ** (lengths - 2)
    longer += rng.integers(0, 10**6, count * 2) % 10 ** (lengths - 2)
    longer = rng.permutation(longer[longer // 10 ** (lengths - 2) != 86])
    deck = np.unique(np.concatenate([roots, longer[: max(count - 90, 0)]]))
    return deck, np.where(deck == 86, 0, rng.integers(0, ZONES, len(deck)))


def _make_numbers(rng: np.random.Generator, deck: Int64s, count: int, subscribers: int) -> Int64s:
    """Thirteen-digit numbers, each under some prefix of the deck; one in five is our own."""
    prefix = deck[rng.integers(0, len(deck), count)]
    digits = np.floor(np.log10(prefix)).astype(np.int64) + 1
    others = prefix * 10 ** (13 - digits) + rng.integers(0, 10**11, count) % 10 ** (13 - digits)
    own = MSISDN_BASE + rng.integers(0, subscribers, count)
    return np.where(rng.random(count) < 0.2, own, others)


def as_edrs(case: RatingCase) -> pa.RecordBatch:
    """Returns the events as one EDR batch; `offset` is the event's index."""
    count = len(case.event_start_us)
    index = np.arange(count, dtype=np.int64)
    columns = {
        "file_id": _constant(count, "0" * 32),
        "offset": pa.array(index),
        "container": pa.array(np.zeros(count, np.int32)),
        "record_type": _constant(count, "moCallRecord"),
        "service": _codes(SERVICES, ("voice", "sms", "data"), case.event_service),
        "direction": _codes(DIRECTIONS, ("originating",), np.zeros(count, np.int64)),
        "served_imsi": pa.array(IMSI_BASE + case.event_subscriber),
        "served_msisdn": pa.array(MSISDN_BASE + case.event_subscriber),
        "other_number": pa.array(case.event_number, mask=case.event_service == DATA),
        "start_time": pa.array(case.event_start_us).cast(pa.timestamp("us", tz="UTC")),
        "utc_offset": pa.array(np.full(count, OFFSET_MIN, np.int16)),
        "duration": pa.array(case.event_duration_s),
        "uplink": pa.array(np.zeros(count, np.int64)),
        "downlink": pa.array(case.event_bytes),
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


def _codes(
    vocabulary: tuple[str, ...], names: tuple[str, ...], choice: Int64s
) -> pa.DictionaryArray:
    codes = np.array([vocabulary.index(name) for name in names], np.int8)
    return pa.DictionaryArray.from_arrays(codes[choice], list(vocabulary))
