"""``huadan suspense``: what could not go on, why, and what becomes of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Callable

    from pipeline.suspense.journal import Filter
    from pipeline.workspace import Workspace

SHORT_ID = 10
"""Digits of a file id on a terminal; the commands take the beginning of one."""


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that choose items; the command gets `wanted`."""

    @click.option("--stage", help="Only this stage, such as decode.")
    @click.option("--reason", "only_reason", help="Only this reason, such as unknown_subscriber.")
    @click.option("--source", help="Only files of this source (node).")
    @click.option("--format", "format_", help="Only files of this format.")
    @click.option("--file", help="Only this file, by name.")
    @click.option("--since", type=click.DateTime(), help="Suspended at this time (UTC) or later.")
    @click.option("--until", type=click.DateTime(), help="Suspended before this time (UTC).")
    @functools.wraps(function)
    def wrapped(
        *,
        only_reason: str | None,
        format_: str | None,
        since: dt.datetime | None,
        until: dt.datetime | None,
        **rest: Any,  # noqa: ANN401 - passes options through
    ) -> Any:  # noqa: ANN401 - passes options through
        from pipeline.suspense.corrections import Wanted  # noqa: PLC0415 - heavy imports
        from pipeline.suspense.journal import Filter  # noqa: PLC0415

        given = {"reason": only_reason, "format": format_}
        given |= {name: rest.pop(name) for name in ("stage", "source", "file")}
        of_items = {name: value for name, value in given.items() if value is not None}
        return function(wanted=Filter(Wanted(of_items), _utc(since), _utc(until)), **rest)

    return wrapped


def _utc(instant: dt.datetime | None) -> dt.datetime | None:
    import datetime as dt  # noqa: PLC0415 - beside its only use

    return None if instant is None else instant.replace(tzinfo=dt.UTC)


@click.group()
def suspense() -> None:
    """Look at records and files that could not go on, correct, recycle or write them off."""


@suspense.command(
    "list",
    epilog=examples(
        "huadan suspense list                            how many, by stage and reason",
        "huadan suspense list --reason unknown_subscriber --rows",
        "huadan suspense list --rows --limit 5 --json",
        "huadan suspense list --source msc1 --since 2026-11-01 --all",
    ),
)
@workspace_option
@filter_options
@click.option("--rows", is_flag=True, help="One by one instead of sums.")
@click.option("--all", "every", is_flag=True, help="Also what is recycled or written off.")
@click.option("--limit", type=ROWS, default=50, help="Rows to show (default: 50).")
@json_option
def list_(
    workspace: Workspace, *, wanted: Filter, rows: bool, every: bool, limit: int, as_json: bool
) -> None:
    """List suspended records: sums by stage and reason, or one by one."""
    from pipeline.suspense.journal import LIGHT, SUMMED, read_suspense  # noqa: PLC0415 - heavy imports

    one_by_one = rows or "reason" in wanted.wanted.of_items
    columns = LIGHT if one_by_one else SUMMED
    found = read_suspense(workspace, wanted, ended=every, columns=columns)
    data = found.rows(limit) if one_by_one else found.sums()
    if one_by_one and not as_json:
        data = _items(data)
    _tell(data, f"{found.count:,} in suspense", "Nothing is in suspense.", as_json=as_json)


@suspense.command(
    "summary",
    epilog=examples(
        "huadan suspense summary                    by state, reason, source and format",
        "huadan suspense summary --source msc1 --json",
    ),
)
@workspace_option
@filter_options
@json_option
def summary(workspace: Workspace, *, wanted: Filter, as_json: bool) -> None:
    """Count items by state, reason, source and format, with the age of the oldest."""
    from pipeline.suspense.journal import SUMMED, read_suspense  # noqa: PLC0415 - heavy imports

    found = read_suspense(workspace, wanted, columns=SUMMED)
    data = found.sums("state", "stage", "reason", "source", "format")
    _tell(data, f"{found.count:,} items", "Nothing has been in suspense.", as_json=as_json)


@suspense.command(
    "show",
    epilog=examples(
        "huadan suspense show 3f2a:1024         one item: every attempt, and its octets",
        "huadan suspense show 3f2a:1024:2 --json",
    ),
)
@click.argument("record")
@workspace_option
@unmask_option
@json_option
def show(workspace: Workspace, record: str, *, unmask: bool, as_json: bool) -> None:
    """Show what happened to RECORD, written FILE_ID:OFFSET or FILE_ID:OFFSET:CONTAINER.

    `huadan suspense list --rows` names records; the beginning of a file id is enough.
    """
    from pipeline.explain import parse_name  # noqa: PLC0415 - heavy imports
    from pipeline.suspense.journal import read_history  # noqa: PLC0415

    found = read_history(workspace, *parse_name(record))
    steps = [{key: value for key, value in row.items() if key != "raw"} for row in found.rows]
    octets = found.raw.hex(" ") if unmask else f"{len(found.raw)} octets (--unmask shows them)"
    if as_json:
        print_json({"file": found.file, "steps": steps, "raw": octets})
        return
    shown = ("batch", "state", "attempts", "stage", "reason", "sub_reason", "detail", "tag_path")
    _print([{name: step[name] for name in shown} for step in steps], found.file, "")
    click.echo(octets)


@suspense.command(
    "correct",
    epilog=examples(
        "huadan suspense correct --where reason=unknown_subscriber --where trunk_in=T7 \\",
        "    --set served_msisdn=8619910000001 --reason 'trunk T7 lost its numbers'",
        "huadan suspense correct --list         what is in force, who made it, when and why",
        "huadan suspense correct --withdraw 3",
    ),
)
@workspace_option
@click.option("--where", multiple=True, help="Condition name=value; all of them hold.")
@click.option("--set", "values", multiple=True, help="Field to set, field=value; none empties it.")
@click.option("--reason", default="", help="Why; required.")
@click.option("--list", "listing", is_flag=True, help="List corrections.")
@click.option("--withdraw", type=int, help="Take a correction back, by number.")
@json_option
def correct(
    workspace: Workspace,
    *,
    where: tuple[str, ...],
    values: tuple[str, ...],
    reason: str,
    listing: bool,
    withdraw: int | None,
    as_json: bool,
) -> None:
    """Set fields of suspended records by rule; `recycle` applies it, the original is kept.

    Conditions are of the item (stage, reason, sub_reason, source, format, file, file_id) or of the
    event that it decodes to (any field of an event).
    """
    from pipeline.suspense import correct as work  # noqa: PLC0415 - heavy imports

    if withdraw is not None:
        work.withdraw(workspace, withdraw)
    elif not listing:
        work.add(workspace, where, values, reason)
    data = [_masked(row) for row in work.listed(workspace)]
    if as_json:
        print_json(data)
        return
    shown = [{**row, "where": _pairs(row["where"]), "set": _pairs(row["set"])} for row in data]
    _print(shown, "Corrections", "There are no corrections.")


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a correction with every number in it masked."""
    from pipeline.masking import mask_text  # noqa: PLC0415 - beside its only use

    return {
        name: _masked(value)
        if isinstance(value, dict)
        else mask_text(value)
        if isinstance(value, str)
        else value
        for name, value in row.items()
    }


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


@suspense.command(
    "test-recycle",
    epilog=examples(
        "huadan suspense test-recycle --reason unknown_subscriber",
        "huadan suspense test-recycle --json",
    ),
)
@workspace_option
@filter_options
@json_option
def test_recycle(workspace: Workspace, *, wanted: Filter, as_json: bool) -> None:
    """Say what recycling would do; nothing is changed."""
    from pipeline.suspense.recycle import recycle  # noqa: PLC0415 - heavy imports

    _print_result(recycle(workspace, wanted, dry=True, again=True).to_dict(), as_json=as_json)


@suspense.command(
    "recycle",
    epilog=examples(
        "huadan suspense recycle                        all that may go on now",
        "huadan suspense recycle --reason unknown_subscriber --source msc1",
        "huadan suspense recycle --again                also where nothing has changed since",
    ),
)
@workspace_option
@filter_options
@click.option("--again", is_flag=True, help="Try items again although nothing has changed.")
@json_option
def recycle(workspace: Workspace, *, wanted: Filter, again: bool, as_json: bool) -> None:
    """Take items through the engine again, as one batch.

    Records are decoded with the formats as they are now, corrected, validated and rated with the
    book and the subscribers as they are now. What fails again goes back.
    """
    from pipeline.operate import operate_recycle  # noqa: PLC0415 - heavy imports
    from pipeline.progress import listening  # noqa: PLC0415

    with listening(wanted=not as_json) as listener:
        result = operate_recycle(workspace, wanted, again=again, listener=listener)
    _print_result(result.to_dict(), as_json=as_json)


@suspense.command(
    "write-off",
    epilog=examples(
        "huadan suspense write-off --reason no_zone --why 'test calls of the lab'",
        "huadan suspense write-off --source msc1 --until 2026-10-01 --why 'too old to bill'",
    ),
)
@workspace_option
@filter_options
@click.option("--why", required=True, help="Why nobody will charge them.")
@json_option
def write_off(workspace: Workspace, *, wanted: Filter, why: str, as_json: bool) -> None:
    """Take items out of suspense for good; the audit counts them as discarded."""
    from pipeline.operate import operate_write_off  # noqa: PLC0415 - heavy imports

    batch, count = operate_write_off(workspace, wanted, why)
    if as_json:
        print_json({"batch": batch, "written_off": count})
        return
    click.echo(f"Batch {batch}: {count:,} written off" if batch else "Nothing to write off.")


def _print_result(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if not found["taken"]:
        left = found["unchanged"]
        click.echo(
            f"Nothing to recycle; {left:,} items would fail as before."
            if left
            else "Nothing to recycle."
        )
        return
    rows = [{"became": name, "items": f"{count:,}"} for name, count in found["items"].items()]
    rows += [
        {"became": f"  still {name}", "items": f"{count:,}"}
        for name, count in found["still_suspended"].items()
    ]
    title = f"Batch {found['batch']}" if found["batch"] else "Nothing was changed"
    _print(rows, f"{title}: {found['taken']:,} items, {found['net']} {found['currency']}", "")
    if found["alarms"]:
        told = ", ".join(f"{kind} {count:,}" for kind, count in found["alarms"].items())
        click.echo(f"Alarms: {told} (`huadan alarms --batch {found['batch']}`)")
    if found["still_suspended"] and found["batch"]:
        click.echo(
            "What stays needs a correction (`huadan suspense correct`) or a reason to end"
            " (`huadan suspense write-off --why TEXT`)."
        )


def _tell(data: list[dict[str, Any]], title: str, nothing: str, *, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        _print(data, title, nothing)


def _items(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns items as a terminal has room for them, under names that the commands take."""
    states = {row["state"] for row in rows}
    out = []
    for row in rows:
        file_id, place = row["record"].split(":", maxsplit=1)
        item = {"record": f"{file_id[:SHORT_ID]}:{place.removesuffix(':0')}", "file": row["file"]}
        if len(states) > 1:
            item["state"] = row["state"]
        item["stage"] = row["stage"]
        item["reason"] = " ".join(filter(None, (row["reason"], row["sub_reason"])))
        item["detail"] = row["detail"]
        item["since (UTC)"] = (row["since"] or "").removesuffix("+00:00")
        out.append(item)
    return out


def _print(data: list[dict[str, Any]], title: str, nothing: str) -> None:
    if not data:
        click.echo(nothing)
        return
    from rich.table import Table  # noqa: PLC0415

    table = Table()
    for name in data[0]:
        table.add_column(name, overflow="fold", no_wrap=name == "record")
    for row in data:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    out = console()
    out.print(title, style="italic")
    out.print(table)
