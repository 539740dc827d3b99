"""What holds for all tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis.internal.conjecture import engine

if TYPE_CHECKING:
    import pytest

SHRINKING_S = 60
"""Seconds for making a failing example smaller: hypothesis's own 300 are as long as a test may
take (`timeout` in pyproject.toml), so that a failure would look like a hang, without its example."""

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there
ROOM = 4 << 30
"""Octets that must be free there: on most machines there are many more, in containers 64 MB."""


def pytest_configure(config: pytest.Config) -> None:
    # In memory an fsync costs nothing; a run and a bill do 250 of them, of 2 to 10 ms on a disk.
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if float(config.getini("timeout")) < 3 * SHRINKING_S:
        message = (
            f"timeout: a failing property shrinks for {SHRINKING_S} s; leave it three times that"
        )
        raise ValueError(message)
    engine.MAX_SHRINKING_SECONDS = SHRINKING_S
