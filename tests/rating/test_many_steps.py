"""A price of 10,000 steps: found wherever it begins, priced right, no slower than one of a few."""

from __future__ import annotations

import bisect
import functools
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.engine import Rater
from rating.kernels.arrays import STEP_WORDS
from rating.kernels.steps import step_at
from rating.subscribers import load_subscribers
from tests.rating.compare import compare
from tests.rating.strategies_edr import DEFAULTS, edr_batch, plain_keys
from tests.rating.strategies_shop import at, call, line, write
from tests.tariffs.books import edited, make_book, plan_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rating.prepare import Prepared

STEPS = 10_000
EVENTS = 20_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Rater]:
    """Makes raters, each once."""
    folder = tmp_path_factory.mktemp("steps")
    return functools.cache(lambda kind, steps: _rater(folder, kind, steps))


def _rater(folder: Path, kind: str, steps: int) -> Rater:
    """A rater whose voice price is 0.01 a minute more from each minute on."""
    listed = "".join(
        f"    - {{from: {at} min, price: {at // 100 + 1}.{at % 100:02}, per: 60 s}}\n"
        for at in range(steps)
    )
    change = edited(
        "prices.yaml",
        "minute: {price: 0.30, per: 60 s}",
        f"minute:\n  kind: {kind}\n  steps:\n{listed}",
    )
    rules = [{"id": "voice", "when": {"service": "voice"}, "price": "minute"}]
    change |= plan_with(rules=rules, allowances=[], caps=[], discounts=[])
    _, book = make_book(folder / f"{kind}{steps}", change)
    return Rater(book, load_subscribers(write(folder / "data", [line(1, plan="plain")]), book))


@pytest.mark.parametrize(
    ("kind", "minutes", "net"),
    [
        ("volume", 9_998, 9_998 * 10_098),
        ("volume", 20_000, 20_000 * 10_099),
        ("graduated", 9_998, sum(range(100, 10_098))),
        ("graduated", 10_001, sum(range(100, 10_100)) + 10_099),
    ],
)
def test_the_step_is_found(
    made: Callable[[str, int], Rater], kind: str, minutes: int, net: int
) -> None:
    rater = made(kind, STEPS)
    rows = [{**DEFAULTS, **call(1, at(5), minutes * 60)}]
    if kind == "volume":  # the twin looks at every step for every line
        compare(rater.compiled, rater.subscribers, rows)
    batch = edr_batch(rows)
    rated = rater.rate(rater.prepare(batch, plain_keys(batch)), rater.open_cycle("2026-10"))
    assert [int(value * 100) for value in rated.table.column("net").to_pylist()] == [net]


@given(
    st.one_of(
        st.lists(st.integers(1, 100), max_size=200),
        st.lists(st.integers(0, 50), min_size=10).map(
            lambda powers: [2**power for power in powers]
        ),
        st.lists(st.integers(0, 50), min_size=10).map(
            lambda powers: [2**power for power in sorted(powers, reverse=True)]
        ),
        st.builds(lambda width, steps: [width] * steps, st.integers(1, 2**40), st.integers(0, 200)),
    ),
)
@settings(deadline=None)  # the first call compiles
def test_uneven_steps_are_found_too(widths: list[int]) -> None:
    begins = np.cumsum([0, *widths]).tolist()
    line = np.zeros(STEP_WORDS * len(begins), np.int64)
    line[::STEP_WORDS] = begins
    first, last = np.int64(0), np.int64(len(line) - STEP_WORDS)
    for units in {0, *begins, *(begin - 1 for begin in begins[1:]), 2**60}:
        found = step_at(line, first, last, np.int64(units))
        assert found == STEP_WORDS * (bisect.bisect_right(begins, units) - 1)


def test_many_steps_cost_no_more_than_few(made: Callable[[str, int], Rater]) -> None:
    batch = edr_batch([call(1, at(5), 8 * 60) for _ in range(EVENTS)])
    raters = [made("volume", steps) for steps in (STEPS, 10)]
    pairs = [(rater, rater.prepare(batch, plain_keys(batch))) for rater in raters]
    best = [min(_seconds(*pair) for _ in range(7)) for pair in pairs]
    assert best[0] < 3 * best[1]


def _seconds(rater: Rater, prepared: Prepared) -> float:
    """CPU seconds of rating once."""
    state = rater.open_cycle("2026-10")
    begin = time.thread_time()
    rater.rate(prepared, state)
    return time.thread_time() - begin
