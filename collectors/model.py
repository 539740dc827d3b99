"""What a source lists and offers, what was taken, and the protocol of every kind of source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_ID_LENGTH = 32
"""Hex digits of a file id: the first 128 bits of the content's BLAKE3 digest (law 3)."""


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """A complete file that a source offers; sorts by source and name."""

    source: str
    name: str
    """As shown and recorded: always printable text; see :mod:`collectors.names`."""
    size: int
    mtime_ns: int
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A file of the archive: its content digest, and the offer that it came from."""

    offer: Offer
    digest: str
    path: Path

    @property
    def file_id(self) -> str:
        """Returns the name of the content: the same wherever and whenever it arrives."""
        return self.digest[:FILE_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Listed:
    """A regular file of a store, complete or not."""

    name: str
    """Relative to the store's folder, parts joined by ``/``; octets that are no UTF-8 escaped."""
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry of a store that is never taken: a link, or a name that leads elsewhere."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived under a partial name, durable."""

    digest: str
    size: int


class Store(Protocol):
    """One kind of source: how to list, read, move and delete. A new kind is one such class.

    Methods are called from several threads. A store connects when it is first used, and again after
    a lost connection or :meth:`close`. All of them raise:

    * ``LostError``: the connection failed; the same call may succeed later.
    * ``AccessError``: the source cannot be used as it is configured.
    * ``OSError``: this file cannot be read, moved or deleted, or `partial` cannot be written.
    """

    @property
    def place(self) -> str:
        """Returns where it is, for messages; without secrets."""

    def files(self, without: str = "") -> Iterable[Listed | Skipped]:
        """Yields what is below the folder and no folder, in any order; not of folder `without`."""

    def find(self, name: str) -> Listed | None:
        """Returns one file as it is now, None if it is not there."""

    def fetch(self, name: str, partial: Path, size: int) -> Received:
        """Puts a file's bytes, durable, into `partial`; stops soon after `size` bytes."""

    def move(self, name: str, target: str) -> None:
        """Renames a file; `target` is relative to the same folder, its folders are made."""

    def delete(self, name: str) -> None:
        """Removes a file."""

    def close(self) -> None:
        """Ends connections; the next call makes new ones."""
