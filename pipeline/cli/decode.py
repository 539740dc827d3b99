"""``huadan decode``: looks into a CDR file."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import examples, json_option, print_json, unmask_option


@click.command(
    epilog=examples(
        "huadan decode incoming/msc1/msc1_000001_202610020000.ber",
        "huadan decode file.ber --records 5 --skip 100",
        "huadan decode file.ber --offset 10432 --unmask",
        "huadan decode file.ber --format 3gpp_cs --json",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "format_name", help="Format (default: detected).")
@click.option("--records", type=click.IntRange(0), default=1, help="Records to show (default: 1).")
@click.option("--skip", type=click.IntRange(0), default=0, help="Records to leave out first.")
@click.option("--offset", type=click.IntRange(0), help="Show the record at this offset.")
@unmask_option
@json_option
def decode(
    *,
    file: Path,
    format_name: str | None,
    records: int,
    skip: int,
    offset: int | None,
    unmask: bool,
    as_json: bool,
) -> None:
    """Show how FILE is framed and what its records contain, tag by tag. Needs no workspace."""
    from pipeline.inspect import inspect  # noqa: PLC0415 - heavy imports only when needed

    found = inspect(file, format_name, records=records, skip=skip, offset=offset, unmask=unmask)
    if as_json:
        print_json(found.to_dict())
        return
    for line in found.lines():
        click.echo(line)
