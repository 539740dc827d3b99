"""Prints what a run or a bill run did, for people."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.batch.money import CENT, Charged, amount
from pipeline.errors import Exit
from pipeline.whole_tables import natural_width

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.batch.result import RunResult
    from pipeline.billing.bill import BillResult

NOTED = 10
"""Files whose notes are printed."""


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", min_width=len(title) + 2)
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def print_run(out: Console, result: RunResult) -> None:
    """Prints files, records by destination, money, time."""
    for what in result.recovered:
        out.print(f"Recovered after an interrupted run: {what}", style="yellow")
    for what in result.refused:
        out.print(f"Not taken: {what}", style="yellow")
    if result.batch is None:
        out.print("Nothing to do: no new file has arrived.")
        return
    files = ", ".join(f"{count} {state}" for state, count in result.files.items() if count)
    out.print(f"Batch {result.batch}: {files or 'no files'}")
    out.print(_destinations(result))
    for table in _money(out, result):
        out.print(table)
    _print_gaps(out, result)
    for name in list(result.notes)[:NOTED]:
        out.print(f"{name}: {'; '.join(result.notes[name])}", style="yellow")
    if len(result.notes) > NOTED:
        more = len(result.notes) - NOTED
        out.print(f"{more:,} more files with notes. See: huadan audit --by file", style="yellow")
    for kind, count in result.alarms.items():
        text = f"Alarm: {kind.replace('_', ' ')}, {count:,}. See: huadan alarms --kind {kind}"
        out.print(text, style="yellow")
    out.print(
        f"{result.read:,} records in {result.seconds:.2f} s, {result.records_per_s:,} records/s"
    )
    if result.exit_code is Exit.SUSPENSE:
        out.print(
            "More records or files are in suspense than huadan.toml allows (exit code 3)."
            " See: huadan suspense list",
            style="red",
        )


def _print_gaps(out: Console, result: RunResult) -> None:
    """Prints what is missing in sequence, or came again."""
    for gap in result.gaps:
        numbers = str(gap.first) if gap.first == gap.last else f"{gap.first} to {gap.last}"
        out.print(f"Missing file of {gap.source}: number {numbers}", style="yellow")
    for one in result.record_gaps[:NOTED]:
        out.print(f"Missing records: {one.words}", style="yellow")
    if len(result.record_gaps) > NOTED:
        more = len(result.record_gaps) - NOTED
        out.print(f"{more:,} more gaps between records. See: huadan gaps", style="yellow")
    for again in result.repeated[:NOTED]:
        out.print(f"Repeated record numbers: {again.words}", style="yellow")


def _destinations(result: RunResult) -> Table:
    table = _table("Records by destination", "destination", "records", "")
    flow = result.total.records
    detail = {
        "rated": f"{result.total.zero_rated:,} events at zero" if result.total.zero_rated else "",
        "suspended": _by(flow.suspended),
        "not_charged": _by(flow.not_charged),
        "discarded": _by(flow.discarded),
        "merged": "parts in the charge of another part",
        "waiting": "parts that wait for others",
    }
    for name, count in result.destinations.items():
        if not count and name in {"merged", "waiting"}:
            continue
        table.add_row(name.replace("_", " "), f"{count:,}", detail.get(name, ""))
    table.add_section()
    if result.carried:
        table.add_row("carried over", f"{result.carried:,}", "parts that waited before")
    table.add_row("read", f"{result.read:,}", f"{result.total.events.read:,} events")
    return table


def _by(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {counter[name]:,}" for name in sorted(counter) if counter[name])


def _money(out: Console, result: RunResult) -> list[Table]:
    """Returns charges by plan and service; where that is too wide, by the one and by the other."""
    if not (charged := result.money.charged):
        return []
    title = f"Provisional charges in {result.currency}"
    by_plan: Counter[str] = Counter()
    by_service: Counter[str] = Counter()
    for (service, plan), sums in charged.items():
        by_plan[plan] += sums.net
        by_service[service] += sums.net
    services = sorted(name for name, net in by_service.items() if net)
    whole = _table(title, "plan", *services, "sum")
    for plan in sorted(by_plan):
        cells = (charged.get((service, plan), Charged()).net for service in services)
        whole.add_row(plan, *(amount(cell) for cell in cells), amount(by_plan[plan]))
    whole.add_section()
    total = amount(by_plan.total())
    whole.add_row("sum", *(amount(by_service[service]) for service in services), total)
    if natural_width(out, whole).maximum <= out.width:
        return [whole]
    return [
        _one_way(title, "plan", sorted(by_plan), by_plan),
        _one_way(f"{title}, by service", "service", services, by_service),
    ]


def _one_way(title: str, head: str, names: list[str], sums: Counter[str]) -> Table:
    table = _table(title, head, "sum")
    for name in names:
        table.add_row(name, amount(sums[name]))
    table.add_section()
    table.add_row("sum", amount(sums.total()))
    return table


def print_times(out: Console, title: str, seconds: dict[str, float]) -> None:
    """Prints seconds by stage; of all threads together, so more than the wall clock shows."""
    table = _table(title, "stage", "seconds")
    for name, spent in seconds.items():
        table.add_row(name, f"{spent:.2f}")
    out.print(table)


BILL_ROWS = {
    "usage": "usage",
    "fees": "fees",
    "discounts": "discounts on the bill",
    "adjustments": "credit and debit notes",
    "rounding": "rounding",
    "tax_added": "tax on top of prices",
    "total": "total",
}
"""What bills are made of: the rows above the total add up to it."""


def print_bill_run(out: Console, result: BillResult) -> None:
    """Prints what was billed."""
    if result.batch is None:
        out.print(
            f"Nothing to do: cycle {result.cycle} is billed, and neither events nor book nor"
            " subscribers have changed since."
        )
        return
    found = result.summary
    table = _table(f"Bills of {result.cycle}", "", found["currency"])
    for name, words in BILL_ROWS.items():
        table.add_row(
            words,
            f"{Decimal(found.get(name, 0)).quantize(CENT):,}",
            end_section=name == "tax_added",
        )
    table.add_section()
    table.add_row("of which tax", f"{Decimal(found['tax']).quantize(CENT):,}")
    out.print(table)
    unrated = ", ".join(f"{name} {count:,}" for name, count in found["unrated"].items())
    out.print(
        f"{found['bills']:,} bills with {found['lines']:,} lines from {found['rated']:,} rated"
        f" events{f'; not rated: {unrated}' if unrated else ''}. {result.seconds:.2f} s"
    )
    if missing := found.get("missing_session_records"):
        out.print(
            f"Missing records of data sessions: {missing:,}, see session_gaps", style="yellow"
        )
