"""``huadan bill``: closes a cycle."""

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
        "huadan bill                       the cycle that the events are in",
        "huadan bill --cycle 2026-10       this one",
    )
)
@workspace_option
@click.option("--cycle", help="Bill cycle, YYYY-MM (default: where nearly all events are).")
@click.option("--threads", type=click.IntRange(1, 256), help="Worker threads.")
@json_option
@log_options
def bill(workspace: Workspace, *, cycle: str | None, threads: int | None, as_json: bool) -> None:
    """Re-rate a cycle in event order and write its bills.

    The result depends on the events, the tariff book and the subscribers only. If none of them
    has changed since the last bill run of the cycle, there is nothing to do.
    """
    from pipeline.operate import operate_bill  # noqa: PLC0415 - heavy imports only when needed
    from pipeline.progress import listening  # noqa: PLC0415

    with listening(wanted=not as_json) as listener:
        result = operate_bill(workspace, cycle, threads=threads, listener=listener)
    if as_json:
        print_json(result.to_dict())
        return
    from pipeline.batch.show import print_bill_run  # noqa: PLC0415

    print_bill_run(console(), result)
