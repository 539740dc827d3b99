"""The store equals a Python set per day, however batches, flushes and files fall."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediation.duplicates import KeySet
from mediation.errors import KeyFileError
from mediation.kernels import key_filter as kernels
from mediation.key_files import HEADER, key_file
from mediation.key_store import Day, KeyStore, days_of
from mediation.reference import keys as twin

if TYPE_CHECKING:
    from mediation.key_files import Pairs

words = st.one_of(st.integers(0, 3), st.just(2**63), st.just(2**64 - 1), st.integers(0, 2**64 - 1))
keys = st.tuples(words, words).filter(lambda key: key != (0, 0))
events = st.lists(st.tuples(keys, st.integers(-1, 2)), max_size=40)


def unchecked(_: Path) -> None:
    return


class Disk:
    """Files by day, as batches leave them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count()
        self.days: dict[int, list[Path]] = {}

    def write(self, day: int, pairs: Pairs) -> Path:
        path = self.folder / f"{next(self.numbers)}.keys"
        path.write_bytes(b"".join(key_file(pairs)))
        self.days.setdefault(day, []).append(path)
        return path

    def batch(self, **options: Any) -> KeyStore:  # noqa: ANN401 - as KeyStore takes them
        return KeyStore(
            {day: list(paths) for day, paths in self.days.items()}, self.write, **options
        )


def add(store: KeyStore, some: list[tuple[tuple[int, int], int]]) -> list[bool]:
    high, low = (np.array([key[lane] for key, _ in some], np.uint64) for lane in (0, 1))
    seen = store.add(high, low, np.array([day for _, day in some], np.int64))
    return [bool(one) for one in seen]


@given(st.lists(st.lists(events, max_size=4), max_size=4), st.integers(0, 30), st.booleans())
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_batches_equal_a_set_per_day(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[list[tuple[tuple[int, int], int]]]],
    in_memory: int,
    go_on: bool,  # noqa: FBT001 - drawn
) -> None:
    disk = Disk(tmp_path_factory.mktemp("keys"))
    known: dict[int, set[tuple[int, int]]] = {}
    kept: dict[int, Day] = {}
    for units in batches:
        store = disk.batch(in_memory=in_memory, kept=kept if go_on else None)
        for unit in units:
            expected = [twin.add(known.setdefault(day, set()), [key])[0] for key, day in unit]
            assert add(store, unit) == expected
        store.flush()
        kept = store.days
    for day, paths in disk.days.items():
        stored = [np.fromfile(path, "<u8", offset=HEADER).tolist() for path in paths]
        found = [tuple(file[at : at + 2]) for file in stored for at in range(0, len(file), 2)]
        assert len(found) == len(known[day])
        assert set(found) == known[day]


def test_many_keys_none_missed_none_invented(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    disk = Disk(tmp_path)
    high, low, new_high, new_low = random.integers(0, 2**64, (4, 200_000), dtype=np.uint64)
    day = random.integers(0, 5, 200_000)
    store = disk.batch(in_memory=50_000)
    assert not store.add(high, low, day).any()
    store.flush()
    again = disk.batch()
    assert again.add(high, low, day).all()
    assert not again.add(new_high, new_low, day).any()
    assert again.add(new_high, new_low, day).all()
    # One lane alone is not the key, and the same key of another day is another event.
    assert not again.add(high, new_low, day).any()
    assert not again.add(high, low, day + 10).any()


def test_the_filter_lets_few_pass(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    high, low = (random.integers(0, 2**64, 100_000, dtype=np.uint64) for _ in range(2))
    fresh = KeySet()
    fresh.add(high, low)
    path = tmp_path / "a.keys"
    path.write_bytes(b"".join(key_file(fresh.export())))
    day = Day.open([path], unchecked)
    assert len(day.words) * 64 < 20 * 100_000
    rows = np.empty(100_000, np.int64)
    assert kernels.candidates(day.words, high, low, rows) == 100_000
    passed = kernels.candidates(day.words, high, low[::-1].copy(), rows)
    assert passed < 1_000


def test_days_before_the_window_are_told_and_not_compared(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    first = disk.batch()
    add(first, [((1, 1), 10), ((1, 1), 20)])
    first.flush()
    second = disk.batch(oldest=15)
    assert add(second, [((1, 1), 10), ((1, 1), 20), ((1, 1), 10)]) == [False, True, True]
    assert second.outside == 2


def test_days_are_those_of_the_event() -> None:
    start = np.array([-1, 0, 86_399_999_999, 86_400_000_000], np.int64)
    assert days_of(start).tolist() == [-1, 0, 0, 1]


@pytest.mark.parametrize("damage", ["cut", "longer", "magic", "empty"])
def test_a_damaged_file_is_told(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.keys"
    whole = b"".join(key_file(np.arange(1, 9, dtype=np.uint64)))
    path.write_bytes(
        {"cut": whole[:-1], "longer": whole + b"x", "magic": b"X" + whole[1:], "empty": b""}[damage]
    )
    with pytest.raises(KeyFileError, match="is damaged"):
        Day.open([path], unchecked)


def test_a_day_of_many_files_keeps_none_of_them_open(tmp_path: Path) -> None:
    pairs = np.arange(2 * 200, dtype=np.uint64).reshape(200, 2)
    paths = []
    for number, pair in enumerate(pairs):
        paths.append(tmp_path / f"{number}.keys")
        paths[-1].write_bytes(b"".join(key_file(pair)))
    before = len(list(Path("/proc/self/fd").iterdir()))
    day = Day.open(paths, unchecked)
    high, low = (np.ascontiguousarray(pairs[:, part]) for part in (0, 1))
    assert day.known(high, low).all()
    assert not day.known(high + np.uint64(1), low).any()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_day_goes_on_unless_a_batch_was_taken_back(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    first, second, third = ([((number, 1), 0)] for number in (1, 2, 3))
    store = disk.batch()
    add(store, first)
    store.flush()
    published = tmp_path / "published.keys"  # as a commit moves it
    disk.days[0] = [disk.days[0][0].rename(published)]
    later = disk.batch(kept=store.days)
    assert add(later, first + second) == [True, False]
    later.flush()
    assert later.days[0] is store.days[0]
    disk.days[0].pop().unlink()  # the later batch is taken back
    again = disk.batch(kept=later.days)
    assert add(again, first + second + third) == [True, False, False]
    assert again.days[0] is not later.days[0]


def test_an_unfinished_batch_leaves_no_keys_behind(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    store = disk.batch()
    add(store, [((1, 1), 0)])
    store.flush()
    failed = disk.batch(kept=store.days)
    add(failed, [((2, 2), 0)])  # and never written
    assert add(disk.batch(kept=failed.days), [((1, 1), 0), ((2, 2), 0)]) == [True, False]
