"""One working command per workspace."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import LockedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: Path, command: str, *, wait: bool = False) -> Iterator[None]:
    """Holds the lock file while the block runs; with `wait`, until another holder is gone.

    The kernel drops the lock with the process, so a killed run never leaves it behind. The holder
    writes its process id into the file and empties it at the end.

    Raises:
        LockedError: another process holds it.
        StorageError: it cannot be written there.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        hint = "check the folder's permissions and the space on its disk, then run again"
        raise StorageError(message, hint) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
            message = f"{path.parent} is in use by {holder}"
            raise LockedError(message, "wait until it has finished, then try again") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"huadan {command} (process {os.getpid()})\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)
