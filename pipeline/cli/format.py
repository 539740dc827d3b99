"""``huadan format``: the formats that are at hand, and making new ones."""

from __future__ import annotations

from dataclasses import replace
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
        "huadan format new acme_voicemail --kind delimited",
        "huadan format new acme_pbx --to /etc/huadan/formats",
    )
)
@click.argument("name")
@workspace_option
@click.option(
    "--kind",
    type=click.Choice(["ber", "delimited", "fixed_width"]),
    default="ber",
    show_default=True,
    help="BER with a module, separated text, or fields at fixed places, text or binary.",
)
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Folder of formats.")
def new(name: str, *, workspace: Workspace, kind: str, folder: Path | None) -> None:
    """Lay out a new format NAME: mapping, README and test, ready to compile.

    A BER format has a module as well. The guide is mediation/formats/GUIDE.md.
    """
    from pipeline.formats.new import lay_out  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.normalization import formats_folder, normalization_here  # noqa: PLC0415

    normalization_here(workspace)
    for path in lay_out(name, folder or formats_folder(workspace), kind):
        click.echo(str(path))
    what = "module and mapping" if kind == "ber" else "mapping"
    click.echo(f"next: edit the {what}, then `huadan format check {name} FILE`", err=True)


@format_.command(
    epilog=examples(
        "huadan format check acme_pbx",
        "huadan format check acme_pbx samples/*.ber",
        "huadan format check 3gpp_cs file.ber --json",
        "huadan format check ericsson_cs file.ber --time-zone Europe/Berlin",
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
@click.option(
    "--time-zone", help="Of nodes whose records carry none, as a [[source]] would say it."
)
@json_option
def check(
    name: str,
    files: tuple[Path, ...],
    *,
    workspace: Workspace,
    records: int,
    time_zone: str | None,
    as_json: bool,
) -> int:
    """Compile format NAME, tell every mistake, and show what of FILES it maps.

    Exit codes: 0 it compiles and every file could be read; 2 otherwise.
    """
    from pipeline.formats.check import check_format  # noqa: PLC0415 - heavy imports when needed
    from pipeline.normalization import normalization_here  # noqa: PLC0415

    normalization = normalization_here(workspace)
    if time_zone is not None:
        try:
            zones = normalization.time_zones.with_default(time_zone)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--time-zone") from error
        normalization = replace(normalization, time_zones=zones)
    report = check_format(name, files, normalization, records)
    if as_json:
        print_json(report.to_dict())
    else:
        click.echo("\n".join(report.lines()))
    return int(Exit.CONFIGURATION if report.failed else Exit.DONE)


@format_.command(epilog=examples("huadan format codecs", "huadan format codecs --flat"))
@click.option("--flat", is_flag=True, help="Those of text and fixed records.")
@json_option
def codecs(*, flat: bool, as_json: bool) -> None:
    """Show the codecs that a mapping may name: what they read, what they fill, what they mean."""
    from pipeline.formats.words import codec_rows  # noqa: PLC0415 - heavy imports when needed

    _words(codec_rows(flat=flat), as_json=as_json)


@format_.command(epilog=examples("huadan format columns", "huadan format columns --json"))
@json_option
def columns(*, as_json: bool) -> None:
    """Show the columns of the event record that a mapping may fill."""
    from pipeline.formats.words import column_rows  # noqa: PLC0415 - heavy imports when needed

    _words(column_rows(), as_json=as_json)


def _words(rows: list[dict[str, str]], *, as_json: bool) -> None:
    """Prints rows as lines of columns that stand below each other, the last one as long as it is."""
    if as_json:
        print_json(rows)
        return
    *names, last = rows[0]
    widths = {name: max(len(row[name]) for row in rows) for name in names}
    for row in rows:
        cells = "  ".join(f"{row[name]:<{widths[name]}}" for name in names)
        click.echo(f"{cells}  {row[last]}")
