"""``huadan explain``: why a charge is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import (
    ROWS,
    console,
    examples,
    json_option,
    print_json,
    unmask_option,
    workspace_option,
)

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan explain --number 8619910000001      names of a subscriber's rated events",
        "huadan explain 5f0c81:10432                one charge, step by step",
        "huadan explain 5f0c81:10432:2 --json       the third container of a data record",
        "huadan explain 5f0c81:10432 --html why.html",
        "huadan explain --plan easy --usage '{service: sms, direction: originating,",
        '    to: "+8618810000001", at: 2026-10-12T10:00:00+08:00, quantity: 1 message}\'',
    )
)
@click.argument("record", required=False)
@workspace_option
@click.option("--number", type=int, help="List events of this number; with --usage, who uses.")
@click.option("--usage", help="What would this cost? Written as in a test case of the book.")
@click.option("--plan", help="With --usage: somebody on this plan, nothing used yet.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file."
)
@click.option("--limit", type=ROWS, default=30, help="Events to list (default: 30).")
@unmask_option
@json_option
def explain(
    workspace: Workspace,
    *,
    record: str | None,
    number: int | None,
    usage: str | None,
    plan: str | None,
    html: Path | None,
    limit: int,
    unmask: bool,
    as_json: bool,
) -> None:
    """Print every step of the charge of RECORD; the steps add up to it.

    RECORD is FILE_ID:OFFSET[:CONTAINER], as every output row names it; the beginning of the file
    id is enough. The charge group's events of the cycle are replayed up to the record, so what is
    explained is the final charge of the bill run. With --usage it is what an event would cost that
    has not been: of a --number after what its charge group did before, or of a --plan.
    """
    _require_one(record, number, usage, plan)
    from pipeline.explain import events_of, explain_usage  # noqa: PLC0415 - heavy imports
    from pipeline.explain import explain as explain_one  # noqa: PLC0415

    if number is not None and usage is None:
        rows = events_of(workspace, number, limit)
        if as_json:
            print_json(rows)
            return
        from rich.table import Table  # noqa: PLC0415

        table = Table(*rows[0])
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        console().print(table)
        return
    if usage is not None:
        found = explain_usage(workspace, usage, number=number, plan=plan, unmask=unmask)
    else:
        found = explain_one(workspace, record or "", unmask=unmask)
    if html is not None:
        from pipeline.writing import write_page  # noqa: PLC0415
        from rating.explain.page import render_explanation  # noqa: PLC0415

        write_page(html, render_explanation(found))
    if as_json:
        print_json(found.to_dict())
    elif html is None:
        click.echo(found.text(), nl=False)


def _require_one(
    record: str | None, number: int | None, usage: str | None, plan: str | None
) -> None:
    """Refuses options that do not say what is to be explained."""
    if usage is None and (plan is not None or (record is None) == (number is None)):
        message = "name a RECORD, a --number, or a --usage with --number or --plan"
        raise click.UsageError(message)
    if usage is not None and (record is not None or (number is None) == (plan is None)):
        message = "with --usage say who uses: a --number or a --plan"
        raise click.UsageError(message)
