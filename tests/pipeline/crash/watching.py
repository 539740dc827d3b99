"""What happens beside `huadan watch` while it is disturbed: a book is edited, files arrive."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATER = "later"
"""Beside the workspace: what arrives for the second batch."""
BATCHES = 2
EDITED = ("cap, amount: 200.00", "cap, amount: 7.00")
"""In a plan: what the second batch is rated with."""


class Visitor:
    """Edits the book and sends SIGHUP after the first batch, delivers files, ends the watch.

    What it does depends on what is committed alone, so that it goes on where a killed one was.

    Args:
        root: The workspace.
        full: The disk stays full: a batch that failed ends the watch.
    """

    def __init__(self, root: Path, *, full: bool = False) -> None:
        self._root = root
        self._full = full
        self._done = _count(root, "batches")
        self._steps = self._story()
        self._told = ""

    def step(self, told: str) -> int | None:
        """Returns the signal that is due now, given what the watch has said so far."""
        self._told = told
        if self._full and '"batch_failed"' in told:
            return signal.SIGTERM
        return next(self._steps, None)

    def _story(self) -> Iterator[int | None]:
        while '"watching"' not in self._told:
            yield None
        if self._done < BATCHES:
            while self._batches() < 1:
                yield None
            edit(self._root)
            yield signal.SIGHUP
            while '"reloaded"' not in self._told:
                yield None
            deliver_later(self._root)
        # A batch that was committed and not published is published by the next pass.
        while self._batches() < BATCHES or self._unfinished():
            yield None
        yield signal.SIGTERM

    def _batches(self) -> int:
        # One that was committed and not published in time is finished by recovery, and one that was
        # published when something failed is never told as finished.
        otherwise = '"recovered"' in self._told or '"batch_failed"' in self._told
        recovered = _count(self._root, "batches") if otherwise else 0
        return max(recovered, self._done + self._told.count('"batch_finished"'))

    def _unfinished(self) -> bool:
        # Of a batch that is published, only an empty folder may be left, until the next batch.
        try:
            return any(
                path.is_file()
                for folder in ("staging", "incoming")
                for path in (self._root / folder).rglob("*")
            )
        except FileNotFoundError:  # a folder is just being removed: look again
            return True


def edit(root: Path) -> None:
    """Changes a price, once."""
    plan = root / "book" / "plans" / "easy.yaml"
    text = plan.read_text(encoding="utf-8")
    assert EDITED[0] in text or EDITED[1] in text
    plan.write_text(text.replace(*EDITED), encoding="utf-8")


def deliver_later(root: Path) -> None:
    """Puts the second batch's files into their folders, unless they have been there."""
    for file in sorted(root.with_name(LATER).rglob("*.ber")):
        target = root / "incoming" / file.parent.name / file.name
        if not target.exists() and not _count(root, "arrivals", file.name):
            shutil.copy2(file, target.with_suffix(".part"))
            target.with_suffix(".part").rename(target)


def _count(root: Path, table: str, name: str | None = None) -> int:
    """Returns how many rows a table of the ledger has, of a name if there is one; 0 without it."""
    if not (root / "ledger.sqlite").exists():
        return 0
    with closing(sqlite3.connect(root / "ledger.sqlite")) as ledger:
        try:
            (count,) = ledger.execute(
                f"SELECT count(*) FROM {table} WHERE ?1 IS NULL OR name = ?1",  # noqa: S608 - fixed names
                (name,),
            ).fetchone()
        except sqlite3.OperationalError:  # killed before there were tables
            return 0
    return int(count)
