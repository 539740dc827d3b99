"""Hypothesis strategies: compiled books and what else hits every corner of rating.

Books are drawn as arrays, not as files, so that combinations which no author would write (a step
inside a beat, an allowance with a beat of its own, a cap of 0.005) are rated too. Events are decoded
from drawn bytes: hypothesis draws one value per batch, and shrinking still ends in small ones.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from rating.cycles import to_us
from tariffs.compile_numbers import build_trie
from tariffs.compiled import BEGINNING, CALL_CLASSES, FOREVER, SPEND, CompiledBook
from tariffs.dated import Dated
from tariffs.model import NumberDeck
from tests.rating.strategies_places import HOME_ZONES, places
from tests.rating.strategies_wholesale import wholesale

ZONE = "Europe/Berlin"
"""Has a daylight-saving change on 25 October 2026, at 03:00 summer time."""
CYCLE = "2026-10"
BANDS = ("any", "peak", "off_peak", "night")
ZONES = ("none", "north", "abroad", "help", "stream")
ROAMING = ("home", "unknown", "asia", "domestic", "home_zone")
AREAS = ("", "north", "south")
OPTIONS = ("pack", "pass")
USAGES = ((0, 0), (0, 1), (2, 0), (4, 0))
"""(service, direction): voice out and in, SMS out, data."""
N_CLASSES = len(USAGES) * len(CALL_CLASSES) * len(ZONES) * len(ROAMING)
COUNTS = 4
SUBSCRIBERS = 6
FIRST_IMSI = 460_001_000_000_000
FIRST_NUMBER = 8_619_910_000_000
ABROAD, FAR_NUMBER, NO_ZONE_NUMBER = 4_912_345, 8_618_800_000_001, 990_000_001

_BERLIN = ZoneInfo(ZONE)


def instant(day: int, hour: int = 0, minute: int = 0, second: int = 0, month: int = 10) -> int:
    """UTC microseconds of a local time in October 2026."""
    return to_us(dt.datetime(2026, month, day, hour, minute, second, tzinfo=_BERLIN))


def _prefixes(zones: dict[str, int]) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of the prefix table."""
    deck = NumberDeck(
        prefix=np.array([int(prefix) for prefix in zones], np.int64),
        digits=np.array([len(prefix) for prefix in zones], np.int8),
        zone=np.array(list(zones.values()), np.int32),
        line=np.arange(len(zones), dtype=np.int32),
    )
    trie = build_trie(deck)
    return {"lpm_direct": trie.direct, "lpm_child": trie.child, "lpm_value": trie.value}


_PREFIXES = _prefixes({"86199": 1, "8618": 1, "49": 2, "4": 2})


def _time_arrays(windows: list[list[int]]) -> dict[str, Any]:
    """Bands per minute of three time models: always, one drawn, weekend differs."""
    kinds = 9
    band = np.zeros((3, kinds, 1440), np.int8)
    for kind in range(kinds):
        band[1, kind] = _day(windows[0])
        band[2, kind] = _day(windows[1] if kind < 5 else windows[2])
    minute = np.arange(1, 1440, dtype=np.int16)
    ends = np.full(band.shape, 1440, np.int16)
    ends[..., :-1] = np.where(band[..., 1:] != band[..., :-1], minute, 1440)
    until = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    return {
        "time_models": ("always", "day", "week"),
        "day_types": (
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
            "holiday",
            "eve",
        ),
        "tm_band": band.reshape(-1),
        "tm_until": until.reshape(-1),
        "day0": (dt.date(2026, 10, 1) - dt.date(1970, 1, 1)).days,
        "day_type": np.array(
            [7, *(dt.date(2026, 10, day).weekday() for day in range(2, 28))], np.int8
        ),
        "tz_utc_us": np.array(
            [BEGINNING, to_us(dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC))], np.int64
        ),
        "tz_offset_min": np.array([120, 60], np.int32),
    }


def _day(cuts: list[int]) -> np.ndarray[Any, Any]:
    """Band of each minute: changes at each of the cuts."""
    out = np.zeros(1440, np.int8)
    for at, cut in enumerate(sorted(cuts)):
        out[cut:] = 1 + at % 3
    return out


def _matches(draw: st.DrawFn, count: int) -> np.ndarray[Any, Any]:
    """Which classes each of ``count`` definitions is for: all, one usage, or a random half."""
    out = np.ones((count, N_CLASSES), np.uint8)
    for row in out:
        kind = draw(st.integers(0, 3))
        if kind == 1:
            usage = draw(st.integers(0, len(USAGES) - 1))
            row[:] = np.arange(N_CLASSES) // (N_CLASSES // len(USAGES)) == usage
        elif kind == 2:
            row[:] = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 2, N_CLASSES)
    return out.reshape(-1)


def _lists(
    draw: st.DrawFn, plans: int, count: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(first, entries): for each plan an ordered choice of definitions."""
    picks = [
        draw(st.lists(st.integers(0, count - 1), unique=True, min_size=1, max_size=count))
        if count
        else []
        for _ in range(plans)
    ]
    first = np.concatenate([[0], np.cumsum([len(pick) for pick in picks])]).astype(np.int32)
    return first, np.array([at for pick in picks for at in pick], np.int32)


_AMOUNT = st.one_of(st.integers(0, 20).map(lambda cents: cents * 10_000), st.integers(0, 3_000_000))
_RARE = st.sampled_from([0, 0, 0, 1])
_BEAT = st.sampled_from([1, 6, 7, 60, 60, 60, 61, 1024, 90])


def _prices(draw: st.DrawFn) -> dict[str, Any]:
    """Price models: free and up to four others with up to three steps, counted or not."""
    models = draw(st.integers(1, 4))
    first, starts, price, per, beat = [0, 1], [0], [0], [60], [60]
    for _ in range(models):
        steps = draw(st.lists(st.integers(1, 400), max_size=2, unique=True))
        for start in [0, *sorted(steps)]:
            starts.append(start)
            price.append(
                draw(st.one_of(_AMOUNT, _AMOUNT, _AMOUNT, st.sampled_from([0, 10**17])))
                if start == 0
                else draw(_AMOUNT)
            )
            # a loaded book keeps price x per below 2**62
            per.append(
                draw(st.sampled_from([1, 6, 60, 60, 7, 1024] if price[-1] < 10**15 else [1, 7]))
            )
            beat.append(draw(_BEAT))
        first.append(len(starts))
    extra = st.lists(st.one_of(st.just(0), _AMOUNT), min_size=models, max_size=models)
    most = st.lists(st.one_of(st.just(-1), _AMOUNT), min_size=models, max_size=models)
    kind = np.array([0, *draw(st.lists(_RARE, min_size=models, max_size=models))], np.int8)
    counted = st.lists(
        st.sampled_from([-1, -1, -1, 0, 1, COUNTS - 1]), min_size=models, max_size=models
    )
    count = np.array([-1, *draw(counted)], np.int32)
    return {
        # a loaded book counts no volume steps
        "pm_count": np.where(kind == 1, -1, count).astype(np.int32),
        "price_models": ("free", *(f"price{k}" for k in range(models))),
        "pm_connect": np.array([0, *draw(extra)], np.int64),
        "pm_min": np.array([0, *draw(extra)], np.int64),
        "pm_max": np.array([-1, *draw(most)], np.int64),
        "pm_step_first": np.array(first, np.int32),
        "step_from": np.array(starts, np.int64),
        "step_price": np.array(price, np.int64),
        "step_per": np.array(per, np.int64),
        "step_beat": np.array(beat, np.int64),
        "pm_kind": kind,
        "step_flat": np.array(
            [0, *draw(st.lists(_RARE, min_size=len(beat) - 1, max_size=len(beat) - 1))], np.int8
        ),
    }


def _rules(draw: st.DrawFn, models: int, plans: int) -> dict[str, Any]:
    """Rules with a price for each band, and epochs that change them."""
    count = draw(st.integers(2, 6))

    def column(values: st.SearchStrategy[int], dtype: type) -> np.ndarray[Any, Any]:
        return np.array(draw(st.lists(values, min_size=count, max_size=count)), dtype)

    price = column(st.integers(0, 0), np.int32).repeat(len(BANDS))
    price[:] = draw(st.lists(st.integers(1, models - 1), min_size=len(price), max_size=len(price)))
    if draw(st.integers(0, 5)) == 0:
        price[draw(st.integers(0, len(price) - 1))] = -1
    epochs = [BEGINNING, *sorted(draw(st.sets(st.sampled_from(_DATES), max_size=2)))]
    tables = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    rule_of = rng.integers(-1 if draw(st.booleans()) else 0, count, (tables, N_CLASSES))
    table = rng.integers(0, tables, len(epochs) * plans) * N_CLASSES
    return {
        "rules": tuple(f"plan/rule{k}" for k in range(count)),
        "rule_sources": tuple(f"plan.yaml:{k}" for k in range(count)),
        "rule_time_model": column(st.integers(0, 2), np.int16),
        "rule_split": column(st.sampled_from([0, 1, 1, 2, 3]), np.int8),
        "rule_rum": column(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 5]), np.int8),
        "rule_tax": column(st.integers(0, 1), np.int16),
        "rule_gl": column(st.integers(0, 1), np.int16),
        "rule_clock": column(st.integers(0, 1), np.int8),
        "rule_minimum": column(st.one_of(st.just(0), _AMOUNT), np.int64),
        "rule_free": column(st.sampled_from([0, 0, 0, 1]), np.int8),
        "rule_zero_duration": column(st.integers(0, 1), np.int8),
        "rule_band_price": price,
        "epoch_start_us": np.array(epochs, np.int64),
        "rule_table": table.astype(np.int64),
        "rule_of": rule_of.astype(np.int32).reshape(-1),
    }


_DATES = (
    instant(5),
    instant(12, 20, 0) + 300_000,
    instant(12, 20, 1),
    instant(25, 0, 30),
)


def _definitions(draw: st.DrawFn, plans: int) -> dict[str, Any]:
    """Allowances, discounts and caps, and which plan has which."""
    a, d, c = (draw(st.integers(least, most)) for least, most in ((1, 4), (0, 3), (0, 3)))

    def column(count: int, values: st.SearchStrategy[int], dtype: type) -> np.ndarray[Any, Any]:
        return np.array(draw(st.lists(values, min_size=count, max_size=count)), dtype)

    flag, rare = st.integers(0, 1), st.sampled_from([0, 0, 1])
    bands = st.sampled_from([-1, -1, 1, 2, 6, 13])
    begin = st.sampled_from([BEGINNING] * 5 + [instant(1), instant(10)])
    end = st.sampled_from([FOREVER] * 5 + [instant(20)])
    quantity = st.sampled_from([0, 59, 100, 3600, 20_000, 500_000, FOREVER])
    amount = st.one_of(_AMOUNT, st.integers(0, 30_000_000))
    limits = draw(st.lists(st.sampled_from([0, 0, 1, 2]), min_size=a, max_size=a))
    days = column(a, st.sampled_from([0, 0, 0, 1, 8, 40]), np.int32)
    daily = np.where(days > 0, 0, column(a, rare, np.int8)).astype(np.int8)
    alw_first, alw = _lists(draw, plans + len(OPTIONS), a)
    disc_first, disc = _lists(draw, plans, d)
    cap_first, cap = _lists(draw, plans, c)
    return {
        "allowances": tuple(f"plan/alw{k}" for k in range(a)),
        "alw_quantity": column(a, quantity, np.int64),
        "alw_rum": column(a, st.sampled_from([0, 0, 0, 0, 1, 4]), np.int8),
        "alw_priority": column(a, st.integers(0, 2), np.int32),
        "alw_match": _matches(draw, a),
        "alw_bands": column(a, bands, np.int64),
        "alw_shared": column(a, flag, np.int8),
        "alw_prorate": column(a, flag, np.int8),
        "alw_beat": column(a, st.sampled_from([0, 0, 1, 60, 45]), np.int64),
        "alw_daily": daily,
        "alw_days": days,
        # a loaded book lets only allowances of a cycle roll over
        "alw_rollover": np.where(
            (days > 0) | (daily != 0), 0, column(a, st.sampled_from([0, 0, 1, 3]), np.int8)
        ).astype(np.int8),
        "alw_rolled_last": column(a, flag, np.int8),
        "alw_throttle": column(a, st.sampled_from([FOREVER, FOREVER, 0, 90, 5000]), np.int64),
        "alw_limit_first": np.concatenate([[0], np.cumsum(limits)]).astype(np.int32),
        "lim_quantity": column(sum(limits), st.sampled_from([0, 59, 100, 3600, 500_000]), np.int64),
        "lim_match": _matches(draw, sum(limits)),
        "lim_member": column(sum(limits), flag, np.int8),
        "lim_roles": column(sum(limits), st.sampled_from([7, 7, 3, 4, 6]), np.int8),
        "alw_roles": column(a, st.sampled_from([7, 7, 7, 3, 4]), np.int8),
        "alw_from_us": column(a, begin, np.int64),
        "alw_to_us": column(a, end, np.int64),
        "plan_alw_first": alw_first,
        "plan_alw": alw,
        "discounts": tuple(f"disc{k}" for k in range(d)),
        "disc_kind": column(d, st.sampled_from([0, 0, 1, 2]), np.int8),
        "disc_value": column(
            d, st.sampled_from([500_000, 100_000, 333_333, 1_000_000, 1]), np.int64
        ),
        "disc_tiers": column(d, st.sampled_from([-1, -1, 1, 2, 6]), np.int64),
        "disc_one_of": column(d, st.sampled_from([0, 0, 1, 2]), np.int8),
        "disc_match": _matches(draw, d),
        "disc_bands": column(d, bands, np.int64),
        "disc_friends": column(d, rare, np.int8),
        "disc_group": column(d, rare, np.int8),
        "disc_on_connect": column(d, flag, np.int8),
        "disc_exclusive": column(d, rare, np.int8),
        "disc_count": column(d, st.sampled_from([-1, -1, *range(COUNTS)]), np.int32),
        "disc_after": column(d, st.sampled_from([1, 60, 400, 500_000, 3_000_000]), np.int64),
        "disc_from_us": column(d, begin, np.int64),
        "disc_to_us": column(d, end, np.int64),
        "plan_disc_first": disc_first,
        "plan_disc": disc,
        "caps": tuple(f"cap{k}" for k in range(c)),
        "cap_amount": column(c, amount, np.int64),
        "cap_match": _matches(draw, c),
        "cap_daily": column(c, rare, np.int8),
        "cap_scope": column(c, flag, np.int8),
        "cap_from_us": column(c, begin, np.int64),
        "cap_to_us": column(c, end, np.int64),
        "plan_cap_first": cap_first,
        "plan_cap": cap,
        "counts": tuple(f"count{k}" for k in range(COUNTS)),
        "cnt_rum": column(COUNTS, st.sampled_from([SPEND, SPEND, 0, 0, 4, 1]), np.int8),
        "cnt_match": _matches(draw, COUNTS),
        "cnt_daily": column(COUNTS, flag, np.int8),
        "cnt_scope": column(COUNTS, flag, np.int8),
        # whoever has a price or a discount has its count
        "plan_cnt_first": (COUNTS * np.arange(plans + 1)).astype(np.int32),
        "plan_cnt": np.tile(np.arange(COUNTS, dtype=np.int32), plans),
    }


def _fixed() -> dict[str, Any]:
    """What is the same in every drawn book: names, numbers, taxes."""
    usage = np.full(42, -1, np.int16)
    for at, (service, direction) in enumerate(USAGES):
        usage[service * 6 + direction] = at
    return {
        "digest": "d" * 64,
        "currency": "EUR",
        "exchange": {"USD": Dated((BEGINNING, instant(10)), (912_345_679, 1_100_000_000))},
        "time_zone": ZONE,
        "home_country_code": "49",
        "zones": ZONES,
        "call_classes": CALL_CLASSES,
        "roaming_classes": ROAMING,
        "bands": BANDS,
        "taxes": ("none", "vat"),
        "gl_codes": ("4000", "4100"),
        "areas": AREAS,
        "tiers": ("", "gold", "silver"),
        "options": OPTIONS,
        "usages": ("voice.originating", "voice.terminating", "sms.originating", "data.originating"),
        "short_codes": {"110": 3},
        "zone_class": np.array([0, 6, 8, 1, 0], np.int8),
        "zone_area": np.array([0, 1, 0, 0, 0], np.int32),
        "home_zones": HOME_ZONES,
        "networks": {"262-01": 0, "440-10": 2},
        "usage_index": usage,
        "n_classes": N_CLASSES,
        "line_round_unit": 1,
        "line_round_mode": 0,
        "bill_round_unit": 10_000,
        "bill_round_mode": 0,
        "tax_ppm": np.array([0, 190_000], np.int64),
        "tax_included": np.array([0, 0], np.int8),
        **_PREFIXES,
    }


@st.composite
def books(draw: st.DrawFn) -> CompiledBook:
    """A compiled book of two or three plans."""
    plans = draw(st.integers(2, 3))
    prices = _prices(draw)
    cut = st.lists(st.integers(1, 1439), max_size=4, unique=True)
    evening = st.sampled_from([[480, 1200], [1200], [1200, 1201], [1, 1439]])
    windows = [draw(st.one_of(cut, evening)) for _ in range(3)]
    return CompiledBook(
        plans=tuple(f"plan{k}" for k in range(plans)),
        round_unit=draw(st.sampled_from([1, 10_000, 10_000, 100_000, 3])),
        round_mode=draw(st.integers(0, 3)),
        places=draw(
            places(len(ZONES), 4, len(AREAS) + len(ROAMING), (_DATES[0], _DATES[1]), FIRST_NUMBER)
        ),
        **_fixed(),
        wholesale=draw(wholesale((_DATES[0], _DATES[2]))),
        **prices,
        **_time_arrays(windows),
        **_rules(draw, len(prices["price_models"]), plans),
        **_definitions(draw, plans),
    )
