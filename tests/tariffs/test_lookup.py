from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tariffs.compiled import CALL_CLASSES, DIRECTIONS, SERVICES, CompiledBook
from tariffs.reference.lookup import band_at, find_price

if TYPE_CHECKING:
    from tariffs.model import Book

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MINUTE_US = 60_000_000


def us(text: str) -> int:
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1)


def compiled_rule(
    compiled: CompiledBook, plan: int, event_class: tuple[int, int, int, int, int], when_us: int
) -> int:
    """Looks a class up as the rating kernel does."""
    service, direction, call_class, zone, roaming = event_class
    usage = int(compiled.usage_index[service * len(DIRECTIONS) + direction])
    if usage < 0:
        return -1
    index = (usage * len(CALL_CLASSES) + call_class) * len(compiled.zones) + zone
    index = index * len(compiled.roaming_classes) + roaming
    epoch = int(np.searchsorted(compiled.epoch_start_us, when_us, side="right")) - 1
    offset = int(compiled.rule_table[epoch * len(compiled.plans) + plan])
    return int(compiled.rule_of[offset + index])


def compiled_price(compiled: CompiledBook, model: int) -> tuple[Any, ...]:
    steps = slice(int(compiled.pm_step_first[model]), int(compiled.pm_step_first[model + 1]))
    columns = (
        compiled.step_from[steps],
        compiled.step_price[steps],
        compiled.step_per[steps],
        compiled.step_beat[steps],
    )
    return (
        compiled.price_models[model],
        int(compiled.pm_connect[model]),
        int(compiled.pm_min[model]),
        int(compiled.pm_max[model]),
        tuple(zip(*(column.tolist() for column in columns), strict=True)),
    )


INSTANTS = st.one_of(
    st.integers(us("2019-06-01T00:00:00+00:00"), us("2027-01-01T00:00:00+00:00")),
    st.sampled_from([us("2026-10-14T15:59:59.999999+00:00"), us("2026-10-14T16:00:00+00:00")]),
)


@given(
    plan=st.integers(0, 8),
    service=st.integers(0, len(SERVICES) - 1),
    direction=st.integers(0, len(DIRECTIONS) - 1),
    call_class=st.integers(0, len(CALL_CLASSES) - 1),
    zone=st.integers(0, 16),
    roaming=st.integers(0, 6),
    when_us=INSTANTS,
)
@settings(deadline=None, max_examples=700)
# The price of a local call changes at midnight of the book's zone.
@example(3, 0, 0, 6, 5, 0, us("2026-10-14T15:59:59.999999+00:00"))
@example(3, 0, 0, 6, 5, 0, us("2026-10-14T16:00:00+00:00"))
def test_the_compiled_table_says_what_the_book_says(
    shop: Book,
    compiled: CompiledBook,
    plan: int,
    service: int,
    direction: int,
    call_class: int,
    zone: int,
    roaming: int,
    when_us: int,
) -> None:
    event_class = (service, direction, call_class, zone, roaming)
    rule = compiled_rule(compiled, plan, event_class, when_us)
    found = find_price(shop, compiled.plans[plan], event_class, when_us)
    if found is None:
        assert rule == -1
        return
    assert compiled.rules[rule] == found.rule.name
    assert compiled.rule_sources[rule] == str(found.rule.source)
    assert compiled.rule_rum[rule] == found.rum
    assert compiled.taxes[compiled.rule_tax[rule]] == found.tax
    assert compiled.tax_ppm[compiled.rule_tax[rule]] == found.tax_rate
    assert compiled.gl_codes[compiled.rule_gl[rule]] == found.gl_code
    assert compiled.rule_split[rule] == found.rule.split
    assert compiled.rule_clock[rule] == found.rule.clock
    assert compiled.rule_free[rule] == all(one.name == "free" for one in found.bands.values())
    width = len(compiled.bands)
    row = compiled.rule_band_price[rule * width : (rule + 1) * width]
    got = {
        compiled.bands[band]: compiled_price(compiled, int(model))
        for band, model in enumerate(row)
        if model >= 0
    }
    assert got == {
        band: (
            one.name,
            one.connect,
            one.minimum,
            -1 if one.maximum is None else one.maximum,
            one.steps,
        )
        for band, one in found.bands.items()
    }


@given(
    model=st.integers(0, 2),
    when_us=st.integers(us("2025-12-20T00:00:00+00:00"), us("2027-01-10T00:00:00+00:00")),
)
@settings(deadline=None, max_examples=250)
@example(model=1, when_us=us("2026-10-07T23:59:00+08:00"))  # the last minute of a holiday
@example(model=1, when_us=us("2026-10-10T10:00:00+08:00"))  # a Saturday that counts as a Friday
@example(model=2, when_us=us("2026-10-08T23:00:00+08:00"))
def test_the_band_tables_say_what_the_time_models_say(
    shop: Book, compiled: CompiledBook, model: int, when_us: int
) -> None:
    change = int(np.searchsorted(compiled.tz_utc_us, when_us, side="right")) - 1
    minutes = when_us // MINUTE_US + int(compiled.tz_offset_min[change])
    day, minute = divmod(minutes, 1440)
    kind = int(compiled.day_type[day - compiled.day0])
    at = (model * len(compiled.day_types) + kind) * 1440 + minute
    assert compiled.bands[compiled.tm_band[at]] == band_at(shop, model, when_us)
    until = int(compiled.tm_until[at])
    assert minute < until <= 1440
    rest = compiled.tm_band[at : at + until - minute]
    assert (rest == compiled.tm_band[at]).all()
    if until < 1440:
        assert compiled.tm_band[at + until - minute] != compiled.tm_band[at]


def test_a_plan_that_is_not_there_has_no_price(shop: Book) -> None:
    with pytest.raises(KeyError, match="easyy"):
        find_price(shop, "easyy", (0, 0, 6, 5, 0), 0)
