"""Kernels alone: event order against sorting, and arithmetic that never walks the beats."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.engine import Rater
from rating.kernels.probe import COUNT_BITS, COUNT_MASK, find_chain
from rating.order import ARRAYS, Dealt, dealt_words
from rating.prepare import Prepared
from rating.room import Block
from rating.subscribers import _index, load_subscribers
from tests.rating.strategies_edr import edr_batch, plain_keys
from tests.rating.strategies_shop import at, call, golden_book, line, write

if TYPE_CHECKING:
    from pathlib import Path

BOOK = golden_book()
ROW = st.tuples(
    st.integers(0, 3), st.integers(0, 4), st.integers(0, 3), st.integers(0, 1), st.booleans()
)


@settings(deadline=None)
@given(st.lists(ROW, max_size=120))
def test_event_order_is_a_stable_sort(rows: list[tuple[int, int, int, int, bool]]) -> None:
    _check_order(rows)


def test_event_order_of_large_groups() -> None:
    rng = np.random.default_rng(3)
    columns = [rng.integers(0, high, 5000).tolist() for high in (3, 1000, 3, 2, 2)]
    _check_order([(a, b, c, d, bool(e)) for a, b, c, d, e in zip(*columns, strict=True)])


def test_event_order_over_many_buckets() -> None:
    rng = np.random.default_rng(4)
    columns = [rng.integers(0, high, 9000).tolist() for high in (5000, 2**62, 1, 1, 2)]
    _check_order([(a, b, c, d, bool(e)) for a, b, c, d, e in zip(*columns, strict=True)], 5000)


def _check_order(rows: list[tuple[int, int, int, int, bool]], groups: int = 4) -> None:
    n = len(rows)
    group = np.array([row[0] for row in rows], np.int32)
    start = np.array([row[1] for row in rows], np.int64)
    # high halves beyond 2**63 compare as unsigned
    high = np.array([row[2] for row in rows], np.uint64) * np.uint64(2**62 + 7)
    low = np.array([row[3] for row in rows], np.uint64)
    chosen = np.array([row[4] for row in rows], np.int8)
    wanted = sorted((row[:4], i) for i, row in enumerate(rows) if not row[4])
    event = np.stack([start, *(np.arange(n) * 10 + k for k in (1, 2, 3))], axis=1).reshape(-1)
    ends = (int(start.min()), int(start.max())) if n else (0, 0)
    none = np.zeros(n, np.int64)
    batch = edr_batch([])
    prepared = Prepared(batch, start, event, group, chosen, none, high, low, *ends)
    block = Block(np.empty(Block.size(dealt_words(n), ARRAYS), np.uint8))
    dealt = Dealt(prepared, chosen, groups, block)
    got, order = np.empty(4 * len(wanted), np.int64), np.empty(len(wanted), np.int64)
    dealt.arrange_all(got, order)
    assert order.tolist() == [i for _, i in wanted]
    assert got.reshape(-1, 4).tolist() == event.reshape(-1, 4)[order].tolist()
    at = 0
    for first, end, count in dealt.slices(40):
        part, rows_of = np.empty(4 * count, np.int64), np.empty(count, np.int64)
        dealt.arrange(first, end, part, rows_of)
        assert rows_of.tolist() == order[at : at + count].tolist()
        at += count
    assert at == len(order)


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=200))
def test_index_finds_every_key_and_no_other(keys: list[int]) -> None:
    every = np.array(keys, np.int64)
    slots, chain = _index(every, np.zeros(len(keys), np.int64))
    for key in set(keys):
        value = find_chain(slots, key)
        first = value >> COUNT_BITS
        assert every[chain[first : first + (value & COUNT_MASK)]].tolist() == [key] * keys.count(
            key
        )
    absent = next(key for key in range(len(keys) + 1) if key not in keys)
    assert find_chain(slots, absent) == 0


def test_a_beat_of_one_byte_on_100_gb_is_arithmetic(tmp_path: Path) -> None:
    book = replace(
        BOOK,
        rule_rum=np.full_like(BOOK.rule_rum, 1),
        alw_rum=np.ones_like(BOOK.alw_rum),
        alw_beat=np.ones_like(BOOK.alw_beat),
        step_beat=np.ones_like(BOOK.step_beat),
        step_per=np.full_like(BOOK.step_per, 2**20),
    )
    data = load_subscribers(write(tmp_path, [line(1)]), book)
    rater = Rater(book, data)
    batch = edr_batch([call(1, at(5), downlink=100 * 10**9) for _ in range(1000)])
    prepared = rater.prepare(batch, plain_keys(batch))
    rater.rate(prepared, rater.open_cycle("2026-10"))
    begin = time.perf_counter()
    rated = rater.rate(prepared, rater.open_cycle("2026-10"))
    assert time.perf_counter() - begin < 1.0  # walking 10**14 beats would take days
    units = rated.table.column("charged_units").to_pylist()
    assert units == [100 * 10**9 - 120, *[100 * 10**9] * 999]
