"""A sample file on the desk: its records as octets, and what is done to them before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from traffic.files import file_name, release_of

if TYPE_CHECKING:
    from traffic.plan import PlannedFile

BLOCK = 2_048
"""Octets of a block in files that are padded with filler."""


@dataclass(slots=True)
class Draft:
    """Records of one file before it is written.

    Attributes:
        plan: What the file is.
        sequence: Running count in its name; troubles may change it.
        records: Octets of each record.
        filler: Octet that pads blocks, None for a file without blocks.
        offsets: Where each record begins in the file, behind its own header; after `octets`.
        filler_octets: How much filler the file holds; after `octets`.
    """

    plan: PlannedFile
    sequence: int
    records: list[bytes]
    filler: int | None = None
    offsets: list[int] = field(default_factory=list)
    filler_octets: int = 0

    @property
    def source(self) -> str:
        """Name of the element."""
        return self.plan.source.name

    @property
    def name(self) -> str:
        """Path of the file in the samples' folder."""
        return f"{self.source}/{file_name(self.plan.source, self.sequence, self.plan.span.end)}"

    def find(self, tag: str, start: int) -> int:
        """Returns the first record from `start` on that begins with a tag (hex).

        Raises:
            LookupError: If there is none.
        """
        wanted = bytes.fromhex(tag)
        for index in range(start, len(self.records)):
            if self.records[index].startswith(wanted):
                return index
        message = f"{self.name} holds too few records beginning with {tag}: ask for more records"
        raise LookupError(message)

    def octets(self) -> bytes:
        """Returns the file, and notes where its records begin."""
        self.offsets = []
        self.filler_octets = 0
        out = bytearray()
        release = release_of(self.plan.sequence)
        for record in self.records:
            if self.plan.source.blocked:
                out += len(record).to_bytes(2, "big") + release.record_head
            elif self.filler is not None and len(out) % BLOCK + len(record) > BLOCK:
                self._pad(out)
            self.offsets.append(len(out))
            out += record
        if self.filler is not None:
            self._pad(out)
        if self.plan.source.blocked:
            header = release.file_header(
                self.plan.source, self.sequence, self.plan.span, len(out), len(self.records)
            )
            self.offsets = [len(header) + offset for offset in self.offsets]
            out[:0] = header
        return bytes(out)

    def _pad(self, out: bytearray) -> None:
        missing = -len(out) % BLOCK
        self.filler_octets += missing
        out += bytes((self.filler or 0,)) * missing
