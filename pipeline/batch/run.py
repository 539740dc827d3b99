"""``huadan run``: everything that has arrived becomes one batch, or nothing does.

Light to import: a run that finds nothing new, and ``huadan collect``, need not know how to decode or rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.batch.early import Early
from pipeline.batch.stopwatch import Stopwatch
from pipeline.batch.waiting import kept
from pipeline.collection.collect import look, release, still_new, take
from pipeline.collection.sources import opened
from pipeline.commit import recover
from pipeline.config.load import load_config
from pipeline.high_usage.earlier import Earlier
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.progress import Silent
from pipeline.upkeep.sequences import rings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collectors.source import Source
    from mediation.key_store import Day
    from pipeline.batch.result import RunResult
    from pipeline.collection.collect import Found
    from pipeline.config.load import Config
    from pipeline.progress import Listener
    from pipeline.workspace import Workspace
    from rating.engine import Rater


@dataclass(frozen=True, slots=True)
class Engine:
    """What the batches of one process share."""

    config: Config
    sources: Sequence[Source]
    loading: Early[Rater]
    key_days: dict[int, Day] = field(default_factory=dict)
    earlier: Earlier = field(default_factory=Earlier)


def run(
    workspace: Workspace,
    *,
    threads: int | None = None,
    flush_partials: bool = False,
    listener: Listener | None = None,
    on_start: Callable[[Ledger], None] = lambda _: None,
    on_end: Callable[[Ledger, RunResult], None] = lambda _, __: None,
) -> RunResult:
    """Takes what has arrived through the whole chain and commits it as one batch.

    Args:
        workspace: Where.
        threads: Worker threads; as configured if None. The bytes do not depend on it.
        flush_partials: Rate the parts of calls that wait, as if no more of them would come.
        listener: Hears about progress.
        on_start: Called before work that changes something, inside the lock.
        on_end: Called with the result of such work, inside the lock.

    Raises:
        HuadanError: and the errors of broken books, subscribers or configuration; see ``known.py``.
    """
    config = load_config(workspace)
    with opened(config, workspace.root) as sources:
        engine = Engine(config, sources, Early(lambda: _load(workspace, config)))
        return run_batch(
            workspace,
            engine,
            threads=threads,
            flush_partials=flush_partials,
            listener=listener,
            on_start=on_start,
            on_end=on_end,
        )


def run_batch(
    workspace: Workspace,
    engine: Engine,
    *,
    command: str = "run",
    found: Found | None = None,
    threads: int | None = None,
    flush_partials: bool = False,
    listener: Listener | None = None,
    on_start: Callable[[Ledger], None] = lambda _: None,
    on_end: Callable[[Ledger, RunResult], None] = lambda _, __: None,
) -> RunResult:
    """Does what :func:`run` does, with what is loaded; `found` tells what to take, if not all."""
    watch = Stopwatch()
    threads = threads or engine.config.threads
    listener = listener or Silent()
    with locked(workspace.lock_file, command), Ledger(workspace.ledger_file) as ledger:
        recovered = tuple(recover(workspace, ledger))
        with watch.stage("collect"):
            offered = look(engine.sources, ledger) if found is None else still_new(found, ledger)
            release(engine.sources, ledger)  # what a killed run had committed
        if offered.new:
            with watch.stage("load"):
                import pipeline.batch.work  # noqa: F401, PLC0415 - a second

            engine.loading.begin()  # while files are hashed and copied
        with watch.stage("collect"):
            collected = take(offered, workspace, ledger, threads, listener)
        files, resent = ledger.waiting(), ledger.waiting_resent()
        if not files and not resent and not (flush_partials and kept(ledger)):
            from pipeline.batch.result import nothing_to_do  # noqa: PLC0415

            return nothing_to_do(tuple(ledger.gaps()), collected, watch.elapsed, recovered)
        ledger.know_rings(rings_of(engine.config))
        on_start(ledger)
        from pipeline.batch.work import Job, work  # noqa: PLC0415 - as above

        job = Job(
            workspace,
            engine.config,
            ledger,
            threads,
            listener,
            watch,
            engine.loading,
            flush_partials,
            engine.key_days,
            engine.earlier,
        )
        result = work(job, collected, files, resent, recovered)
        release(engine.sources, ledger)
        on_end(ledger, result)
        return result


def _load(workspace: Workspace, config: Config) -> Rater:
    """Returns the rater, its imports included."""
    from pipeline.batch.running import load_rater  # noqa: PLC0415

    return load_rater(workspace, config)
