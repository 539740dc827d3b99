"""``huadan tariff``: looks at the tariff book."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import console, examples, json_option, print_json, workspace_option
from pipeline.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.tariff.trial import TrialReport
    from pipeline.workspace import Workspace


@click.group()
def tariff() -> None:
    """Look at the tariff book."""


def book_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--book``; the command gets `folder`, the workspace's book if there is none."""

    @click.option(
        "--book",
        "folder",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Another book's folder.",
    )
    @functools.wraps(function)
    def wrapped(workspace: Workspace, folder: Path | None, **rest: Any) -> Any:  # noqa: ANN401 - passes options through
        return function(folder=folder or _own_book(workspace), **rest)

    return wrapped


def _own_book(workspace: Workspace) -> Path:
    from pipeline.config.load import load_config  # noqa: PLC0415 - heavy imports when needed

    return workspace.root / load_config(workspace).paths.book


@tariff.command(
    epilog=examples(
        "huadan tariff check                   the workspace's book",
        "huadan tariff check --book drafts/2027 --json",
    )
)
@workspace_option
@book_option
@json_option
def check(*, folder: Path, as_json: bool) -> int:
    """Find mistakes, holes, rules that can never match, and broken test cases.

    Exit codes: 0 nothing found, or warnings only; 2 the book cannot be used or has errors.
    """
    from pipeline.tariff.check import check_tariff  # noqa: PLC0415 - heavy imports when needed

    report = check_tariff(folder)
    if as_json:
        print_json(report.to_dict())
    else:
        out = console()
        for finding in report.findings:
            out.print(str(finding), style="red" if finding.severity == "error" else "yellow")
        out.print(report.summary)
    return int(Exit.CONFIGURATION if report.errors else Exit.DONE)


@tariff.command(
    epilog=examples(
        "huadan tariff test                    the cases in the book's tests/",
        "huadan tariff test --only voice --json",
        "huadan tariff test --update           writes what came out; review it with git diff",
    )
)
@workspace_option
@book_option
@click.option(
    "--cases",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another folder with cases (default: the book's tests/).",
)
@click.option("--only", multiple=True, help="Only cases with this text in name or file.")
@click.option("--update", is_flag=True, help="Write what came out in the place of the expected.")
@json_option
def test(
    *, folder: Path, cases: Path | None, only: tuple[str, ...], update: bool, as_json: bool
) -> int:
    """Run the book's test cases: given this usage, expect this charge.

    Each case is rated by the kernels, as a bill run does, and by their slow twin; both must come to
    what is expected. An empty `expect: {}` is filled in by --update.

    Exit codes: 0 every case is as expected; 2 a case fails, or book or cases cannot be read.
    """
    from pipeline.progress import listening  # noqa: PLC0415 - heavy imports when needed
    from pipeline.tariff.trial import try_tariff  # noqa: PLC0415

    with listening(wanted=not as_json) as listener:
        report = try_tariff(folder, cases, only=only, update=update, listener=listener)
    if as_json:
        print_json(report.to_dict())
    else:
        _print_failures(report)
    return int(Exit.CONFIGURATION if report.failures else Exit.DONE)


def _print_failures(report: TrialReport) -> None:
    from rich.table import Table  # noqa: PLC0415 - heavy imports when needed

    out = console()
    if report.failures:
        table = Table("case", "where", "what", "expected", "got", show_edge=False)
        for one in report.failures:
            table.add_row(one.case, f"{one.file}:{one.line}", one.what, one.expected, one.got)
        out.print(table)
    out.print(report.summary, style="red" if report.failures else None)


@tariff.command(
    epilog=examples(
        "huadan tariff show                    all that the book sells",
        "huadan tariff show easy               what the plan offers today",
        "huadan tariff show pack_20            an option; also a template, discount, rule of the bill",
        "huadan tariff show easy --matrix --at 2027-01-01",
        "huadan tariff show easy --html easy.html",
    )
)
@click.argument("name", required=False)
@workspace_option
@book_option
@click.option("--at", "day", help="Day, such as 2027-01-01 (default: today).")
@click.option("--matrix", is_flag=True, help="Prices as class by roaming, not as a list.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file."
)
@json_option
def show(
    *,
    name: str | None,
    folder: Path,
    day: str | None,
    matrix: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show what the plan NAME offers on a day: fees, allowances, every price, discounts and caps.

    NAME may be an option, a template that is laid over plans, a discount, or a rule of the bill.
    Without NAME: all plans and options, who includes what, discounts by plan, the bill, taxes.
    """
    from pipeline.tariff import show as showing  # noqa: PLC0415 - heavy imports

    page = showing.show(folder, name, day)
    if html is not None:
        from pipeline.writing import write_page  # noqa: PLC0415

        write_page(html, showing.render(page))
    if as_json:
        print_json(page.to_dict())
    elif html is None:
        showing.print_page(console(), page, matrix=matrix)


@tariff.command(
    epilog=examples(
        "huadan tariff diff book drafts/2027    what changes for whom",
        "huadan tariff diff old new --json",
    )
)
@click.argument("old", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("new", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
def diff(*, old: Path, new: Path, as_json: bool) -> None:
    """Tell what changes for whom from the book OLD to the book NEW.

    Prices are compared for every class that an event can have, from the day on which NEW is meant
    to price; fees, allowances, discounts and caps by their ids; numbers by prefix. Bands and special
    days, exchange rates, wholesale costs, taxes and G/L codes are told too.
    """
    from pipeline.tariff.show import changes_to_dict, compare_books  # noqa: PLC0415 - heavy imports

    changes = compare_books(old, new)
    if as_json:
        print_json(changes_to_dict(old, new, changes))
        return
    for change in changes:
        click.echo(str(change))
    count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
    click.echo(count if changes else "nothing changes")


@tariff.command(
    "try",
    epilog=examples(
        "huadan tariff try drafts/2027                     the latest billed cycle with another book",
        "huadan tariff try drafts/2027 --cycle 2026-10 --top 50 --json",
        "huadan tariff try drafts/2027 --output what_if    every account and line, as Parquet",
    ),
)
@click.argument("book", type=click.Path(path_type=Path, exists=True, file_okay=False))
@workspace_option
@click.option("--cycle", help="Billed cycle, YYYY-MM (default: the latest).")
@click.option("--threads", type=click.IntRange(1, 256), help="Worker threads.")
@click.option("--top", type=click.IntRange(1, 10_000), default=10, help="Accounts each way (10).")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="New folder for the comparison and the tables as Parquet.",
)
@json_option
def try_(
    workspace: Workspace,
    *,
    book: Path,
    cycle: str | None,
    threads: int | None,
    top: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Rate and bill a billed cycle with the book BOOK, and tell what that does to revenue.

    Nothing that is published is touched, and batches may go on meanwhile. Revenue by plan, service,
    zone and G/L code; who would pay less and more. `huadan tariff diff` tells what changes in words.
    """
    from pipeline.progress import listening  # noqa: PLC0415 - heavy imports when needed
    from pipeline.tariff.what_if import try_book  # noqa: PLC0415

    with listening(wanted=not as_json) as listener:
        found = try_book(workspace, book, cycle, threads=threads, output=output, listener=listener)
    if as_json:
        print_json(found.to_dict(top))
        return
    from pipeline.tariff.what_if_show import print_what_if  # noqa: PLC0415

    print_what_if(console(), found, top)


@tariff.command(
    epilog=examples(
        "huadan tariff calendar --country CN --years 2026-2027",
        "huadan tariff calendar --country DE --subdivision BY --years 2027 --json",
        "huadan tariff calendar --country CN --years 2026 --output book/calendar.yaml",
    )
)
@click.option("--country", required=True, help="ISO 3166 code, such as CN.")
@click.option("--subdivision", help="A part of the country, such as BY.")
@click.option("--years", required=True, help="A year, or the first and the last: 2026-2027.")
@click.option(
    "--like",
    type=click.Choice(["monday", "tuesday", "wednesday", "thursday", "friday"]),
    default="friday",
    show_default=True,
    help="Which weekday a make-up workday counts as.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file."
)
@json_option
def calendar(
    *,
    country: str,
    subdivision: str | None,
    years: str,
    like: str,
    output: Path | None,
    as_json: bool,
) -> int:
    """Write the special days of a country as a calendar.yaml, to review and keep.

    Needs the extra `calendars`. Nothing asks a library later: the file is what counts.
    """
    from pipeline.errors import UsageError  # noqa: PLC0415
    from tariffs.calendars import CalendarError, special_days  # noqa: PLC0415

    try:
        found = special_days(country, years, subdivision)
    except CalendarError as error:
        raise UsageError(str(error), error.hint) from error
    text = found.to_yaml(like)
    if output is not None:
        from pipeline.writing import write_page  # noqa: PLC0415

        write_page(output, text)
    if as_json:
        print_json(found.to_dict())
    elif output is None:
        click.echo(text, nl=False)
    else:
        console().print(f"{output}: {len(found.days)} days")
    return int(Exit.DONE)
