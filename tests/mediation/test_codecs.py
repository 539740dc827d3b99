from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation.edr import MISSING
from mediation.kernels import codecs, intern, tables
from mediation.normalize import digits_of
from mediation.number_plan import NetworkPrefix, NumberPlan, ShortCode
from mediation.number_plan_file import load_number_plan, number_plans
from mediation.reference import ber_codecs as twin
from tests.mediation.cdr_records import number, tbcd, timestamp

OCTETS = st.binary(min_size=1, max_size=12)
BCD_OCTETS = st.lists(
    st.sampled_from([0x00, 0x10, 0x21, 0x99, 0xF1, 0xF0, 0xFF, 0xA1, 0x1B, 0x68]), max_size=11
).map(bytes)


def array(octets: bytes, behind: int = 1) -> np.ndarray[Any, np.dtype[np.uint8]]:
    data = np.frombuffer(octets + b"\xee" * behind, np.uint8)
    data.flags.writeable = False
    return data


ROOM = pytest.mark.parametrize("behind", [0, 9], ids=["at the end", "with room for a word"])


@ROOM
@given(octets=st.binary(min_size=1, max_size=8))
@settings(deadline=None)
def test_integers_equal_python(behind: int, octets: bytes) -> None:
    data = array(octets, behind)
    expected = int.from_bytes(octets, "big", signed=True)
    assert codecs.signed_value(data, 0, len(octets)) == expected
    counter = int.from_bytes(octets, "big")
    wrapped = counter - 2**64 if counter >= 2**63 else counter
    assert codecs.unsigned_value(data, 0, len(octets)) == wrapped


@ROOM
@given(octets=BCD_OCTETS)
@example(octets=tbcd("000"))
@example(octets=tbcd("1234567890123456"))
@example(octets=tbcd("123456789012345678"))
@example(octets=tbcd("1234567890123456789"))
@example(octets=b"\xf1\x21")  # a filler may not be followed by digits
@example(octets=b"\x21\xff")
@settings(deadline=None)
def test_digits_equal_the_twin(behind: int, octets: bytes) -> None:
    value, count = codecs.digits_value(array(octets, behind), 0, len(octets), tables.TBCD)
    digits = twin.plain_digits(octets)
    if digits is None:
        assert count == -1
    else:
        assert (count, value) == (len(digits), int(digits or "0"))


@given(st.binary(min_size=9, max_size=9))
@example(timestamp("261031235958+0800"))
@example(timestamp("260229000000+0000"))  # 2026 has no 29 February
@example(timestamp("240229000000+0000"))
@example(timestamp("991231235959-1200"))
@example(timestamp("261300000000+0000"))
@example(timestamp("260001000000+0000"))
@example(timestamp("260101240000+0000"))
@example(timestamp("260101006000+0000"))
@example(timestamp("260101000060+0000"))
@example(timestamp("260101000000+0060"))
@example(b"\x26\x1a\x01\x00\x00\x00\x2b\x08\x00")
@settings(deadline=None)
def test_timestamp_equals_the_twin(octets: bytes) -> None:
    found = codecs.timestamp(array(octets), 0, tables.BCD, tables.DAYS)
    try:
        expected = twin.timestamp(octets)
    except twin.BadValueError:
        expected = (MISSING, 0)
    assert found == expected


@given(
    st.integers(20, 30), st.integers(1, 12), st.integers(1, 31), st.integers(0, 23),
    st.sampled_from(["+0800", "-0330"]),
)  # fmt: skip
@settings(deadline=None)
def test_timestamps_of_real_calendars(
    year: int, month: int, day: int, hour: int, offset: str
) -> None:
    test_timestamp_equals_the_twin.hypothesis.inner_test(
        timestamp(f"{year}{month:02d}{day:02d}{hour:02d}5907{offset}")
    )


PLANS = [
    NumberPlan(),
    NumberPlan("7", ("810",), ("8",), (10, 10)),
    NumberPlan("852", (), (), (8, 8)),
    NumberPlan(
        "39",
        ("00", "0"),
        (),
        (6, 11),
        (5, 14),
        leading_zero=True,
        types=(("unknown", "national"), ("network_specific", "unknown"), ("reserved", "unknown")),
        plans=("isdn", "national"),
        network_prefixes=(
            NetworkPrefix("00", 4, ("unknown", "national"), "portability"),
            NetworkPrefix("99", 2, ("unknown", "international"), "carrier_selection"),
        ),
        short_codes=(ShortCode("0", 6, 6), ShortCode("08", 7, 9)),
    ),
    *(load_number_plan(name) for name in number_plans()),
]
BEGINNINGS = sorted(
    {"", "0", "00", "0086", "86"}
    | {prefix.digits for plan in PLANS for prefix in plan.network_prefixes}
    | {code.digits for plan in PLANS for code in plan.short_codes}
    | {digits for plan in PLANS for digits in plan.international_prefixes}
)
NUMBERS = st.builds(
    number,
    st.lists(st.sampled_from(BEGINNINGS), max_size=2)
    .map("".join)
    .flatmap(lambda begin: st.text("0123456789", max_size=19).map(begin.__add__)),
    st.integers(0x80, 0xFF) | st.sampled_from([0x81, 0xA1, 0x91]),
)


@given(NUMBERS, st.sampled_from(PLANS))
@settings(deadline=None, max_examples=1500)
def test_e164_equals_the_twin(octets: bytes, plan: NumberPlan) -> None:
    digits = digits_of(octets[1:])
    if not 1 <= len(digits) <= 18:
        return
    found = codecs.e164(int(digits), len(digits), octets[0], plan.array(), tables.POWERS)
    expected = twin.e164(digits, octets[0] >> 4 & 7, octets[0] & 15, plan)
    assert found == (-1 if expected is None else expected)


@pytest.mark.parametrize(
    ("digits", "first", "expected"),
    [
        ("8619910000001", 0x91, 8619910000001),
        ("19910000001", 0xA1, 8619910000001),
        ("19910000001", 0x81, 8619910000001),
        ("019910000001", 0x81, 8619910000001),
        ("008619910000001", 0x81, 8619910000001),
        ("008619910000001", 0x91, 8619910000001),
        ("8619910000001", 0x81, 8619910000001),
        ("01012345678", 0x81, 861012345678),
        ("4001234567", 0x81, 864001234567),
        ("00441632960001", 0x81, 441632960001),
        ("110", 0x81, None),
        ("10086", 0x81, None),
        ("110", 0x91, None),
        ("12345678", 0x81, None),
        ("19910000001", 0xB1, None),  # network specific
        ("19910000001", 0x88, None),  # national numbering plan
        ("1234567890123456", 0x91, None),  # 16 digits
    ],
)
def test_numbers_as_operators_write_them(digits: str, first: int, expected: int | None) -> None:
    value, text = twin.number(number(digits, first), NumberPlan())
    assert value == expected
    assert text == (None if expected else digits)


@pytest.mark.parametrize(
    ("plan", "digits", "first", "expected"),
    [
        ("cn", "17909008613910000001", 0x81, None),  # 20 digits are text
        ("cn", "1790901012345678", 0x81, 861012345678),  # carrier, then trunk prefix
        ("cn", "179090044163296000", 0x81, 44163296000),  # carrier, then abroad
        ("cn", "1790913910000001", 0xA1, 8613910000001),
        ("cn", "17909123456", 0x81, 8617909123456),  # no number behind it: a mobile number
        ("cn", "10655551234", 0x81, None),  # a company's message service
        ("cn", "10655551234", 0xA1, None),
        ("cn", "8610655551234", 0x91, 8610655551234),
        ("nanp", "101028812025550143", 0x81, 12025550143),
        ("nanp", "1010288011442079460", 0x81, None),
        ("nanp", "2025550143", 0x81, 12025550143),
        ("nanp", "12025550143", 0x81, 12025550143),
        ("nanp", "01144207946000", 0x81, 44207946000),
        ("de", "010130301234567", 0x81, 49301234567),
        ("de", "01001303012345", 0x81, 493012345),  # 0100xx, not 010xx
        ("de", "116116", 0x81, None),
        ("it", "0612345678", 0x81, 390612345678),
        ("it", "0039061234567", 0x81, 39061234567),
        ("ru", "89161234567", 0x81, 79161234567),
        ("ru", "81049301234567", 0x81, 49301234567),
        ("hk", "00186139100000", 0x81, 86139100000),
        ("gb", "02079460000", 0x81, 442079460000),
        ("gb", "118118", 0x81, None),
    ],
)
def test_numbers_of_many_countries(
    plan: str, digits: str, first: int, expected: int | None
) -> None:
    if len(digits) <= 18:
        numbers = load_number_plan(plan)
        found = codecs.e164(int(digits), len(digits), first, numbers.array(), tables.POWERS)
        assert (None if found < 0 else found) == expected
    assert twin.number(number(digits, first), load_number_plan(plan))[0] == expected


def test_a_portability_prefix_is_stripped_and_stays_in_the_dialled_digits() -> None:
    ported = NetworkPrefix("14", 4, ("unknown", "national", "international"), "portability")
    plan = replace(NumberPlan(), network_prefixes=(ported,))
    octets = number("140913910000001", 0xA1)
    assert twin.number(octets, plan) == (8613910000001, None)
    assert twin.dialled(octets) == (140913910000001, 0)


@given(st.binary(max_size=24), st.integers(0, 63))
@settings(deadline=None)
def test_location_equals_the_twin(octets: bytes, flags: int) -> None:
    octets = bytes([flags]) + octets
    found = codecs.user_location(array(octets), 0, len(octets))
    assert tuple(None if part == MISSING else part for part in found) == twin.location(octets)


@given(st.binary(max_size=4))
@example(b"\x64\xf0\x00")
@example(b"\x13\x00\x14")
@example(b"\xff\xff\xff")
@settings(deadline=None)
def test_network_equals_the_twin(octets: bytes) -> None:
    status = codecs.network_status(array(octets), 0, len(octets))
    try:
        expected = 1 if twin.network(octets) == (None, None) else 0
    except twin.BadValueError:
        expected = 2
    assert status == expected


@pytest.mark.parametrize(
    ("digits", "value", "zeros"),
    [("0", 0, 0), ("000", 0, 2), ("0101", 101, 1), ("1", 1, 0), ("000000000000000001", 1, 17)],
)
def test_leading_zeros_are_counted(digits: str, value: int, zeros: int) -> None:
    assert codecs.leading_zeros(value, len(digits), tables.POWERS) == zeros
    assert twin.dialled(number(digits)) == (value, zeros)


def test_an_unsigned_counter_survives_an_encoder_that_drops_the_leading_zero() -> None:
    assert twin.unsigned(b"\xff\xff\xff\xff") == (2**32 - 1, None)
    assert twin.integer(b"\xff\xff\xff\xff") == (-1, None)


@given(st.binary(max_size=24), st.binary(max_size=24), st.integers(0, 9))
@example(b"TG01", b"TG01", 0)
@example(b"TG01", b"TG02", 9)
@settings(deadline=None)
def test_texts_are_the_same_when_their_octets_are(one: bytes, other: bytes, behind: int) -> None:
    data = array(one + other, behind)
    slots = np.full(16, -1, np.int32)
    interned = np.zeros(8 * 3, np.int64)
    count = np.zeros(1, np.int64)
    first = intern.intern_octets(data, 0, len(one), 3, slots, interned, count)
    middle, end = len(one), len(one) + len(other)
    assert intern.intern_octets(data, middle, end, 3, slots, interned, count) == int(one != other)
    assert intern.intern_octets(data, 0, len(one), 3, slots, interned, count) == first == 0
    assert intern.intern_octets(data, 0, len(one), 4, slots, interned, count) == count[0] - 1
