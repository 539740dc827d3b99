"""What the crash tests start in processes of their own; preloaded by the fork server.

The server imports what commands import and does no work: polars has threads from its first use on,
and a process with threads cannot be forked.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from numba.core.dispatcher import Dispatcher

import pipeline.batch.chain
import pipeline.batch.parts
import pipeline.batch.running
import pipeline.billing.work
import pipeline.operate
import pipeline.reports.finish
import pipeline.reports.page
import pipeline.suspense.recycle
import pipeline.upkeep.rollback
import pipeline.watch.process
import rating.billing.run
from pipeline.cli.main import main

LOADED = (
    pipeline.billing.work,
    pipeline.batch.chain,
    pipeline.reports.finish,
    pipeline.reports.page,
    pipeline.watch.process,
    pipeline.operate,
    pipeline.batch.parts,
    pipeline.suspense.recycle,
    pipeline.upkeep.rollback,
    pipeline.batch.running,
    rating.billing.run,
)


def load_kernels() -> None:
    """Loads what is compiled already: every process would do it again."""
    kernels = {
        id(value): value
        for module in list(sys.modules.values())
        for value in list(vars(module).values())
        if isinstance(value, Dispatcher)
    }
    for kernel in kernels.values():
        cache = getattr(kernel, "_cache", None)  # numba has no other way to ask what is compiled
        if cache is not None and hasattr(cache, "_cache_file"):
            for signature, *_ in cache._cache_file._load_index():
                kernel.compile(signature)


load_kernels()


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
            counted = f"{library.fault_calls()} {library.fault_steps()}"
            Path(f"{told}.calls").write_text(counted, encoding="ascii")
