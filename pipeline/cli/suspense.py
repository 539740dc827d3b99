"""``huadan suspense``: what could not go on, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, examples, json_option, print_json, workspace_option

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.group()
def suspense() -> None:
    """Look at records and files that could not go on."""


@suspense.command(
    "list",
    epilog=examples(
        "huadan suspense list                            how many, by stage and reason",
        "huadan suspense list --reason unknown_subscriber  one by one",
        "huadan suspense list --rows --limit 5 --json",
    ),
)
@workspace_option
@click.option("--stage", help="Only this stage, such as decode.")
@click.option("--reason", help="Only this reason, such as unknown_subscriber.")
@click.option("--source", help="Only files of this source.")
@click.option("--rows", is_flag=True, help="One by one instead of sums.")
@click.option("--limit", type=click.IntRange(1), default=50, help="Rows to show (default: 50).")
@json_option
def list_(
    workspace: Workspace,
    *,
    stage: str | None,
    reason: str | None,
    source: str | None,
    rows: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List suspended records: sums by stage and reason, or one by one."""
    from pipeline.suspense import Filter, read_suspense  # noqa: PLC0415 - heavy imports

    found = read_suspense(workspace, Filter(stage, reason, source))
    one_by_one = rows or reason is not None
    if as_json:
        print_json(found.rows(limit) if one_by_one else found.sums())
        return
    from rich.table import Table  # noqa: PLC0415

    data = found.rows(limit) if one_by_one else found.sums()
    if not data:
        click.echo("Nothing is in suspense.")
        return
    table = Table(*data[0], title=f"{found.count:,} in suspense", title_justify="left")
    for row in data:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console().print(table)
