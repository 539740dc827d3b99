"""``huadan tariff``: looks at the tariff book."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, examples, json_option, print_json, workspace_option
from pipeline.errors import Exit

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.group()
def tariff() -> None:
    """Look at the tariff book."""


@tariff.command(
    epilog=examples(
        "huadan tariff check                   the workspace's book",
        "huadan tariff check --book drafts/2027 --json",
    )
)
@workspace_option
@click.option(
    "--book",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another book's folder.",
)
@json_option
def check(workspace: Workspace, *, folder: Path | None, as_json: bool) -> int:
    """Find mistakes, holes, rules that can never match, and broken test cases.

    Exit codes: 0 nothing found, or warnings only; 2 the book cannot be used or has errors.
    """
    from pipeline.check_tariff import check_tariff  # noqa: PLC0415 - heavy imports when needed

    if folder is None:
        from pipeline.config import load_config  # noqa: PLC0415

        folder = workspace.root / load_config(workspace).paths.book
    report = check_tariff(folder)
    if as_json:
        print_json(report.to_dict())
    else:
        out = console()
        for finding in report.findings:
            out.print(str(finding), style="red" if finding.severity == "error" else "yellow")
        out.print(report.summary)
    return int(Exit.CONFIGURATION if report.errors else Exit.DONE)
