"""Framing: the kernels equal their twin, every octet is accounted for, a cut loses one record."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from mediation.framing import Frames, FramingRules, Unframed, frame
from mediation.reference.boundaries import frame_bare, read_header
from tests.mediation.framing_cases import (
    TAGS,
    cdr,
    damaged,
    file_header,
    files,
    filler,
    length_octets,
    records,
    tlv,
)

BARE = FramingRules()
HEADED = FramingRules("ts32297")
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
CLEAN = tlv(b"\xa0", b"\x80\x01\x01\x81\x02\x11\x22\x82\x01\x05\x83\x01\x06")


def framed(data: bytes, rules: FramingRules = BARE) -> Frames:
    return frame(np.frombuffer(data, np.uint8), TAGS, rules)


def pairs(frames: Frames) -> list[tuple[int, int]]:
    return list(zip(frames.offsets.tolist(), frames.lengths.tolist(), strict=True))


def assert_conserved(data: bytes, frames: Frames) -> None:
    """Every octet is in exactly one place, and the places do not overlap."""
    total = frames.header_octets + frames.filler_octets + int(frames.lengths.sum())
    assert total + sum(gap.length for gap in frames.unframed) == len(data)
    spans = sorted(pairs(frames) + [(gap.offset, gap.length) for gap in frames.unframed])
    for (start, length), (following, _) in itertools.pairwise(spans):
        assert length > 0
        assert start + length <= following


@given(files, st.sampled_from((0, 64)))
@settings(deadline=None, max_examples=120)
@example(b"", 0)
@example(b"\xa0", 0)
@example(b"\xbf", 0)
@example(b"\xbf\x82", 0)
@example(b"\xa0\x80", 0)  # indefinite, nothing inside
@example(b"\xa0\x80\x00\x00", 0)  # an empty indefinite record
@example(b"\xa0\x84\xff\xff\xff\xff" + CLEAN, 0)  # a length past the end
@example(b"\xa0\x85\x00\x00\x00\x00\x00" + CLEAN, 0)  # more length octets than anyone needs
@example(b"\xa0\x80" * 40, 0)  # deeper than any record
@example(CLEAN[:-3] + CLEAN, 0)  # a cut record swallows the head of the next one
def test_kernel_equals_twin(data: bytes, block: int) -> None:
    rules = dataclasses.replace(BARE, block_octets=block)
    frames = framed(data, rules)
    unframed = [gap for gap in frames.unframed if gap.reason != "filler_inside_block"]
    assert (pairs(frames), unframed) == frame_bare(data, TAGS, rules)
    assert_conserved(data, frames)


@given(st.binary(max_size=600), st.sampled_from((BARE, HEADED)))
@settings(deadline=None, max_examples=80)
def test_random_octets_are_accounted_for(data: bytes, rules: FramingRules) -> None:
    assert_conserved(data, framed(data, rules))


@given(st.lists(st.one_of(records, filler), max_size=12))
@settings(deadline=None, max_examples=50)
def test_clean_records_are_found_exactly(parts: list[bytes]) -> None:
    data = b"".join(parts)
    expected, at = [], 0
    for part in parts:
        if part[0] not in {0x00, 0xFF}:
            expected.append((at, len(part)))
        at += len(part)
    frames = framed(data)
    assert pairs(frames) == expected
    assert not frames.unframed


@given(st.lists(records, min_size=3, max_size=8), st.data())
@settings(deadline=None, max_examples=80, phases=NO_SHRINKING)
def test_a_cut_record_loses_itself_only(whole: list[bytes], data: st.DataObject) -> None:
    victim = data.draw(st.integers(0, len(whole) - 1))
    record = whole[victim]
    content, length = read_header(record, 0, len(record))
    # Half a header, or an indefinite length without its end, says nothing of what is missing.
    assume(length is not None)
    kept = data.draw(st.integers(content, len(record) - 1))
    # Where the missing part is exactly as long as the records behind it, the cut record covers
    # them without a seam: no framing can tell it from a long record.
    assume(len(record) - kept not in np.cumsum([len(each) for each in whole[victim + 1 :]]))
    parts = [*whole[:victim], record[:kept], *whole[victim + 1 :]]
    starts = np.cumsum([0, *map(len, parts)])
    frames = framed(b"".join(parts))
    assert pairs(frames) == [
        (int(starts[index]), len(part)) for index, part in enumerate(parts) if index != victim
    ]
    assert [(gap.offset, gap.length) for gap in frames.unframed] == [(starts[victim], kept)]


def test_reasons() -> None:
    deep = b"\xa0\x80" * 40
    for data, reason in (
        (b"\x12\x34" + CLEAN, "no_record_start"),
        (CLEAN[:-1], "length_past_end"),
        (b"\xa0\x85\x01" + CLEAN, "bad_tag_or_length"),
        (b"\xa0\x80\x80\x01\x01", "no_end_of_contents"),
        (deep, "inside_inconsistent"),
        (CLEAN[:-3] + CLEAN, "inside_inconsistent"),
    ):
        gap = framed(data).unframed[0]
        assert (gap.offset, gap.reason) == (0, reason), data.hex(" ")
    rules = dataclasses.replace(BARE, max_record_octets=8)
    assert framed(CLEAN, rules).unframed == (Unframed(0, len(CLEAN), "record_too_long"),)


def test_a_record_type_that_nobody_declared_is_still_a_record() -> None:
    stranger = b"\xb7" + CLEAN[1:]
    frames = framed(CLEAN + stranger + CLEAN)
    assert pairs(frames) == [(i * len(CLEAN), len(CLEAN)) for i in range(3)]


def test_a_record_does_not_cross_a_block() -> None:
    block = 2 * len(CLEAN) + 4
    data = (CLEAN * 2 + b"\xff" * 4) + (CLEAN * 2 + CLEAN[:4]) + CLEAN
    frames = framed(data, dataclasses.replace(BARE, block_octets=block))
    assert frames.offsets.tolist() == [0, 15, 34, 49, 68]
    assert frames.unframed == (Unframed(64, 4, "length_past_end"),)
    assert_conserved(data, frames)


def test_filler_reaches_the_end_of_its_block() -> None:
    block = 2 * len(CLEAN) + 4
    rules = dataclasses.replace(BARE, block_octets=block)
    full = CLEAN * 2 + bytes(4)
    hole = CLEAN + bytes(9) + b"\xff" * 10
    early = bytes(3) + CLEAN + b"\xff" * (block - len(CLEAN) - 3)
    data = full + hole + bytes(2 * block) + early + full + CLEAN + bytes(2)
    frames = framed(data, rules)
    assert len(frames.offsets) == 7
    assert frames.unframed == (Unframed(4 * block, 3, "filler_inside_block"),)
    assert_conserved(data, frames)
    assert not framed(data).unframed  # without blocks it is filler like any other


def test_a_false_start_inside_a_cut_record_is_not_believed() -> None:
    field = tlv(b"\xa5", b"\x80\x01\x07")  # a field with the tag of a record
    record = tlv(b"\xa0", b"\x80\x01\x01\x81\x40" + b"\x11" * 64 + field + b"\x83\x01\x06")
    cut = record[:60] + record[80:]
    frames = framed(cut + record)
    assert pairs(frames) == [(len(cut), len(record))]


def test_the_search_ends_on_hostile_octets() -> None:
    data = b"\xa0\x83\x0f\xff\xff" * 20_000 + b"\x80\x00" * 50_000 + b"\x01"
    assert_conserved(data, framed(data))


# --- TS 32.297 -----------------------------------------------------------------------------------


@st.composite
def headed_files(draw: st.DrawFn) -> bytes:
    pieces = st.one_of(
        records.map(cdr), records.map(cdr), filler, damaged().map(cdr), st.binary(max_size=20)
    )
    return file_header(draw(st.integers(50, 60))) + b"".join(draw(st.lists(pieces, max_size=10)))


@given(headed_files())
@settings(deadline=None, max_examples=80)
def test_headed_files_are_accounted_for(data: bytes) -> None:
    assert_conserved(data, framed(data, HEADED))


@given(st.lists(records, min_size=1, max_size=8), st.integers(0, 3), st.sampled_from((0, 0xFF)))
@settings(deadline=None, max_examples=50)
def test_headed_records_are_found_exactly(whole: list[bytes], fill: int, octet: int) -> None:
    padding = bytes([octet]) * (fill * 7)
    data = file_header() + padding.join(map(cdr, whole)) + padding
    frames = framed(data, HEADED)
    assert [data[at : at + length] for at, length in pairs(frames)] == whole
    assert frames.header_octets == 54 + 5 * len(whole)
    assert frames.filler_octets == fill * 7 * len(whole)


@pytest.mark.parametrize("octet", [0, 0xFF])
def test_a_length_that_looks_like_filler_ends_the_filler(octet: int) -> None:
    long = tlv(b"\xa0", tlv(b"\x80", bytes(249), 1), 1)
    assert cdr(long)[:2] == b"\x00\xff"
    padding = bytes([octet]) * 7
    frames = framed(file_header() + cdr(CLEAN) + padding + cdr(long), HEADED)
    assert [length for _, length in pairs(frames)] == [len(CLEAN), 255]
    assert (frames.filler_octets, list(frames.unframed)) == (7, [])


@pytest.mark.parametrize("kept", [3, 6, 9, 14])
def test_headed_cut_record_loses_itself_only(kept: int) -> None:
    cut = cdr(CLEAN)[:kept]
    head = file_header() + cdr(CLEAN)
    frames = framed(head + cut + cdr(CLEAN) * 2, HEADED)
    assert len(frames.offsets) == 3
    assert [(gap.offset, gap.length) for gap in frames.unframed] == [(len(head), kept)]


@pytest.mark.parametrize("others", [b"\xe2\x27\x05", b"\xe1\x28\x05", b"\xe1\x27\x06"])
def test_records_of_several_releases_and_services_share_a_file(others: bytes) -> None:
    records = cdr(CLEAN), cdr(CLEAN, others), cdr(CLEAN), cdr(CLEAN, others) * 2
    frames = framed(file_header() + b"".join(records), HEADED)
    assert len(frames.offsets) == 5
    assert list(frames.unframed) == []
    cut = cdr(CLEAN, others)[:9]  # a cut record still costs itself only
    frames = framed(file_header() + b"".join(records) + cut + b"".join(records), HEADED)
    assert len(frames.offsets) == 10
    assert [gap.length for gap in frames.unframed] == [9]


def test_header_declares_and_file_differs() -> None:
    data = file_header(size=1000, count=5, sequence=41) + cdr(CLEAN) * 3
    frames = framed(data, HEADED)
    assert frames.header is not None
    assert frames.header.sequence_number == 41
    assert any("1000 octets" in note for note in frames.notes)
    assert any("5 records, 3 were found" in note for note in frames.notes)
    exact = file_header(size=54 + 3 * len(cdr(CLEAN)), count=3) + cdr(CLEAN) * 3
    assert not framed(exact, HEADED).notes


def test_configured_header_lengths() -> None:
    record = cdr(CLEAN, b"\x21\x27")
    data = bytearray(file_header(50) + record * 2)
    data[8] = 0x21
    assert len(framed(bytes(data), HEADED).offsets) == 2
    data[4:8] = b"\0\0\0\0"  # a writer that leaves the header's length empty
    rules = dataclasses.replace(HEADED, file_header_octets=50, cdr_header_octets=4)
    assert len(framed(bytes(data), rules).offsets) == 2


def test_the_cdr_length_is_trusted() -> None:
    long = tlv(b"\xa0", CLEAN[2:] + b"\x84\x05ab")  # the last value runs past the record
    padded = CLEAN + b"\0\0\0"
    data = file_header() + cdr(long) + cdr(padded) + cdr(CLEAN)
    frames = framed(data, HEADED)
    assert [length for _, length in pairs(frames)] == [len(long), len(CLEAN), len(CLEAN)]
    assert frames.filler_octets == 3


def test_unknown_framing_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed: bare, ts32297, lengths, outer"):
        framed(CLEAN, FramingRules("blocks"))


def test_length_octets_of_the_cases() -> None:
    assert length_octets(5, 0) == b"\x05"
    assert length_octets(5, 2) == b"\x82\x00\x05"
    assert length_octets(300, 0) == b"\x82\x01\x2c"
