"""Decoding of mutated records: nothing crashes, nothing hangs, nothing is lost.

    python -m tests.mediation.fuzz --records 1000000 --seed 1

Each round mutates clean records of one format and decodes them with their places given, so that the
decoder sees every one of them, and in files of one framing after the other, damaged or not, as
framing finds them. A few records of each round are held against the plain-Python decoder, and a
piece of each file without headers against the plain-Python framing. The octets end at a page that
must not be read: a read behind the end kills the process.
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import faulthandler
import mmap
import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mediation import formats
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.framing import Frames, FramingRules, frame, tags_of
from mediation.reference.boundaries import frame_bare
from tests.mediation.fuzz_files import FILES, bare, damage, with_roots
from tests.mediation.fuzz_mutate import MUTATIONS, Clean, Mutation, as_it_is, dissect
from tests.mediation.fuzz_records import clean_records
from tests.mediation.test_ber import same_as_twin

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUND = 2000
WITH_TWIN = 6
"""Records of a round that the plain-Python decoder decodes as well."""
TWIN_OCTETS = 3000
PROT_NONE = 0


@dataclass(frozen=True)
class Octets:
    """A file for the decoder, in memory."""

    file_id: str
    format_name: str
    data: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray


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

    def put(self, octets: bytes) -> np.ndarray:
        """Returns a copy of ``octets`` that ends where the forbidden page begins."""
        place = self.octets[self.size - len(octets) : self.size]
        place[:] = np.frombuffer(octets, np.uint8)
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


def conserved(file: Octets, chunk: DecodedChunk) -> None:
    """Asserts that every record and every octet of a chunk is in exactly one place."""
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


class Fuzz:
    """Rounds of one format."""

    def __init__(self, name: str, seed: int, first: int = 0) -> None:
        self.rounds = first
        self.format = formats.load(name)
        known = self.format
        self.tags = with_roots(tags_of(known.schema, known.outer, known.least_values))
        self.rng = random.Random(f"{name} {seed}")
        types = len(self.format.schema)
        records = clean_records(self.rng, self.format, -(-300 // types))
        self.clean: list[Clean] = [dissect(record) for record in records]
        self.expected = self.fates([each.octets for each in self.clean])
        self.memory = Guarded(1 << 24)
        self.totals = Totals()

    def file(self, pieces: list[bytes], data: np.ndarray | None = None) -> Octets:
        """Returns a file that consists of ``pieces``, each one a record."""
        lengths = np.array([len(piece) for piece in pieces], np.int64)
        offsets = np.cumsum(lengths) - lengths
        octets = np.frombuffer(b"".join(pieces), np.uint8) if data is None else data
        return Octets("fuzz", self.format.name, octets, offsets, lengths)

    def fates(self, pieces: list[bytes]) -> list[bool]:
        """Returns for each piece, taken as a record, whether it was decoded."""
        file = self.file(pieces)
        chunk = decode_chunk(file, range(len(pieces)))
        decoded = set(chunk.edr.column("offset").to_pylist())
        return [offset in decoded for offset in file.offsets.tolist()]

    def round(self, count: int) -> None:
        """Makes and decodes ``count`` mutated records."""
        rng = self.rng
        chosen = rng.choices(range(len(self.clean)), k=count)
        mutations = rng.choices(MUTATIONS, k=count)
        pieces = [
            mutate(rng, self.clean[one]) for one, mutate in zip(chosen, mutations, strict=True)
        ]
        data = self.memory.put(b"".join(pieces))
        self.given_places(pieces, data, chosen, mutations)
        if self.format.mapping.file is None:  # else the file resolves what the record names
            same_as_twin(self.format.name, rng.sample(pieces, min(WITH_TWIN, count)))
        make = FILES[self.rounds % len(FILES)]
        octets, rules = make(rng, rng.sample(pieces, count // 2), self.tags)
        octets = damage(rng, octets)
        self.as_framed(self.memory.put(octets), rules)
        if make is bare:
            self.framed_as_twin(octets, rules)
        self.totals.made += count
        self.rounds += 1

    def framed_as_twin(self, octets: bytes, rules: FramingRules) -> None:
        """Frames a piece of a file in plain Python too."""
        at = self.rng.randrange(max(1, len(octets) - TWIN_OCTETS))
        piece = octets[at : at + TWIN_OCTETS]
        frames = self.framed(self.memory.put(piece), rules)
        found = list(zip(frames.offsets.tolist(), frames.lengths.tolist(), strict=True))
        assert (found, list(frames.unframed)) == frame_bare(piece, self.tags, rules), piece.hex()

    def given_places(
        self,
        pieces: list[bytes],
        data: np.ndarray,
        chosen: list[int],
        mutations: Sequence[Mutation],
    ) -> None:
        """Decodes with the places of the pieces; a clean record fares as it did alone."""
        file = self.file(pieces, data)
        chunk = decode_chunk(file, range(len(pieces)))
        conserved(file, chunk)
        decoded = np.isin(file.offsets, chunk.edr.column("offset").to_numpy())
        for place, mutation in enumerate(mutations):
            if mutation is as_it_is:
                assert decoded[place] == self.expected[chosen[place]], pieces[place].hex()
        self.totals.decoded += chunk.records_decoded
        self.totals.suspended += chunk.records_suspended
        self.totals.discarded += chunk.records_discarded

    def framed(self, data: np.ndarray, rules: FramingRules) -> Frames:
        """Frames octets, each of which is then in exactly one place."""
        frames = frame(data, self.tags, rules)
        unframed = sum(gap.length for gap in frames.unframed)
        framed = int(frames.lengths.sum())
        assert frames.header_octets + frames.filler_octets + framed + unframed == len(data)
        starts = np.concatenate([frames.offsets, [gap.offset for gap in frames.unframed]])
        ends = starts + np.concatenate([frames.lengths, [gap.length for gap in frames.unframed]])
        order = np.argsort(starts)
        assert (ends > starts).all()
        assert (ends[order][:-1] <= starts[order][1:]).all()
        self.totals.framed += len(frames.offsets)
        self.totals.unframed += unframed
        return frames

    def as_framed(self, data: np.ndarray, rules: FramingRules) -> None:
        """Frames the octets and decodes what was found."""
        frames = self.framed(data, rules)
        file = Octets("fuzz", self.format.name, data, frames.offsets, frames.lengths)
        conserved(file, decode_chunk(file, range(len(frames.offsets))))


def run(records: int, seed: int, *, show: bool = False) -> Totals:
    """Fuzzes every format in turn until ``records`` mutated records have been decoded."""
    names = formats.available("ber")
    fuzzes = [Fuzz(name, seed, first) for first, name in enumerate(names)]
    began = time.monotonic()
    made = 0
    while made < records:
        fuzz = fuzzes[made // ROUND % len(fuzzes)]
        count = min(ROUND, records - made)
        fuzz.round(count)
        made += count
        if show:
            rate = made / (time.monotonic() - began)
            sys.stdout.write(f"\r{made} records, {rate:,.0f}/s")
            sys.stdout.flush()
    fields = [field.name for field in dataclasses.fields(Totals)]
    return Totals(*(sum(getattr(fuzz.totals, name) for fuzz in fuzzes) for name in fields))


def main() -> None:
    faulthandler.enable()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="mutated records to decode")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same records")
    arguments = parser.parse_args()
    totals = run(arguments.records, arguments.seed, show=sys.stdout.isatty())
    sys.stdout.write(f"\n{totals}\nnothing crashed, nothing was lost\n")


if __name__ == "__main__":
    main()
