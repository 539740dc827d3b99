"""Records behind their lengths: every form is found, every octet counted, damage stays small."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.detect import detect_format
from mediation.framing import Frames, FramingRules, frame
from tests.mediation.framing_cases import TAGS, damaged, filler, records
from tests.mediation.test_detect import FORMATS, OUR_RECORD
from tests.mediation.test_framing import CLEAN, assert_conserved, pairs

FORMS = [
    FramingRules("lengths", length_octets=octets, little_endian=little, length_included=included)
    for octets, little, included in itertools.product((2, 4), (False, True), (False, True))
]


def prefixed(record: bytes, rules: FramingRules) -> bytes:
    length = len(record) + (rules.length_octets if rules.length_included else 0)
    return length.to_bytes(rules.length_octets, "little" if rules.little_endian else "big") + record


def framed(data: bytes, rules: FramingRules) -> Frames:
    frames = frame(np.frombuffer(data, np.uint8), TAGS, rules)
    assert_conserved(data, frames)
    return frames


@given(st.lists(records, min_size=1, max_size=8), st.sampled_from(FORMS))
@settings(deadline=None, max_examples=80)
def test_clean_records_are_found_exactly(whole: list[bytes], rules: FramingRules) -> None:
    data = b"".join(prefixed(record, rules) for record in whole)
    frames = framed(data, rules)
    assert [data[at : at + length] for at, length in pairs(frames)] == whole
    assert frames.header_octets == rules.length_octets * len(whole)
    assert not frames.unframed


@given(
    st.lists(st.one_of(records, records, filler, damaged(), st.binary(max_size=9)), max_size=8),
    st.sampled_from(FORMS),
    st.sampled_from((0, 128)),
)
@settings(deadline=None, max_examples=100)
def test_damaged_files_are_accounted_for(
    pieces: list[bytes], rules: FramingRules, block: int
) -> None:
    octets = b"".join(piece if len(piece) % 5 == 0 else prefixed(piece, rules) for piece in pieces)
    framed(octets, replace(rules, block_octets=block))


@pytest.mark.parametrize("rules", FORMS)
@pytest.mark.parametrize("fault", ["length", "cut", "garbage"])
def test_one_broken_record_loses_itself_only(rules: FramingRules, fault: str) -> None:
    good = prefixed(CLEAN, rules)
    if fault == "length":
        bad = prefixed(CLEAN[:9], rules)[: rules.length_octets] + CLEAN
    elif fault == "cut":
        bad = good[:-5]
    else:
        bad = good + b"\x12\x34\x56"
    frames = framed(good * 500 + bad + good * 500, rules)
    assert len(frames.offsets) >= 1000
    assert sum(gap.length for gap in frames.unframed) <= len(bad)


@pytest.mark.parametrize("rules", FORMS)
def test_filler_between_records(rules: FramingRules) -> None:
    good = prefixed(CLEAN, rules)
    data = good + bytes(9) + good * 2 + b"\xff" * 7 + good + bytes(5)
    frames = framed(data, rules)
    assert len(frames.offsets) == 4
    assert (frames.filler_octets, frames.unframed) == (21, ())


def test_a_record_does_not_cross_a_block() -> None:
    rules = replace(FORMS[0], block_octets=2 * len(CLEAN) + 8)
    good = prefixed(CLEAN, rules)
    block = good * 2 + bytes(4)
    frames = framed(block + good * 2 + good[:4] + block, rules)
    assert len(frames.offsets) == 6
    assert [gap.length for gap in frames.unframed] == [4]


@pytest.mark.parametrize("rules", FORMS)
def test_detection(rules: FramingRules) -> None:
    data = prefixed(OUR_RECORD, rules) * 40
    found = detect_format(np.frombuffer(data, np.uint8), formats=FORMATS)
    assert found is not None
    assert (found.name, found.rules.words) == ("ours", rules.words)
