"""Files become durable beside other work: a disk is waited for once, not by every worker.

Large files go past the system's page cache: what a batch writes is not read again soon, and to copy
it into fresh pages of memory can cost more than to compress it (2.5 ms a megabyte were measured on
a virtual machine, 0.4 past it).
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

DIRECT: Final = getattr(os, "O_DIRECT", 0)
"""The flag for writing past the page cache; 0 where the system knows none."""
LARGE: Final = 1 << 20
"""Octets from which a file is written so: a small one waits longer for the disk than it costs."""
PIECE: Final = 1 << 22
"""Octets that are written at a time."""
BLOCK: Final = 4096
"""What addresses and lengths of such a write are a multiple of."""
WAITING: Final = 4
"""Files that may wait for the disk; then who writes waits for it, and memory stays bounded."""


class Flusher:
    """Writes, fsyncs and closes files in a thread of its own; its block ends when all are durable.

    Raises:
        OSError: what the disk said of the first file that it refused: to who hands over the next
            file, else at the end of the block.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flusher")
        self._flushed: list[Future[None]] = []
        self._room = threading.Semaphore(WAITING)
        self._buffer: mmap.mmap | None = None
        self._error: BaseException | None = None

    def flush(self, handle: int) -> None:
        """Takes a written file over. Called by any thread, inside the block."""
        self._flushed.append(self._thread.submit(self._end, handle))

    def write(self, handle: int, octets: memoryview) -> None:
        """Takes over a file that is open and what is to be written to it; it is not changed any more.

        Called by any thread, inside the block.
        """
        if self._error is not None:
            os.close(handle)
            raise self._error
        self._room.acquire()
        self._flushed.append(self._thread.submit(self._write, handle, octets))

    def settle(self) -> None:
        """Waits until what was handed over so far is durable: then it can be read."""
        for flushed in list(self._flushed):
            flushed.result()

    def _write(self, handle: int, octets: memoryview) -> None:
        try:
            if self._buffer is None:
                self._buffer = mmap.mmap(-1, PIECE)  # begins on a page
            write_all(handle, octets, memoryview(self._buffer))
        except BaseException as error:
            os.close(handle)
            self._note(error)
            raise
        finally:
            self._room.release()
        self._end(handle)

    def _end(self, handle: int) -> None:
        try:
            flush(handle)
        except OSError as error:
            self._note(error)
            raise

    def _note(self, error: BaseException) -> None:
        self._error = self._error or error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True)
        if error is None:
            self.settle()


def flush(handle: int) -> None:
    """Fsyncs and closes a file."""
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_new(path: Path, size: int = 0) -> int:
    """Opens a file of ours for writing, past the page cache if it will be large and may be."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    if DIRECT and size >= LARGE:
        try:
            return os.open(path, flags | DIRECT, 0o600)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system without it, such as tmpfs
                raise
    return os.open(path, flags, 0o600)


def write_all(handle: int, octets: memoryview, buffer: memoryview) -> None:
    """Writes all octets to a file of :func:`open_new`.

    Args:
        handle: The file.
        octets: What it is to hold.
        buffer: :data:`PIECE` octets that begin on a page, for pieces of it.
    """
    octets, flags = octets.cast("B"), fcntl.fcntl(handle, fcntl.F_GETFL)
    while flags & DIRECT and len(octets) >= BLOCK:
        piece = octets[: min(len(buffer), len(octets) // BLOCK * BLOCK)]
        buffer[: len(piece)] = piece
        try:
            octets = octets[os.write(handle, buffer[: len(piece)]) :]
        except OSError as error:
            if error.errno != errno.EINVAL:  # larger blocks than ours
                raise
            break
    if flags & DIRECT:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags & ~DIRECT)
    while octets:
        octets = octets[os.write(handle, octets) :]
