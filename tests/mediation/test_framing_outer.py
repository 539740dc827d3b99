"""One outer value around the records: all of them are found, the rest is named, damage stays small."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.framing import FramingRules, frame
from tests.mediation.framing_cases import records, tlv
from tests.mediation.outer_cases import AUDIT, HEADER, NETWORK, OUTER_TAGS, Batch, batch, batches
from tests.mediation.test_framing import CLEAN, assert_conserved, pairs

if TYPE_CHECKING:
    from mediation.framing import Frames

OUTER = FramingRules("outer")
FORMS = [(0, 0), (0, -1), (-1, 0), (-1, -1), (4, 2)]


def framed(data: bytes) -> Frames:
    frames = frame(np.frombuffer(data, np.uint8), OUTER_TAGS, OUTER)
    assert_conserved(data, frames)
    return frames


@given(st.lists(st.tuples(batches, st.sampled_from((b"", b"\0\0\0", b"\xff"))), max_size=3))
@settings(deadline=None, max_examples=80)
def test_everything_of_clean_files_is_found(parts: list[tuple[Batch, bytes]]) -> None:
    data = b"".join(one.octets + filler for one, filler in parts)
    frames = framed(data)
    assert not frames.unframed
    assert not frames.notes
    assert frames.filler_octets == sum(len(filler) for _, filler in parts)
    assert [data[at : at + length] for at, length in pairs(frames)] == [
        record for one, _ in parts for _, record in one.records
    ]
    assert len(frames.outer) == len(parts)
    for value, (one, _) in zip(frames.outer, parts, strict=True):
        assert data[value.offset : value.offset + value.length] == one.octets
        assert [
            (piece.name, data[piece.offset : piece.offset + piece.length], piece.behind)
            for piece in value.pieces
        ] == list(one.pieces)
        assert len(value.records) == len(one.records)
        for index, (at, _) in zip(value.records, one.records, strict=True):
            assert frames.offsets[index] - value.offset == at


@given(batches, st.data())
@settings(deadline=None, max_examples=120)
def test_mutated_files_are_accounted_for(one: Batch, data: st.DataObject) -> None:
    octets = bytearray(one.octets)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)))
    framed(bytes(octets))
    framed(bytes(octets[:cut]))
    framed(bytes(octets[cut:]))


@pytest.mark.parametrize("forms", FORMS)
@pytest.mark.parametrize("shape", ["app", "file"])
@given(st.lists(records, min_size=2, max_size=5), st.data())
@settings(deadline=None, max_examples=15)
def test_a_broken_record_loses_nothing_else(
    shape: str, forms: tuple[int, int], whole: list[bytes], data: st.DataObject
) -> None:
    victim = data.draw(st.integers(0, len(whole) - 1))
    # Its length is wrong, the lengths around it are right: the usual fault of a writer.
    whole[victim] = tlv(b"\xa0", b"\x84\x7f\x01\x02\x03")
    one = batch(whole, forms=forms, shape=shape)
    frames = framed(one.octets)
    found = set(pairs(frames))
    kept = {(at, len(record)) for n, (at, record) in enumerate(one.records) if n != victim}
    assert kept <= found
    assert [piece.name for piece in frames.outer[0].pieces] == [name for name, _, _ in one.pieces]


@pytest.mark.parametrize("forms", FORMS)
@pytest.mark.parametrize("shape", ["app", "file"])
def test_octets_missing_in_the_middle(shape: str, forms: tuple[int, int]) -> None:
    one = batch([CLEAN] * 5, forms=forms, shape=shape)
    at = one.records[2][0]
    data = one.octets[: at + 4] + one.octets[at + 9 :]
    frames = framed(data)
    assert sum(length for _, length in pairs(frames)) == 4 * len(CLEAN)
    assert (frames.unframed[0].offset, frames.unframed[0].length) == (at, len(CLEAN) - 5)
    assert frames.outer[0].pieces[-1].behind


def test_a_file_that_was_cut() -> None:
    one = batch([CLEAN] * 5)
    frames = framed(one.octets[: one.records[3][0] + 3])
    assert pairs(frames) == [(at, len(CLEAN)) for at, _ in one.records[:3]]
    assert frames.unframed[-1].length == 3
    assert "it was cut" in frames.notes[0]


def test_a_list_length_that_is_too_short() -> None:
    inner = CLEAN * 4
    wrong = b"\x63" + bytes([2 * len(CLEAN)]) + inner
    data = tlv(b"\x61", HEADER + wrong + AUDIT)
    frames = framed(data)
    assert [length for _, length in pairs(frames)] == [len(CLEAN)] * 4
    assert [piece.name for piece in frames.outer[0].pieces] == ["control", "audit"]
    assert "do not agree" in frames.notes[0]


def test_a_batch_without_records_and_a_lone_record() -> None:
    notice = tlv(b"\x62", HEADER)
    frames = framed(notice + CLEAN + tlv(b"\x61", HEADER + NETWORK + AUDIT))
    assert pairs(frames) == [(len(notice), len(CLEAN))]
    assert [value.root for value in frames.outer] == ["notice", "batch"]
    assert frames.header_octets == len(notice) + 2 + len(HEADER + NETWORK + AUDIT)


def test_a_broken_header_element_loses_no_record() -> None:
    bad = tlv(b"\x66", b"\x5f\x81\x6b\x20abc")  # runs past its parent, which has the right length
    frames = framed(tlv(b"\x61", HEADER + bad + tlv(b"\x63", CLEAN * 3) + AUDIT))
    assert len(frames.offsets) == 3
    assert [piece.name for piece in frames.outer[0].pieces] == ["control", "network", "audit"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x61\x84\xff\xff\xff\xff" + HEADER,
        b"\x61\x88" + b"\xff" * 8 + HEADER,
        b"\x61\x80\x64\x80\x63\x80" * 3000,
        b"\x61\x02\x64\x00" * 5_000,
        b"\x61\x04\x64\x08" * 5_000,
        b"\x30\x80\xa1\x80" + b"\xa0\x80" * 5_000,
        b"\x61\x80\x63\x80" + b"\x6f\x82\x01\x00" * 5_000,
        tlv(b"\x61", HEADER + b"\x64\x83\x0f\xff\xff" + b"\x80\x00" * 30_000),
    ],
)
def test_hostile_lengths_end_soon(data: bytes) -> None:
    began = time.process_time()
    framed(data)
    assert time.process_time() - began < 20
