from __future__ import annotations

import pytest

from mediation.normalize import (
    render_address,
    render_integer,
    render_ip,
    render_network_domain,
    render_number,
    render_plmn,
    render_text,
)
from tests.mediation.cdr_records import number


@pytest.mark.parametrize(
    ("domain", "network"),
    [
        ("ims.mnc000.mcc460.3gppnetwork.org", "460-00"),
        ('"IMS.MNC011.MCC460.3gppnetwork.org"', "460-11"),
        ("ims.mnc410.mcc310.3gppnetwork.org", "310-410"),
        ("ims.mnc012.mcc310.3gppnetwork.org", "310-012"),
        ("ims.mnc15.mcc234.3gppnetwork.org", "234-15"),
        ("ims.mnc0000.mcc460.3gppnetwork.org", ""),
        ("ims.mnc000.mcc4600.org", ""),
        ("visited network number 1", ""),
        ("", ""),
    ],
)
def test_networks_in_domain_names(domain: str, network: str) -> None:
    assert render_network_domain(domain.encode()) == network


def test_an_address_shows_whether_it_is_international() -> None:
    assert render_address(number("8619900900001")) == "+8619900900001"
    assert render_address(number("900001", 0xA1)) == "900001"
    assert render_address(b"") == ""


def test_short_codes_and_service_codes_keep_their_text() -> None:
    assert render_number(number("*21#", 0x81)) == "*21#"
    assert render_number(number("10086", 0x81)) == "10086"


def test_a_presentation_octet_is_not_a_digit() -> None:
    assert render_number(b"\x01\x81" + number("10086")[1:]) == "10086"


@pytest.mark.parametrize("text", ["Huadan", "A", "12345678", "1234567", "£ü"])
def test_sender_names_are_packed_in_seven_bits(text: str) -> None:
    alphabet = {"£": 0x01, "ü": 0x7E}
    packed = sum(
        alphabet.get(letter, ord(letter)) << 7 * place for place, letter in enumerate(text)
    )
    octets = packed.to_bytes((len(text) * 7 + 7) // 8, "little")
    assert render_number(b"\xd0" + octets) == text


def test_networks_have_two_or_three_digits_of_mnc() -> None:
    assert render_plmn(b"\x64\xf0\x00") == "460-00"
    assert render_plmn(b"\x13\x00\x14") == "310-410"


def test_addresses_texts_and_integers() -> None:
    assert render_ip(b"\x0a\x00\x00\x01") == "10.0.0.1"
    assert render_ip(bytes(15) + b"\x01") == "::1"
    assert render_ip(b"\x0a\x00") == "0a00"
    assert render_text(b"TG01\0\0") == "TG01"
    assert render_text(b"\xff") == "\\xff"
    assert render_integer(b"\xff\x00") == "-256"
