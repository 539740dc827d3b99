"""``huadan watch``: batches for as long as it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import examples, log_options, workspace_option

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.command(
    epilog=examples(
        "huadan watch                      take files as they arrive",
        "huadan watch --standby            wait until the one that watches is gone, then go on",
        "huadan watch --port 0             any free port; the log says which",
        "kill -HUP PID                     load huadan.toml, book and subscribers anew",
        "curl localhost:9464/health        how is it?",
    )
)
@workspace_option
@click.option("--threads", type=click.IntRange(1, 256), help="Worker threads.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of /metrics and /health.")
@click.option("--standby", is_flag=True, help="If another one watches, wait for its end.")
@log_options
def watch(workspace: Workspace, *, threads: int | None, port: int | None, standby: bool) -> None:
    """Stay, and take files through the whole chain as they become ready.

    A batch begins when there are enough files or bytes, or when the first has waited long enough:
    see [watch] in huadan.toml. SIGTERM or Ctrl-C ends it after the batch in hand. Changed books are
    loaded between batches; a broken one is refused, and the old one stays in use.

    Exit codes: 0 stopped; 1 unexpected failure; 2 configuration; 75 another one watches.
    """
    from pipeline.watch.process import stay  # noqa: PLC0415 - heavy imports only when needed

    stay(workspace, threads=threads, port=port, standby=standby)
