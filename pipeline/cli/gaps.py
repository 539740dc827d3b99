"""``huadan gaps``: sequence control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.cli.options import console, examples, json_option, print_json, workspace_option
from pipeline.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.workspace import Workspace

SHOWN: Final = 50
"""Gaps, repeats and late fills of records on one screen."""


@click.command(
    epilog=examples(
        "huadan gaps                                     what is missing, late or told twice",
        'huadan gaps --close pgw1/gw-7:5000-5021 --reason "charging function was restarted"',
        "huadan gaps --json -w shop",
        'huadan gaps --close msc1:17-19 --reason "node was switched off"',
    )
)
@workspace_option
@click.option(
    "--close",
    "wanted",
    help="Close numbers that never come: SOURCE:FIRST-LAST or SOURCE/NODE:FIRST-LAST.",
)
@click.option("--reason", default="", help="Why they never come; required to close.")
@json_option
def gaps(workspace: Workspace, *, wanted: str | None, reason: str, as_json: bool) -> int:
    """Show sequence numbers that are missing, came late, or came again: of files and of records.

    A late file closes its gaps by itself. Numbers that never come are closed with a reason.
    """
    from pipeline.upkeep import sequences  # noqa: PLC0415 - heavy imports only when needed

    if wanted is not None:
        import getpass  # noqa: PLC0415

        from pipeline.operate import now  # noqa: PLC0415

        sequences.close_gap(workspace, wanted, now(), getpass.getuser(), reason)
    found = sequences.read_gaps(workspace)
    if as_json:
        print_json(found)
        return int(Exit.DONE)
    out = console()
    for one in found["open"]:
        out.print(f"Missing: {one['source']} {one['first']}-{one['last']}", style="yellow")
    for one in found["retold"]:
        text = f"{one['source']}/{one['name']} came with {one['files']} contents"
        out.print(f"Told twice: {text}", style="red")
    for one in found["late"]:
        out.print(f"Late: {one['source']} {one['sequence']} came with {one['batch']}")
    for one in found["closed"]:
        out.print(
            f"Closed: {one['source']} {one['first']}-{one['last']} by {one['who']}: {one['reason']}"
        )
    _print_records(out, found["records"])
    if not any(v for k, v in found.items() if k != "records") and not any(
        v for k, v in found["records"].items() if k != "nodes"
    ):
        out.print("No sequence number is missing.")
    return int(Exit.DONE)


def _print_records(out: Console, found: dict[str, Any]) -> None:
    """Prints what there is to say of the running numbers of records."""
    from pipeline.ledger import record_gaps  # noqa: PLC0415 - as above

    for one in found["open"][:SHOWN]:
        gap = record_gaps.RecordGap(**one)
        out.print(f"Missing records: {gap.words}", style="yellow")
    for one in found["repeated"][-SHOWN:]:
        noted = record_gaps.Noted(**one)
        out.print(f"Repeated: {noted.words}, {noted.batch}", style="red")
    for one in found["late"][-SHOWN:]:
        noted = record_gaps.Noted(**one)
        out.print(f"Late records: {noted.words}, {noted.batch}")
    for one in found["closed"]:
        place = record_gaps.place_of(one["source"], one["node"])
        span = record_gaps.span_of(one["first"], one["last"])
        out.print(f"Closed: {place} {span} by {one['who']}: {one['reason']}")
    for one in found["nodes"]:
        place = record_gaps.place_of(one["source"], one["node"])
        if one["given_up"]:
            text = f"Given up: {one['given_up']:,} numbers of {place}, which has too many gaps"
            out.print(text, style="red")
        if one["restarts"]:
            out.print(f"Began anew: {place}, {one['restarts']} times")
    if any(len(found[name]) > SHOWN for name in ("open", "repeated", "late")):
        out.print(f"Of each kind {SHOWN} are shown. All of them: huadan gaps --json")
