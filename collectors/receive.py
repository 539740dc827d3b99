"""Bytes on their way in: hashed, written under a partial name and made durable."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from collectors.digest import new_digest
from collectors.errors import OwnDiskError
from collectors.model import Received

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BLOCK = 4 << 20
"""Bytes read at a time; large enough that hashing runs outside the interpreter lock."""


def receive(blocks: Iterable[bytes | memoryview], partial: Path, size: int) -> Received:
    """Writes blocks to `partial` and fsyncs it; what was hashed is what was written.

    A file that still grows is not followed for ever: it ends soon after `size` bytes.

    Raises:
        OwnDiskError: `partial` cannot be written; it is removed. And what `blocks` raises.
    """
    digest = new_digest()
    count = 0
    try:
        with own_disk():
            target = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            for block in blocks:
                digest.update(block)
                with own_disk():
                    _write_all(target, memoryview(block))
                count += len(block)
                if count > size:
                    break
            with own_disk():
                os.fsync(target)
        finally:
            os.close(target)
    except BaseException:
        with own_disk():
            partial.unlink(missing_ok=True)
        raise
    return Received(digest.hexdigest(), count)


@contextmanager
def own_disk() -> Iterator[None]:
    """Around writes to our own disk: their errors are told from those of a source."""
    try:
        yield
    except OSError as error:
        raise OwnDiskError(error.errno, error.strerror, error.filename) from error


def _write_all(target: int, data: memoryview) -> None:
    while data:
        data = data[os.write(target, data) :]
