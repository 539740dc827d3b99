"""The kernels that fill in what a batch says equal their plain-Python twin."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation.edr import MISSING
from mediation.kernels import resolve as fast
from mediation.kernels.ops import SEVERAL
from mediation.reference import resolve as plain

LARGEST = 2**63 - 1
integers = st.one_of(st.none(), st.integers(-300, 300), st.integers(-LARGEST, LARGEST))
columns = st.lists(integers, max_size=40)
codes = st.lists(st.one_of(st.none(), st.integers(-2, 9), st.just(SEVERAL)), max_size=40)


def column(values: list[int | None]) -> np.ndarray:
    return np.array([MISSING if value is None else value for value in values], np.int64)


def plainly(values: np.ndarray) -> list[int | None]:
    return [None if value == MISSING else value for value in values.tolist()]


@given(codes, st.dictionaries(st.integers(-2, 9), st.integers(0, 99), max_size=6))
@settings(deadline=None)
@example([SEVERAL, 1, None, 7], {1: 5})
def test_codes(said: list[int | None], meanings: dict[int, int]) -> None:
    values, lost = column(said), np.empty(len(said), np.int32)
    known = sorted(meanings)
    keys, meant = (np.array(one, np.int64) for one in (known, [meanings[key] for key in known]))
    count, first = fast.explain_codes(values, keys, meant, lost)
    expected, without = plain.explained(said, meanings)
    assert (plainly(values), lost[:count].tolist()) == (expected, without)
    assert not without or first == said[without[0]]


@given(columns)
@settings(deadline=None)
@example([LARGEST, LARGEST, -LARGEST, -LARGEST, -LARGEST])
def test_sums(amounts: list[int | None]) -> None:
    cells = np.zeros(fast.AMOUNT_CELLS, np.int64)
    count = fast.add_amounts(column(amounts), cells)
    sums = [int(cells[at]) * 2**32 + int(cells[at + 1]) for at in (fast.ABOVE, fast.BELOW)]
    assert tuple(sums) == plain.added(amounts)
    assert count == sum(amount is not None for amount in amounts)


@given(columns, st.integers(0, 12), st.sampled_from((0, 1)))
@settings(deadline=None)
@example([LARGEST // 10, LARGEST // 10 + 1, -LARGEST // 10, None], 1, 0)
@example([100, 101, -100, -101], 2, 1)
def test_amounts(amounts: list[int | None], places: int, divide: int) -> None:
    values, lost = column(amounts), np.empty(len(amounts), np.int32)
    count = fast.scale_amounts(values, 10**places, divide, lost)
    found = plainly(values), lost[:count].tolist()
    assert found == plain.scaled(amounts, 10**places, divide=bool(divide))


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 2**50)), integers), max_size=40))
@settings(deadline=None)
def test_local_times(pairs: list[tuple[int | None, int | None]]) -> None:
    times = [time for time, _ in pairs]
    offsets = [None if offset is None else offset % 1000 - 500 for _, offset in pairs]
    values, lost = column(times), np.empty(len(pairs), np.int32)
    count = fast.local_to_utc(values, column(offsets), lost)
    assert (plainly(values), lost[:count].tolist()) == plain.in_utc(times, offsets)


def test_what_is_missing_is_filled() -> None:
    values = column([None, 3, None])
    fast.fill_missing(values, 7)
    assert values.tolist() == [7, 3, 7]
