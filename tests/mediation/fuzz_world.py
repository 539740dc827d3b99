"""What the fuzzer decodes from and how it counts: guarded memory, files in it, conservation."""

from __future__ import annotations

import ctypes
import dataclasses
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mediation.batch_facts import BatchFacts
    from mediation.decoder import DecodedChunk
    from mediation.framing import Frames

PROT_NONE = 0


@dataclass(frozen=True)
class Octets:
    """A file for the decoder, in memory."""

    file_id: str
    format_name: str
    data: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    batches: tuple[BatchFacts, ...] = ()


class Guarded:
    """Memory whose end is followed by a page that nobody may read."""

    def __init__(self, room: int) -> None:
        pages = -(-room // mmap.PAGESIZE)
        self.size = pages * mmap.PAGESIZE
        self.memory = mmap.mmap(-1, self.size + mmap.PAGESIZE)
        self.octets = np.frombuffer(self.memory, np.uint8)
        libc = ctypes.CDLL(None, use_errno=True)
        last = ctypes.c_void_p(self.octets.ctypes.data + self.size)
        if libc.mprotect(last, ctypes.c_size_t(mmap.PAGESIZE), PROT_NONE):
            raise OSError(ctypes.get_errno(), "mprotect")

    def put(self, octets: bytes | np.ndarray) -> np.ndarray:
        """Returns a copy of ``octets`` that ends where the forbidden page begins."""
        place = self.octets[self.size - len(octets) : self.size]
        place[:] = np.frombuffer(octets, np.uint8) if isinstance(octets, bytes) else octets
        return place


@dataclass
class Totals:
    """What came of the records so far."""

    made: int = 0
    framed: int = 0
    decoded: int = 0
    suspended: int = 0
    discarded: int = 0
    unframed: int = 0

    def add(self, chunk: DecodedChunk) -> None:
        """Counts what became of a chunk."""
        self.decoded += chunk.records_decoded
        self.suspended += chunk.records_suspended
        self.discarded += chunk.records_discarded


def conserved(file: Octets, chunk: DecodedChunk) -> np.ndarray:
    """Asserts that every record and every octet of a chunk is in exactly one place.

    Returns:
        Offsets of the records that were decoded.
    """
    assert chunk.records == len(file.offsets)
    assert chunk.records == (
        chunk.records_decoded + chunk.records_suspended + chunk.records_discarded
    )
    assert int(file.lengths.sum()) == (
        chunk.bytes_decoded + chunk.bytes_suspended + chunk.bytes_discarded
    )
    suspended = chunk.suspense.column("offset").to_numpy()
    decoded = np.unique(chunk.edr.column("offset").to_numpy())
    assert len(suspended) == chunk.records_suspended
    assert len(decoded) == chunk.records_decoded
    places = np.sort(np.concatenate([suspended, decoded]))
    assert np.isin(places, file.offsets).all()
    assert len(np.unique(places)) == len(places) == chunk.records - chunk.records_discarded
    if len(suspended):
        raw = chunk.suspense.column("raw")[0].as_py()
        assert raw == file.data[suspended[0] : suspended[0] + len(raw)].tobytes()
    return decoded


def each_octet_once(data: np.ndarray, frames: Frames) -> int:
    """Asserts that every octet of a framed file is in one place; returns the unframed ones."""
    unframed = sum(gap.length for gap in frames.unframed)
    framed = int(frames.lengths.sum())
    assert frames.header_octets + frames.filler_octets + framed + unframed == len(data)
    starts = np.concatenate([frames.offsets, [gap.offset for gap in frames.unframed]])
    ends = starts + np.concatenate([frames.lengths, [gap.length for gap in frames.unframed]])
    order = np.argsort(starts)
    assert (ends > starts).all()
    assert (ends[order][:-1] <= starts[order][1:]).all()
    return unframed


def same_frames(found: Frames, twin: Frames, data: bytes) -> None:
    """Asserts that two framings of the same octets put each of them at the same place."""
    for field in dataclasses.fields(found):
        pair = [getattr(frames, field.name) for frames in (found, twin)]
        one, other = (each.tolist() if isinstance(each, np.ndarray) else each for each in pair)
        assert one == other, (field.name, data.hex())


def file_of(name: str, pieces: list[bytes], data: np.ndarray | None = None) -> Octets:
    """Returns a file that consists of ``pieces``, each one a record."""
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    offsets = np.cumsum(lengths) - lengths
    octets = np.frombuffer(b"".join(pieces), np.uint8) if data is None else data
    return Octets("fuzz", name, octets, offsets, lengths)
