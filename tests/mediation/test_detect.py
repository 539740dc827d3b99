"""Format and framing are recognized, and nothing is believed on thin evidence."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import tap_events
from mediation import detect
from mediation.detect import Detection, detect_format
from mediation.formats.outline import Outline
from mediation.formats.schema import CONTEXT, Element
from tests.mediation.framing_cases import cdr, file_header, tlv
from tests.mediation.outer_cases import ROOTS, batch
from tests.mediation.second_opinion import a_return
from tests.mediation.test_rap import return_batch

FIELDS = tuple(Element(f"f{n}", CONTEXT, n, "OCTET STRING", "Octets") for n in range(5))
OURS = Outline(tuple(Element(f"r{n}", CONTEXT, n, "SET", "Ours", FIELDS) for n in range(2)))
OTHERS = Outline((Element("r79", CONTEXT, 79, "SET", "Others", FIELDS),))
FORMATS = {"ours": OURS, "others": OTHERS}
BODY = b"\x80\x01\x01\x81\x02\x11\x22\x82\x01\x05\x83\x01\x06"
OUR_RECORD = tlv(b"\xa0", BODY)
OTHER_RECORD = tlv(b"\xbf\x4f", BODY)


def detected(data: bytes) -> Detection | None:
    return detect_format(np.frombuffer(data, np.uint8), formats=FORMATS)


def name_and_framing(data: bytes) -> tuple[str, str] | None:
    found = detected(data)
    return None if found is None else (found.name, found.framing)


def test_bare_records_of_each_format() -> None:
    assert name_and_framing(OUR_RECORD * 5) == ("ours", "bare")
    assert name_and_framing(OTHER_RECORD * 5) == ("others", "bare")


def test_filler_and_headers() -> None:
    filled = detected(b"\xff" * 9 + OUR_RECORD * 2 + b"\xff" * 50)
    assert filled is not None
    assert any("begins with filler FF" in each for each in filled.evidence)
    headed = detected(file_header() + cdr(OTHER_RECORD) * 40)
    assert headed is not None
    assert (headed.name, headed.framing) == ("others", "ts32297")
    assert any("TS 32.297" in each for each in headed.evidence)


def test_an_outer_value() -> None:
    formats = FORMATS | {"batches": Outline(OURS.schema, ROOTS)}
    for one in (batch([OUR_RECORD] * 5), batch([OUR_RECORD] * 9, shape="file"), batch([])):
        found = detect_format(np.frombuffer(one.octets, np.uint8), formats=formats)
        assert found is not None
        assert (found.name, found.framing) == ("batches", "outer")
    found = detect_format(np.frombuffer(OTHER_RECORD * 9, np.uint8), formats=formats)
    assert found is not None
    assert found.framing == "bare"


def test_formats_of_the_same_records_are_told_apart_by_what_stands_around_them() -> None:
    for name in ("a_vendor", "z_vendor"):
        formats = {name: Outline(OURS.schema, ROOTS), "ours": OURS}
        bare = detect_format(np.frombuffer(OUR_RECORD * 5, np.uint8), formats=formats)
        assert bare is not None
        assert bare.name == "ours"
        assert {fit.name for fit in bare.alternatives} == {name}
        listed = np.frombuffer(batch([OUR_RECORD] * 5).octets, np.uint8)
        around = detect_format(listed, formats=formats)
        assert around is not None
        assert (around.name, around.framing) == (name, "outer")


def test_a_file_without_records_is_known_by_its_header() -> None:
    found = detected(file_header(count=0))
    assert found is not None
    assert found.framing == "ts32297"


def test_a_record_cut_by_sampling_does_not_count() -> None:
    huge = tlv(b"\xa0", BODY + tlv(b"\x84", b"\x11" * 200_000))
    assert name_and_framing(OUR_RECORD + huge * 2) == ("ours", "bare")


@pytest.mark.parametrize("octets", [18451, 21044, 28508])
def test_an_outer_value_stays_one_where_the_sample_ends_in_it(
    octets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At these places fields of the last return look like a trailer."""
    monkeypatch.setattr(detect, "SAMPLE_OCTETS", octets)
    found = detect_format(np.frombuffer(returns(), np.uint8), name="rap")
    assert found is not None
    assert found.framing == "outer"


@functools.cache
def returns() -> bytes:
    rng = random.Random(1)
    happened = tap_events.events(rng, 12, 120)
    return return_batch([a_return(rng, each, place) for place, each in enumerate(happened)])


def test_a_mixture_names_the_alternative() -> None:
    longer = tlv(b"\xa0", BODY, 1)
    found = detected(longer * 5 + OTHER_RECORD * 5)
    assert found is not None
    assert {found.name, *(fit.name for fit in found.alternatives)} == {"ours", "others"}


def test_formats_with_the_same_tags_are_told_apart_by_their_fields() -> None:
    numbers = Element("numbers", CONTEXT, 1, "SEQUENCE", "Numbers", FIELDS)
    near = Outline((Element("r0", CONTEXT, 0, "SET", "Near", (FIELDS[0], numbers, FIELDS[2])),))
    for formats in ({"a_near": near} | FORMATS, FORMATS | {"z_near": near}):
        found = detect_format(np.frombuffer(OUR_RECORD * 5, np.uint8), formats=formats)
        assert found is not None
        assert found.name == "ours"
        assert "100% of the values in them are fields of ours" in found.evidence
        (other,) = found.alternatives
        assert str(other).endswith("near (bare): 100.0% whole records, 60% of their values known")
    foreign = tlv(b"\xa0", b"".join(tlv(bytes([0x90 + n]), b"\x01") for n in range(9)))
    assert detected(foreign * 5) is None


def test_thin_evidence_is_none() -> None:
    assert detected(b"plain text, line after line\n" * 100) is None
    assert detected(b"\xa0\x00" + b"\x12" * 100) is None
    assert detected(b"\x00" * 500) is None
    assert detected(b"") is None


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=100)
def test_random_octets_never_fail(data: bytes) -> None:
    detected(data)
