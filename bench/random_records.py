"""Random records of any BER format, through asn1tools' encoder, which shares no code with ours."""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING, Any

import asn1tools

from mediation import formats

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediation.formats.schema import Element

HEX_DIGITS = "0123456789*#abc"


def tbcd(digits: str) -> bytes:
    """Returns digits low nibble first, filled with F."""
    nibbles = [HEX_DIGITS.index(digit) for digit in digits] + [15] * (len(digits) % 2)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def number(digits: str, first: int = 0x91) -> bytes:
    """Returns an AddressString; `first` is its type of number and plan."""
    return bytes([first]) + tbcd(digits)


def timestamp(text: str) -> bytes:
    """Returns the 9 octets of ``YYMMDDhhmmss+hhmm``."""
    return bytes.fromhex(text[:12]) + text[12].encode() + bytes.fromhex(text[13:])


def random_number(rng: random.Random) -> bytes:
    """Returns an AddressString or BCDDirectoryNumber: international, national, short, with presentation."""
    first = rng.choice([0x91, 0x91, 0xA1, 0x81, 0x81, 0xD0, 0x11])
    digits = rng.choice(
        [
            f"86199{rng.randrange(10**8):08d}",
            f"199{rng.randrange(10**8):08d}",
            f"0{rng.randrange(10, 40)}{rng.randrange(10**8):08d}",
            f"00{rng.randrange(10**11):011d}",
            rng.choice(["110", "10086", "12590123", "*21#", "1", "", "4001234567"]),
        ]
    )
    presentation = b"\xa1" if first < 0x80 else b""
    return bytes([first]) + presentation + tbcd(digits)


def random_timestamp(rng: random.Random) -> bytes:
    """Returns a TimeStamp of 9 octets."""
    day = f"{rng.randrange(20, 30)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    clock = f"{rng.randrange(24):02d}{rng.randrange(60):02d}{rng.randrange(60):02d}"
    offset = rng.choice(["+0800", "+0000", "-0330", "+0545"])
    return timestamp(day + clock + offset)


def random_day(rng: random.Random) -> bytes:
    """Returns a day in binary octets, with or without its century."""
    day = bytes([rng.randrange(20, 30), rng.randrange(1, 13), rng.randrange(1, 29)])
    return rng.choice([b"", b"\x14"]) + day


def random_clock(rng: random.Random) -> bytes:
    """Returns a time of day in binary octets, with or without tenths."""
    clock = bytes([rng.randrange(24), rng.randrange(60), rng.randrange(60)])
    return clock + rng.choice([b"", bytes([rng.randrange(10)])])


def random_plmn(rng: random.Random) -> bytes:
    """Returns a PLMN-Id, with 2 or 3 digits of network code, or none."""
    return rng.choice([b"\x64\xf0\x00", b"\x13\x00\x14", b"\x99\xf9\x07", b"\xff\xff\xff"])


def random_location(rng: random.Random) -> bytes:
    """Returns GTP user location information, whole and cut."""
    plmn = b"\x64\xf0\x00"
    tai = plmn + rng.randbytes(2)
    ecgi = plmn + rng.randbytes(4)
    return rng.choice([b"\x18" + tai + ecgi, b"\x01" + ecgi, b"\x00" + ecgi, b"\x08" + tai, b""])


URIS = [
    "tel:+86199{0:08d}",
    "sip:+86199{0:08d}@ims.example.org;user=phone",
    "tel:10086;phone-context=+86",
    "sip:user{0}@example.org",
    "86199{0:08d}",
    "urn:service:sos",
    "msisdn-86199{0:08d}",
]


def random_uri(rng: random.Random) -> bytes:
    """Returns a SIP, TEL or other URI."""
    return rng.choice(URIS).format(rng.randrange(10**8)).encode()


def random_identity(rng: random.Random) -> bytes:
    """Returns what stands for a subscriber in IMS records."""
    digits = f"46000{rng.randrange(10**10):010d}"
    return rng.choice([f"imsi-{digits}".encode(), digits.encode(), b"nai-x@y", random_uri(rng)])


MAKERS: dict[str, Any] = {
    "IMSI": lambda rng: tbcd(f"46000{rng.randrange(10**10):010d}"),
    "IMEI": lambda rng: tbcd(f"{rng.randrange(10**15):015d}{rng.choice(['', '7'])}"),
    "AddressString": random_number,
    "ISDN-AddressString": random_number,
    "BCDDirectoryNumber": random_number,
    "TimeStamp": random_timestamp,
    "PLMN-Id": random_plmn,
    "CallReferenceNumber": lambda rng: rng.randbytes(rng.randrange(1, 8)),
    "LocationAreaCode": lambda rng: rng.randbytes(2),
    "CellId": lambda rng: rng.randbytes(2),
    "TextOctets": lambda rng: rng.choice(
        [b"cmnet", b"ims", b"TG01", b"\xe7\xbd\x91", b"\xff", b""]
    ),
    "CauseForTerm": lambda rng: rng.randrange(60),
    "CauseForRecClosing": lambda rng: rng.randrange(60),
    "RATType": lambda rng: rng.randrange(256),
    "CallDuration": lambda rng: rng.randrange(86_400),
    "Date": random_day,
    "Time": random_clock,
    "Counter": lambda rng: rng.randbytes(rng.randrange(1, 4)),
    "LocationInformation": lambda rng: random_plmn(rng) + rng.randbytes(rng.choice([2, 4])),
    "DataVolumeGPRS": lambda rng: rng.randrange(2**34),
    "DataVolumeOctets": lambda rng: rng.randrange(2**40),
    "TrackingAreaCode": lambda rng: rng.randbytes(3),
    "SliceDifferentiator": lambda rng: rng.randbytes(3),
    "EquipmentText": lambda rng: rng.choice([b"imei-860000000000017", b"8600000000000178", b"x"]),
}
FIELD_MAKERS: dict[str, Any] = {
    "userLocationInformation": random_location,
    "messageReference": lambda rng: rng.randbytes(1),
    "bearerService": lambda rng: rng.choice([b"\x1f", b"\x11", b"\x11\x22"]),
    "iPBinV4Address": lambda rng: rng.randbytes(4),
    "iPBinV6Address": lambda rng: rng.randbytes(16),
    "sIP-Method": lambda rng: rng.choice([b"INVITE", b"MESSAGE", b"REGISTER", b"SUBSCRIBE"]),
    "subscriptionIDData": random_identity,
    "sMAddressData": random_uri,
    "callEventStartTimeStamp": lambda rng: f"202610{rng.randrange(1, 29):02d}120000".encode(),
    "utcTimeOffset": lambda _: b"+0800",
    "imsi": lambda rng: bytes.fromhex(f"46000{rng.randrange(10**10):010d}f"),
    "msisdn": lambda rng: bytes.fromhex(f"86199{rng.randrange(10**8):08d}f"),
    "imei": lambda rng: bytes.fromhex(f"{rng.randrange(10**16):016d}"),
    **dict.fromkeys(
        ("dialledDigits", "connectedNumber", "thirdPartyNumber", "callingNumber"),
        lambda rng: f"86199{rng.randrange(10**8):08d}".encode(),
    ),
    "sST": lambda rng: rng.randrange(256),
    **dict.fromkeys(("sIP-URI", "tEL-URI", "iSDN-E164", "uRN"), random_uri),
}


PLAIN: dict[str, Callable[[random.Random], Any]] = {
    "BOOLEAN": lambda rng: rng.random() < 0.5,
    "NULL": lambda _: None,
    "BIT STRING": lambda rng: (rng.randbytes(2), 16),
    "OBJECT IDENTIFIER": lambda _: "1.3.6.1.4.1.28",
    "OCTET STRING": lambda rng: rng.randbytes(rng.randrange(1, 12)),
    "IA5String": lambda rng: rng.choice(["MSC1", "MSC2", "BTS07O", ""]),
}
ONE_FIELD = {"UMTSGSMPLMNCallDataRecord"}
"""Types that hold one of their fields, although the module does not call them CHOICE."""


def random_value(element: Element, rng: random.Random, share: float) -> Any:
    """Returns a value that asn1tools encodes as `element`; each field stands with `share`."""
    maker = FIELD_MAKERS.get(element.name) or MAKERS.get(element.type_name)
    kind = element.kind
    if element.type_name in ONE_FIELD:
        chosen = rng.choice(element.children)
        value: Any = {chosen.name: random_value(chosen, rng, share)}
    elif kind in {"SET", "SEQUENCE"}:
        value = {
            child.name: random_value(child, rng, share)
            for child in element.children
            if rng.random() < share
        }
    elif kind == "CHOICE":
        chosen = rng.choice(element.children)
        value = (chosen.name, random_value(chosen, rng, share))
    elif kind == "EXPLICIT":
        value = random_value(element.children[0], rng, share)
    elif element.is_list:
        value = [random_item(element, rng, share) for _ in range(rng.randrange(4))]
    elif maker is not None:
        value = maker(rng)
    elif kind == "INTEGER":
        value = rng.choice([0, 1, 127, 128, rng.randrange(2**31)])
    elif kind == "ENUMERATED":
        value = rng.choice(element.names)[1]
    else:
        value = PLAIN[kind](rng)
    return value


def random_item(element: Element, rng: random.Random, share: float) -> Any:
    """Returns one element of a list; the elements of a list of CHOICE are its alternatives."""
    if len(element.children) == 1 and not element.children[0].name:
        return random_value(element.children[0], rng, share)
    chosen = rng.choice(element.children)
    return (chosen.name, random_value(chosen, rng, share))


@functools.cache
def specification(format_name: str) -> Any:
    """Returns asn1tools' compiled modules of a format."""
    files = [str(path) for path in formats.load(format_name).module_files]
    return asn1tools.compile_files(files, "ber")


def encode(format_name: str, record_type: str, value: dict[str, Any]) -> bytes:
    """Returns one record as asn1tools encodes it."""
    record = formats.load(format_name).record
    return bytes(specification(format_name).encode(record, (record_type, value)))


def random_records(format_name: str, count: int, seed: int, share: float = 0.6) -> list[bytes]:
    """Returns records of every type in turn."""
    rng = random.Random(seed)
    elements = formats.load(format_name).schema
    found = []
    for place in range(count):
        element = elements[place % len(elements)]
        found.append(encode(format_name, element.name, random_value(element, rng, share)))
    return found
