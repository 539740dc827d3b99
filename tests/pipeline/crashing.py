"""What the crash tests start in processes of their own; preloaded by the fork server.

The server imports what commands import and does no work: polars has threads from its first use on,
and a process with threads cannot be forked.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pipeline.bill_work
import pipeline.chain
import pipeline.finish
import pipeline.operate
import pipeline.parts
import pipeline.recycle
import pipeline.rollback
import pipeline.running
import rating.billing.run
from pipeline.cli.main import main

LOADED = (
    pipeline.bill_work,
    pipeline.chain,
    pipeline.finish,
    pipeline.operate,
    pipeline.parts,
    pipeline.recycle,
    pipeline.rollback,
    pipeline.running,
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
