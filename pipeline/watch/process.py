"""`watch` as a process: one per workspace, its signals, its pages."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from pipeline.batch.memory import share_one_arena
from pipeline.errors import UsageError
from pipeline.lock import locked
from pipeline.logs import log
from pipeline.watch.loaded import load
from pipeline.watch.loop import Watch
from pipeline.watch.metrics import Server

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


def stay(
    workspace: Workspace, *, threads: int | None = None, port: int | None = None, standby: bool
) -> None:
    """Watches until SIGTERM or SIGINT.

    A standby, on this machine or on another that shares the folder, waits for the lock. The kernel
    drops it with its holder, however that one ends; ledger and archive are the same, so nothing is
    taken twice and nothing that was begun is left.

    Raises:
        LockedError: another one watches here, and this is no standby.
        HuadanError: and the errors of broken books, subscribers or configuration; see ``known.py``.
    """
    workspace.require()
    share_one_arena()
    if standby:
        log().info("standby", waits_for=str(workspace.watch_lock_file))
    with locked(workspace.watch_lock_file, "watch", wait=standby):
        loaded = load(workspace)
        watch = Watch(workspace, loaded, threads)
        settings = loaded.config.watch
        wanted = settings.port if port is None else port
        try:
            server = Server(settings.address, wanted, watch.metrics, watch.health)
        except OSError as error:
            watch.close()
            message = f"{settings.address}:{wanted} cannot be served: {error.strerror}"
            raise UsageError(message, "give another --port, or watch.port in huadan.toml") from None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: watch.stop())
        signal.signal(signal.SIGHUP, lambda *_: watch.reload())
        log().info(
            "watching", process=os.getpid(), pages=f"http://{settings.address}:{server.port}"
        )
        try:
            watch.run()
        finally:
            server.stop()
        log().info("stopped")
