"""``huadan decode``: looks into a CDR file."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import examples, unmask_option, workspace_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.inspection.inspect import Inspection, Part
    from pipeline.inspection.show import Shower
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan decode incoming/msc1/msc1_000001_202610040224.ber",
        "huadan decode file.gz --framing gzip --framing 'blocks 2048' --framing bare",
        "huadan decode file.ber --record 7        one record; 7-9 three, 7- all from there",
        "huadan decode file.ber --offset 10432    what stands there",
        "huadan decode file.ber --failed          only what did not become an event",
        "huadan decode file.ber --record 7 --rows what its event rows say",
        "huadan decode file.ber --stats           sums over the whole file",
        "huadan decode file.ber --json | head -n 3",
        "huadan decode file.ber --parquet rows.parquet --unmask",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@workspace_option
@click.option("--format", "format_name", help="Format (default: detected).")
@click.option(
    "--framing",
    multiple=True,
    metavar="STEP",
    help="Framing step, from the outside in; may be repeated (default: detected).",
)
@click.option("--source", help="Read it as files of this [[source]] of the workspace.")
@click.option("--record", "record", metavar="N[-M]", help="Only these records, the first is 1.")
@click.option("--offset", type=click.IntRange(0), help="Only what stands at this offset.")
@click.option("--failed", is_flag=True, help="Only what was suspended or discarded.")
@click.option("--rows", is_flag=True, help="Also the event rows (EDRs) that records become.")
@click.option("--stats", is_flag=True, help="Sums over the file instead of its records.")
@click.option(
    "--parquet",
    "parquet",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT",
    help="Write the event rows (EDRs) to a Parquet file.",
)
@unmask_option
@click.option("--json", "as_json", is_flag=True, help="A stream of JSON objects, one a line.")
def decode(
    *,
    file: Path,
    workspace: Workspace,
    format_name: str | None,
    framing: tuple[str, ...],
    source: str | None,
    record: str | None,
    offset: int | None,
    failed: bool,
    rows: bool,
    stats: bool,
    parquet: Path | None,
    unmask: bool,
    as_json: bool,
) -> None:
    """Show how FILE is framed and what its records contain, tag by tag.

    Needs no workspace; in one, its formats and number plan are used. A file of gigabytes is shown
    page by page on a terminal and streamed into a pipe.
    """
    if sum((record is not None, offset is not None, stats)) > 1 or (stats and parquet):
        message = "--record, --offset and --stats exclude each other; so do --stats and --parquet"
        raise click.UsageError(message)
    if parquet is not None:
        _check_parquet(file, parquet, others=offset is not None or failed or rows or as_json)
    from pipeline.inspection.inspect import inspecting, reading_here  # noqa: PLC0415 - heavy when needed
    from pipeline.inspection.show import Shower  # noqa: PLC0415
    from pipeline.progress import listening  # noqa: PLC0415

    reading = reading_here(workspace, format_name, framing, source)
    with ExitStack() as stack:
        with listening(wanted=True) as listener:  # gigabytes take seconds to be framed
            listener.stage("finding records", None, file.name)
            inspection = stack.enter_context(inspecting(file, reading, with_rows=rows))
        if stats:
            _stats(inspection, Shower(unmask), as_json=as_json)
        elif parquet is not None:
            _parquet(inspection, record, parquet, unmask=unmask)
        else:
            parts = _parts(inspection, record, offset)
            if failed:
                parts = (part for part in parts if part.failure is not None)
            _show(inspection, parts, Shower(unmask), as_json=as_json)


def _check_parquet(file: Path, target: Path, *, others: bool) -> None:
    """Raises where rows would be written over what they are read from, or an option means nothing."""
    if others:
        message = (
            "--parquet writes the rows of all records, or of --record N-M: it goes with no other"
        )
        raise click.UsageError(message)
    if file.exists() and target.exists() and file.samefile(target):
        message = f"{target} is the file itself: it would be lost; name another one"
        raise click.BadParameter(message, param_hint="--parquet")


def _parts(inspection: Inspection, record: str | None, offset: int | None) -> Iterator[Part]:
    from pipeline.inspection.inspect import selection  # noqa: PLC0415

    if record is not None:
        return inspection.records(selection(record, inspection.cdr.n_records))
    return inspection.everything() if offset is None else inspection.at(offset)


def _show(inspection: Inspection, parts: Iterator[Part], shower: Shower, *, as_json: bool) -> None:
    """Shows parts as they come: paged on a terminal, streamed otherwise."""
    from pipeline.inspection.show import json_lines  # noqa: PLC0415

    def objects() -> Iterator[dict[str, object]]:
        yield {"kind": "file", **inspection.head()}
        for part in parts:
            yield shower.object(part)

    def texts() -> Iterator[str]:
        yield shower.head(inspection.head())
        for part in parts:
            yield shower.lines(part)

    if as_json:
        for line in json_lines(objects()):
            click.echo(line, nl=False)
    elif sys.stdout.isatty():
        click.echo_via_pager(texts())
    else:
        for text in texts():
            click.echo(text, nl=False)


def _stats(inspection: Inspection, shower: Shower, *, as_json: bool) -> None:
    from pipeline.inspection.show import json_lines  # noqa: PLC0415
    from pipeline.inspection.stats import statistics, stats_lines  # noqa: PLC0415
    from pipeline.progress import listening  # noqa: PLC0415

    with listening(wanted=True) as listener:
        listener.stage("records", inspection.cdr.n_records, "records")
        found = statistics(inspection, listener.advance)
    if as_json:
        click.echo(next(json_lines([{"kind": "stats", **found}])), nl=False)
        return
    click.echo(shower.head(inspection.head()), nl=False)
    click.echo("\n".join(stats_lines(found)))


def _parquet(inspection: Inspection, record: str | None, target: Path, *, unmask: bool) -> None:
    from pipeline.inspection.export import export  # noqa: PLC0415
    from pipeline.inspection.inspect import selection  # noqa: PLC0415
    from pipeline.progress import listening  # noqa: PLC0415

    total = inspection.cdr.n_records
    wanted = range(total) if record is None else selection(record, total)
    with listening(wanted=True) as listener:
        listener.stage("records", len(wanted), "records")
        rows = export(inspection, wanted, target, unmask=unmask, advance=listener.advance)
    click.echo(f"{rows:,} rows of {len(wanted):,} records in {target}", err=True)
