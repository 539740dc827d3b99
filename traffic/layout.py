"""How each kind of record is laid out: which field takes which column, in which octets.

One description serves both writers: asn1tools gets nested values made from it, and the fast
writer a program compiled from it. Fields stand in the order of their tags, which is the order in
which asn1tools writes a SET.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from traffic import network
from traffic.digits import INTERNATIONAL, octets_of
from traffic.table import COLUMN, CONTAINER_COLUMN


class Codec(IntEnum):
    """How a column becomes the contents of a field."""

    CONSTANT = 0
    """The value stands in the layout."""
    INTEGER = 1
    """INTEGER or ENUMERATED, as few octets as two's complement needs."""
    OCTETS = 2
    """OCTET STRING of a fixed size, big endian."""
    DIGITS = 3
    """TBCD of 15 digits (IMSI, IMEI)."""
    NUMBER = 4
    """AddressString from a packed number (`traffic.digits`)."""
    TIME = 5
    """TimeStamp of nine octets: BCD local time, sign, BCD offset (TS 32.298)."""
    TEXT = 6
    """A name from TEXTS."""
    BITS = 7
    """BIT STRING of 32 bits."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field without parts. An empty name makes it octets inside a Join or an element of a list.

    Attributes:
        name: Field name of the ASN.1 module.
        codec: How it is written.
        column: Column number, when it is not a constant.
        size: Octets, for OCTETS.
        constant: Value for asn1tools, for CONSTANT.
    """

    name: str
    codec: Codec
    column: int = -1
    size: int = 0
    constant: object = None


@dataclass(frozen=True, slots=True)
class Group:
    """A SEQUENCE or SET; absent as a whole when `optional` (a column number) is missing."""

    name: str
    parts: tuple[Node, ...]
    optional: int = -1


@dataclass(frozen=True, slots=True)
class Pick:
    """One alternative of a CHOICE that carries a tag of its own."""

    name: str
    part: Leaf


@dataclass(frozen=True, slots=True)
class Listed:
    """A SEQUENCE OF with exactly one element."""

    name: str
    part: Leaf | Pick


@dataclass(frozen=True, slots=True)
class Containers:
    """A SEQUENCE OF with one element for each container row."""

    name: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """An OCTET STRING put together from constants and OCTETS columns."""

    name: str
    parts: tuple[Leaf, ...]


Node = Leaf | Group | Pick | Listed | Containers | Join


def _is(name: str, value: object) -> Leaf:
    return Leaf(name, Codec.CONSTANT, constant=value)


def _int(name: str, column: str) -> Leaf:
    return Leaf(name, Codec.INTEGER, COLUMN[column])


def _octets(name: str, column: str, size: int) -> Leaf:
    return Leaf(name, Codec.OCTETS, COLUMN[column], size)


def _digits(name: str, column: str) -> Leaf:
    return Leaf(name, Codec.DIGITS, COLUMN[column])


def _number(name: str, column: str) -> Leaf:
    return Leaf(name, Codec.NUMBER, COLUMN[column])


def _time(name: str, column: str) -> Leaf:
    return Leaf(name, Codec.TIME, COLUMN[column])


def _trunk(name: str, column: str) -> Pick:
    return Pick(name, Leaf("tkgpName", Codec.TEXT, COLUMN[column]))


def _location(name: str) -> Group:
    return Group(
        name,
        (
            _octets("locationAreaCode", "lac", 2),
            _octets("cellId", "cell", 2),
            _octets("mCC-MNC", "plmn", 3),
        ),
        optional=COLUMN["plmn"],
    )


_TELEPHONY: Final = Pick("basicService", _is("teleservice", b"\x11"))
_SERVICE_CENTRE: Final = _is(
    "serviceCentre", octets_of(network.SERVICE_CENTRE << 12 | 13 << 8 | INTERNATIONAL)
)
_ULI: Final = Join(
    "userLocationInformation",
    (
        _is("", b"\x18"),
        _octets("", "plmn", 3),
        _octets("", "lac", 2),
        _octets("", "plmn", 3),
        _octets("", "cell", 4),
    ),
)
"""GTPv2 user location: tracking area, then E-UTRAN cell (TS 29.274 §8.21)."""


def _gateway(record_type: int) -> tuple[Node, ...]:
    return (
        _is("recordType", record_type),
        _number("callingNumber", "calling"),
        _number("calledNumber", "called"),
        _number("recordingEntity", "entity"),
        _trunk("mscIncomingTKGP", "trunk_in"),
        _trunk("mscOutgoingTKGP", "trunk_out"),
        _time("seizureTime", "seizure"),
        _time("answerTime", "answer"),
        _time("releaseTime", "release"),
        _int("callDuration", "duration"),
        _int("causeForTerm", "cause"),
        _octets("callReference", "reference", 4),
        _int("sequenceNumber", "sequence"),
    )


def _data(record_type: int, address: str, volumes: Containers, *, behind: bool) -> tuple[Node, ...]:
    """Returns the fields of a gateway record; its list of usage stands [12] or `behind` at [34]."""
    return (
        _is("recordType", record_type),
        _digits("servedIMSI", "imsi"),
        Pick(address, _octets("iPBinV4Address", "address", 4)),
        _int("chargingID", "charging_id"),
        Listed("servingNodeAddress", Pick("", _octets("iPBinV4Address", "node", 4))),
        Leaf("accessPointNameNI", Codec.TEXT, COLUMN["apn"]),
        _is("pdpPDNType", b"\xf1\x21"),
        _is("dynamicAddressFlag", True),  # noqa: FBT003 - a BOOLEAN of the record
        *(() if behind else (volumes,)),
        _time("recordOpeningTime", "seizure"),
        _int("duration", "duration"),
        _int("causeForRecClosing", "cause"),
        _int("recordSequenceNumber", "sequence"),
        _int("localSequenceNumber", "local_sequence"),
        _number("servedMSISDN", "msisdn"),
        _is("chargingCharacteristics", b"\x08\x00"),
        _octets("servingNodePLMNIdentifier", "plmn", 3),
        _digits("servedIMEI", "imei"),
        _int("rATType", "rat"),
        _octets("mSTimeZone", "clock", 2),
        _ULI,
        *((volumes,) if behind else ()),
        Listed("servingNodeType", _is("", "mME")),
    )


def _inner(codec: Codec, name: str, column: str) -> Leaf:
    return Leaf(name, codec, CONTAINER_COLUMN[column])


_SERVICE_DATA: Final = Containers(
    "listOfServiceData",
    (
        _inner(Codec.INTEGER, "ratingGroup", "rating_group"),
        _inner(Codec.INTEGER, "localSequenceNumber", "local_sequence"),
        _inner(Codec.TIME, "timeOfFirstUsage", "first"),
        _inner(Codec.TIME, "timeOfLastUsage", "last"),
        _inner(Codec.INTEGER, "timeUsage", "usage"),
        _inner(Codec.BITS, "serviceConditionChange", "condition"),
        _inner(Codec.INTEGER, "datavolumeFBCUplink", "uplink"),
        _inner(Codec.INTEGER, "datavolumeFBCDownlink", "downlink"),
        _inner(Codec.TIME, "timeOfReport", "report"),
        _inner(Codec.INTEGER, "serviceIdentifier", "service_id"),
    ),
)
_TRAFFIC_VOLUMES: Final = Containers(
    "listOfTrafficVolumes",
    (
        _inner(Codec.INTEGER, "dataVolumeGPRSUplink", "uplink"),
        _inner(Codec.INTEGER, "dataVolumeGPRSDownlink", "downlink"),
        _is("changeCondition", "recordClosure"),
        _inner(Codec.TIME, "changeTime", "report"),
    ),
)

LAYOUTS: Final[dict[str, tuple[Node, ...]]] = {
    "moCallRecord": (
        _is("recordType", 0),
        _digits("servedIMSI", "imsi"),
        _digits("servedIMEI", "imei"),
        _number("servedMSISDN", "msisdn"),
        _number("calledNumber", "called"),
        _number("recordingEntity", "entity"),
        _trunk("mscOutgoingTKGP", "trunk_out"),
        _location("location"),
        _TELEPHONY,
        _time("seizureTime", "seizure"),
        _time("answerTime", "answer"),
        _time("releaseTime", "release"),
        _int("callDuration", "duration"),
        _int("causeForTerm", "cause"),
        _octets("callReference", "reference", 4),
        _int("sequenceNumber", "sequence"),
        _is("systemType", "iuUTRAN"),
    ),
    "mtCallRecord": (
        _is("recordType", 1),
        _digits("servedIMSI", "imsi"),
        _digits("servedIMEI", "imei"),
        _number("servedMSISDN", "msisdn"),
        _number("callingNumber", "calling"),
        _number("recordingEntity", "entity"),
        _trunk("mscIncomingTKGP", "trunk_in"),
        _location("location"),
        _TELEPHONY,
        _time("seizureTime", "seizure"),
        _time("answerTime", "answer"),
        _time("releaseTime", "release"),
        _int("callDuration", "duration"),
        _int("causeForTerm", "cause"),
        _octets("callReference", "reference", 4),
        _int("sequenceNumber", "sequence"),
    ),
    "roamingRecord": (
        _is("recordType", 2),
        _digits("servedIMSI", "imsi"),
        _number("servedMSISDN", "msisdn"),
        _number("callingNumber", "calling"),
        _number("roamingNumber", "called"),
        _number("recordingEntity", "entity"),
        _trunk("mscIncomingTKGP", "trunk_in"),
        _trunk("mscOutgoingTKGP", "trunk_out"),
        _TELEPHONY,
        _time("seizureTime", "seizure"),
        _time("answerTime", "answer"),
        _time("releaseTime", "release"),
        _int("callDuration", "duration"),
        _int("causeForTerm", "cause"),
        _octets("callReference", "reference", 4),
        _int("sequenceNumber", "sequence"),
    ),
    "incGatewayRecord": _gateway(3),
    "outGatewayRecord": _gateway(4),
    "transitRecord": (
        _is("recordType", 5),
        _number("recordingEntity", "entity"),
        _trunk("mscIncomingTKGP", "trunk_in"),
        _trunk("mscOutgoingTKGP", "trunk_out"),
        _number("callingNumber", "calling"),
        _number("calledNumber", "called"),
        _time("seizureTimestamp", "seizure"),
        _time("answerTimestamp", "answer"),
        _time("releaseTimestamp", "release"),
        _int("callDuration", "duration"),
        _int("causeForTerm", "cause"),
        _octets("callReference", "reference", 4),
        _int("sequenceNumber", "sequence"),
    ),
    "moSMSRecord": (
        _is("recordType", 6),
        _digits("servedIMSI", "imsi"),
        _digits("servedIMEI", "imei"),
        _number("servedMSISDN", "msisdn"),
        _SERVICE_CENTRE,
        _number("recordingEntity", "entity"),
        _location("location"),
        _octets("messageReference", "reference", 4),
        _time("originationTime", "seizure"),
        _number("destinationNumber", "called"),
    ),
    "mtSMSRecord": (
        _is("recordType", 7),
        _SERVICE_CENTRE,
        _digits("servedIMSI", "imsi"),
        _digits("servedIMEI", "imei"),
        _number("servedMSISDN", "msisdn"),
        _number("recordingEntity", "entity"),
        _location("location"),
        _time("deliveryTime", "seizure"),
    ),
    "ssActionRecord": (
        _is("recordType", 10),
        _digits("servedIMSI", "imsi"),
        _digits("servedIMEI", "imei"),
        _number("servedMSISDN", "msisdn"),
        _number("recordingEntity", "entity"),
        _location("location"),
        _octets("supplService", "service_code", 1),
        _int("ssAction", "action"),
        _time("ssActionTime", "seizure"),
        _octets("callReference", "reference", 4),
    ),
    "sGWRecord": _data(84, "s-GWAddress", _TRAFFIC_VOLUMES, behind=False),
    "pGWRecord": _data(85, "p-GWAddress", _SERVICE_DATA, behind=True),
}
"""Fields of each kind of record, in the order of their tags."""
