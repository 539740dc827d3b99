from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.sequence import Gap, Ring, endless, gaps_of, ring_of

RING = Ring(1, 100)


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([97, 98, 100, 1, 3], [(99, 99), (2, 2)]),
        ([1, 3, 97, 98, 100], [(99, 99), (2, 2)]),  # sorted by name, across the end
        ([97, 98, 4], [(99, 100), (1, 3)]),
        ([50, 60, 55], [(51, 54), (56, 59)]),
        ([10], []),
    ],
)
def test_gaps_across_the_end_of_a_ring(numbers: list[int], missing: list[tuple[int, int]]) -> None:
    assert gaps_of("a", numbers, RING) == [Gap("a", first, last) for first, last in missing]


def test_a_second_round_is_missed_like_the_first() -> None:
    numbers = [*range(1, 101), *range(1, 40), *range(42, 50)]
    assert gaps_of("a", numbers, RING) == [Gap("a", 40, 41)]


@given(st.integers(1, 50), st.integers(1, 400), st.integers(0, 30), st.randoms())
def test_late_files_by_less_than_half_a_ring_find_their_place(
    first: int, count: int, late: int, chance: object
) -> None:
    del chance
    real = list(range(first, first + count))
    order = sorted(real, key=lambda n: n + (late if n % 7 == 0 else 0))
    told = [(n - 1) % 100 + 1 for n in order]
    found = endless(told, RING)
    assert len(set(found)) == count
    assert max(found) - min(found) == count - 1


def test_the_end_comes_from_the_digits_or_the_configuration() -> None:
    assert ring_of(r"^msc_(?P<sequence>\d{6})_", 0, None) == Ring(0, 999_999)
    assert ring_of(r"(?P<sequence>\d+)", 1, 9_999) == Ring(1, 9_999)
    assert ring_of(r"(?P<sequence>\d+)", 0, None) is None
