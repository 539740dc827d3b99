"""``huadan generate``: synthetic traffic as binary CDR files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import examples, json_option, print_json, workspace_option

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

ONE_FILE = 10_000
"""Records of one file, unless they are asked for."""
FEWEST = 1_000
"""Records of a month of traffic."""


@click.command(
    epilog=examples(
        "huadan generate                              the demo's files into incoming/",
        "huadan generate --seed 7 --out traffic       other traffic, elsewhere",
        "huadan generate --records 5000000            much traffic, fast",
        "huadan generate --records 1000000 --subscribers big --people 200000 --out big/incoming",
        "huadan generate --format tap3 --records 5000 CDDEUZ1CHNZ100042   one file of a format",
    )
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@workspace_option
@click.option("--format", "format_name", help="Write one FILE of this format, see format list.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder (default: incoming/).")
@click.option("--seed", type=int, default=2026, show_default=True, help="Same seed, same bytes.")
@click.option("--records", type=click.IntRange(1), help="Records in all files together.")
@click.option("--files", type=click.IntRange(5), help="Files over all network elements.")
@click.option(
    "--encoder",
    type=click.Choice(["asn1tools", "fast"]),
    help="asn1tools: with planted troubles (default); fast: for volume (default with --records).",
)
@click.option(
    "--subscribers",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of subscribers.csv; made if there is none (default: the workspace's).",
)
@click.option("--people", type=click.IntRange(1000), default=200_000, help="Subscribers to make.")
@click.option(
    "--troubles",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the expected outcomes of planted troubles here.",
)
@json_option
def generate(
    workspace: Workspace,
    *,
    file: Path | None,
    format_name: str | None,
    out: Path | None,
    seed: int,
    records: int | None,
    files: int | None,
    encoder: str | None,
    subscribers: Path | None,
    people: int,
    troubles: Path | None,
    as_json: bool,
) -> None:
    """Write a month of synthetic traffic as binary CDR files, one folder per network element.

    With --format, write one FILE as a node that speaks the format would, through asn1tools' encoder
    where it is BER: some thousand records a second, all different.
    """
    if (format_name is None) != (file is None):
        message = "--format and FILE go together: generate --format tap3 FILE"
        raise click.UsageError(message)
    if format_name is not None and file is not None:
        _one_file(format_name, records or ONE_FILE, seed, file, as_json=as_json)
        return
    if records is not None and records < FEWEST:
        message = f"a month needs at least {FEWEST:,}"
        raise click.BadParameter(message, param_hint="--records")
    import time  # noqa: PLC0415 - with the heavy imports

    begin = time.perf_counter()
    if subscribers is None:
        from pipeline.config.load import load_config  # noqa: PLC0415

        subscribers = workspace.root / load_config(workspace).paths.subscribers
    target = out or workspace.root / "incoming"
    if (encoder or ("fast" if records else "asn1tools")) == "fast":
        import os  # noqa: PLC0415

        from traffic.generate import generate as write_fast  # noqa: PLC0415

        made = write_fast(
            target,
            records or 1_000_000,
            seed,
            subscribers=people,
            subscribers_folder=subscribers,
            files=files or 20,
            workers=len(os.sched_getaffinity(0)),
        )
    else:
        from traffic.samples import FILES, RECORDS, write_samples  # noqa: PLC0415

        made = write_samples(
            target,
            seed,
            records=records or RECORDS,
            files=files or FILES,
            subscribers_folder=subscribers,
            troubles_file=troubles,
        )
    seconds = time.perf_counter() - begin
    if as_json:
        print_json(
            {
                "folder": str(target),
                "files": list(made.files),
                "records": made.records,
                "bytes": made.bytes,
                "by_kind": made.by_kind,
                "seconds": round(seconds, 3),
            }
        )
        return
    click.echo(
        f"{made.records:,} records in {len(made.files)} files, {made.bytes / 1e6:.1f} MB,"
        f" in {target} ({seconds:.1f} s)"
    )


def _one_file(name: str, records: int, seed: int, target: Path, *, as_json: bool) -> None:
    """Writes one file of a format and tells what is in it."""
    import sys  # noqa: PLC0415 - with the heavy imports

    from traffic.nodes import NoWriterError, write_node_file  # noqa: PLC0415

    if not target.parent.is_dir():
        message = f"there is no folder {target.parent}"
        raise click.BadParameter(message, param_hint="FILE")
    hidden = as_json or not sys.stderr.isatty()
    try:
        with click.progressbar(length=records, file=sys.stderr, hidden=hidden) as bar:
            made = write_node_file(name, records, seed, target, progress=bar.update)
    except NoWriterError as error:
        raise click.BadParameter(str(error), param_hint="--format") from error
    if as_json:
        print_json(
            {
                "file": str(target),
                "format": name,
                "records": made.records,
                "bytes": made.bytes,
                "by_kind": made.by_kind,
            }
        )
        return
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in made.by_kind.items())
    click.echo(f"{made.records:,} records, {made.bytes / 1e6:.1f} MB, in {target}: {kinds}")
