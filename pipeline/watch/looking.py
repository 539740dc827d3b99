"""One thread per source that looks again and again, so that a slow server delays nobody else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from collectors.errors import SourceError
from collectors.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collectors.source import Look, Source

ENOUGH_SECONDS = 0.05
"""After an event of a folder: how long to let more of them come before looking."""


class Looker:
    """Looks at one source every so many seconds, and at once when it is woken."""

    def __init__(self, source: Source, every_seconds: float, tell: Callable[[], None]) -> None:
        self.source = source
        self._every = every_seconds
        self._tell = tell
        self._wake = threading.Event()
        self._stop = False
        self._lock = threading.Lock()
        self._latest: Look | SourceError | None = None
        self._thread = threading.Thread(target=self._run, name=f"look-{source.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Looks soon."""
        self._wake.set()

    def latest(self) -> Look | SourceError | None:
        """Returns what was seen since the last call, None if there was no look."""
        with self._lock:
            seen, self._latest = self._latest, None
        return seen

    def keep(self, seen: Look | SourceError) -> None:
        """Takes back what was seen, for the next call of :meth:`latest`, if there is nothing newer."""
        with self._lock:
            self._latest = self._latest or seen

    def stop(self) -> None:
        """Looks no more; a look in hand ends by itself."""
        self._stop = True
        self._wake.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stop:
            self._wake.clear()  # before the look: what comes during it is looked at again
            seen: Look | SourceError
            try:
                seen = self.source.look()
            except SourceError as error:
                seen = error
            with self._lock:
                self._latest = seen
            self._tell()
            if self._wake.wait(self._every) and not self._stop:
                threading.Event().wait(ENOUGH_SECONDS)


class FolderEvents:
    """Wakes lookers when something happens in a local folder.

    Only a wake-up: events get lost, so the periodic look is what counts.
    """

    def __init__(self, lookers: Sequence[Looker]) -> None:
        from watchdog.events import (  # noqa: PLC0415 - only for watch
            FileClosedEvent,
            FileMovedEvent,
            FileSystemEventHandler,
        )
        from watchdog.observers import Observer  # noqa: PLC0415 - only for watch

        class Wake(FileSystemEventHandler):
            def __init__(self, looker: Looker) -> None:
                self._looker = looker

            def on_closed(self, event: FileClosedEvent) -> None:
                del event
                self._looker.wake()

            def on_moved(self, event: FileMovedEvent) -> None:  # type: ignore[override]
                del event
                self._looker.wake()

        self._observer = Observer()
        for looker in lookers:
            store = looker.source.store
            if isinstance(store, LocalStore) and store.folder.is_dir():
                self._observer.schedule(Wake(looker), str(store.folder), recursive=True)
        self._observer.start()

    def stop(self) -> None:
        """Gives the file system's watches back."""
        self._observer.stop()
        self._observer.join(timeout=2.0)
