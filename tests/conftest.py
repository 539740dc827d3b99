"""What holds for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis.internal.conjecture import engine

if TYPE_CHECKING:
    import pytest

SHRINKING_S = 60
"""Seconds for making a failing example smaller: hypothesis's own 300 are as long as a test may
take (`timeout` in pyproject.toml), so that a failure would look like a hang, without its example."""


def pytest_configure(config: pytest.Config) -> None:
    if float(config.getini("timeout")) < 3 * SHRINKING_S:
        message = (
            f"timeout: a failing property shrinks for {SHRINKING_S} s; leave it three times that"
        )
        raise ValueError(message)
    engine.MAX_SHRINKING_SECONDS = SHRINKING_S
