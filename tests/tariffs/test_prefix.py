from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tariffs.compile_numbers import build_trie
from tariffs.kernels.prefix import longest_prefix
from tariffs.model import NumberDeck
from tariffs.reference.prefix import zone_of

# Few digits make prefixes of each other and numbers that are prefixes likely.
DIGITS = st.text(alphabet="128", min_size=0, max_size=14)
PREFIXES = st.builds(lambda a, b: a + b, st.sampled_from("128"), DIGITS)
DECKS = st.dictionaries(PREFIXES, st.integers(-1, 5), max_size=30)
NUMBERS = st.lists(
    st.one_of(
        st.builds(lambda a, b: int(a + b), st.sampled_from("128"), DIGITS),
        st.integers(-3, 10**6),
        st.integers(1, 2**63 - 1),
        st.just(-(2**63)),
    ),
    max_size=40,
)


def deck_of(prefixes: dict[str, int]) -> NumberDeck:
    return NumberDeck(
        np.array([int(one) for one in prefixes], np.int64),
        np.array([len(one) for one in prefixes], np.int8),
        np.array(list(prefixes.values()), np.int32),
        np.arange(len(prefixes), dtype=np.int32),
    )


def look_up(prefixes: dict[str, int], numbers: list[int]) -> list[int]:
    trie = build_trie(deck_of(prefixes))
    zones = np.full(len(numbers), 99, np.int32)
    longest_prefix(np.array(numbers, np.int64), trie.direct, trie.child, trie.value, zones)
    return [int(zone) for zone in zones]


@given(DECKS, NUMBERS)
@settings(deadline=None, max_examples=200)
@example({}, [1, 0, -1, 8612345678901])
# A longer prefix wins over a shorter one on both sides of the direct table's five digits.
@example({"1": 0, "12": 1, "12128": 2, "121281": 3}, [1, 12, 1212, 12128, 121281, 1212811, 121282])
# The number is itself shorter than the prefixes that it begins.
@example({"128128128": 4, "1281": 2}, [128, 1281, 12812812, 128128128])
# -1 takes numbers away from a shorter prefix.
@example({"8": 1, "88": -1, "881": 2}, [81, 88, 8812345678, 8822345678])
def test_the_kernel_finds_what_the_twin_finds(prefixes: dict[str, int], numbers: list[int]) -> None:
    fifteen = [int(str(number)[:15]) if number > 0 else number for number in numbers]
    assert look_up(prefixes, numbers) == [zone_of(number, prefixes) for number in fifteen]


def test_a_removed_prefix_leaves_its_numbers_to_the_shorter_one() -> None:
    number = 8619910000001
    assert look_up({"86": 1, "86199": 2, "8619910": 3}, [number]) == [3]
    assert look_up({"86": 1, "86199": 2}, [number]) == [2]
    assert look_up({"86": 1}, [number]) == [1]
    assert look_up({"87": 1}, [number]) == [-1]


def test_every_zone_of_a_large_deck_is_found_at_its_own_prefix() -> None:
    rng = np.random.default_rng(20261001)
    values = np.unique(rng.integers(100, 10**9, 50_000))
    prefixes = {str(value): index % 200 for index, value in enumerate(values)}
    numbers = [int(value) for value in values[::50]]
    assert look_up(prefixes, numbers) == [prefixes[str(number)] for number in numbers]
