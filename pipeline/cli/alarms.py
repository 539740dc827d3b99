"""``huadan alarms``: high usage and fraud that batches have told."""

from __future__ import annotations

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
    import datetime as dt

    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan alarms                             how many of each kind, then the latest",
        "huadan alarms --batch batch-000007 --json",
        "huadan alarms --kind overlapping_calls --day 2026-10-05",
        "huadan alarms --kind credit_limit         accounts over 70, 90, 100 % of their limit",
    )
)
@workspace_option
@click.option("--batch", help="Only what this batch told.")
@click.option("--kind", help="Only this kind, such as day_charge.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only usage of this day.")
@click.option("--limit", type=ROWS, default=50, help="Rows to show (default: 50).")
@unmask_option
@json_option
def alarms(
    workspace: Workspace,
    *,
    batch: str | None,
    kind: str | None,
    day: dt.datetime | None,
    limit: int,
    unmask: bool,
    as_json: bool,
) -> None:
    """Show usage beyond the limits of [high_usage], and patterns of fraud.

    Alarms are told once, by the batch in which the usage went over its limit. `huadan explain` shows
    the record behind one.
    """
    from pipeline.high_usage.alarms import KINDS  # noqa: PLC0415 - heavy imports
    from pipeline.high_usage.read import Chosen, as_rows, read_alarms  # noqa: PLC0415

    chosen = Chosen(batch, kind, None if day is None else day.date())
    found = read_alarms(workspace, chosen, unmask=unmask)
    rows = as_rows(found.tail(limit)) if found.height else []
    counts = {name: sum(k == name for k in found["kind"]) for name in KINDS} if rows else {}
    if as_json:
        print_json({"counts": {k: n for k, n in counts.items() if n}, "alarms": rows})
        return
    out = console()
    if not rows:
        out.print("No alarms. What is looked for stands in huadan.toml, [high_usage].")
        return
    for name, count in counts.items():
        if count:
            out.print(f"{name}: {count:,}. {KINDS[name]}")
    from rich.table import Table  # noqa: PLC0415

    table = Table("batch", "kind", "who", "number", "day", "seen", "limit", "records")
    for row in rows:
        records = [_short(row[name]) for name in ("record", "with") if row[name]]
        seen = f"{row['value']} {row['unit']}"
        who = str(row["subscriber"] or row["account"] or row["imsi"])
        cells = (row["batch"], row["kind"], who, row["msisdn"] or "", row["day"], seen)
        share = f"{row['percent']} % of " if row["percent"] else ""
        table.add_row(*map(str, cells), f"{share}{row['limit']}", " ".join(records))
    out.print(table)


def _short(record: str) -> str:
    """Returns a record's name with as much of the file id as commands need."""
    file_id, place = record.split(":", 1)
    return f"{file_id[:8]}:{place}"
