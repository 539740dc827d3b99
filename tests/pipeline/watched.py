"""`huadan watch` as a real process, for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

from pipeline.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.workspace import Workspace

PROJECT = Path(__file__).resolve().parents[2]
LONG = 120.0


class Watched:
    """One process; `log` is what it has said."""

    def __init__(self, workspace: Workspace, name: str, *options: str) -> None:
        self.workspace = workspace
        self._log = workspace.root / f"{name}.log"
        command = [sys.executable, "-m", "pipeline", "watch", "-w", str(workspace.root)]
        command += ["--port", "0", "--threads", "2", "--log-level", "info"]
        self.process = subprocess.Popen(
            [*command, "--log-file", str(self._log), *options],
            cwd=PROJECT,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def log(self) -> list[dict[str, Any]]:
        """Returns the events so far."""
        if not self._log.exists():
            return []
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Returns the events of a kind."""
        return [one for one in self.log if one["event"] == event]

    def until(self, condition: Callable[[], bool], seconds: float = LONG) -> None:
        """Waits until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)

    def until_said(self, event: str, times: int = 1) -> dict[str, Any]:
        """Waits for an event."""
        self.until(lambda: len(self.said(event)) >= times)
        return self.said(event)[times - 1]

    def page(self, path: str) -> tuple[int, str]:
        """Returns status and text of a page."""
        place = self.until_said("watching")["pages"]
        try:
            with urlopen(place + path, timeout=10) as answer:  # noqa: S310 - our own
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """Returns the value of a metric, 0 if it is not there."""
        for line in self.page("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return 0.0

    def send(self, number: int) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ends the process; returns its code and what it wrote to stderr."""
        if self.process.poll() is None:
            self.send(number)
        _, errors = self.process.communicate(timeout=LONG)
        return self.process.returncode, errors


def committed(workspace: Workspace) -> int:
    """Returns how many files are committed."""
    if not workspace.ledger_file.exists():
        return 0
    with Ledger(workspace.ledger_file) as ledger:
        return len(ledger.files("committed"))


def open_files(process: int) -> int:
    """Returns how many file descriptors a process holds."""
    return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208 - names only


def resident_bytes(process: int) -> int:
    """Returns the resident memory of a process."""
    text = Path(f"/proc/{process}/statm").read_text(encoding="utf-8")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")
