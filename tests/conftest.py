"""What holds for all tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis.internal.conjecture import engine

if TYPE_CHECKING:
    import pytest
    from _pytest.terminal import TerminalReporter

SHRINKING_S = 60
"""Seconds for making a failing example smaller: hypothesis's own 300 are as long as a test may
take (`timeout` in pyproject.toml), so that a failure would look like a hang, without its example."""

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there
ROOM = 4 << 30
"""Octets that must be free there: on most machines there are many more, in containers 64 MB."""


class Teller:
    """Says at once what failed: a run that is stopped from outside never gets to its summary."""

    def __init__(self, terminal: TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.ensure_newline()
            self._terminal.write_line(f"FAILED {report.nodeid} ({report.when})")
            self._terminal.write_line(report.longreprtext)


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


def pytest_sessionstart(session: pytest.Session) -> None:
    plugins = session.config.pluginmanager
    terminal = plugins.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(session.config, "workerinput"):
        plugins.register(Teller(terminal))
