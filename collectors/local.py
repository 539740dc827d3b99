"""A local folder as a source of files."""

from __future__ import annotations

import fnmatch
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.digest import file_digest, new_digest
from collectors.errors import FileChangedError, MissingFolderError
from collectors.model import Offer, Take
from collectors.sequence import sequence_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 4 << 20
"""Bytes read at a time; large enough that hashing runs outside the interpreter lock."""

PARTIAL_SUFFIXES = (".tmp", ".part", ".partial", ".filepart")
"""Names that senders use while a file is still growing; never taken."""


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """Takes complete regular files below a folder; links that lead elsewhere are not followed.

    A file is complete when its sender renamed it to a name that matches `pattern`, and, if
    `marker` is set, when `<name><marker>` stands beside it, and when its last change is at least
    `settle_seconds` ago.
    """

    name: str
    folder: Path
    pattern: str = "*"
    take: Take = "copy"
    sequence: re.Pattern[str] | None = None
    settle_seconds: float = 0.0
    marker: str = ""

    def offers(self) -> list[Offer]:
        """Returns the complete files, sorted by name."""
        if not self.folder.is_dir():
            raise MissingFolderError(self.name, str(self.folder))
        newest = time.time_ns() - int(self.settle_seconds * 1e9) if self.settle_seconds else None
        found = (self._offer(path) for path in self._candidates())
        return sorted(
            offer
            for offer in found
            if offer is not None and (newest is None or offer.mtime_ns <= newest)
        )

    def _candidates(self) -> Iterator[Path]:
        for path in self.folder.rglob("*"):
            name = path.name
            if name.startswith(".") or name.endswith(PARTIAL_SUFFIXES):
                continue
            if not fnmatch.fnmatchcase(name, self.pattern):
                continue
            if self.marker and (
                name.endswith(self.marker) or not path.with_name(name + self.marker).exists()
            ):
                continue
            if path.is_file() and not path.is_symlink():
                yield path

    def _offer(self, path: Path) -> Offer | None:
        try:
            stat = path.stat()
        except FileNotFoundError:  # gone between listing and looking
            return None
        name = path.relative_to(self.folder).as_posix()
        return Offer(
            source=self.name,
            name=name,
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            sequence=sequence_of(path.name, self.sequence),
        )

    def fetch(self, offer: Offer, partial: Path) -> str:
        """Copies or links the file to `partial`, fsyncs it and returns its digest."""
        origin = self.folder / offer.name
        linked = self.take != "copy" and _link(origin, partial)
        with origin.open("rb") as source:
            if linked:
                digest = file_digest(partial)
                os.fsync(source.fileno())
            else:
                digest = _copy(source.fileno(), partial)
            stat = os.fstat(source.fileno())
        if (stat.st_size, stat.st_mtime_ns) != (offer.size, offer.mtime_ns):
            raise FileChangedError(self.name, offer.name)
        return digest

    def release(self, offer: Offer) -> None:
        """Removes the original (and its marker) if the source is to be moved."""
        if self.take != "move":
            return
        origin = self.folder / offer.name
        origin.unlink(missing_ok=True)
        if self.marker:
            origin.with_name(origin.name + self.marker).unlink(missing_ok=True)


def _link(origin: Path, partial: Path) -> bool:
    """Returns whether a hard link could be made: same file system, and allowed there."""
    try:
        os.link(origin, partial, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _copy(source: int, partial: Path) -> str:
    """Copies an open file while hashing it, so that what was hashed is what was archived."""
    digest = new_digest()
    block = bytearray(BLOCK)
    view = memoryview(block)
    try:
        with partial.open("wb", buffering=0) as target:
            while count := os.readv(source, [block]):
                digest.update(view[:count])
                _write_all(target.fileno(), view[:count])
            os.fsync(target.fileno())
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def _write_all(target: int, data: memoryview) -> None:
    while data:
        data = data[os.write(target, data) :]
