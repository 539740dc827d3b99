"""Memory that is handed out is used again when nothing refers to it any more, and never before."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rating.room import ROUND, Reused


def test_memory_comes_back_when_the_last_array_is_gone() -> None:
    pool = Reused()
    first = pool.block(100).array(4, np.int64)
    where = first.ctypes.data
    first[:] = 7
    column = pa.array(first)  # nothing is copied
    del first
    other = pool.block(100).array(4, np.int64)
    other[:] = 9
    assert column.to_pylist() == [7, 7, 7, 7]
    part = column.slice(2)
    del column
    assert pool.block(100).array(4, np.int64).ctypes.data != where
    del part
    assert pool.block(100).array(4, np.int64).ctypes.data == where


def test_a_block_in_use_is_not_lent_twice() -> None:
    pool = Reused()
    blocks = [pool.block(64) for _ in range(3)]
    arrays = [block.array(1, np.int64) for block in blocks]
    assert len({array.ctypes.data for array in arrays}) == 3


def test_larger_memory_takes_the_place_of_what_is_free() -> None:
    pool = Reused()
    pool.block(64)
    large = pool.block(2 * ROUND - 64).array(ROUND // 8, np.int64)
    assert large.nbytes == ROUND
    del large
    small = pool.block(64).array(1, np.int64)
    again = pool.block(64).array(1, np.int64)
    assert abs(small.ctypes.data - again.ctypes.data) >= ROUND
