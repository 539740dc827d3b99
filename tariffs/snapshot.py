"""Reads a folder's files as they are at one moment, although somebody may be writing them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ATTEMPTS = 50
PAUSE_S = 0.1


class UnsettledError(OSError):
    """The files changed each time they were read."""


def read_snapshot(listing: Callable[[], dict[str, Path]]) -> dict[str, bytes]:
    """Returns the bytes of every file by name; none of them changed while any of them was read.

    Args:
        listing: Returns the files by name; called before and after reading.

    Raises:
        UnsettledError: The files went on changing.
        OSError: A file cannot be read.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S)
        before = _marks(listing())
        try:
            found = {name: path.read_bytes() for name, path in listing().items()}
        except FileNotFoundError:
            continue  # removed since it was listed
        after = _marks(listing())
        if before is not None and before == after:
            return found
    message = "the files change while they are read; wait until whoever writes them is done"
    raise UnsettledError(message)


def _marks(files: dict[str, Path]) -> dict[str, tuple[int, int, int]] | None:
    """Returns what changes about each file when it is written or replaced; None if one went."""
    try:
        stats = {name: path.stat() for name, path in files.items()}
    except FileNotFoundError:
        if any(path.is_symlink() and not path.exists() for path in files.values()):
            raise  # a link to nothing does not settle
        return None
    return {name: (one.st_ino, one.st_size, one.st_mtime_ns) for name, one in stats.items()}
