"""What the crash tests start in processes of their own; preloaded by the fork server.

The server imports what commands import and does no work: polars has threads from its first use on,
and a process with threads cannot be forked.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pipeline.batch.chain
import pipeline.batch.parts
import pipeline.batch.running
import pipeline.billing.work
import pipeline.operate
import pipeline.reports.finish
import pipeline.suspense.recycle
import pipeline.upkeep.rollback
import rating.billing.run
from pipeline.cli.main import main

LOADED = (
    pipeline.billing.work,
    pipeline.batch.chain,
    pipeline.reports.finish,
    pipeline.operate,
    pipeline.batch.parts,
    pipeline.suspense.recycle,
    pipeline.upkeep.rollback,
    pipeline.batch.running,
    rating.billing.run,
)


def child(arguments: tuple[str, ...], told: str, folder: str, at: int, error: int) -> None:
    """Runs the command line; what it says goes to a file, and the calls it made to another."""
    out = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    library = ctypes.CDLL(None)
    if at >= 0:
        library.fault_arm(f"{folder}/".encode(), ctypes.c_long(at), error)
    try:
        main([*arguments, "-w", folder])
    finally:
        if at >= 0:
            Path(f"{told}.calls").write_text(str(library.fault_calls()), encoding="ascii")
