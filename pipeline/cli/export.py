"""``huadan export``: a published table as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import examples, unmask_option, workspace_option

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan export rated rated.parquet             numbers masked, without places",
        "huadan export rated/cycle=2026-10 rated.csv --pseudonyms --key-file key",
        "huadan export billed/cycle=2026-10/bills bills.csv",
        "huadan export edr edr.parquet --unmask        in full; noted in the access log",
    )
)
@click.argument("table")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@workspace_option
@click.option(
    "--pseudonyms",
    is_flag=True,
    help="Keyed pseudonyms in place of numbers; exports with the same key join.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the key (default: $HUADAN_PSEUDONYM_KEY).",
)
@unmask_option
def export(
    workspace: Workspace,
    *,
    table: str,
    target: Path,
    pseudonyms: bool,
    key_file: Path | None,
    unmask: bool,
) -> None:
    """Write TABLE (edr, rated, billed/…, suspense, audit, alarms) to TARGET, Parquet or CSV."""
    from pipeline.errors import UsageError  # noqa: PLC0415 - heavy imports
    from pipeline.upkeep.export import Privacy, read_key  # noqa: PLC0415
    from pipeline.upkeep.export import export as work  # noqa: PLC0415

    if pseudonyms and unmask:
        message = "--pseudonyms and --unmask say opposite things"
        raise UsageError(message, "leave one of them out")
    privacy: Privacy = "pseudonyms" if pseudonyms else "plain" if unmask else "masked"
    rows = work(workspace, table, target, privacy, read_key(key_file) if pseudonyms else b"")
    click.echo(f"{rows:,} rows in {target}, numbers {privacy}")
