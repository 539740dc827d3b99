"""``huadan gaps``: sequence control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, examples, json_option, print_json, workspace_option
from pipeline.errors import Exit

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan gaps                                     what is missing, late or told twice",
        "huadan gaps --json -w shop",
        'huadan gaps --close msc1:17-19 --reason "node was switched off"',
    )
)
@workspace_option
@click.option("--close", "wanted", help="Close numbers that never come: SOURCE:FIRST-LAST.")
@click.option("--reason", default="", help="Why they never come; required to close.")
@json_option
def gaps(workspace: Workspace, *, wanted: str | None, reason: str, as_json: bool) -> int:
    """Show sequence numbers of files that are missing, came late, or came with another content.

    A late file closes its gap by itself. Numbers that never come are closed with a reason.
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
    if not any(found.values()):
        out.print("No sequence number is missing.")
    return int(Exit.DONE)
