"""What a source offers, what was taken, and the protocol that every kind of source follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

Take = Literal["copy", "link", "move"]
"""How a file gets into the archive: bytes copied, hard link, or copied and then removed."""

FILE_ID_LENGTH = 32
"""Hex digits of a file id: the first 128 bits of the content's BLAKE3 digest (law 3)."""


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """A complete file that a source offers; sorts by source and name."""

    source: str
    name: str
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


class Collector(Protocol):
    """One source of files. A new kind of source is one class with these members."""

    @property
    def name(self) -> str:
        """Returns the source's name in huadan.toml."""

    def offers(self) -> list[Offer]:
        """Returns the complete files in order of name, without opening them.

        Raises:
            CollectorError: the source cannot be read as configured.
        """

    def fetch(self, offer: Offer, partial: Path) -> str:
        """Puts the offer's bytes, durable, into `partial`; returns their digest in hex.

        Raises:
            FileChangedError: the file changed while it was read.
            OSError: the file cannot be read, or `partial` cannot be written.
        """

    def release(self, offer: Offer) -> None:
        """Does with the original what the source asks for, once its content is recorded."""
