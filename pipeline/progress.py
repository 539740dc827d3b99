"""Telling a person how far long work is; silent unless somebody listens."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress


class Listener(Protocol):
    """Hears about progress; called from worker threads."""

    def stage(self, name: str, total: int | None, unit: str) -> None:
        """A stage begins; `total` is None where it is not known."""

    def advance(self, amount: int) -> None:
        """Some of the current stage is done."""


class Silent:
    """Hears nothing."""

    def stage(self, name: str, total: int | None, unit: str) -> None:
        """Does nothing."""

    def advance(self, amount: int) -> None:
        """Does nothing."""


class Bars:
    """Draws a bar per stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = None if progress.finished else progress.add_task("", visible=False)

    def stage(self, name: str, total: int | None, unit: str) -> None:
        """Starts the bar of a stage."""
        self._task = self._progress.add_task(f"{name} ({unit})", total=total)

    def advance(self, amount: int) -> None:
        """Moves the bar."""
        if self._task is not None:
            self._progress.advance(self._task, amount)


@contextmanager
def listening(*, wanted: bool) -> Iterator[Listener]:
    """Gives bars on a terminal's stderr, else a silent listener."""
    import sys  # noqa: PLC0415 - rich is imported only where it is shown

    if not wanted or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        yield Bars(progress)
