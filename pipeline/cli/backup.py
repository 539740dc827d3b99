"""``huadan backup`` and ``huadan restore``."""

from __future__ import annotations

from pathlib import Path
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
    from pipeline.upkeep.backup import Copied
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan backup /backups/2026-11-22         into a new folder",
        "huadan backup /backups/tonight --link     hard links: quick, on the same disk only",
    )
)
@workspace_option
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--link", is_flag=True, help="Hard links where possible instead of copies.")
@json_option
@log_options
def backup(workspace: Workspace, *, folder: Path, link: bool, as_json: bool) -> int:
    """Write the workspace as of now into a new folder, every file checked by digest.

    Exit codes: 0 done; 2 the folder or the ledger cannot be used; 4 published files are not as
    committed; 75 no space, or another command works here.
    """
    from pipeline.progress import listening  # noqa: PLC0415
    from pipeline.upkeep import backup as backups  # noqa: PLC0415 - heavy imports only when needed

    with listening(wanted=not as_json) as listener:
        done = backups.backup(workspace, folder.absolute(), link=link, listener=listener)
    _tell(done, "Backed up", as_json=as_json)
    return int(Exit.DONE)


@click.command(
    epilog=examples(
        "huadan restore /backups/2026-11-22 -w shop    shop is new, or was moved aside",
        "huadan run -w shop                            takes what has arrived since",
    )
)
@workspace_option
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
@log_options
def restore(workspace: Workspace, *, folder: Path, as_json: bool) -> int:
    """Make a workspace of a backup, every file checked by digest.

    Exit codes: 0 done; 2 no backup, or the workspace is not empty; 4 the backup is damaged.
    """
    from pipeline.progress import listening  # noqa: PLC0415
    from pipeline.upkeep import backup as backups  # noqa: PLC0415 - heavy imports only when needed

    with listening(wanted=not as_json) as listener:
        done = backups.restore(folder.absolute(), workspace, listener=listener)
    _tell(done, "Restored", as_json=as_json)
    return int(Exit.DONE)


def _tell(done: Copied, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"folder": done.folder, "files": done.files, "bytes": done.octets})
    else:
        console().print(
            f"{what}: {done.files:,} files, {done.octets / 1e6:,.1f} MB in {done.folder}"
        )
