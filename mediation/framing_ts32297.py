"""TS 32.297: the header of a CDR file and what it declares about the file.

All fields are big endian; the positions after octet 50 are computed in order, because the routeing
filter and the private extension have lengths of their own. Source: 3GPP TS 32.297, clause 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FIXED_OCTETS = 50
"""Octets up to and including the length of the routeing filter."""

UNKNOWN = 0xFFFF_FFFF
"""A 32-bit count or length that the writer did not know."""

EXTENDED_RELEASE = 7
"""Release identifier that says: see the extension octet (release 10 and later)."""

LONGEST_HEADER = 4096
CLOSURE_REASONS = {
    0: "normal closure",
    1: "file size limit reached",
    2: "file open time limit reached",
    3: "maximum number of CDRs reached",
    4: "closed by management",
    5: "change of CDR release, version or encoding",
    128: "abnormal closure",
    129: "file system error",
    130: "storage exhausted",
    131: "integrity error",
}


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The header of a TS 32.297 CDR file.

    Attributes:
        length: Octets of the header itself.
        file_length: Octets of the file as declared, None where the writer did not know.
        records: CDRs in the file as declared, None where the writer did not know.
        sequence_number: Running number of the file.
        closure_reason: Why the file was closed (``CLOSURE_REASONS``).
        lost_records: CDRs that the writer says were lost, at least so many; 0 none.
        lost_unknown: True where CDRs were lost and the writer does not know how many.
        release: High release identifier; 7 means release 10 or later.
    """

    length: int
    file_length: int | None
    records: int | None
    sequence_number: int
    closure_reason: int
    lost_records: int
    lost_unknown: bool
    release: int

    @property
    def cdr_header_length(self) -> int:
        """Octets of each CDR header: 5 from release 10 on, where the release takes an octet."""
        return 5 if self.release == EXTENDED_RELEASE else 4


def _number(data: np.ndarray, at: int, octets: int) -> int:
    return int.from_bytes(data[at : at + octets].tobytes(), "big")


def _known(value: int) -> int | None:
    return None if value == UNKNOWN else value


def _lost(indicator: int) -> tuple[int, bool]:
    """Returns (CDRs lost at least, count unknown) of a lost CDR indicator."""
    if indicator == 0:
        return 0, False
    if indicator == 128:
        return 1, True
    if indicator == 255:
        return 127, True
    if indicator > 128:
        return indicator - 128, False
    return indicator, True


def read_file_header(data: np.ndarray, declared_length: int | None = None) -> FileHeader | None:
    """Reads the file header at the start of ``data``.

    Args:
        data: The file, uint8[n].
        declared_length: Octets of the header where configured; else the header says it itself.

    Returns:
        The header, or None where these octets cannot be one.
    """
    if len(data) < FIXED_OCTETS:
        return None
    length = _number(data, 4, 4) if declared_length is None else declared_length
    if not FIXED_OCTETS <= length <= min(LONGEST_HEADER, len(data)):
        return None
    file_length = _known(_number(data, 0, 4))
    if file_length is not None and file_length < length:
        return None
    lost, unknown = _lost(int(data[47]))
    return FileHeader(
        length=length,
        file_length=file_length,
        records=_known(_number(data, 18, 4)),
        sequence_number=_number(data, 22, 4),
        closure_reason=int(data[26]),
        lost_records=lost,
        lost_unknown=unknown,
        release=int(data[8]) >> 5,
    )


def header_notes(header: FileHeader, size: int, records: int) -> tuple[str, ...]:
    """Returns what the header declares and the file does not hold, one sentence each.

    Args:
        header: The file header.
        size: Octets of the file.
        records: Records framed in it.
    """
    notes = []
    if header.file_length is not None and header.file_length != size:
        notes.append(
            f"the file header declares {header.file_length} octets, the file has {size}: "
            "compare with the source, it may have been cut or appended to"
        )
    if header.records is not None and header.records != records:
        notes.append(
            f"the file header declares {header.records} records, {records} were found: "
            "look at the suspended octets of this file"
        )
    if header.lost_records:
        known = "at least " if header.lost_unknown else ""
        notes.append(f"the writer lost {known}{header.lost_records} records before this file")
    if header.closure_reason >= 128:
        reason = CLOSURE_REASONS.get(header.closure_reason, "not a reason of TS 32.297")
        notes.append(f"the file was closed with reason {header.closure_reason}: {reason}")
    return tuple(notes)
