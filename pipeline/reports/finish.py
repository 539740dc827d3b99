"""What is written at the end of a command for people and monitors: metrics and the report page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.config.load import load_config
from pipeline.errors import HuadanError
from pipeline.logs import log
from pipeline.reports.metrics import write_metrics

if TYPE_CHECKING:
    from pipeline.batch.result import RunResult
    from pipeline.ledger.store import Ledger
    from pipeline.workspace import Workspace


def finish(workspace: Workspace, ledger: Ledger, result: RunResult | None) -> None:
    """Writes metrics and, after a run, its page; the batch is committed, so a failure is a warning."""
    try:
        config = load_config(workspace)
        write_metrics(workspace, ledger, result, config.suspense.overdue_days)
        if result is not None and result.batch is not None:
            from pipeline.reports.page import batch_page, write_page  # noqa: PLC0415 - polars and jinja

            page = batch_page(workspace, ledger, result.batch, result.time_zone, result)
            write_page(workspace, result.batch, page)
    except (OSError, HuadanError) as error:  # huadan.toml may have been edited meanwhile
        log().warning("no_report", why=str(error))
