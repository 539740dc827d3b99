"""Starts commands that are killed, or refused a write, at a moment that is chosen."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.pipeline.crash.child import child

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext
    from multiprocessing.process import BaseProcess

READY = "tests.pipeline.crash.ready"
SOURCE = Path(__file__).with_name("faults.c")
NEVER = -1
COUNT = 0
KILL = 0
"""Only steps count: what makes data or names durable, or moves or removes them."""
FULL = errno.ENOSPC
BROKEN = errno.EIO
LONGEST = 600.0
"""Seconds after which a command hangs; a machine may be busy."""
POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: exit code (negative: a signal), what it said, what was counted.

    Attributes:
        calls: Calls that change files; any of them may be refused.
        steps: Those that a kill may hit, counted where kills or nothing is asked for.
    """

    code: int
    told: str
    calls: int
    steps: int

    @property
    def killed(self) -> bool:
        """Returns whether it was killed."""
        return self.code == -signal.SIGKILL

    @property
    def failed(self) -> bool:
        """Returns whether something could not be done: it ended, or `watch` told it."""
        return self.code != 0 or '"batch_failed"' in self.told


@lru_cache(maxsize=1)
def library() -> Path | None:
    """Returns the compiled library of faults, None where there is no compiler."""
    target = Path(tempfile.mkdtemp(prefix="huadan-faults-")) / "faults.so"
    try:
        subprocess.run(
            ["/usr/bin/cc", "-shared", "-fPIC", "-O2", "-o", target, SOURCE, "-ldl"], check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return target


@lru_cache(maxsize=1)
def context() -> ForkServerContext:
    """Returns the context whose fork server has everything imported; it starts with the first use."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([READY])
    os.environ["LD_PRELOAD"] = str(library() or "")
    try:
        first = made.Process(target=int)
        first.start()
        first.join()
    finally:
        del os.environ["LD_PRELOAD"]
    return made


class Driver(Protocol):
    """Somebody who works beside a command, as people and switches do."""

    def step(self, told: str) -> int | None:
        """Does what is due, given what the command has said; returns a signal to send to it."""


class Started:
    """A command at work, with somebody beside it if there is a driver."""

    def __init__(
        self,
        root: Path,
        arguments: tuple[str, ...],
        at: int = NEVER,
        error: int = KILL,
        driver: Driver | None = None,
    ) -> None:
        self._driver = driver
        self._told = root.with_name(root.name + ".told")
        self._told.unlink(missing_ok=True)
        made = context().Process(
            target=child, args=(arguments, str(self._told), str(root), at, error)
        )
        made.start()
        self.process: BaseProcess = made

    def work(self, seconds: float) -> None:
        """Lets it work for so long, or to its end."""
        if self._driver is None:
            self.process.join(seconds)
            return
        end = time.monotonic() + seconds
        while self.process.is_alive() and time.monotonic() < end:
            number = self._driver.step(self._text())
            if number is not None and self.process.pid is not None:
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(self.process.pid, number)
            self.process.join(POLL_SECONDS)

    def finish(self) -> Outcome:
        """Waits for the end."""
        self.work(LONGEST)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            message = f"hangs; it said: {self._text()}"
            raise TimeoutError(message)
        calls = self._told.with_name(self._told.name + ".calls")
        counted = calls.read_text(encoding="ascii") if calls.exists() else "0 0"
        calls.unlink(missing_ok=True)
        code = self.process.exitcode
        return Outcome(
            -1 if code is None else code, self._text(), *(int(count) for count in counted.split())
        )

    def _text(self) -> str:
        return self._told.read_text(encoding="utf-8") if self._told.exists() else ""
