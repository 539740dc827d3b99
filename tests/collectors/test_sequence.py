from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.sequence import Gap, Ring, Seen, gaps_of, ring_of

RING = Ring(1, 100)


def seen_of(numbers: list[int], ring: Ring | None = RING) -> Seen:
    seen = Seen(ring)
    for number in numbers:
        place = seen.place(number)
        seen.add(place, place)
    return seen


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
    assert gaps_of("a", seen_of(numbers)) == [Gap("a", first, last) for first, last in missing]


def test_a_second_round_is_missed_like_the_first() -> None:
    numbers = [*range(1, 101), *range(1, 40), *range(42, 50)]
    assert gaps_of("a", seen_of(numbers)) == [Gap("a", 40, 41)]


@given(st.integers(1, 50), st.integers(1, 400), st.integers(0, 30))
def test_late_files_by_less_than_half_a_ring_find_their_place(
    first: int, count: int, late: int
) -> None:
    real = list(range(first, first + count))
    order = sorted(real, key=lambda n: n + (late if n % 7 == 0 else 0))
    seen = seen_of([(n - 1) % 100 + 1 for n in order])
    assert len(seen.firsts) == 1
    assert seen.lasts[0] - seen.firsts[0] == count - 1


@given(st.lists(st.integers(1, 100), max_size=60), st.sampled_from([None, RING]))
def test_ranges_are_what_sets_of_numbers_say(numbers: list[int], ring: Ring | None) -> None:
    """The slow, obvious way: every number of the endless count in a set."""
    seen, known = Seen(ring), set[int]()
    for number in numbers:
        place = number
        if ring is not None and known:
            near = (number + round_ * ring.size for round_ in range(-70, 70))
            place = min(near, key=lambda n: (abs(n - max(known)), n))
        assert seen.place(number) == place
        assert bool(seen.add(place, place)) == (place in known)
        known.add(place)
        before = [n for n in known if n < place]
        first = place - 1 not in known and bool(before)
        assert seen.missing_before(place) == (place - max(before) - 1 if first else 0)
    missing = [n for n in range(min(known, default=0), max(known, default=0)) if n not in known]
    assert [n for a, b in seen.missing() for n in range(a, b + 1)] == missing


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=30))
def test_ranges_added_tell_what_had_come_before(pieces: list[tuple[int, int]]) -> None:
    seen, known = Seen(), set[int]()
    for first, more in pieces:
        again = {n for a, b in seen.add(first, first + more) for n in range(a, b + 1)}
        numbers = set(range(first, first + more + 1))
        assert again == numbers & known
        known |= numbers
        spans = zip(seen.firsts, seen.lasts, strict=True)
        assert {n for a, b in spans for n in range(a, b + 1)} == known
        assert all(b > a + 1 for a, b in zip(seen.lasts, seen.firsts[1:], strict=False))


def test_what_is_closed_is_looked_for_in_the_round_where_it_is_missing() -> None:
    seen = seen_of([1, 2, 5, *range(6, 101), *range(1, 81)])
    assert seen.place(3) == 203
    assert seen.place_missing(3) == 3
    assert Seen(None, [1, 9], [2, 9]).place_missing(4) == 4


def test_the_end_comes_from_the_digits_or_the_configuration() -> None:
    assert ring_of(r"^msc_(?P<sequence>\d{6})_", 0, None) == Ring(0, 999_999)
    assert ring_of(r"(?P<sequence>\d+)", 1, 9_999) == Ring(1, 9_999)
    assert ring_of(r"(?P<sequence>\d+)", 0, None) is None
    assert ring_of(r"(?P<sequence>\d{18})", 0, None) == Ring(0, 10**18 - 1)
    assert ring_of(r"(?P<sequence>\d{25})", 0, None) is None  # the ledger could not hold its end
