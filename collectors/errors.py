"""What can go wrong while files are taken; facts are attributes, the words are built here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class CollectorError(Exception):
    """A source cannot be read as it is configured."""

    temporary = False
    """Whether the same might work later without anybody changing anything."""


class OwnDiskError(OSError):
    """Our own disk refused a write: the file at the source is not to blame, so nothing goes on."""


class LostError(ConnectionError):
    """A connection failed or ended too early; raised by stores, tried again by their source."""


class AccessError(CollectorError):
    """A store cannot be used as configured: unknown host, wrong key, no such folder."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\nHint: {self.hint}"


@contextmanager
def folder_needed() -> Iterator[None]:
    """Says of a store whose folder is not found what to do about it.

    Raises:
        AccessError: There is no such folder.
    """
    try:
        yield
    except FileNotFoundError:
        what, hint = "there is no such folder", "create it, or correct `url` of this source"
        raise AccessError(what, hint) from None


class SourceError(CollectorError):
    """A source cannot be used as configured."""

    def __init__(self, source: str, place: str, what: str, hint: str) -> None:
        super().__init__(source, place, what, hint)
        self.source = source
        self.place = place
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"source {self.source!r}: {self.place}: {self.what}\nHint: {self.hint}"


class UnreachableError(SourceError):
    """A source does not answer now; its files stay where they are."""

    temporary = True


class FileChangedError(CollectorError):
    """A file changed while it was read; it is left for the next run."""

    temporary = True

    def __init__(self, source: str, name: str) -> None:
        super().__init__(source, name)
        self.source = source
        self.name = name

    def __str__(self) -> str:
        return f"source {self.source!r}: {self.name!r} changed while it was read"
