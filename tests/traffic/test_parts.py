from __future__ import annotations

from datetime import UTC, datetime

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from traffic import tlv
from traffic.clock import CALLS, Span, draw_times, offsets_of
from traffic.digits import UNKNOWN, octets_of, tbcd, text_of
from traffic.encode import time_stamp
from traffic.files import Release, file_name
from traffic.kernels import scene
from traffic.network import FOREIGN, NETWORKS, SOURCES
from traffic.population import Population, mix
from traffic.switches import SHORT, _countries, _shorts, call_durations

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
    assert text_of(86_199 << 12 | 7 << 8 | UNKNOWN) == "0086199"


def test_numbers_of_the_home_country_in_all_forms() -> None:
    packed = [scene.pack_home(8_619_910_000_001, 13, form) for form in (0, 2, 3, 4)]
    assert [octets_of(number).hex() for number in packed] == [
        "91689119000000f1",
        "819119000000f1",
        "81109901000010",
        "a19119000000f1",
    ]


def _strangers(party: int, form: int) -> list[str]:
    return [
        text_of(scene.draw_stranger(np.uint64(5), event, party, form, _countries(), _shorts()))
        for event in range(2_000)
    ]


@pytest.mark.parametrize("form", [0, 3])
def test_foreign_numbers_have_the_length_of_their_country(form: int) -> None:
    lengths = {str(code): len(str(code)) + length for code, length in FOREIGN}
    seen = set()
    for text in _strangers(scene.FOREIGN, form):
        digits = text.removeprefix("00" if form else "")
        code = next(code for code in lengths if digits.startswith(code))
        assert len(digits) == lengths[code]
        seen.add(code)
    assert seen == set(lengths)


def test_every_short_number_is_called() -> None:
    called = {int(text) for text in _strangers(scene.SHORT, 2)}
    assert {number for number in SHORT if number < 100_000} <= called
    assert any(4_008_000_000 <= number < 4_008_001_000 for number in called)


@pytest.mark.parametrize("form", [0, 2, 3, 4])
def test_home_numbers_of_strangers(form: int) -> None:
    prefix = {0: "86", 2: "", 3: "0", 4: ""}[form]
    for text in _strangers(scene.MOBILE, form):
        assert text.startswith(prefix + "188")
        assert len(text) == 11 + len(prefix)
    areas = {text[-10:-8] for text in _strangers(scene.FIXED, form)}
    assert areas == {"10", "20", "21"}


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1))
@settings(deadline=None)
def test_hash_equals_its_twin(values: list[int]) -> None:
    expected = mix(np.asarray(values, np.int64)).tolist()
    assert [int(scene.mix(np.uint64(value))) for value in values] == expected


def test_networks_equal_their_twin(people: Population, october: Span) -> None:
    rows = np.repeat(np.arange(len(people)), 8)
    seconds = np.tile(np.linspace(october.start, october.end - 1, 8).astype(np.int64), len(people))
    expected = people.network(rows, seconds, october.start).tolist()
    found = [
        scene.network_of(row, second, people.table, october.start)
        for row, second in zip(rows.tolist(), seconds.tolist(), strict=True)
    ]
    assert found == expected
    assert len(set(found)) > 5


def test_contacts_equal_their_twin(people: Population, october: Span) -> None:
    # With one favourite for all, the kernel's choice is the first contact or a colleague.
    alone = np.flatnonzero(people.group_size < 2)[:200]
    known = people.contact(np.repeat(alone, 12), np.tile(np.arange(12), len(alone)))
    circle = {
        row: set(known[i * 12 : i * 12 + 12].tolist()) for i, row in enumerate(alone.tolist())
    }
    steady = set(people.steady.tolist())
    for row in alone.tolist():
        found = scene.draw_contact(
            np.uint64(1), row, row, october.start, people.table, people.by_area,
            people.area_start, people.grouped, people.steady,
        )  # fmt: skip
        assert found in circle[row] or found in steady
    assert sum(len(mine) for mine in circle.values()) > 11 * len(circle)


def test_durations_are_quantiles() -> None:
    durations = call_durations()
    assert (np.diff(durations) >= 0).all()
    assert durations[0] >= 1
    assert 50 < np.median(durations) < 70
    assert 1_800 < durations[-1] <= 7_200


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
