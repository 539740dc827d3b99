"""Finds what a report page is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.config.load import load_config
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.reports.page import batch_page, day_page
from tariffs import load_book

if TYPE_CHECKING:
    import datetime as dt

    from pipeline.workspace import Workspace


def report_of(workspace: Workspace, batch: str | None, day: dt.date | None) -> tuple[str, str]:
    """Returns name and text of the page of a batch, of a day, or of the latest batch.

    Raises:
        UsageError: both are asked for, or there is nothing to report.
        tariffs.errors.BookError: the book is broken; it says the time zone.
    """
    if batch is not None and day is not None:
        message = "a report is of a batch or of a day"
        raise UsageError(message, "leave one of them out")
    zone = load_book(workspace.root / load_config(workspace).paths.book).time_zone
    if not workspace.ledger_file.exists():
        message = "no batch has been committed yet"
        raise UsageError(message, "start with `huadan run`")
    with Ledger(workspace.ledger_file) as ledger:
        if day is not None:
            return f"day-{day}", day_page(workspace, ledger, day, zone)
        latest = ledger.batch_before()
        name = batch or (latest.name if latest else "")
        return name, batch_page(workspace, ledger, name, zone)
