"""A command with faults: in a process of the fork server, or in one of its own."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from pipeline.cli.main import main


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
