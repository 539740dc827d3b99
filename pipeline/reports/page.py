"""The report page of a batch or of a day: self-contained HTML with sums only, no subscriber in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import jinja2
import polars as pl

from mediation.partials.rules import HOUR_US
from pipeline.batch.money import CENT, Charged, amount
from pipeline.batch.sheet import DESTINATIONS, ENDS
from pipeline.errors import UsageError
from pipeline.reports.alarms import alarm_table
from pipeline.reports.costs import cost_table, read_money
from pipeline.reports.credit import passed_limits
from pipeline.reports.svg import bars, columns
from pipeline.suspense.journal import Suspense, read_open
from pipeline.upkeep.balance import Balance, balance_of
from rating.cycles import cycles_between

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.batch.money import Money
    from pipeline.batch.result import RunResult
    from pipeline.ledger.store import Ledger
    from pipeline.workspace import Workspace

KINDS: Final = {"run": "Run", "recycle": "Recycling", "write_off": "Written off"}
TICKS: Final = 12
MOST_GAPS: Final = 20
REASONS: Final = 12
DAY_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about.

    Attributes:
        kind: Batch or day.
        name: Its name.
        balance: Balance of its nodes.
        money: What its rated events come to.
        suspense: Items that came to suspense with it, by reason.
        remarks: What a person should look at.
        tables: Further tables.
    """

    kind: str
    name: str
    balance: Balance
    money: Money
    suspense: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)


def batch_page(
    workspace: Workspace, ledger: Ledger, name: str, zone: str, result: RunResult | None = None
) -> str:
    """Returns the page of a batch.

    Args:
        workspace: Where.
        ledger: Its ledger.
        name: The batch.
        zone: Time zone of the book, for the hours.
        result: The run, if it has just ended: it knows how long it took.

    Raises:
        UsageError: there is no such batch, or it is a bill run.
    """
    batch = ledger.batch_named(name)
    if batch is None or batch.kind == "bill":
        message = f"there is no batch {name!r} that read or recycled records"
        raise UsageError(message, "`huadan status` lists batches")
    audit = ledger.outputs("audit/", batch.id)
    rated = [workspace.root / o.path for o in ledger.outputs("rated/", batch.id)]
    items = read_open(workspace, ledger)
    mine = Suspense(items.table.filter(pl.col("batch") == name))
    subject = Subject(
        kind=KINDS[batch.kind],
        name=name,
        balance=balance_of(workspace.root, audit, "node"),
        money=result.money if result else read_money(rated),
        suspense=mine.sums("reason", "stage"),
        remarks=_gaps(ledger),
        tables=[
            *alarm_table(workspace, ledger.outputs("alarms/", batch.id)),
            *passed_limits(workspace, ledger, name),
        ],
    )
    return _page(subject, zone, result, batch.inputs)


def day_page(workspace: Workspace, ledger: Ledger, day: dt.date, zone: str) -> str:
    """Returns the page of a day: files whose events begin on it, and the events of its hours."""
    begin = dt.datetime.combine(day, dt.time(), ZoneInfo(zone))
    end = begin + dt.timedelta(days=1)
    start, stop = (round(at.timestamp()) * 1_000_000 for at in (begin, end))
    cycles = cycles_between(start, stop - 1, zone)
    audit = ledger.outputs("audit/")
    days = balance_of(workspace.root, audit, "day").rows() if audit else []
    row = next((each for each in days if each["day"] == day), None)
    if row is None:
        message = f"no file begins with events of {day}"
        known = [each["day"] for each in days if each["day"] is not None]
        near = sorted(sorted(known, key=lambda each: abs(each - day))[:3])
        files = f"files begin on {', '.join(map(str, near))}; " if near else ""
        raise UsageError(message, f"{files}`huadan audit --by day` lists days")
    remarks = _gaps(ledger)
    if row["percent"] is not None and abs(row["percent"] - 100) > 50:
        remarks.append(f"{row['percent']:.0f}% of the records that are usual on this weekday")
    items = read_open(workspace, ledger).table
    items = items.filter(pl.col("since").dt.convert_time_zone(zone).dt.date() == day)
    rated = [
        workspace.root / o.path for name in cycles for o in ledger.outputs(f"rated/cycle={name}/")
    ]
    subject = Subject(
        kind="Day",
        name=f"{day:%A, %d %B %Y}",
        balance=Balance(balance_of(workspace.root, audit, "node", day).table),
        money=read_money(rated, start, stop),
        suspense=_suspended_sums(items),
        remarks=remarks,
        tables=alarm_table(workspace, ledger.outputs("alarms/"), day),
    )
    return _page(subject, zone, None, "")


def _suspended_sums(items: pl.DataFrame) -> list[dict[str, Any]]:
    found = items.group_by("reason", "stage").agg(pl.len().alias("count"))
    return found.sort(["count", "reason"], descending=[True, False]).to_dicts()


def _gaps(ledger: Ledger) -> list[str]:
    return [
        f"Missing files of {gap.source}: number "
        + (str(gap.first) if gap.first == gap.last else f"{gap.first} to {gap.last}")
        for gap in ledger.gaps()
    ] + [f"Missing records: {gap.words}" for gap in ledger.records.gaps()[:MOST_GAPS]]


def _page(subject: Subject, zone: str, result: RunResult | None, inputs: str) -> str:
    hours = _hours(subject.money.hours, zone)
    rows = subject.balance.rows()
    sums = {name: sum(row[f"records_{name}"] for row in rows) for name in ENDS}
    net = sum((row["net"] for row in rows), Decimal(0))
    tiles = [
        ("records read", f"{sums['read']:,}"),
        ("rated", f"{sums['rated']:,}"),
        ("in suspense", f"{sums['suspended']:,}"),
        ("files", f"{sum(row['files'] for row in rows):,}"),
        ("net", f"{net.quantize(CENT):,}"),
    ]
    if result is not None:
        tiles += [("seconds", f"{result.seconds:.1f}"), ("records/s", f"{result.records_per_s:,}")]
    loader = jinja2.PackageLoader("pipeline.reports", "templates")
    page = jinja2.Environment(loader=loader, autoescape=True).get_template("report.html.j2")
    return page.render(
        title=f"Huadan: {subject.name}",
        kind=subject.kind,
        name=subject.name,
        closes=subject.balance.closes,
        tiles=tiles,
        remarks=subject.remarks,
        plots=_plots(subject, sums, hours, zone, result),
        tables=[
            _nodes(rows),
            *_charges(subject.money),
            *cost_table(subject.money),
            *subject.tables,
        ],
        footer=f"Inputs {inputs[:16]}. " * bool(inputs)
        + "Sums of committed records; provisional charges.",
    )


def _plots(
    subject: Subject,
    sums: dict[str, int],
    hours: tuple[list[str], dict[str, list[float]]],
    zone: str,
    result: RunResult | None,
) -> list[dict[str, str]]:
    ends = [
        (name.replace("_", " "), sums[name], f"{sums[name]:,}")
        for name in DESTINATIONS
        if sums[name]
    ]
    reasons = [
        (f"{row['reason']}", row["count"], f"{row['count']:,}")
        for row in subject.suspense[:REASONS]
    ]
    plots = [
        {"title": "Where the records went", "note": "", "svg": bars(ends) if ends else ""},
        {
            "title": "Rated events by time",
            "note": f"local time, {zone}",
            "svg": columns(*hours) if hours[0] else "",
        },
        {"title": "New in suspense", "note": "by reason", "svg": bars(reasons) if reasons else ""},
    ]
    if result is not None:
        stages = [(name, s, f"{s:.2f} s") for name, s in result.stage_seconds.items() if s >= 0.005]
        plots.append({"title": "Time by stage", "note": "of all threads", "svg": bars(stages)})
    return plots


def _hours(
    found: Mapping[str, Mapping[int, int]], zone: str
) -> tuple[list[str], dict[str, list[float]]]:
    """Returns rated events by service: by hour within a day or two, else by day."""
    if not any(found.values()):
        return [], {}
    hours = {hour for events in found.values() for hour in events}
    span = max(hours) - min(hours)
    by_hour = span < 2 * DAY_HOURS
    step = "1h" if by_hour else "1d"
    rows = [(hour, name, count) for name in found for hour, count in found[name].items()]
    local = pl.from_epoch(pl.col("hour") * HOUR_US, "us").dt.replace_time_zone("UTC")
    sums = (
        pl.DataFrame(rows, ["hour", "service", "events"], orient="row")
        .with_columns(at=local.dt.convert_time_zone(zone).dt.truncate(step))
        .group_by("at", "service")
        .agg(pl.col("events").sum())
        .sort("at")
    )
    first, *_, last = [sums["at"][0], *sums["at"].to_list()]
    axis: pl.Series = pl.select(pl.datetime_range(first, last, step, time_zone=zone)).to_series()
    place = {at: number for number, at in enumerate(axis.to_list())}
    series: dict[str, list[float]] = {
        name: [0.0] * len(place) for name in sorted(sums["service"].unique().to_list())
    }
    for row in sums.to_dicts():
        series[row["service"]][place[row["at"]]] += row["events"]
    every = -(-len(place) // TICKS)
    shown = "%H:%M" if by_hour else "%d %b"
    names = [at.strftime(shown) if n % every == 0 else "" for n, at in enumerate(place)]
    return names, series


def _nodes(rows: list[dict[str, Any]]) -> dict[str, Any]:
    ends = [name for name in DESTINATIONS if any(row[f"records_{name}"] for row in rows)]

    def cells(name: str, row: dict[str, Any]) -> list[str]:
        counts = [f"{row[f'records_{end}']:,}" for end in ("read", *ends)]
        return [name, str(row["files"]), *counts, f"{row['net'].quantize(CENT):,}"]

    total = (
        {
            key: sum((row[key] for row in rows), type(rows[0][key])(0))
            for key in ("files", "net", *(f"records_{end}" for end in ("read", *ends)))
        }
        if rows
        else {}
    )
    body = [cells(row["source"] or "carried over", row) for row in rows]
    return {
        "title": "Nodes",
        "note": "records and provisional net",
        "columns": ["node", "files", "read", *(end.replace("_", " ") for end in ends), "net"],
        "rows": [*body, *([cells("all", total)] if rows else [])],
        "total": True,
    }


def _charges(money: Money) -> list[dict[str, Any]]:
    """Returns the table of provisional charges by plan and service."""
    if not money.charged:
        return []
    rows = sorted((-sums.net, plan, service) for (service, plan), sums in money.charged.items())
    total = Charged()
    for sums in money.charged.values():
        total.add(sums)

    def cells(sums: Charged) -> list[str]:
        return [f"{sums.events:,}", amount(sums.net)]

    return [
        {
            "title": "Provisional charges",
            "note": "by plan and service",
            "columns": ["plan", "service", "events", "net"],
            "rows": [
                *([plan, name, *cells(money.charged[name, plan])] for _, plan, name in rows),
                ["all", "", *cells(total)],
            ],
            "total": True,
            "words": 2,
        }
    ]


def write_page(workspace: Workspace, name: str, page: str) -> Path:
    """Writes a page below ``reports/``, readable by its owner only."""
    workspace.reports.mkdir(mode=0o700, exist_ok=True)
    path = workspace.reports / f"{name}.html"
    path.touch(0o600)
    path.write_text(page, encoding="utf-8")
    return path
