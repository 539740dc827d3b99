"""Decoding of mutated records: nothing crashes, nothing hangs, nothing is lost.

    python -m tests.mediation.fuzz --records 1000000 --seed 1

Each round mutates clean records of one format and decodes them with their places given, so that the
decoder sees every one of them, and in files of one framing after the other, damaged or not, as
framing finds them. Mutations of single records change lengths, tags, order and nesting; for each
record of these come some that are mutated many at a time, by octets of tags, lengths and content
(`fuzz_bulk`). A few records of each round are held against the plain-Python decoder, and a
piece of each file against the plain-Python framing. The octets end at a page that
must not be read: a read behind the end kills the process.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import random
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench.format_files import NODES
from mediation import formats
from mediation.batch_facts import batch_facts
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.framing import Frames, FramingRules, frame, tags_of
from mediation.reference.scanner import frame_plainly
from tests.mediation.fuzz_bulk import Bulk
from tests.mediation.fuzz_files import FILES, damage, outer, with_roots
from tests.mediation.fuzz_flat import FlatFuzz
from tests.mediation.fuzz_mutate import MUTATIONS, Clean, Mutation, as_it_is, dissect
from tests.mediation.fuzz_records import clean_pieces, facts_of
from tests.mediation.fuzz_world import (
    Guarded,
    Octets,
    Totals,
    conserved,
    each_octet_once,
    file_of,
    same_frames,
)
from tests.mediation.test_ber import same_as_twin

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUND = 10_000
ALONE = 5
"""One record in so many is mutated alone, the others many at a time."""
STOPPED = 8
"""Of clean records that do not pass, one in so many is kept."""
WITH_TWIN = 6
"""Records of a round that the plain-Python decoder decodes as well."""
TWIN_OCTETS = 3000


class Fuzz:
    """Rounds of one format."""

    def __init__(self, name: str, seed: int, first: int = 0) -> None:
        self.rounds = first
        self.format = formats.load(name)
        known = self.format
        self.tags = with_roots(tags_of(known.schema, known.outer, known.least_values))
        self.rng = random.Random(f"{name} {seed}")
        self.facts = facts_of(known)
        self.clean: list[Clean] = [dissect(piece) for piece in self.mostly_good()]
        self.bulk = Bulk(self.clean, seed)
        self.expected = self.fates([each.octets for each in self.clean])
        self.memory = Guarded(1 << 25)
        self.totals = Totals()

    def mostly_good(self) -> list[bytes]:
        """Returns clean records; few of those that stop at a value, as nothing behind it is read."""
        pieces = clean_pieces(self.rng, self.format)
        file = file_of(self.format.name, pieces)
        stopped = self.decoded(file)[0].suspense.column("offset").to_numpy()
        bad = np.isin(file.offsets, stopped).tolist()
        pairs = enumerate(zip(pieces, bad, strict=True))
        return [piece for place, (piece, stops) in pairs if not stops or place % STOPPED == 0]

    def decoded(self, file: Octets) -> tuple[DecodedChunk, np.ndarray]:
        """Decodes a whole file; returns what became of it and what was decoded."""
        if self.facts is not None and not file.batches:
            every = replace(self.facts, records=range(len(file.offsets)))
            file = replace(file, batches=(every,))
        chunk = decode_chunk(file, range(len(file.offsets)), NODES)
        return chunk, conserved(file, chunk)

    def fates(self, pieces: list[bytes]) -> np.ndarray:
        """Returns for each piece, taken as a record, whether it was decoded."""
        file = file_of(self.format.name, pieces)
        return np.isin(file.offsets, self.decoded(file)[1])

    def round(self, count: int) -> int:
        """Makes and decodes at most ``count`` mutated records; returns how many."""
        rng = self.rng
        alone = -(-count // ALONE)
        chosen = rng.choices(range(len(self.clean)), k=alone)
        mutations = rng.choices(MUTATIONS, k=alone)
        pieces = [
            mutate(rng, self.clean[one]) for one, mutate in zip(chosen, mutations, strict=True)
        ]
        data = self.memory.put(b"".join(pieces))
        self.given_places(pieces, data, chosen, mutations)
        if self.format.mapping.file is None:  # else the file resolves what the record names
            same_as_twin(self.format.name, rng.sample(pieces, min(WITH_TWIN, alone)))
        self.in_a_file(pieces)
        made = alone + self.in_bulk(count - alone)
        self.totals.made += made
        self.rounds += 1
        return made

    def in_bulk(self, count: int) -> int:
        """Decodes records that are mutated many at a time; unchanged ones fare as before."""
        if not count:
            return 0
        drawn = self.bulk.draw(count)
        data = self.memory.put(drawn.octets)
        file = Octets("fuzz", self.format.name, data, drawn.offsets, drawn.lengths)
        chunk, decoded = self.decoded(file)
        self.totals.add(chunk)
        same = ~drawn.changed
        fared = np.isin(file.offsets[same], decoded)
        assert (fared == self.expected[drawn.chosen[same]]).all()
        return count

    def in_a_file(self, pieces: list[bytes]) -> None:
        """Writes some of the records in a framing, damages the file, frames and decodes it."""
        make = FILES[self.rounds % len(FILES)]
        # A damaged list of records is searched in plain Python, octet by octet.
        share = 12 if make is outer else 2
        octets, rules = make(self.rng, self.rng.sample(pieces, len(pieces) // share), self.tags)
        octets = damage(self.rng, octets)
        self.as_framed(self.memory.put(octets), rules)
        self.framed_as_twin(octets, rules)

    def framed_as_twin(self, octets: bytes, rules: FramingRules) -> None:
        """Frames a piece of a file in plain Python too, its first octets with their headers."""
        at = 0
        if rules.framing == "bare" and not rules.block_octets:
            at = self.rng.randrange(max(1, len(octets) - TWIN_OCTETS))
        piece = octets[at : at + TWIN_OCTETS]
        frames = self.framed(self.memory.put(piece), rules)
        same_frames(frames, frame_plainly(piece, self.tags, rules), piece)

    def given_places(
        self,
        pieces: list[bytes],
        data: np.ndarray,
        chosen: list[int],
        mutations: Sequence[Mutation],
    ) -> None:
        """Decodes with the places of the pieces; a clean record fares as it did alone."""
        file = file_of(self.format.name, pieces, data)
        chunk, offsets = self.decoded(file)
        decoded = np.isin(file.offsets, offsets)
        for place, mutation in enumerate(mutations):
            if mutation is as_it_is:
                assert decoded[place] == self.expected[chosen[place]], pieces[place].hex()
        self.totals.add(chunk)

    def framed(self, data: np.ndarray, rules: FramingRules) -> Frames:
        """Frames octets, each of which is then in exactly one place."""
        frames = frame(data, self.tags, rules)
        self.totals.unframed += each_octet_once(data, frames)
        self.totals.framed += len(frames.offsets)
        return frames

    def as_framed(self, data: np.ndarray, rules: FramingRules) -> None:
        """Frames the octets and decodes what was found, by what the file says of it."""
        frames = self.framed(data, rules)
        batches = batch_facts(self.format, data, frames.outer) if self.format.outer else ()
        name = self.format.name
        self.decoded(Octets("fuzz", name, data, frames.offsets, frames.lengths, batches))


def run(records: int, seed: int, size: int = ROUND, *, show: bool = False) -> dict[str, Totals]:
    """Fuzzes every format in turn, ``size`` records a round, until ``records`` have been decoded."""
    fuzzes: list[Fuzz | FlatFuzz] = []
    for first, name in enumerate(formats.available()):
        flat = formats.load(name).flat is not None
        fuzzes.append(FlatFuzz(name, seed) if flat else Fuzz(name, seed, first))
    began = time.monotonic()
    made = 0
    rounds = 0
    while made < records:
        made += fuzzes[rounds % len(fuzzes)].round(min(records - made, size))
        rounds += 1
        if show or rounds % 100 == 0:
            rate = made / (time.monotonic() - began)
            sys.stdout.write(f"{made} records, {rate:,.0f}/s{chr(13) if show else chr(10)}")
            sys.stdout.flush()
    return {fuzz.format.name: fuzz.totals for fuzz in fuzzes}


def total(of_formats: dict[str, Totals]) -> Totals:
    """Returns the totals of all formats together."""
    names = [field.name for field in dataclasses.fields(Totals)]
    return Totals(*(sum(getattr(one, name) for one in of_formats.values()) for name in names))


def main() -> None:
    faulthandler.enable()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="mutated records to decode")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same records")
    arguments = parser.parse_args()
    found = run(arguments.records, arguments.seed, show=sys.stdout.isatty())
    for name, totals in found.items():
        sys.stdout.write(f"\n{name}: {totals}")
    sys.stdout.write(f"\n{total(found)}\nnothing crashed, nothing was lost\n")


if __name__ == "__main__":
    main()
