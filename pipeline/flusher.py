"""Files become durable beside other work: a disk is waited for once, not by every worker."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType


class Flusher:
    """Fsyncs and closes files in a thread of its own; the end of its block waits for the last one.

    Raises:
        OSError: at the end of the block, what the disk said of the first file that it refused.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flusher")
        self._flushed: list[Future[None]] = []

    def flush(self, handle: int) -> None:
        """Takes a written file over. Called by any thread, inside the block."""
        self._flushed.append(self._thread.submit(flush, handle))

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
            for flushed in self._flushed:
                flushed.result()


def flush(handle: int) -> None:
    """Fsyncs and closes a file."""
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
