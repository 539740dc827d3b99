"""Records for the decoder's tests: made by asn1tools, which shares no code with the decoder."""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asn1tools
import numpy as np

from mediation import formats

if TYPE_CHECKING:
    from mediation.batch_facts import BatchFacts
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
    return rng.choice([b"\x64\xf0\x00", b"\x13\x00\x14", b"\x99\xf9\x07", b"\xff\xff\xff"])


def random_location(rng: random.Random) -> bytes:
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
    return rng.choice(URIS).format(rng.randrange(10**8)).encode()


def random_identity(rng: random.Random) -> bytes:
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
    "sST": lambda rng: rng.randrange(256),
    **dict.fromkeys(("sIP-URI", "tEL-URI", "iSDN-E164", "uRN"), random_uri),
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
        value = {
            "BOOLEAN": lambda: rng.random() < 0.5,
            "NULL": lambda: None,
            "BIT STRING": lambda: (rng.randbytes(2), 16),
            "OBJECT IDENTIFIER": lambda: "1.3.6.1.4.1.28",
            "OCTET STRING": lambda: rng.randbytes(rng.randrange(1, 12)),
            "IA5String": lambda: rng.choice(["MSC1", "MSC2", "BTS07O", ""]),
        }[kind]()
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


@dataclass(frozen=True)
class Memory:
    """Records in memory, as the decoder takes them."""

    format_name: str
    data: np.ndarray[Any, Any]
    offsets: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]
    file_id: str = "0" * 32
    batches: tuple[BatchFacts, ...] = ()


def memory(format_name: str, records: list[bytes]) -> Memory:
    """Returns records one behind the other, between other octets."""
    data = b"\xff" + b"\xff".join(records) + b"\xff"
    lengths = np.array([len(record) for record in records], np.int64)
    offsets = np.cumsum(lengths + 1) - lengths
    return Memory(format_name, np.frombuffer(data, np.uint8), offsets, lengths)


MO_CALL: dict[str, Any] = {
    "recordType": 0,
    "servedIMSI": tbcd("460001012345678"),
    "servedIMEI": tbcd("860000000000017"),
    "servedMSISDN": number("8619910000001"),
    "calledNumber": number("18820000002", 0xA1),
    "recordingEntity": number("8619900900001"),
    "mscOutgoingTKGP": ("tkgpName", b"TG01"),
    "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x56\x78"},
    "seizureTime": timestamp("261031235940+0800"),
    "answerTime": timestamp("261031235958+0800"),
    "callDuration": 130,
    "causeForTerm": 0,
    "diagnostics": ("gsm0408Cause", 16),
    "callReference": b"\x01\x02\x03",
}
"""A call of 130 s over midnight of the end of October."""


def mo_call(**changes: Any) -> bytes:
    """Returns `MO_CALL` with changes, encoded; None takes a field away."""
    value = {**MO_CALL, **changes}
    return encode("3gpp_cs", "moCallRecord", {k: v for k, v in value.items() if v is not None})


def content(record: bytes) -> bytes:
    """Returns what stands inside a record whose tag is one octet."""
    head = 2 if record[1] < 128 else 2 + (record[1] & 127)
    return record[head:]


def wrap(tag: bytes, inside: bytes) -> bytes:
    """Returns a TLV with a definite length."""
    size = len(inside)
    if size < 128:
        return tag + bytes([size]) + inside
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes([128 | len(octets)]) + octets + inside
