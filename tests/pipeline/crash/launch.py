"""Starts commands that are killed, or refused a write, at a moment that is chosen."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pipeline import crashing

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext
    from multiprocessing.process import BaseProcess

SOURCE = Path(__file__).with_name("faults.c")
NEVER = -1
COUNT = 0
KILL = 0
"""Only steps count: what makes data or names durable, or moves or removes them."""
FULL = errno.ENOSPC
BROKEN = errno.EIO
LONGEST = 120.0
"""Seconds after which a command hangs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: exit code (negative: a signal), what it said, calls that were counted."""

    code: int
    told: str
    calls: int

    @property
    def killed(self) -> bool:
        """Returns whether it was killed."""
        return self.code == -signal.SIGKILL


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
    made.set_forkserver_preload([crashing.__name__])
    os.environ["LD_PRELOAD"] = str(library() or "")
    try:
        first = made.Process(target=int)
        first.start()
        first.join()
    finally:
        del os.environ["LD_PRELOAD"]
    return made


class Started:
    """A command at work."""

    def __init__(
        self, root: Path, arguments: tuple[str, ...], at: int = NEVER, error: int = KILL
    ) -> None:
        self._told = root.with_name(root.name + ".told")
        made = context().Process(
            target=crashing.child, args=(arguments, str(self._told), str(root), at, error)
        )
        made.start()
        self.process: BaseProcess = made

    def finish(self) -> Outcome:
        """Waits for the end."""
        self.process.join(LONGEST)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            message = f"hangs; it said: {self._text()}"
            raise TimeoutError(message)
        calls = self._told.with_name(self._told.name + ".calls")
        count = int(calls.read_text(encoding="ascii")) if calls.exists() else 0
        calls.unlink(missing_ok=True)
        code = self.process.exitcode
        return Outcome(-1 if code is None else code, self._text(), count)

    def _text(self) -> str:
        return self._told.read_text(encoding="utf-8") if self._told.exists() else ""
