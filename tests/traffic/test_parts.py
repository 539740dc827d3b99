from __future__ import annotations

from datetime import UTC, datetime

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from traffic import tlv
from traffic.clock import CALLS, Span, draw_times, offsets_of
from traffic.digits import INTERNATIONAL, UNKNOWN, count_digits, octets_of, pack, tbcd
from traffic.encode import time_stamp
from traffic.files import Release, file_name
from traffic.network import NETWORKS, SOURCES
from traffic.people import SHORT, foreign_numbers, short_numbers, written

BERLIN = [network.code for network in NETWORKS].index("262-01")


@given(st.integers(0, 2**28 - 1), st.booleans(), st.binary(max_size=300))
@settings(deadline=None)
def test_a_written_tlv_reads_back(number: int, constructed: bool, contents: bytes) -> None:  # noqa: FBT001
    inner = tlv.Tlv(tlv.tag_octets(1), contents)
    tag = tlv.tag_octets(number, constructed=constructed)
    one = tlv.Tlv(tag, parts=(inner, inner)) if constructed else tlv.Tlv(tag, contents)
    octets = one.octets()
    assert tlv.parse(octets + b"rest") == (one, len(octets))


def test_long_tags_and_lengths() -> None:
    assert tlv.tag_octets(30) == b"\x9e"
    assert tlv.tag_octets(31) == b"\x9f\x1f"
    assert tlv.tag_octets(132, constructed=True) == b"\xbf\x81\x04"
    assert tlv.length_octets(127) == b"\x7f"
    assert tlv.length_octets(128) == b"\x81\x80"
    assert tlv.length_octets(65_536) == b"\x83\x01\x00\x00"


def test_indefinite_lengths_are_written_and_not_read() -> None:
    octets = tlv.Tlv(b"\xa0", parts=(tlv.Tlv(b"\x80", b"\x01"),), indefinite=True).octets()
    assert octets == b"\xa0\x80\x80\x01\x01\x00\x00"
    with pytest.raises(ValueError, match="indefinite"):
        tlv.parse(octets)


def test_digits_as_switches_write_them() -> None:
    assert tbcd("12345") == b"\x21\x43\xf5"
    assert octets_of(86_199 << 12 | 7 << 8 | UNKNOWN) == b"\x81\x00\x68\x91\xf9"
    values = np.asarray([0, 9, 10, 99, 100, 10**14, 10**15 - 1], np.int64)
    assert count_digits(values).tolist() == [1, 1, 2, 2, 3, 15, 15]
    assert pack(values, INTERNATIONAL).tolist()[2] == 10 << 12 | 2 << 8 | 0x91


def test_numbers_of_the_home_country_in_all_forms() -> None:
    forms = np.asarray([0, 2, 3, 4], np.int64)
    packed = written(np.full(4, 8_619_910_000_001, np.int64), 13, forms)
    assert [octets_of(number).hex() for number in packed.tolist()] == [
        "91689119000000f1",
        "819119000000f1",
        "81109901000010",
        "a19119000000f1",
    ]


def test_foreign_numbers_have_the_length_of_their_country() -> None:
    rng = np.random.default_rng(1)
    for form in (0, 3):
        packed = foreign_numbers(rng, 2_000, np.full(2_000, form, np.int64))
        digits = [str(number >> 12) for number in packed.tolist()]
        counts = (packed >> 8 & 15).tolist()
        extra = 2 if form else 0
        assert all(len(text) + extra == count for text, count in zip(digits, counts, strict=True))
        assert {text[0] for text in digits} == {"1", "3", "4", "6", "8"}


def test_every_short_number_is_called() -> None:
    packed = short_numbers(np.random.default_rng(1), 2_000, np.zeros(2_000, np.int64))
    prefixes = {number for number, _ in SHORT if number < 100_000}
    assert prefixes <= set((packed >> 12).tolist())


def test_time_stamps_carry_the_local_clock() -> None:
    moment = int(datetime(2026, 10, 1, 2, 3, 4, tzinfo=UTC).timestamp())
    assert time_stamp(moment, 480).hex() == "2610011003042b0800"
    assert time_stamp(moment, -210).hex() == "2609302233042d0330"


def test_summer_time_ends_inside_the_month(october: Span) -> None:
    change = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
    seconds = np.asarray([change - 1, change], np.int64)
    network = np.full(2, BERLIN, np.int64)
    assert offsets_of(network, seconds, october).tolist() == [120, 60]
    assert offsets_of(network * 0, seconds, october).tolist() == [480, 480]


def test_days_have_a_profile(october: Span) -> None:
    times = draw_times(np.random.default_rng(1), 50_000, october, CALLS)
    hours = np.bincount((times // 3_600 + 8) % 24, minlength=24)
    assert hours[19] > 20 * hours[3]
    assert times.min() >= october.start
    assert times.max() < october.end


def test_headers_of_both_releases(october: Span) -> None:
    assert Release(9).record_head == b"\xc9\x27"
    assert Release(17).record_head == b"\xe9\x27\x07"
    header = Release(9).file_header(SOURCES[4], 12, october, 1_000, 7)
    assert len(header) == 52
    assert header[:8] == (1_052).to_bytes(4, "big") + (52).to_bytes(4, "big")
    assert header[18:26] == (7).to_bytes(4, "big") + (12).to_bytes(4, "big")
    # October 1st, 00:00, +08:00
    assert int.from_bytes(header[10:14], "big") == 10 << 28 | 1 << 23 | 1 << 11 | 8 << 6
    assert len(Release(17).file_header(SOURCES[4], 12, october, 1_000, 7)) == 54


def test_file_names_say_when_they_were_closed(october: Span) -> None:
    assert file_name(SOURCES[0], 3, october.end) == "msc1_000003_202611010000.ber"


def test_networks_as_octets() -> None:
    assert NETWORKS[0].plmn == 0x64F000
    assert [network.plmn for network in NETWORKS if network.code == "310-410"] == [0x130014]
