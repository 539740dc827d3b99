"""``huadan run``: one batch."""

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

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan run                        take what has arrived, rate it, commit it",
        "huadan run -w shop --json         the same elsewhere, for a program",
        "huadan run --threads 1            the same bytes on one core",
        "huadan run --flush-partials       do not wait for missing parts of calls",
    )
)
@workspace_option
@click.option("--threads", type=click.IntRange(1, 256), help="Worker threads.")
@click.option("--flush-partials", is_flag=True, help="Rate parts of calls that wait, too.")
@json_option
@log_options
def run(workspace: Workspace, *, threads: int | None, flush_partials: bool, as_json: bool) -> int:
    """Take the files that have arrived through the whole chain, as one batch.

    Exit codes: 0 done; 2 configuration; 3 done, but more went to suspense than the configured
    threshold; 4 the balance does not close, nothing committed; 75 try again.
    """
    from pipeline.operate import operate_run  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.progress import listening  # noqa: PLC0415

    with listening(wanted=not as_json) as listener:
        result = operate_run(
            workspace, threads=threads, flush_partials=flush_partials, listener=listener
        )
    if as_json:
        print_json(result.to_dict())
    else:
        from pipeline.batch.show import print_run  # noqa: PLC0415

        print_run(console(), result)
    return int(result.exit_code)
