"""``huadan report``: the page of a batch or of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import examples, workspace_option

if TYPE_CHECKING:
    import datetime as dt

    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan report                      the latest batch, to reports/",
        "huadan report batch-000012",
        "huadan report --day 2026-10-04     files that begin on it, events of its hours",
        "huadan report --html > page.html",
    )
)
@click.argument("batch", required=False)
@workspace_option
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A day in the book's time zone.")
@click.option("--html", is_flag=True, help="The page on stdout instead of a file.")
def report(workspace: Workspace, *, batch: str | None, day: dt.datetime | None, html: bool) -> None:
    """Write the report page of BATCH, or of a day: self-contained HTML with plots."""
    from pipeline.reports.choose import report_of  # noqa: PLC0415 - heavy imports

    name, page = report_of(workspace, batch, None if day is None else day.date())
    if html:
        click.echo(page)
        return
    from pipeline.reports.page import write_page  # noqa: PLC0415

    click.echo(write_page(workspace, name, page))
