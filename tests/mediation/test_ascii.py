"""The codecs of roaming files against their plain-Python twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation.edr import MISSING
from mediation.kernels import ascii as kernel
from mediation.kernels import ops, tables
from mediation.normalize import CHINA
from mediation.reference import ber_codecs as twin
from tests.mediation.test_codecs import ROOM, array

NIBBLES = st.text("0123456789aef", max_size=24).map(
    lambda text: bytes.fromhex(text if len(text) % 2 == 0 else text + "f")
)
ASCII = st.one_of(st.binary(max_size=20), st.text("0123456789+*", max_size=20).map(str.encode))
CODECS = {
    ops.BCD: twin.bcd,
    ops.BCD_IMEI: twin.bcd_imei,
    ops.ASCII_DIGITS: twin.ascii_number,
    ops.ASCII_DIALLED: twin.ascii_dialled,
    ops.LOCAL_TIME: twin.local_time,
    ops.UTC_OFFSET: twin.utc_offset,
}


def run(codec: int, octets: bytes, behind: int) -> tuple[int, int, int]:
    data, end = array(octets, behind), len(octets)
    if codec in kernel.PLAIN_CODECS:
        status, value = kernel.plain_value(data, 0, end, codec, 0, MISSING + 1, 2**63 - 1)
        return value, MISSING, status
    found: tuple[int, int, int] = kernel.ascii_value(
        codec, data, 0, end, tables.DAYS, CHINA.array(), tables.POWERS
    )
    return found


def by_twin(codec: int, octets: bytes) -> tuple[tuple[int | str | None, int | str | None], int]:
    """Returns what the twin says, and its status."""
    try:
        return CODECS[codec](octets), ops.OK
    except twin.BadValueError as error:
        return (None, None), error.status


@ROOM
@pytest.mark.parametrize("codec", CODECS)
@given(octets=st.one_of(NIBBLES, ASCII))
@example(octets=bytes.fromhex("1234567890"))
@example(octets=bytes.fromhex("123456789012345f"))
@example(octets=bytes.fromhex("12f3"))  # a digit behind the filler
@example(octets=bytes.fromhex("1234567890123456789f"))
@example(octets=b"20261031235959")
@example(octets=b"20260229000000")  # 2026 has no 29 February
@example(octets=b"20261031240000")
@example(octets=b"20261031240001")
@example(octets=b"19991231235959")
@example(octets=b"+0545")
@example(octets=b"-1200")
@example(octets=b"+2500")
@example(octets=b"+0060")
@example(octets=b"0800+")
@example(octets=b"00491718888888")
@example(octets=b"+491718888888")
@settings(deadline=None)
def test_values_equal_the_twin(codec: int, behind: int, octets: bytes) -> None:
    value, second, status = run(codec, octets, behind)
    expected, wanted = by_twin(codec, octets)
    assert status == wanted
    pair = tuple(None if part == MISSING else part for part in (value, second))
    assert status != ops.OK or pair == expected


@ROOM
@pytest.mark.parametrize("codec", [ops.BCD_NUMBER, ops.ASCII_NUMBER, ops.ASCII_ENTERED])
@given(octets=st.one_of(NIBBLES, ASCII))
@example(octets=bytes.fromhex("491718888888"))
@example(octets=bytes.fromhex("112f"))
@example(octets=b"+491718888888")
@example(octets=b"112")
@example(octets=b"0049171888")
@example(octets=b"13910000001")
@example(octets=b"010123456")
@settings(deadline=None)
def test_numbers_equal_the_twin(codec: int, behind: int, octets: bytes) -> None:
    value, second, status = run(codec, octets, behind)
    number, text = twin.roaming_number(codec, octets, CHINA.numbers)
    assert status == ops.OK
    assert (None if value == MISSING else value) == number
    if text is not None:
        assert second == kernel.AS_TEXT


@given(octets=st.binary(max_size=3))
@example(octets=b"1F")
@example(octets=b"2g")
@settings(deadline=None)
def test_hexadecimal_octets_equal_the_twin(octets: bytes) -> None:
    assert kernel.hex_octet(array(octets), 0, len(octets)) == twin.hex_octet(octets)


@pytest.mark.parametrize(
    ("codec", "before", "value", "refund", "expected"),
    [
        (ops.SUM, MISSING, 5, 0, (5, ops.OK)),
        (ops.SUM, 7, 5, 0, (12, ops.OK)),
        (ops.SUM, 7, 5, 1, (2, ops.OK)),
        (ops.SUM, MISSING, -1, 0, (MISSING, ops.NEGATIVE_AMOUNT)),
        (ops.SUM, MISSING, ops.LARGEST_AMOUNT, 0, (MISSING, ops.VALUE_OUT_OF_RANGE)),
        (ops.SUM, 0, 2**63 - 1, 0, (0, ops.VALUE_OUT_OF_RANGE)),
        (ops.FIRST, MISSING, 5, 0, (5, ops.OK)),
        (ops.FIRST, 4, 5, 0, (4, ops.OK)),
        (ops.FIRST, MISSING, 10**6, 0, (MISSING, ops.VALUE_OUT_OF_RANGE)),
        (ops.SAME, 5, 5, 0, (5, ops.OK)),
        (ops.SAME, 4, 5, 0, (ops.SEVERAL, ops.OK)),
    ],
)
def test_what_several_integers_become(
    codec: int, before: int, value: int, refund: int, expected: tuple[int, int]
) -> None:
    octets = value.to_bytes(8, "big", signed=True)
    found = kernel.gather(
        codec, array(octets), 0, 8, np.int64(before), bool(refund), np.int64(-1), np.int64(1000)
    )
    assert found == expected
