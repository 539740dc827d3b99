"""``huadan watch``: stays, and makes batches of files as they become ready."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.errors import SourceError
from mediation import formats
from pipeline.batch.memory import give_back
from pipeline.collection.collect import Found, sort_out
from pipeline.collection.log import CollectionLog
from pipeline.errors import HuadanError, LockedError
from pipeline.known import exit_code_of
from pipeline.ledger.store import Ledger
from pipeline.logs import log
from pipeline.operate import operate_batch
from pipeline.reports.metrics import FILE_NAME, write_metrics
from pipeline.upkeep.damage import damage_behind
from pipeline.watch.loaded import Loaded, Reload
from pipeline.watch.looking import FolderEvents, Looker
from pipeline.watch.metrics import Health, WatchMetrics

if TYPE_CHECKING:
    from collectors.model import Offer
    from collectors.source import Look, Source
    from pipeline.batch.result import RunResult
    from pipeline.workspace import Workspace

TICK_SECONDS = 0.2
"""How often the loop looks up when nobody wakes it."""
FILES_SECONDS = 1.0
"""How often the files that people edit are looked at."""
METRICS_SECONDS = 10.0
"""Between metrics of what is committed: they are sums over all batches, so not with every one."""
METRICS_SHARE = 20
"""They may take one part of so many of the time: after a million batches a sum takes seconds."""
LONGEST_PAUSE = 60.0
"""Between tries of a batch that fails."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A complete file that waits for its batch."""

    source: Source
    offer: Offer
    since: float


class Watch:
    """The loop. Signals only set flags; everything is done between batches, by one thread.

    The workspace is locked for a batch only, so that `bill`, `suspense` and the others can work in
    between; what they committed is seen by the next batch.
    """

    def __init__(self, workspace: Workspace, loaded: Loaded, threads: int | None = None) -> None:
        self._workspace = workspace
        self._threads = threads
        self.metrics = WatchMetrics(workspace.reports / FILE_NAME)
        self.health = Health()
        self._stop = self._asked = False
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._ready: dict[tuple[str, str, int, int], Ready] = {}
        self._archived = True  # something may wait in the archive already
        self._failures = 0
        self._not_before = 0.0
        self._next_look = 0.0
        self._next_files = 0.0
        self._next_metrics = 0.0
        self._last: RunResult | None = None
        self._begin(loaded)
        self._reload = Reload(workspace, loaded.seen)

    def stop(self) -> None:
        """Ends the loop after the batch in hand. May be called by a signal handler."""
        self._stop = True
        self._wake.put(None)

    def reload(self) -> None:
        """Loads configuration and book anew. May be called by a signal handler."""
        self._asked = True
        self._wake.put(None)

    def run(self) -> None:
        """Works until :meth:`stop`."""
        try:
            while not self._stop:
                self._pause()
                self.health.beat = time.monotonic()
                self._look_at_files()
                self._gather()
                if not self._stop and self._due():
                    self._batch()
                self._write_metrics(now=False)
            self._write_metrics(now=True)
        finally:
            self.close()

    def close(self) -> None:
        """Ends threads and connections."""
        self._reload.stop()
        self._end()

    def _begin(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._engine = loaded.engine(self._workspace.root)
        watch = loaded.config.watch
        seconds = {source.name: source.every_seconds for source in loaded.config.source}
        self._lookers = [
            Looker(source, seconds[source.name] or watch.scan_seconds, lambda: self._wake.put(None))
            for source in self._engine.sources
        ]
        self._events = FolderEvents(self._lookers)

    def _end(self) -> None:
        self._events.stop()
        for looker in self._lookers:
            looker.stop()
            looker.source.close()

    def _pause(self) -> None:
        try:
            self._wake.get(timeout=TICK_SECONDS)
            while True:
                self._wake.get_nowait()
        except queue.Empty:
            return

    # What people edit

    def _look_at_files(self) -> None:
        now = time.monotonic()
        if self._asked or now >= self._next_files:
            self._next_files = now + FILES_SECONDS
            asked, self._asked = self._asked, False
            self._reload.look(self._loaded.config, asked=asked)
        fresh = self._reload.take()
        if fresh is None:
            return
        if isinstance(fresh, Exception):
            self.metrics.reloads.labels("refused").inc()
            self.metrics.book_current.set(0)
            self.health.trouble("reload", f"an older book is in use: {fresh}")
            log().error("reload_refused", why=str(fresh))
            return
        self._end()
        self._ready.clear()
        self._forget_sources(fresh)
        formats.forget()
        self._begin(fresh)
        self.metrics.reloads.labels("done").inc()
        self.metrics.book_current.set(1)
        self.health.trouble("reload", None)
        self._not_before = 0.0  # what failed may have been put right
        log().info("reloaded", book=fresh.rater.compiled.digest[:12])

    def _forget_sources(self, fresh: Loaded) -> None:
        """Clears what was told of sources that are no longer configured; nobody looks at them."""
        stay = {source.name for source in fresh.config.source}
        for source in self._engine.sources:
            if source.name not in stay:
                self.health.trouble(f"source {source.name}", None)
                self.metrics.forget_source(source.name)

    # What the sources offer

    def _gather(self) -> None:
        seen = [(looker, looker.latest()) for looker in self._lookers]
        news = [(looker, look) for looker, look in seen if look is not None]
        if news and time.monotonic() >= self._next_look:
            try:
                self._sort_out([(looker.source, look) for looker, look in news])
                news = []
            except HuadanError as error:
                self._failed(error)
                self._next_look = self._not_before
        for looker, look in news:  # later: the next look may be minutes away
            looker.keep(look)
        self._measure()

    def _sort_out(self, news: list[tuple[Source, Look | SourceError]]) -> None:
        now = time.monotonic()
        with Ledger(self._workspace.ledger_file) as ledger:
            journal = CollectionLog(ledger)
            for source, look in news:
                failed = isinstance(look, SourceError)
                self.metrics.source_up.labels(source.name).set(not failed)
                topic = f"source {source.name}"
                if isinstance(look, SourceError):
                    if self.health.trouble(topic, look.what):
                        log().error("source_failed", source=source.name, why=look.what)
                    continue
                if self.health.trouble(topic, None):
                    log().info("source_answers_again", source=source.name)
                offers = sort_out(source, look, journal)
                before = {key: one for key, one in self._ready.items() if key[0] == source.name}
                for key in before:
                    del self._ready[key]
                for offer in offers:
                    key = (offer.source, offer.name, offer.size, offer.mtime_ns)
                    self._ready[key] = before.get(key) or Ready(source, offer, now)
            self._archived = bool(
                ledger.rows("SELECT 1 FROM files WHERE state = 'taken' LIMIT 1")
            ) or bool(journal.due())
        if not self._archived and not self._ready:  # another command has done what failed here
            self.health.trouble("batch", None)
            self.health.trouble("lock", None)
            self._failures = 0

    def _measure(self) -> None:
        ready = self._ready.values()
        self.metrics.ready.set(len(ready))
        self.metrics.ready_bytes.set(sum(one.offer.size for one in ready))
        oldest = min((one.since for one in ready), default=time.monotonic())
        self.metrics.waiting_since.set(time.monotonic() - oldest)

    # Batches

    def _due(self) -> bool:
        """Returns whether it is time for a batch: enough files, enough bytes, or enough waited."""
        now = time.monotonic()
        if now < self._not_before:
            return False
        if self._archived:
            return True
        if not self._ready:
            return False
        watch = self._loaded.config.watch
        ready = self._ready.values()
        return (
            len(ready) >= watch.batch_files
            or sum(one.offer.size for one in ready) >= watch.batch_megabytes * 1_000_000
            or now - min(one.since for one in ready) >= watch.batch_seconds
        )

    def _chosen(self) -> list[Ready]:
        """Returns the files of the next batch: those that have waited longest, up to the limits.

        What a batch that was killed or failed has taken makes a batch of its own, as it would have.
        """
        if self._archived:
            return []
        watch = self._loaded.config.watch
        room = watch.batch_megabytes * 1_000_000
        chosen: list[Ready] = []
        for one in sorted(self._ready.values(), key=lambda one: one.since):
            room -= one.offer.size
            if len(chosen) == watch.batch_files or (chosen and room < 0):
                break
            chosen.append(one)
        return chosen

    def _batch(self) -> None:
        chosen = self._chosen()
        found = Found([(one.source, one.offer) for one in chosen])
        try:
            result = operate_batch(
                self._workspace, self._engine, found=found, threads=self._threads
            )
        except LockedError as error:
            self._not_before = time.monotonic() + TICK_SECONDS
            if self.health.trouble("lock", error.message):
                log().info("waiting_for_lock", why=error.message)
            return
        except Exception as error:
            damage = damage_behind(self._workspace, error)
            if (
                damage is None
                and not isinstance(error, HuadanError)
                and exit_code_of(error) is None
            ):
                raise
            self._failed(damage or error)
            return
        self.health.trouble("lock", None)
        self._archived = False
        if chosen or result.batch is not None or not self._ready:
            self.health.trouble("batch", None)
            self._failures = 0
        else:  # nothing was left in the archive
            self._wake.put(None)
        refused = bool(result.refused)
        for one in chosen:
            key = (one.offer.source, one.offer.name, one.offer.size, one.offer.mtime_ns)
            self._ready.pop(key, None)
        if result.batch is not None:
            now = time.monotonic()
            self._last = result
            self.metrics.seconds.observe(result.seconds)
            for one in chosen:
                self.metrics.latency.observe(now - one.since)
        if refused:  # files that could not be taken: not at once again
            self._not_before = time.monotonic() + self._loaded.config.watch.scan_seconds

    def _write_metrics(self, *, now: bool) -> None:
        """Writes the metrics of what is committed, if there is news and it is time."""
        if self._last is None or not (now or time.monotonic() >= self._next_metrics):
            return
        result, self._last = self._last, None
        begin = time.monotonic()
        days = self._loaded.config.suspense.overdue_days
        try:
            with Ledger(self._workspace.ledger_file) as ledger:
                write_metrics(self._workspace, ledger, result, days)
            give_back()
        except (OSError, HuadanError) as error:
            log().warning("no_metrics", why=str(error))
        end = time.monotonic()
        self._next_metrics = end + max(METRICS_SECONDS, METRICS_SHARE * (end - begin))

    def _failed(self, error: Exception) -> None:
        """Notes a batch that could not be done; it is tried again, later each time."""
        self._failures += 1
        self._archived = True
        self.metrics.failures.inc()
        pause = min(LONGEST_PAUSE, 2.0 ** (self._failures - 1))
        self._not_before = time.monotonic() + pause
        self.health.trouble("batch", str(error))
        log().error("batch_failed", why=str(error), failures=self._failures, again_in_s=pause)
