"""Suspense rows carry place, reason and octets."""

from __future__ import annotations

import numpy as np
import pytest

from mediation.edr import SUSPENSE_SCHEMA
from mediation.suspense import RAW_LIMIT, Suspects, suspense_batch

DATA = np.arange(256, dtype=np.uint8).repeat(400)


def places(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_rows() -> None:
    found = suspense_batch(
        DATA,
        Suspects("ab", places(3, 800), places(2, 100_000), "decode", ["truncated", "bad_tag"]),
    )
    assert found.schema == SUSPENSE_SCHEMA
    first, second = found.to_pylist()
    assert first["raw"] == b"\0\0"
    assert (first["offset"], first["fault_offset"], first["attempts"]) == (3, 3, 0)
    assert (first["stage"], first["reason"], first["state"]) == ("decode", "truncated", "suspended")
    assert first["detail"] is None
    assert second["length"] == 100_000
    assert len(second["raw"]) == RAW_LIMIT


def test_no_rows() -> None:
    assert suspense_batch(DATA, Suspects("ab", places(), places(), "frame", [])).num_rows == 0


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not one of frame, decode"):
        suspense_batch(DATA, Suspects("ab", places(0), places(1), "decoding", ["x"]))
    with pytest.raises(ValueError, match="reason has 2 values for 1 records"):
        suspense_batch(DATA, Suspects("ab", places(0), places(1), "decode", ["x", "y"]))
