"""``huadan audit``: the balance sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import console, examples, json_option, print_json, workspace_option
from pipeline.errors import Exit

if TYPE_CHECKING:
    from pipeline.upkeep.balance import By
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan audit                       where the records of every node are now",
        "huadan audit --by file --batch batch-000012",
        "huadan audit --by day              with the same weekday of the weeks before",
        "huadan audit --by batch --unit seconds",
        "huadan audit --unit partner_charge     what roaming partners charge, in their currency",
        "huadan audit --json",
    )
)
@workspace_option
@click.option(
    "--by",
    type=click.Choice(["file", "node", "day", "batch"]),
    default="node",
    help="What is added up (default: node).",
)
@click.option("--batch", help="Only this batch.")
@click.option(
    "--unit",
    type=click.Choice(["records", "events", "seconds", "volume", "partner_charge"]),
    default="records",
    help="What the table counts (default: records).",
)
@json_option
def audit(workspace: Workspace, *, by: By, batch: str | None, unit: str, as_json: bool) -> int:
    """Show the balance sheet: what was read is what went somewhere, to the record and the money.

    Exit code 4 if a sheet does not close.
    """
    from pipeline.upkeep.balance import KEYS, read_balance  # noqa: PLC0415 - heavy imports

    found = read_balance(workspace, by, batch)
    if as_json:
        print_json(found.rows())
    else:
        _print(found.rows(), KEYS[by][:2], unit, found.closes)
    return int(Exit.DONE if found.closes else Exit.RECONCILIATION)


HEADINGS = {"percent": "% of weekday", "percent_net": "net % of weekday"}
"""What the same weekday of the weeks before makes of a day."""


def _print(rows: list[dict[str, Any]], keys: tuple[str, ...], unit: str, closes: bool) -> None:  # noqa: FBT001 - private
    from rich.table import Table  # noqa: PLC0415

    from pipeline.batch.sheet import ENDS  # noqa: PLC0415

    counts = [name for name in ENDS if any(row[f"{unit}_{name}"] for row in rows)]
    extra = [
        name
        for name in (
            "missing_files",
            "undeclared",
            "noted",
            "integers_repaired",
            "percent",
            "percent_net",
        )
        if any(row.get(name) for row in rows)
    ]
    title = f"Balance in {unit}: {'closes' if closes else 'DOES NOT CLOSE'}"
    table = Table(title=title, title_justify="left", title_style="bold" if closes else "bold red")
    names = [*keys, "files", *counts, "net", *(HEADINGS.get(name, name) for name in extra)]
    for name in names if closes else [*names, "balance"]:
        table.add_column(name.replace("_", " "), justify="left" if name in keys else "right")
    for row in rows:
        table.add_row(
            *(str(row[key]) if row[key] not in {None, ""} else "carried over" for key in keys),
            str(row["files"]),
            *(
                f"{row[f'{unit}_{name}'].normalize():,f}"
                if unit == "partner_charge"
                else f"{row[f'{unit}_{name}']:,}"
                for name in counts
            ),
            f"{row['net']:,.2f}",
            *("" if row.get(name) is None else f"{row[name]:,}" for name in extra),
            *([] if closes else ["closes" if row["closes"] else "open"]),
        )
    console().print(table)
