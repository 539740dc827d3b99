"""A local folder as a store of files."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from collectors.digest import file_digest
from collectors.errors import AccessError
from collectors.model import Listed, Received, Skipped
from collectors.receive import BLOCK, own_disk, receive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Take = Literal["copy", "link"]
"""How a file gets into the archive: its bytes copied, or a hard link to them."""


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Regular files below a folder; links are not followed."""

    folder: Path
    take: Take = "copy"

    @property
    def place(self) -> str:
        """Returns the folder."""
        return str(self.folder)

    def files(self, without: str = "") -> Iterator[Listed | Skipped]:
        """Yields files in all folders below, but for folder `without`."""
        try:
            if not self.folder.is_dir():
                what, hint = "is not a folder", "create it, or correct `folder` of this source"
                raise AccessError(what, hint)
            yield from self._walk(self.folder, "", without)
        except PermissionError as error:
            what = "the folder may not be read"
            hint = "give this user the right to read it, or correct `folder` of this source"
            raise AccessError(what, hint) from error

    def _walk(self, folder: Path, prefix: str, without: str) -> Iterator[Listed | Skipped]:
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except PermissionError:
            if not prefix:
                raise
            yield Skipped(prefix.rstrip("/"), "the folder may not be read")
            return
        for entry in found:
            name = prefix + entry.name
            if entry.is_symlink():
                yield Skipped(name, "a symbolic link, and links are not followed")
            elif entry.is_dir(follow_symlinks=False):
                if name != without:
                    yield from self._walk(folder / entry.name, f"{name}/", without)
            elif entry.is_file(follow_symlinks=False):
                if (listed := self.find(name)) is not None:
                    yield listed
            else:
                yield Skipped(name, "not a regular file")

    def find(self, name: str) -> Listed | None:
        """Returns a file as it is now."""
        try:
            found = os.lstat(self.folder / name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Listed(name, found.st_size, found.st_mtime_ns) if _regular(found) else None

    def fetch(self, name: str, partial: Path, size: int) -> Received:
        """Copies or links the file to `partial`, fsyncs it and returns its digest."""
        origin = self.folder / name
        linked = self.take == "link" and _link(origin, partial)
        source = os.open(origin, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not linked:
                return receive(_blocks(source), partial, size)
            digest = file_digest(partial)
            with own_disk():  # the link is in the archive: what is made durable is ours
                os.fsync(source)
            return Received(digest, partial.stat().st_size)
        finally:
            os.close(source)

    def move(self, name: str, target: str) -> None:
        """Renames a file; the target must be on the same file system."""
        place = self.folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).rename(place)

    def delete(self, name: str) -> None:
        """Removes a file."""
        (self.folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Does nothing: there is no connection."""


def _regular(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode)


def _link(origin: Path, partial: Path) -> bool:
    """Returns whether a hard link could be made: same file system, and allowed there."""
    try:
        os.link(origin, partial, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _blocks(source: int) -> Iterator[memoryview]:
    block = bytearray(BLOCK)
    view = memoryview(block)
    while count := os.readv(source, [block]):
        yield view[:count]
