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

    from pipeline.trial import TrialReport
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
    from pipeline.config import load_config  # noqa: PLC0415 - heavy imports when needed

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
    from pipeline.check_tariff import check_tariff  # noqa: PLC0415 - heavy imports when needed

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
        "huadan tariff test --only night --json",
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
    from pipeline.trial import try_tariff  # noqa: PLC0415

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
