"""Where everything is in a workspace folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import LedgerError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_NAME = "huadan.toml"

PUBLISHED = (
    "alarms",
    "audit",
    "balances",
    "billed",
    "calls",
    "corrected",
    "duplicates",
    "edr",
    "keys",
    "rated",
    "settlement",
    "state",
    "suspense",
    "usage",
    "waiting",
    "withdrawn",
)
"""Folders that hold what batches publish, and nothing else."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One folder: configuration, ledger, originals, and everything that was published."""

    root: Path

    @property
    def config_file(self) -> Path:
        """Returns the configuration file."""
        return self.root / CONFIG_NAME

    @property
    def ledger_file(self) -> Path:
        """Returns the ledger's database."""
        return self.root / "ledger.sqlite"

    @property
    def lock_file(self) -> Path:
        """Returns the file whose lock says that a command works here."""
        return self.root / ".lock"

    @property
    def watch_lock_file(self) -> Path:
        """Returns the file whose lock says that a `watch` stays here."""
        return self.root / ".lock-watch"

    @property
    def archive(self) -> Path:
        """Returns the folder of originals."""
        return self.root / "archive"

    @property
    def staging(self) -> Path:
        """Returns the folder of what is not committed yet."""
        return self.root / "staging"

    @property
    def reports(self) -> Path:
        """Returns the folder of pages and metrics for people."""
        return self.root / "reports"

    def require(self) -> None:
        """Raises UsageError unless this is a workspace, LedgerError where its ledger is gone."""
        if not self.config_file.is_file():
            message = f"{self.root} is not a workspace: it has no {CONFIG_NAME}"
            raise UsageError(message, "make one with `huadan init FOLDER`, or give --workspace")
        require_ledger(self.ledger_file)


def require_ledger(file: Path) -> None:
    """Raises LedgerError if a ledger is gone or empty, but what it published is there.

    A new ledger would take all files again, and readers would find records of both.
    """
    if file.exists() and file.stat().st_size:
        return
    held = [name for name in PUBLISHED if any((file.parent / name).rglob("*.parquet"))]
    if held:
        message = f"{file} is gone or empty, but there are published files in {', '.join(held)}"
        hint = "restore it: `huadan restore --help`; to begin anew, move these folders aside"
        raise LedgerError(message, hint)
