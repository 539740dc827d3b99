"""``huadan collect``: files into the archive, and what came when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import (
    MOST_ROWS,
    console,
    examples,
    json_option,
    log_options,
    print_json,
    workspace_option,
)

if TYPE_CHECKING:
    from pipeline.collection.recollect import Collection
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan collect                                      fetch what has arrived, rate nothing",
        "huadan collect --source msc1 --sequence 17-40       these files of one source",
        "huadan collect --source msc1 --from 2026-11-01 --to 2026-11-02",
        "huadan collect --source msc1 --sequence 17 --again  once more; compare with the archive",
        "huadan collect --list                               what came when, and what was refused",
    )
)
@workspace_option
@click.option("--source", help="Of this source only.")
@click.option(
    "--from", "start", help="Changed at or after this time (UTC unless it has an offset)."
)
@click.option("--to", "end", help="Changed before this time.")
@click.option("--sequence", help="Sequence numbers: 17 or 17-40.")
@click.option("--again", is_flag=True, help="Fetch files that were taken before, too.")
@click.option("--list", "listing", is_flag=True, help="Show the log of collection instead.")
@click.option(
    "--last", type=click.IntRange(0, MOST_ROWS), default=50, help="Lines of the log (50; 0: all)."
)
@json_option
@log_options
def collect(
    workspace: Workspace,
    *,
    source: str | None,
    start: str | None,
    end: str | None,
    sequence: str | None,
    again: bool,
    listing: bool,
    last: int,
    as_json: bool,
) -> int:
    """Fetch files into the archive without processing them.

    The next run takes them through the chain. A file that was taken before is not taken again;
    --again fetches it once more and restores what the archive has lost.

    Exit codes: 0 done; 2 configuration; 75 some files or sources could not be read, try again.
    """
    from pipeline.collection import recollect  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.progress import listening  # noqa: PLC0415

    if listing:
        found = recollect.read_log(workspace, source, last)
        if as_json:
            print_json(found)
        else:
            _show_log(found)
        return 0
    wanted = recollect.Range(
        source,
        recollect.instant_ns(start) if start else None,
        recollect.instant_ns(end) if end else None,
        recollect.numbers_of(sequence) if sequence else None,
    )
    with listening(wanted=not as_json) as listener:
        result = recollect.collect_only(workspace, wanted, listener, again=again)
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result)
    return int(result.exit_code)


def _show(result: Collection) -> None:
    out = console()
    out.print(f"Collected: {result.new} new files, {result.again} contents known before.")
    if result.same:
        out.print(f"Fetched again: {result.same} files are in the archive as they are.")
    for name in result.restored:
        out.print(f"Restored: {name} was lost or damaged in the archive", style="yellow")
    for name in result.changed:
        out.print(f"Changed: {name} has other bytes than before; both are kept", style="red")
    for line in result.refused:
        out.print(f"Refused: {line}", style="red")
    if result.new or result.changed:
        out.print("Next: huadan run")


def _show_log(found: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415 - rich costs time that --help must not

    out = console()
    table = Table("collected", "source", "name", "bytes", "number", "content", "batch", "original")
    for one in found["collected"]:
        table.add_row(
            one["collected"],
            one["source"],
            one["name"],
            f"{one['size']:,}",
            "" if one["sequence"] is None else str(one["sequence"]),
            one["file_id"][:12] + (" known" if one["verdict"] == "again" else ""),
            one["batch"] or "waits",
            {"kept": "left", "due": "to be moved or deleted", "done": "released"}[one["original"]],
        )
    out.print(table if found["collected"] else "Nothing has been collected yet.")
    for one in found["refused"]:
        line = f"Refused since {one['since']}: {one['source']}/{one['name']}: {one['why']}"
        out.print(line, style="yellow")
