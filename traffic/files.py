"""Files of an element: their names, and the headers of TS 32.297 where it writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from traffic.network import HOME_OFFSET, Source

if TYPE_CHECKING:
    from traffic.clock import Span

_BER = 1
_UNKNOWN_NODE = b"\xff" * 4 + bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Release:
    """How a gateway marks the release of its records (TS 32.297 §6.1).

    Attributes:
        number: 3GPP release; from 10 on it needs the extension octet.
    """

    number: int

    @property
    def identifier(self) -> int:
        """Three bits: releases 99, 4 to 9 are 0 to 6, all later ones 7."""
        return 7 if self.number >= 10 else self.number - 3

    @property
    def extension(self) -> bytes:
        """The extension octet, empty before release 10."""
        return bytes((self.number - 10,)) if self.number >= 10 else b""

    @property
    def record_head(self) -> bytes:
        """Octets of a record header behind its length: version, BER and TS 32.251, extension."""
        return bytes((self.identifier << 5 | 9, _BER << 5 | 7)) + self.extension

    def file_header(
        self, source: Source, sequence: int, span: Span, size: int, count: int
    ) -> bytes:
        """Returns the file header.

        Args:
            source: The gateway; its address is written as IPv4 in IPv6.
            sequence: Running count of the file.
            span: When the file was open.
            size: Octets of all records with their headers.
            count: How many records there are.
        """
        extensions = self.extension * 2
        length = 50 + 2 + len(extensions)
        version = bytes((self.identifier << 5 | 9,))
        header = b"".join(
            (
                (length + size).to_bytes(4, "big"),
                length.to_bytes(4, "big"),
                version * 2,
                _stamp(span.start),
                _stamp(span.end),
                count.to_bytes(4, "big"),
                sequence.to_bytes(4, "big"),
                b"\x00",
                _UNKNOWN_NODE + source.address.to_bytes(4, "big"),
                b"\x00",
                b"\x00\x00",
                b"\x00\x00",
                extensions,
            )
        )
        assert len(header) == length, (len(header), length)  # noqa: S101 - a slip of this function
        return header


def _stamp(seconds: int) -> bytes:
    """Returns month, day, hour, minute, sign and offset of the home clock in 32 bits."""
    local = datetime.fromtimestamp(seconds, UTC) + timedelta(minutes=HOME_OFFSET)
    bits = local.month
    for value, size in (
        (local.day, 5),
        (local.hour, 5),
        (local.minute, 6),
        (1, 1),
        (HOME_OFFSET // 60, 5),
        (HOME_OFFSET % 60, 6),
    ):
        bits = bits << size | value
    return bits.to_bytes(4, "big")


def release_of(sequence: int) -> Release:
    """Returns the release of a file: the gateway changes between 9 and 17, so both occur."""
    return Release(17 if sequence % 2 else 9)


def file_name(source: Source, sequence: int, closed: int) -> str:
    """Returns `<source>_<running count>_<local time of closing>.ber`."""
    local = datetime.fromtimestamp(closed, UTC) + timedelta(minutes=HOME_OFFSET)
    return f"{source.name}_{sequence:06}_{local:%Y%m%d%H%M}.ber"
