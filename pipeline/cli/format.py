"""``huadan format``: the formats that are at hand, and making new ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import examples, json_option, print_json, workspace_option
from pipeline.errors import Exit

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.group(name="format")
def format_() -> None:
    """List, make and check CDR formats. The guide: mediation/formats/GUIDE.md."""


@format_.command(
    name="list", epilog=examples("huadan format list", "huadan format list --json | jq .[].name")
)
@workspace_option
@json_option
def list_(workspace: Workspace, *, as_json: bool) -> None:
    """Show every format: name, what it is, where it stands."""
    from mediation.format_folders import MAPPING_FILE, found  # noqa: PLC0415
    from mediation.formats.strings import read_document  # noqa: PLC0415 - only when needed
    from pipeline.normalization import normalization_here  # noqa: PLC0415

    normalization_here(workspace)
    rows = [
        {
            "name": name,
            "title": str(read_document(place / MAPPING_FILE).root.get("title", "")),
            "folder": str(place),
        }
        for name, places in found().items()
        for place in places
    ]
    if as_json:
        print_json(rows)
        return
    width = max(len(row["name"]) for row in rows)
    titles = max(len(row["title"]) for row in rows)
    for row in rows:
        click.echo(f"{row['name']:<{width}}  {row['title']:<{titles}}  {row['folder']}")


@format_.command(
    epilog=examples(
        "huadan format new acme_pbx            in ./formats, or in the workspace's",
        "huadan format new acme_pbx --to /etc/huadan/formats",
    )
)
@click.argument("name")
@workspace_option
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Folder of formats.")
def new(name: str, *, workspace: Workspace, folder: Path | None) -> None:
    """Lay out a new format NAME: module, mapping, README and test, ready to compile."""
    from pipeline.format_new import lay_out  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.normalization import formats_folder, normalization_here  # noqa: PLC0415

    normalization_here(workspace)
    for path in lay_out(name, folder or formats_folder(workspace)):
        click.echo(str(path))
    click.echo(f"next: edit the module, then `huadan format check {name} FILE`", err=True)


@format_.command(
    epilog=examples(
        "huadan format check acme_pbx",
        "huadan format check acme_pbx samples/*.ber",
        "huadan format check 3gpp_cs file.ber --json",
    )
)
@click.argument("name")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@workspace_option
@click.option(
    "--records",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Records to read of each file.",
)
@json_option
def check(
    name: str, files: tuple[Path, ...], *, workspace: Workspace, records: int, as_json: bool
) -> int:
    """Compile format NAME, tell every mistake, and show what of FILES it maps.

    Exit codes: 0 it compiles and every file could be read; 2 otherwise.
    """
    from pipeline.format_check import check_format  # noqa: PLC0415 - heavy imports when needed
    from pipeline.normalization import normalization_here  # noqa: PLC0415

    report = check_format(name, files, normalization_here(workspace), records)
    if as_json:
        print_json(report.to_dict())
    else:
        click.echo("\n".join(report.lines()))
    return int(Exit.CONFIGURATION if report.failed else Exit.DONE)
