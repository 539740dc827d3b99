"""``huadan show``: one account's bill."""

from __future__ import annotations

from pathlib import Path
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


@click.group()
def show() -> None:
    """Show what was made for one customer."""


@show.command(
    epilog=examples(
        "huadan show bill                              accounts with the largest bills",
        "huadan show bill A00042                       one bill",
        "huadan show bill A00042 --html bill.html      as a page",
        "huadan show bill A00042 --cycle 2026-10 --json",
    )
)
@click.argument("account", required=False)
@workspace_option
@click.option("--cycle", help="Bill cycle, YYYY-MM (default: the latest).")
@click.option(
    "--html",
    "--page",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page to this file.",
)
@unmask_option
@json_option
def bill(
    workspace: Workspace,
    *,
    account: str | None,
    cycle: str | None,
    page: Path | None,
    unmask: bool,
    as_json: bool,
) -> None:
    """Show the bill of ACCOUNT; without one, the accounts with the largest bills."""
    from pipeline.billing.show import BillReader  # noqa: PLC0415 - heavy imports only when needed

    reader = BillReader.open(workspace, cycle)
    if account is None:
        largest = reader.largest(20)
        if as_json:
            print_json(largest)
            return
        from rich.table import Table  # noqa: PLC0415

        table = Table("account", "bill number", "events", "total")
        table.title, table.title_justify = f"Largest bills of {reader.cycle}", "left"
        for column in table.columns[2:]:
            column.justify = "right"
        for row in largest:
            events, total = f"{row['events']:,}", f"{row['total']:,.2f}"
            table.add_row(row["account_id"], row["bill_number"], events, total)
        console().print(table)
        return
    if page is not None:
        from pipeline.writing import write_page  # noqa: PLC0415

        write_page(page, reader.page(account, unmask=unmask))
        click.echo(f"{page} is written", err=True)
        return
    if as_json:
        print_json(reader.one(account))
        return
    reader.print(console(), account)
