"""``huadan status``: what the ledger knows."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import console, examples, json_option, print_json, workspace_option

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.workspace import Workspace


@click.command(
    epilog=examples("huadan status", "huadan status --last 0", "huadan status --json -w shop")
)
@workspace_option
@click.option("--last", type=click.IntRange(0), default=20, help="Runs to show (20; 0: all).")
@json_option
def status(workspace: Workspace, *, last: int, as_json: bool) -> None:
    """Show backlog, batches, balance and gaps of the workspace."""
    from pipeline.upkeep.status import read_status  # noqa: PLC0415 - heavy imports only when needed

    found = read_status(workspace, last)
    if as_json:
        print_json(found)
        return
    _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415

    out = console()
    out.print(
        f"Files: {found['files']['committed']} committed, {found['files']['suspended']} suspended,"
        f" {found['files']['waiting']} taken and not committed, {found['offered']} to be taken"
    )
    table = Table("batch", "state", "files", "records", "rated", "suspended", "duplicate", "net")
    for column in table.columns[2:]:
        column.justify = "right"
    for batch in found["batches"]:
        table.add_row(
            batch["name"],
            batch["state"],
            *(f"{batch[key]:,}" for key in ("files", "records", "rated", "suspended", "duplicate")),
            f"{Decimal(batch['net']):,.2f}",
        )
    if found["batches"]:
        out.print(table)
    else:
        out.print("No batch has been committed yet. Next: huadan run")
    _show_bills(out, found["bills"])
    for one in found["rollbacks"]:
        out.print(f"Taken back: {one['batch']} with {one['files']} files at {one['made']}")
    waiting = found["partials"]
    if waiting["records"]:
        out.print(
            f"Waiting: {waiting['records']} parts of {waiting['calls']} calls, the oldest of"
            f" {waiting['oldest']}. To rate what there is: huadan run --flush-partials",
            style="yellow",
        )
    for gap in found["gaps"]:
        numbers = (
            f"{gap['first']}" if gap["first"] == gap["last"] else f"{gap['first']}-{gap['last']}"
        )
        out.print(f"Missing: {gap['source']} file number {numbers}", style="yellow")
    if found["record_gaps"]:
        missing = sum(gap["last"] - gap["first"] + 1 for gap in found["record_gaps"])
        nodes = len({(gap["source"], gap["node"]) for gap in found["record_gaps"]})
        of = "a node" if nodes == 1 else f"{nodes} nodes"
        text = f"Missing: {missing:,} records of {of}, by their running numbers. See: huadan gaps"
        out.print(text, style="yellow")


def _show_bills(out: Console, bills: list[dict[str, Any]]) -> None:
    """Prints the bill runs that count, one of each cycle."""
    replaced = Counter(bill["cycle"] for bill in bills if bill["replaced_by"])
    for bill in bills:
        if bill["replaced_by"]:
            continue  # its bills are nobody's any more
        total = f"{Decimal(bill['total']):,.2f}"
        before = replaced[bill["cycle"]]
        again = f" (in place of {before} earlier)" if before else ""
        out.print(f"Billed {bill['cycle']}: {bill['bills']:,} bills, total {total}{again}")
        if bill["outdated"]:
            out.print(
                f"  out of date: {bill['outdated']}. Next: {bill['next']}",
                style="yellow",
            )
