"""Runs and bill runs as operations see them: noted in the ledger, logged, measured."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.batch.memory import keep_freed, rare_collections
from pipeline.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.batch.result import RunResult
    from pipeline.batch.run import Engine
    from pipeline.billing.bill import BillResult
    from pipeline.collection.collect import Found
    from pipeline.ledger.store import Ledger
    from pipeline.progress import Listener
    from pipeline.suspense.journal import Filter
    from pipeline.suspense.recycle import RecycleResult
    from pipeline.workspace import Workspace


def now() -> str:
    """Returns the wall clock, for people; nothing that is published depends on it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def operate_run(
    workspace: Workspace,
    *,
    threads: int | None = None,
    flush_partials: bool = False,
    listener: Listener | None = None,
) -> RunResult:
    """Does one batch; see :func:`pipeline.batch.run.run`."""
    keep_freed()
    start, end = _noted(workspace, "run")
    with rare_collections():
        from pipeline.batch.run import run  # noqa: PLC0415 - only where it is asked for

        return run(
            workspace,
            threads=threads,
            flush_partials=flush_partials,
            listener=listener,
            on_start=start,
            on_end=end,
        )


def operate_batch(
    workspace: Workspace, engine: Engine, *, found: Found, threads: int | None
) -> RunResult:
    """Does one batch of `watch`; see :func:`pipeline.batch.run.run_batch`."""
    from pipeline.batch.run import run_batch  # noqa: PLC0415 - as in operate_run

    start, end = _noted(workspace, "watch")
    with rare_collections():
        return run_batch(
            workspace,
            engine,
            command="watch",
            found=found,
            threads=threads,
            on_start=start,
            on_end=end,
        )


def _noted(
    workspace: Workspace, command: str
) -> tuple[Callable[[Ledger], None], Callable[[Ledger, RunResult], None]]:
    """Returns what to call where a batch begins and where it ends."""
    noted: list[int] = []

    def start(ledger: Ledger) -> None:
        noted.append(ledger.start_run(command, now()))

    def end(ledger: Ledger, result: RunResult) -> None:
        ledger.finish_run(noted[0], now(), int(result.exit_code), _batch_id(ledger, result.batch))
        if command == "run":  # `watch` writes metrics now and then, and no page per batch
            from pipeline.reports.finish import finish  # noqa: PLC0415 - only where a run ends

            finish(workspace, ledger, result)
        log().info(
            "run_finished" if command == "run" else "batch_finished",
            batch=result.batch,
            files=result.files,
            records=result.read,
            destinations=result.destinations,
            seconds=round(result.seconds, 3),
            exit_code=int(result.exit_code),
        )

    return start, end


def operate_bill(
    workspace: Workspace,
    cycle: str | None = None,
    *,
    threads: int | None = None,
    listener: Listener | None = None,
) -> BillResult:
    """Bills a cycle; see :func:`pipeline.billing.bill.bill`."""
    from pipeline.billing.bill import bill  # noqa: PLC0415 - only where it is asked for

    noted: list[int] = []

    def start(ledger: Ledger) -> None:
        noted.append(ledger.start_run("bill", now()))

    def end(ledger: Ledger, result: BillResult) -> None:
        ledger.finish_run(noted[0], now(), 0, _batch_id(ledger, result.batch))
        log().info("bill_finished", batch=result.batch, cycle=result.cycle, **result.summary)

    with rare_collections():
        return bill(
            workspace, cycle, threads=threads, listener=listener, on_start=start, on_end=end
        )


def operate_recycle(
    workspace: Workspace,
    wanted: Filter | None = None,
    *,
    again: bool = False,
    listener: Listener | None = None,
) -> RecycleResult:
    """Recycles items of suspense; see :func:`pipeline.suspense.recycle.recycle`."""
    with rare_collections():
        from pipeline.reports.finish import finish  # noqa: PLC0415 - only where it is asked for
        from pipeline.suspense.recycle import recycle  # noqa: PLC0415

    noted: list[int] = []

    def start(ledger: Ledger) -> None:
        noted.append(ledger.start_run("suspense recycle", now()))

    def end(ledger: Ledger, result: RecycleResult) -> None:
        ledger.finish_run(noted[0], now(), 0, _batch_id(ledger, result.batch))
        finish(workspace, ledger, None)
        log().info("recycled", batch=result.batch, taken=result.taken, items=result.items)

    with rare_collections():
        return recycle(
            workspace, wanted, again=again, listener=listener, on_start=start, on_end=end
        )


def operate_write_off(workspace: Workspace, wanted: Filter, reason: str) -> tuple[str | None, int]:
    """Writes items of suspense off; see :func:`pipeline.suspense.write_off.write_off`."""
    from pipeline.reports.finish import finish  # noqa: PLC0415 - only where it is asked for
    from pipeline.suspense.write_off import write_off  # noqa: PLC0415

    noted: list[int] = []

    def start(ledger: Ledger) -> None:
        noted.append(ledger.start_run("suspense write-off", now()))

    def end(ledger: Ledger, batch: str | None) -> None:
        ledger.finish_run(noted[0], now(), 0, _batch_id(ledger, batch))
        finish(workspace, ledger, None)
        log().info("written_off", batch=batch, reason=reason)

    return write_off(workspace, wanted, reason, on_start=start, on_end=end)


def _batch_id(ledger: Ledger, name: str | None) -> int | None:
    batch = None if name is None else ledger.batch_named(name)
    return None if batch is None else batch.id
