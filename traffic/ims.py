"""VoLTE calls and 5G sessions: what application servers and charging functions write of a month.

Through asn1tools' encoder only, a few thousand records a second. Of a call there are records of two
nodes for each side, of which an operator charges one; the totals count what is charged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import asn1tools
import numpy as np

from traffic.encode import time_stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from traffic.clock import Span
    from traffic.population import Population

OFFSET: Final = 480
"""Minutes that the nodes' clock is ahead of UTC."""

HOME: Final = b"\x64\xf0\x00"
RATING_GROUPS: Final = (1, 100, 200)
ROOT_TYPES: Final = {"3gpp_ims": "IMSRecord", "3gpp_chf": "CHFRecord"}


@dataclass(slots=True)
class Written:
    """The records of one node and what is charged in them.

    Attributes:
        records: Whole records, in the order in which they were closed.
        seconds: Charged seconds of calls.
        uplink: Octets sent, over all containers.
        downlink: Octets received.
        rows: Containers, and records without any.
        copies: Records of nodes that are not charged.
    """

    records: list[bytes] = field(default_factory=list)
    seconds: int = 0
    uplink: int = 0
    downlink: int = 0
    rows: int = 0
    copies: int = 0


@cache
def specification(format_name: str) -> Any:  # noqa: ANN401 - asn1tools has no types
    """Returns asn1tools' compiled form of a format's ASN.1 modules."""
    folder = resources.files("mediation.formats") / format_name
    texts = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".asn")]
    return asn1tools.compile_string("\n".join(texts), "ber")


def _encode(format_name: str, kind: str, value: dict[str, Any]) -> bytes:
    encoded = specification(format_name).encode(ROOT_TYPES[format_name], (kind, value))
    return bytes(encoded)


def volte_calls(people: Population, seed: int, calls: int, span: Span) -> Written:
    """Returns calls between subscribers: of each side an application server's and an S-CSCF's record.

    Args:
        people: Subscribers; those who are there all month call each other.
        seed: The same arguments give the same bytes.
        calls: How many calls; each makes four records.
        span: When they begin.
    """
    rng = np.random.default_rng(seed)
    written = Written()
    begins = np.sort(rng.integers(span.start, span.end - 7_200, calls))
    for number, begin in enumerate(begins.tolist()):
        sides = rng.choice(people.steady, 2, replace=False).tolist()
        caller, called = (int(people.msisdn[row]) for row in sides)
        answered = rng.random() < 0.8
        seconds = int(rng.integers(1, 1800)) if answered else 0
        call: dict[str, Any] = {
            "sIP-Method": b"INVITE",
            "list-Of-Calling-Party-Address": [("tEL-URI", b"tel:+%d" % caller)],
            "called-Party-Address": ("sIP-URI", b"sip:+%d@ims.example.org;user=phone" % called),
            "serviceRequestTimeStamp": time_stamp(begin - 8, OFFSET),
            "causeForRecordClosing": "serviceDeliveryEndSuccessfully",
            "iMS-Charging-Identifier": b"%08x-%d" % (number, seed),
        }
        if answered:
            call["serviceDeliveryStartTimeStamp"] = time_stamp(begin, OFFSET)
            call["serviceDeliveryEndTimeStamp"] = time_stamp(begin + seconds, OFFSET)
        for row, role in zip(sides, ("originating", "terminating"), strict=True):
            side = {**call, "role-of-Node": role}
            identity = {
                "subscriptionIDType": "eND-USER-IMSI",
                "subscriptionIDData": b"%015d" % int(people.imsi[row]),
            }
            server = {"nodeAddress": ("domainName", b"tas1.ims.example.org"), "recordType": 69}
            control = {"nodeAddress": ("domainName", b"scscf1.ims.example.org"), "recordType": 63}
            server["list-of-subscription-ID"] = [identity]
            written.records.append(_encode("3gpp_ims", "aSRecord", side | server))
            written.records.append(_encode("3gpp_ims", "sCSCFRecord", side | control))
            written.seconds += seconds
            written.rows += 1
            written.copies += 1
    return written


def sessions(people: Population, seed: int, count: int, span: Span) -> Written:
    """Returns the records of `count` PDU sessions, usage by rating group; arguments as above."""
    rng = np.random.default_rng(seed)
    written = Written()
    begins = np.sort(rng.integers(span.start, span.end - 7_200, count))
    for number, begin in enumerate(begins.tolist()):
        row = int(rng.choice(people.steady))
        duration = int(rng.integers(60, 3600))
        groups = sorted(rng.choice(RATING_GROUPS, int(rng.integers(0, 3)), replace=False).tolist())
        usage = [_usage(rng, written, group, begin, duration) for group in groups]
        written.rows += 0 if groups else 1
        value = {
            "recordType": 200,
            "recordingNetworkFunctionID": b"chf-1",
            "subscriberIdentifier": {
                "subscriptionIDType": "eND-USER-IMSI",
                "subscriptionIDData": b"imsi-%015d" % int(people.imsi[row]),
            },
            "nFunctionConsumerInformation": {"networkFunctionality": "sMF"},
            "listOfMultipleUnitUsage": usage,
            "recordOpeningTime": time_stamp(begin, OFFSET),
            "duration": duration,
            "causeForRecClosing": 0,
            "chargingSessionIdentifier": b"%08x-%d" % (number, seed),
            "pDUSessionChargingInformation": {
                "pDUSessionChargingID": number + 1,
                "userIdentifier": ("iSDN-E164", b"msisdn-%d" % int(people.msisdn[row])),
                "networkSliceInstanceID": {"sST": 1, "sD": b"\x00\x00\x01"},
                "rATType": 51,
                "dataNetworkNameIdentifier": b"internet",
                "servingCNPLMNID": HOME,
            },
        }
        written.records.append(_encode("3gpp_chf", "chargingFunctionRecord", value))
    return written


def _usage(
    rng: np.random.Generator, written: Written, group: int, begin: int, duration: int
) -> dict[str, Any]:
    """Returns the usage of one rating group, one or two containers, and adds it to the totals."""
    containers = []
    pieces = int(rng.integers(1, 3))
    for piece in range(pieces):
        uplink, downlink = (int(octets) for octets in rng.integers(0, 2**34, 2))
        first = begin + duration * piece // pieces
        last = begin + duration * (piece + 1) // pieces
        written.uplink += uplink
        written.downlink += downlink
        written.rows += 1
        containers.append(
            {
                "time": last - first,
                "triggerTimeStamp": time_stamp(last, OFFSET),
                "dataVolumeUplink": uplink,
                "dataVolumeDownlink": downlink,
                "localSequenceNumber": piece + 1,
                "pDUContainerInformation": {"timeOfFirstUsage": time_stamp(first, OFFSET)},
            }
        )
    return {"ratingGroup": group, "usedUnitContainers": containers}


WRITERS: Final[dict[str, Callable[[Population, int, int, Span], Written]]] = {
    "3gpp_ims": volte_calls,
    "3gpp_chf": sessions,
}
"""What writes the records of a format."""
