"""The walk: what BER allows and what it does not, and the kernel against its twin."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.kernels import ops
from tests.mediation.ber_twin import rows_of, same_as_twin
from tests.mediation.cdr_records import content, mo_call, random_records, tbcd, wrap


def one(record: bytes) -> dict[str, Any]:
    """Returns the only row of a good circuit-switched record."""
    rows, suspended = rows_of("3gpp_cs", [record])
    assert not suspended, suspended
    return dict(rows[0][0])


def fault(record: bytes) -> dict[str, Any]:
    """Returns the suspense row of a bad circuit-switched record."""
    rows, suspended = rows_of("3gpp_cs", [record])
    assert not rows
    return dict(suspended[0])


GOOD = mo_call()
INSIDE = content(GOOD)
IMSI = wrap(b"\x81", tbcd("460001012345678"))
ANSWER = bytes.fromhex("9709261031235958") + b"\x2b\x08\x00"


def test_a_plain_record() -> None:
    row = one(GOOD)
    assert row["served_imsi"] == 460001012345678
    assert row["served_msisdn"] == 8619910000001
    assert row["served_imei"] == 860000000000017
    assert row["other_number"] == 8618820000002
    assert (row["dialled"], row["dialled_zeros"]) == (18820000002, 0)
    assert row["start_time"] == 1793462398 * 10**6
    assert row["utc_offset"] == 480
    assert (row["service"], row["direction"], row["duration"]) == ("voice", "originating", 130)
    assert (row["area"], row["cell"], row["call_reference"]) == (0x1234, 0x5678, 0x010203)
    assert (row["recording_entity"], row["trunk_out"]) == ("+8619900900001", "TG01")
    assert row["visited_network"] is None


@pytest.mark.parametrize(
    "unknown",
    [
        bytes.fromhex("9f810103c0ffee"),  # a long private number
        bytes.fromhex("df8f7f01ff"),  # private class
        wrap(b"\xbf\x81\x50", bytes.fromhex("30038001ff")),
        bytes.fromhex("bf815080 30808001ff0000 0000".replace(" ", "")),  # indefinite, nested
        bytes.fromhex("5f8f01820001aa"),  # application class, long length
        wrap(b"\x9f\x81\x52", bytes(300)),
    ],
)
def test_an_unknown_tag_in_the_middle_of_a_set_is_skipped(unknown: bytes) -> None:
    middle = len(IMSI) + 3  # behind recordType and servedIMSI
    assert one(wrap(b"\xa0", INSIDE[:middle] + unknown + INSIDE[middle:])) == one(GOOD)


def test_a_set_in_any_order() -> None:
    fields = [b"\x80\x01\x00", IMSI, ANSWER, b"\x99\x02\x00\x82"]
    forwards = one(wrap(b"\xa0", b"".join(fields)))
    assert one(wrap(b"\xa0", b"".join(reversed(fields)))) == forwards


def test_an_indefinite_length_outside_and_inside() -> None:
    location = bytes.fromhex("ac80800212348102567800 00".replace(" ", ""))
    plain = one(wrap(b"\xa0", IMSI + ANSWER + wrap(b"\xac", bytes.fromhex("8002123481025678"))))
    assert one(b"\xa0\x80" + IMSI + ANSWER + location + b"\0\0") == plain


@pytest.mark.parametrize("head", ["8100", "820000", "83000000", "8400000000"])
def test_lengths_need_not_be_minimal(head: str) -> None:
    octets = bytes.fromhex(head)
    size = (len(ANSWER) - 2).to_bytes(len(octets) - 1, "big")
    field = ANSWER[:1] + octets[:1] + size + ANSWER[2:]
    assert one(wrap(b"\xa0", IMSI + field)) == one(wrap(b"\xa0", IMSI + ANSWER))


def test_a_small_number_in_the_long_form_of_a_tag() -> None:
    field = b"\x9f\x17" + ANSWER[1:]
    assert one(wrap(b"\xa0", IMSI + field)) == one(wrap(b"\xa0", IMSI + ANSWER))


def test_of_a_tag_that_comes_twice_the_last_one_counts() -> None:
    twice = wrap(b"\x81", tbcd("460009999999999")) + IMSI
    assert one(wrap(b"\xa0", twice + ANSWER)) == one(wrap(b"\xa0", IMSI + ANSWER))


def test_a_number_that_comes_twice_leaves_no_text_behind() -> None:
    first, last = wrap(b"\x85", b"\x81" + tbcd("110")), wrap(b"\x85", b"\x81" + tbcd("18820000002"))
    row = one(wrap(b"\xa0", IMSI + ANSWER + first + last))
    assert (row["other_number"], row["other_text"]) == (8618820000002, None)
    row = one(wrap(b"\xa0", IMSI + ANSWER + last + first))
    assert (row["other_number"], row["other_text"]) == (None, "110")


def test_without_an_answer_the_seizure_is_the_start() -> None:
    row = one(mo_call(answerTime=None))
    assert row["start_time"] == (1793462398 - 18) * 10**6


def test_without_a_name_the_number_of_the_trunk() -> None:
    assert one(mo_call(mscOutgoingTKGP=("tkgpNumber", 300)))["trunk_out"] == "300"


def test_a_data_bearer_makes_a_video_call() -> None:
    assert one(mo_call(basicService=("bearerService", b"\x1f")))["service"] == "video"
    assert one(mo_call(basicService=("teleservice", b"\x11")))["service"] == "voice"


def nested(levels: int) -> bytes:
    """Returns an unknown element that holds itself, indefinite lengths all the way."""
    return b"\xbf\x81\x50\x80" * levels + b"\0\0" * levels


def test_nesting_ends_at_the_limit() -> None:
    assert one(wrap(b"\xa0", IMSI + ANSWER + nested(ops.MAX_DEPTH - 1)))
    assert fault(wrap(b"\xa0", IMSI + ANSWER + nested(ops.MAX_DEPTH)))["reason"] == "too_deep"
    assert fault(wrap(b"\xa0", IMSI + ANSWER + nested(5000)))["reason"] == "too_deep"


BAD_DATE = bytes.fromhex("9709260230120000") + b"\x2b\x08\x00"


@pytest.mark.parametrize(
    ("record", "reason", "at", "path"),
    [
        (wrap(b"\xa0", IMSI + BAD_DATE), "invalid_timestamp", 12, "moCallRecord[0]/answerTime[23]"),
        (wrap(b"\xa0", b"\x81\x02\x64\xbb"), "invalid_digits", 2, "moCallRecord[0]/servedIMSI[1]"),
        (wrap(b"\xa0", b"\x99\x00"), "invalid_integer", 2, "moCallRecord[0]/callDuration[25]"),
        (wrap(b"\xa0", b"\x99\x09" + bytes(9)), "invalid_integer", 2, None),
        (wrap(b"\xa0", b"\x9e\x03\x01\x00\x00"), "value_out_of_range", 2, None),
        (wrap(b"\xa0", b"\x9f\x20\x09\x01" + bytes(8)), "invalid_length", 2, None),
        (
            wrap(b"\xa0", b"\xac\x05\x82\x03\x6a\xf0\x00"),
            "invalid_network",
            4,
            "moCallRecord[0]/location[12]/mCC-MNC[2]",
        ),
        (b"\xa0\x05\x81\x08\x64", "truncated", 0, ""),
        (wrap(b"\xa0", b"\x81\x08\x64"), "truncated", 2, "moCallRecord[0]"),
        (wrap(b"\xa0", b"\x81\x84\x7f\xff\xff\xff\x00"), "truncated", 2, None),
        (wrap(b"\xa0", b"\x81\x84\xff\xff\xff\xff\x00"), "truncated", 2, None),
        (wrap(b"\xa0", b"\x81\x85\x00\x00\x00\x00\x01\x00"), "bad_length", 2, None),
        (wrap(b"\xa0", b"\x81\x80\x00\x00"), "bad_length", 2, None),
        (wrap(b"\xa0", b"\x81\xff"), "bad_length", 2, None),
        (wrap(b"\xa0", b"\x81"), "truncated", 2, None),
        (wrap(b"\xa0", b"\x9f"), "truncated", 2, None),
        (wrap(b"\xa0", b"\x9f\x81"), "truncated", 2, None),
        (wrap(b"\xa0", b"\x9f\x81\x81\x81\x81\x01\x00"), "bad_tag", 2, None),
        (wrap(b"\xa0", b"\x00\x00"), "unexpected_end", 2, None),
        (b"\xa0\x80" + IMSI, "truncated", 12, "moCallRecord[0]"),
        (b"\xa0\x80" + IMSI + b"\0", "unexpected_end", 12, None),
        (wrap(b"\xa0", b"\xa1\x02\x04\x00"), "unexpected_form", 2, "moCallRecord[0]/servedIMSI[1]"),
        (wrap(b"\xa0", b"\x8c\x00"), "unexpected_form", 2, "moCallRecord[0]/location[12]"),
        (b"\x80\x00", "unexpected_form", 0, "moCallRecord[0]"),
        (wrap(b"\xb7", IMSI), "unknown_record_type", 0, "?[23]"),
        (wrap(b"\xa0", IMSI) + b"\xff\xff", "trailing_bytes", 12, "moCallRecord[0]"),
        (b"\x00\x00", "unexpected_end", 0, ""),
    ],
)
def test_faults_say_what_and_where(record: bytes, reason: str, at: int, path: str | None) -> None:
    row = fault(record)
    assert (row["reason"], row["fault_offset"], row["raw"]) == (reason, at, record)
    assert row["stage"] == ("normalize" if row["reason"].startswith(("inv", "val")) else "decode")
    if path is not None:
        assert row["tag_path"] == path


FORMATS = ["3gpp_cs", "3gpp_ps", "3gpp_ims", "3gpp_chf"]
CLEAN = {name: random_records(name, 60, 7) for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_clean_records_equal_the_twin(name: str) -> None:
    same_as_twin(name, CLEAN[name] + random_records(name, 100, 11, share=0.95))


@st.composite
def mutated(draw: st.DrawFn, name: str) -> list[bytes]:
    """A few records, each with some octets changed, cut out or put in."""
    records = draw(st.lists(st.sampled_from(CLEAN[name]), min_size=1, max_size=4))
    changed = []
    for record in records:
        octets = bytearray(record)
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(octets) - 1))
            kind = draw(st.sampled_from(["set", "cut", "put", "end"]))
            octet = draw(st.sampled_from([0, 0x30, 0x80, 0x81, 0xFF, 0x1F]) | st.integers(0, 255))
            if kind == "set":
                octets[place] = octet
            elif kind == "put":
                octets.insert(place, octet)
            elif kind == "cut" and len(octets) > 1:
                del octets[place]
            elif kind == "end" and place:
                del octets[place:]
        changed.append(bytes(octets))
    return changed


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_mutated_records_equal_the_twin(name: str, data: st.DataObject) -> None:
    same_as_twin(name, data.draw(mutated(name)))
