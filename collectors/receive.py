"""Bytes on their way in: hashed, written under a partial name and made durable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from collectors.digest import new_digest
from collectors.model import Received

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BLOCK = 4 << 20
"""Bytes read at a time; large enough that hashing runs outside the interpreter lock."""


def receive(blocks: Iterable[bytes | memoryview], partial: Path, size: int) -> Received:
    """Writes blocks to `partial` and fsyncs it; what was hashed is what was written.

    A file that still grows is not followed for ever: it ends soon after `size` bytes.

    Raises:
        OSError: `partial` cannot be written; it is removed. And what `blocks` raises.
    """
    digest = new_digest()
    count = 0
    try:
        with partial.open("wb", buffering=0) as target:
            for block in blocks:
                digest.update(block)
                _write_all(target.fileno(), memoryview(block))
                count += len(block)
                if count > size:
                    break
            os.fsync(target.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Received(digest.hexdigest(), count)


def _write_all(target: int, data: memoryview) -> None:
    while data:
        data = data[os.write(target, data) :]
