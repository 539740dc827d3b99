from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation.edr import MISSING
from mediation.kernels import tables
from mediation.kernels.access import access_location
from mediation.kernels.texts import decimal_value, digest_value, key_value, uri_number
from mediation.normalize import CHINA, RENDERERS
from mediation.reference import ber_codecs, text_codecs
from mediation.reference.uris import uri_number as uri_number_twin


def octets_of(text: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(b"\xff" + text + b"1", np.uint8)


def uri(text: bytes, only_global: int = 0) -> int | None:
    data, plan = octets_of(text), CHINA.array()
    found = int(uri_number(data, 1, 1 + len(text), only_global, plan, tables.POWERS))
    return None if found == -1 else found


def plain(value: int) -> int | None:
    return None if value == MISSING else int(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tel:+8613800138000", 8613800138000),
        ("TEL:+86-138-0013-8000;npdi", 8613800138000),
        ("sip:+8613800138000@ims.example.org;user=phone", 8613800138000),
        ("sips:+8613800138000@ims.example.org", 8613800138000),
        ("sip:+8613800138000;npdi@ims.example.org;user=phone", 8613800138000),
        ("8613800138000", 8613800138000),
        ("+8613800138000", 8613800138000),
        ("msisdn-8613800138000", 8613800138000),
        ("sip:8613800138000@ims.example.org", None),
        ("sip:alice@example.org", None),
        ("sip:+8613800138000x@example.org", None),
        ("tel:+0138001380001", None),
        ("tel:+1234567890123456", None),
        ("tel:+123456", None),
        ("urn:service:sos", None),
        ("tel:", None),
        ("", None),
    ],
)
def test_global_numbers_become_digits(text: str, number: int | None) -> None:
    assert uri(text.encode()) == number
    assert uri(text.encode(), only_global=1) == number
    assert uri_number_twin(text.encode(), CHINA.numbers) == number


@pytest.mark.parametrize(
    ("text", "number", "dialled"),
    [
        ("tel:13800138000;phone-context=ims.example.org", 8613800138000, "13800138000"),
        ("tel:138-0013-8000;phone-context=+86", 8613800138000, "13800138000"),
        ("sip:13800138000@ims.example.org;user=phone", 8613800138000, "13800138000"),
        ("SIPS:(010)66001234:x@ims.example.org;lr;User=Phone?a", 861066001234, "01066001234"),
        ("sip:0044207;phone-context=ims.example.org@ims.example.org;user=phone", None, "0044207"),
        ("sip:8613800138000@ims.example.org;user=phone", 8613800138000, "8613800138000"),
        ("tel:00442071838750", 442071838750, "00442071838750"),
        ("tel:13800138000\0\0", 8613800138000, "13800138000"),
        ("tel:10086;phone-context=+86", None, "10086"),
        ("sip:110@ims.example.org;user=phone", None, "110"),
        ("tel:*100#;phone-context=ims.example.org", None, "*100#"),
        ("tel:2071838750;phone-context=+44", None, "2071838750"),
        ("tel:13800138000;phone-context=+861", None, "13800138000"),
        ("tel:1234567890123456789", None, "1234567890123456789"),
        ("sip:13800138000@ims.example.org", None, "sip:13800138000@ims.example.org"),
        ("sip:13800138000;user=phone", None, "sip:13800138000;user=phone"),
        ("sip:110@a;user=phones", None, "sip:110@a;user=phones"),
        ("sip:alice@a;user=phone", None, "sip:alice@a;user=phone"),
        ("tel:+123", None, "tel:+123"),
    ],
)
def test_local_numbers_are_read_as_dialled(text: str, number: int | None, dialled: str) -> None:
    """RFC 3966 local numbers have no country; our number plan says what dialling them means."""
    octets = text.encode()
    assert uri(octets) == number
    assert uri_number_twin(octets, CHINA.numbers) == number
    assert uri(octets, only_global=1) is None
    assert RENDERERS["uri"](octets) == dialled


WORDS = (
    "tel: sip: sips: SIP: msisdn- + +86138 0013 8000 @a ;b ?c - . ( ) imsi- 4600 imeisv- x \0 "
    "@ims;user=phone ;user=phone ;user=phone;x ;phone-context=+86 ;phone-context=ims ;phone-context=+44 "
    "138001380 010 00 86 : *"
)
pieces = st.lists(st.sampled_from([*WORDS.split(" "), "12345678"]), max_size=6).map(
    lambda parts: "".join(parts).encode()
)
texts = pieces | st.binary(max_size=24) | st.from_regex(rb"[0-9]{0,20}", fullmatch=True)


@given(text=texts)
@settings(deadline=None)  # the kernels are compiled on the way
@example(text=b"123456789012345678")
@example(text=b"1234567890123456")
def test_kernels_equal_their_twins(text: bytes) -> None:
    data, end = octets_of(text), 1 + len(text)
    assert uri(text) == uri_number_twin(text, CHINA.numbers)
    local = uri_number_twin(text, CHINA.numbers, only_global=True)
    assert uri(text, only_global=1) == local
    for equipment in (0, 1):
        found = plain(decimal_value(data, 1, end, equipment))
        assert found == text_codecs.decimal(text, equipment=bool(equipment))
    assert plain(digest_value(data, 1, end)) == text_codecs.digest(text)
    assert plain(key_value(data, 1, end)) == text_codecs.key(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=46000271f0abcdef", (0x271F, 0x0ABCDEF)),
        ("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=310410271f0abcdef", (0x271F, 0x0ABCDEF)),
        ('3GPP-UTRAN-TDD;Utran-Cell-ID-3GPP="46000271F0ABCDEF";x', (0x271F, 0x0ABCDEF)),
        ("3GPP-NR-FDD;utran-cell-id-3gpp=46000000001123456789", (1, 0x123456789)),
        ("3GPP-GERAN;cgi-3gpp=4600027100f01", (0x2710, 0x0F01)),
        ("3GPP-UTRAN-FDD;utran-sai-3gpp=46000271000ff", (0x2710, 0xFF)),
        ("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=4600a271f0abcdef", (None, None)),
        ("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=46000", (None, None)),
        ("3GPP2-1X;ci-3gpp2=1234567890123", (None, None)),
        ("IEEE-802.11;i-wlan-node-id=aabbccddeeff", (None, None)),
        ("", (None, None)),
    ],
)
def test_cells_in_access_network_information(
    text: str, place: tuple[int | None, int | None]
) -> None:
    octets = text.encode()
    found = access_location(octets_of(octets), 1, 1 + len(octets))
    assert tuple(plain(value) for value in found) == place
    assert ber_codecs.access_location(octets) == place


ACCESS = st.lists(
    st.sampled_from(
        ["-3gpp=", "-3GPP=", '"', "46000", "310410", "271f", "0abcdef", "00", ";", "-"]
    ),
    max_size=7,
).map(lambda parts: "".join(parts).encode())


@given(text=ACCESS | st.binary(max_size=30))
@settings(deadline=None)
def test_cells_equal_their_twin(text: bytes) -> None:
    found = access_location(octets_of(text), 1, 1 + len(text))
    assert tuple(plain(value) for value in found) == ber_codecs.access_location(text)


def test_names_before_digits_and_versions_of_equipment() -> None:
    assert text_codecs.decimal(b"imsi-460001234567890", equipment=False) == 460001234567890
    assert text_codecs.decimal(b"imeisv-8600000000000178", equipment=True) == 86000000000001
    assert text_codecs.decimal(b"nai-user@realm", equipment=False) is None


def test_a_digest_tells_identifiers_apart() -> None:
    words = [f"icid-{number}".encode() for number in range(2000)]
    assert len({text_codecs.digest(word) for word in words}) == len(words)
