"""Mutated files of delimited lines and of binary records in blocks, decoded in guarded memory."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from mediation import formats
from mediation.columns import EDR_COLUMNS
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.flat.framing import flat_frames
from mediation.flat.lines_of_names import file_fields
from mediation.normalize import CHINA
from mediation.reference import flat_lines
from mediation.reference.flat import FlatError, FlatWalk
from tests.mediation.flat import dx200, test_content_csv
from tests.mediation.fuzz_files import damage
from tests.mediation.fuzz_world import Guarded, Octets, Totals, conserved, each_octet_once

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 1 << 16
ROUND = 5000
WITH_TWIN = 10
TWIN_OCTETS = 3000
SPLIT = b',"\n\r\0 -+.:#\xff'
PIECES = (b'"', b",", b"\n", b"\r\n", b'""', b"9" * 30, b"\0", b"\xef\xbb\xbf", b"total,", b"#")


def lines(count: int, seed: int) -> bytes:
    """Returns a file of events with its trailer."""
    events = test_content_csv.make(count, seed)
    return test_content_csv.write([*events, test_content_csv.total(events)])


def blocks(count: int, seed: int) -> bytes:
    """Returns blocks of a switch."""
    return dx200.write(dx200.make(count, seed), times=1 + seed % 3)


CLEAN: dict[str, Callable[[int, int], bytes]] = {"content_csv": lines, "nokia_dx200": blocks}


class FlatFuzz:
    """Rounds of one format that is not BER."""

    def __init__(self, name: str, seed: int) -> None:
        self.format = formats.load(name)
        assert self.format.flat is not None
        self.plan = self.format.flat
        self.rng = random.Random(f"{name} {seed}")
        self.numpy = np.random.default_rng(seed)
        self.clean = [CLEAN[name](ROUND, number) for number in range(4)]
        self.memory = Guarded(1 << 23)
        self.totals = Totals()

    def round(self, count: int) -> int:
        """Mutates and decodes a file of at most ``count`` records; returns how many it has."""
        whole = self.rng.choice(self.clean)
        clean = whole if count >= ROUND else whole[: len(whole) * count // ROUND + 1]
        octets = self.mutated(clean)
        data = self.memory.put(octets)
        frames = flat_frames(data, self.plan, LONGEST)
        unframed = each_octet_once(data, frames)
        file = Octets("fuzz", self.format.name, data, frames.offsets, frames.lengths)
        chunk = decode_chunk(file, range(len(frames.offsets)))
        conserved(file, chunk)
        self.same_as_twin(file, chunk)
        if self.plan.layout.lines:
            self.framed_as_twin(octets)
        self.totals.add(chunk)
        self.totals.framed += len(frames.offsets)
        self.totals.unframed += unframed
        self.totals.made += min(count, ROUND)
        return min(count, ROUND)

    def mutated(self, clean: bytes) -> bytes:
        """Returns a file with some of its octets changed, put in or taken out; now and then cut."""
        rng = self.rng
        octets = np.frombuffer(clean, np.uint8).copy()
        wrong = self.numpy.integers(0, len(octets), max(len(octets) // rng.choice((200, 2000)), 1))
        octets[wrong] = self.numpy.integers(0, 256, len(wrong), np.uint8)
        sharp = self.numpy.integers(0, len(octets), max(len(octets) // 1000, 1))
        octets[sharp] = self.numpy.choice(np.frombuffer(SPLIT, np.uint8), len(sharp))
        if not self.plan.layout.lines and rng.random() < 0.5:
            return octets.tobytes()  # an octet more or less moves all blocks behind it
        parts = bytearray(octets.tobytes())
        for _ in range(rng.choice((0, 1, 20))):
            at = rng.randrange(len(parts))
            parts[at : at + rng.choice((0, 0, 3))] = rng.choice(PIECES)
        return damage(rng, bytes(parts)) or b"\n"

    def same_as_twin(self, file: Octets, chunk: DecodedChunk) -> None:
        """Decodes a few records in plain Python too."""
        places = range(len(file.offsets))
        known = file_fields(file.data, self.plan)
        start = chunk.edr.schema.get_field_index("start_time")
        started = chunk.edr.column(start).cast("int64")
        rows = {offset: row for row, offset in enumerate(chunk.edr.column("offset").to_pylist())}
        faults = dict(
            zip(
                chunk.suspense.column("offset").to_pylist(),
                chunk.suspense.column("reason").to_pylist(),
                strict=True,
            )
        )
        for place in self.rng.sample(places, min(WITH_TWIN, len(places))):
            offset, length = int(file.offsets[place]), int(file.lengths[place])
            octets = file.data[offset : offset + length].tobytes()
            walk = FlatWalk(self.plan.layout, octets, CHINA, known.positions, known.columns)
            try:
                wanted, reason = walk.row(), None
            except FlatError as error:
                wanted, reason = {}, str(error)
            if reason is not None:
                assert faults[offset] == reason, octets
            if offset not in rows:
                continue  # refused by its twin too, or by a rule of validation
            row = chunk.edr.slice(rows[offset], 1).to_pylist()[0]
            row["start_time"] = started[rows[offset]].as_py()
            edr = {name: wanted[name] for name in EDR_COLUMNS}
            assert {name: row[name] for name in EDR_COLUMNS} == edr, octets

    def framed_as_twin(self, octets: bytes) -> None:
        """Frames a piece of a file in plain Python too."""
        at = self.rng.randrange(max(1, len(octets) - TWIN_OCTETS))
        piece = octets[at : at + TWIN_OCTETS]
        frames = flat_frames(self.memory.put(piece), self.plan, LONGEST)
        found = list(zip(frames.offsets.tolist(), frames.lengths.tolist(), strict=True))
        wanted = flat_lines.frame(piece, self.plan.layout, LONGEST)
        assert found == [(at, size) for at, size, what in wanted if what == "record"], piece
