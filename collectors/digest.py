"""The digest that names files: BLAKE3, 256 bits.

As strong as SHA-256 and about ten times faster where the processor has no instructions for that
one: every octet that comes in and goes out passes here. ``b3sum`` prints the same digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blake3 import blake3

if TYPE_CHECKING:
    from pathlib import Path


BLOCK: Final = 1 << 20
"""Octets read at a time: after each block a thread waits for the interpreter, if others use it."""


def new_digest() -> blake3:
    """Returns an empty digest; feed it with ``update``, read it with ``hexdigest``."""
    return blake3()


def digest_of(octets: bytes | memoryview) -> str:
    """Returns the digest of octets, 64 hex digits."""
    return blake3(octets).hexdigest()


def file_digest(path: Path) -> str:
    """Returns the digest of a file's content, 64 hex digits.

    The file is read, not mapped: a sender that cuts it short in the meantime must not kill us.

    Raises:
        OSError: If the file cannot be read.
    """
    digest = new_digest()
    with path.open("rb", buffering=0) as source:
        view = memoryview(bytearray(min(BLOCK, path.stat().st_size + 1)))
        while count := source.readinto(view):
            digest.update(view[:count])
    return digest.hexdigest()
