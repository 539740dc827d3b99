"""``huadan explain``: why a charge is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import (
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
    )
)
@click.argument("record", required=False)
@workspace_option
@click.option("--number", type=int, help="List events of this E.164 number instead.")
@click.option("--limit", type=click.IntRange(1), default=30, help="Events to list (default: 30).")
@unmask_option
@json_option
def explain(
    workspace: Workspace,
    *,
    record: str | None,
    number: int | None,
    limit: int,
    unmask: bool,
    as_json: bool,
) -> None:
    """Print every step of the charge of RECORD; the steps add up to it.

    RECORD is FILE_ID:OFFSET[:CONTAINER], as every output row names it; the beginning of the file
    id is enough. The charge group's events of the cycle are replayed up to the record, so what is
    explained is the final charge of the bill run.
    """
    if (record is None) == (number is None):
        message = "name either a RECORD or a --number"
        raise click.UsageError(message)
    from pipeline.explain import events_of  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.explain import explain as explain_one  # noqa: PLC0415

    if number is not None:
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
    found = explain_one(workspace, record or "", unmask=unmask)
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo(found.text(), nl=False)
