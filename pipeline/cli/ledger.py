"""``huadan ledger verify`` and ``huadan rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import (
    console,
    examples,
    json_option,
    log_options,
    print_json,
    workspace_option,
)
from pipeline.errors import Exit

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.group()
def ledger() -> None:
    """Look after the ledger: the truth about what is committed."""


@ledger.command(
    epilog=examples(
        "huadan ledger verify               read everything that is published again",
        "huadan ledger verify -w shop --json",
    )
)
@workspace_option
@json_option
@log_options
def verify(workspace: Workspace, *, as_json: bool) -> int:
    """Read published files and originals again and compare them with the ledger.

    Finds files that are missing, were changed, or that no batch has written. Exit codes: 0 all as
    committed; 2 the ledger cannot be used; 4 something differs.
    """
    from pipeline.progress import listening  # noqa: PLC0415
    from pipeline.upkeep import verify as verifying  # noqa: PLC0415 - heavy imports only when needed

    with listening(wanted=not as_json) as listener:
        found = verifying.verify(workspace, listener=listener)
    if as_json:
        print_json(found.to_dict())
    else:
        out = console()
        for one in found.differences:
            out.print(f"{one.kind:8} {one.path}: {one.detail}", style="red")
        count = len(found.differences)
        text = "all as committed" if not count else f"{count} differ"
        out.print(f"{found.files:,} files, {found.octets / 1e6:,.1f} MB read: {text}")
        if count:
            out.print(
                "Next: restore what is missing or changed from a backup, remove what is extra."
            )
    return int(Exit.RECONCILIATION if found.differences else Exit.DONE)


@click.command(
    epilog=examples(
        "huadan rollback batch-000007                take the latest batch back",
        "huadan rollback batch-000005 --with-later   it and all that came after it",
        "huadan rollback bill-2026-10-0002           the cycle is not billed any more",
    )
)
@workspace_option
@click.argument("batch")
@click.option("--with-later", is_flag=True, help="Take back all later batches as well.")
@json_option
@log_options
def rollback(workspace: Workspace, *, batch: str, with_later: bool, as_json: bool) -> int:
    """Take a whole batch back: tables, duplicate keys, balances, waiting parts.

    Its files stay in the archive and are taken again by the next `huadan run`, which gives the same
    bytes. Batches go on from each other, so only the latest can be taken back, or one with all later
    ones. Bills that were made of it are marked as out of date.
    """
    from pipeline.operate import now  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.upkeep.rollback import rollback as take_back  # noqa: PLC0415

    workspace.require()
    done = take_back(workspace, batch, now(), with_later=with_later)
    if as_json:
        print_json([{"batch": o.batch, "files": o.files, "outputs": o.outputs} for o in done])
        return int(Exit.DONE)
    out = console()
    for one in done:
        out.print(f"{one.batch} taken back: {one.files} files to be taken again")
    out.print("Next: huadan run" if done[0].kind != "bill" else "Next: huadan bill")
    return int(Exit.DONE)
