"""Configuration, book and subscribers of `watch`: loaded once, and again when they change."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mediation import formats
from pipeline.batch.early import Early
from pipeline.batch.run import Engine
from pipeline.batch.running import load_rater
from pipeline.collection.sources import sources_of
from pipeline.config.load import load_config
from pipeline.errors import HuadanError
from pipeline.known import exit_code_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.config.load import Config
    from pipeline.workspace import Workspace
    from rating.engine import Rater

Print = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """One state of what people edit, sound as a whole."""

    config: Config
    rater: Rater
    seen: Print
    """The files as they were before they were read: what is edited meanwhile is news."""

    def engine(self, root: Path) -> Engine:
        """Returns what batches work with; the sources are new and not connected yet."""
        loading: Early[Rater] = Early(lambda: self.rater)
        return Engine(self.config, sources_of(self.config, root), loading)


def load(workspace: Workspace) -> Loaded:
    """Loads everything.

    Raises:
        HuadanError: and the errors of broken books and subscribers; see ``known.py``.
    """
    config = load_config(workspace)
    seen = fingerprint(workspace, config)
    for name in sorted({source.format for source in config.source if source.format}):
        formats.read(name)  # a broken one is told here; batches go on with what is ready
    return Loaded(config, load_rater(workspace, config), seen)


def fingerprint(workspace: Workspace, config: Config) -> Print:
    """Returns names, sizes and times of all files that people edit."""
    paths = config.paths
    roots = [workspace.config_file.name, paths.book, paths.subscribers, paths.validation]
    roots += [paths.formats or "formats", paths.time_zones]
    found = []
    for name in roots:
        place = workspace.root / name
        if not name or not place.exists():
            continue
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            try:
                stat = path.stat()
            except OSError:  # an editor is at work; it is seen again
                continue
            found.append((str(path), stat.st_size, stat.st_mtime_ns))
    return tuple(found)


class Reload:
    """Loads anew beside the work, when the files have changed and are quiet, or when asked to."""

    def __init__(self, workspace: Workspace, seen: Print) -> None:
        self._workspace = workspace
        self._tried = self._seen = seen
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reload")
        self._future: Future[Loaded] | None = None

    def look(self, config: Config, *, asked: bool) -> None:
        """Begins to load if there is something new; changed files must rest from look to look."""
        if self._future is not None:
            return
        now = fingerprint(self._workspace, config)
        if asked or (now != self._tried and now == self._seen):
            self._tried = now
            self._future = self._pool.submit(load, self._workspace)
        self._seen = now

    def take(self) -> Loaded | Exception | None:
        """Returns what was loaded, or why it cannot be, once; None while there is nothing new.

        Raises:
            Exception: loading failed in a way that is no mistake in somebody's files.
        """
        if self._future is None or not self._future.done():
            return None
        future, self._future = self._future, None
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, HuadanError) or exit_code_of(error) is not None:
            return error  # type: ignore[return-value] # known errors are Exceptions
        raise error

    def stop(self) -> None:
        """Waits for a load in hand and forgets it."""
        self._pool.shutdown(wait=True, cancel_futures=True)
