"""`huadan bench`: the command. Heavy imports wait until a benchmark is asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.harness import Result

EPILOG = """\b
Examples:
  huadan bench decode
  huadan bench rate --records 5000000 --rounds 7
  huadan bench run --records 5000000 --json
"""


def _records(default: int) -> Callable[[Any], Any]:
    """Returns the option of how many records."""
    return click.option(
        "--records",
        type=click.IntRange(min=1_000),
        default=default,
        show_default=True,
        help="How many records each run handles.",
    )


rounds_option = click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Interleaved rounds; medians are reported.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(epilog=EPILOG)
def bench() -> None:
    """Measure throughput against peers, in interleaved runs on this machine."""


DECODE_EPILOG = """\b
Examples:
  huadan bench decode --records 500000 --json
  huadan bench decode --format tap3
  huadan bench decode --format 3gpp_ims --dense
  huadan bench decode --file CDAAAAABBBBB00042
"""


@bench.command(epilog=DECODE_EPILOG)
@_records(400_000)
@rounds_option
@click.option("--format", "format_name", help="Measure records of one format, see format list.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measure a file of yours, as it is.",
)
@click.option(
    "--dense",
    is_flag=True,
    help="With --format: random records with most of the fields it knows, not what nodes write.",
)
@json_option
def decode(
    *,
    records: int,
    rounds: int,
    format_name: str | None,
    file: Path | None,
    dense: bool,
    as_json: bool,
) -> None:
    """Decode CDR files to EDR batches on one thread; peers are asn1tools and, if there, asn1c."""
    from bench.decode import bench_decode  # noqa: PLC0415
    from bench.format_files import UnmeasurableError  # noqa: PLC0415
    from mediation.errors import MediationConfigError  # noqa: PLC0415

    if dense and format_name is None:
        message = "--dense needs --format"
        raise click.UsageError(message)
    try:
        result = bench_decode(records, rounds, _progress(), format_name, file, dense=dense)
    except (MediationConfigError, UnmeasurableError) as error:
        raise click.UsageError(str(error)) from error
    _report(result, as_json=as_json)


@bench.command(epilog="\b\nExample:\n  huadan bench rate --records 5000000 --rounds 7\n")
@_records(2_000_000)
@rounds_option
@click.option(
    "--subscribers",
    type=click.IntRange(min=10),
    default=200_000,
    show_default=True,
    help="Subscribers that the events belong to.",
)
@json_option
def rate(records: int, rounds: int, subscribers: int, as_json: bool) -> None:  # noqa: FBT001
    """Order and rate on one thread; the peers say the same as queries on two."""
    from bench.rate import bench_rate  # noqa: PLC0415

    result = bench_rate(records, rounds, subscribers, _progress())
    _report(result, as_json=as_json)


@bench.command(epilog="\b\nExample:\n  huadan bench dedupe --keys 100000000 --json\n")
@click.option(
    "--keys",
    type=click.IntRange(min=10_000),
    default=100_000_000,
    show_default=True,
    help="Earlier keys; 16 bytes each on disk.",
)
@rounds_option
@json_option
def dedupe(keys: int, rounds: int, as_json: bool) -> None:  # noqa: FBT001  click's way
    """Look keys up against those of earlier batches, on one thread; every answer is checked."""
    from bench.dedupe import bench_dedupe  # noqa: PLC0415

    _report(bench_dedupe(keys, rounds, _progress()), as_json=as_json)


@bench.command(epilog="\b\nExample:\n  huadan bench run --records 5000000 --threads 2 --json\n")
@_records(1_000_000)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs, each anew."
)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--scale",
    is_flag=True,
    help="Also run a tenth of the records beside each run and report the ratio of the times.",
)
@json_option
def run(records: int, rounds: int, threads: int, scale: bool, as_json: bool) -> None:  # noqa: FBT001
    """Run the main job from BER files to committed Parquet, in a process of its own."""
    from bench.run import bench_run  # noqa: PLC0415

    result = bench_run(records, rounds, threads, _progress(), scale=scale)
    _report(result, as_json=as_json)


@bench.command(epilog="\b\nExample:\n  huadan bench subscribers --rows 2000000 --json\n")
@click.option("--rows", type=click.IntRange(min=1_000), default=2_000_000, show_default=True)
@rounds_option
@json_option
def subscribers(rows: int, rounds: int, as_json: bool) -> None:  # noqa: FBT001
    """Load tables of subscribers: read, check, index; CSV beside Parquet."""
    from bench.subscribers import bench_subscribers  # noqa: PLC0415

    _report(bench_subscribers(rows, rounds, _progress()), as_json=as_json)


@bench.command(
    "compile", epilog="\b\nExample:\n  huadan bench compile --prefixes 500000 --plans 200 --json\n"
)
@click.option("--prefixes", type=click.IntRange(1, 5_000_000), default=500_000, show_default=True)
@click.option("--plans", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@json_option
def compile_(prefixes: int, plans: int, rounds: int, as_json: bool) -> None:  # noqa: FBT001
    """Load and compile a large tariff book."""
    from bench.compile import bench_compile  # noqa: PLC0415
    from tariffs.errors import BookError  # noqa: PLC0415

    try:
        result = bench_compile(prefixes, plans, rounds, _progress())
    except BookError as error:
        raise click.UsageError(str(error)) from error
    _report(result, as_json=as_json)


def _progress() -> Callable[[str], None]:
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda words: click.echo(f"\r\x1b[K{words} …", err=True, nl=False)


def _report(result: Result, *, as_json: bool) -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    if as_json:
        click.echo(json.dumps(result.to_dict()))
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=f"{result.stage}: {result.records:,} records, medians")
    for column in ("", "threads", "records/s", "ours / theirs"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("huadan", str(result.threads), f"{result.records_per_s:,}", "")
    for peer in result.peers:
        table.add_row(peer.name, str(peer.threads), f"{peer.records_per_s:,}", f"{peer.ratio:,.1f}")
    console = Console()
    console.print(table)
    console.print(
        f"peak memory {result.peak_rss_bytes / 2**20:,.0f} MiB, "
        f"calibration {result.calibration:,.0f} M spins/s"
        + ("" if result.quiet is None else f", {result.quiet:.0%} of the turns on quiet cores")
    )
    for note in result.notes:
        console.print(note)
