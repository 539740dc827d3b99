"""Records of packet gateways (TS 32.251) and of the 5G charging function (TS 32.255)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traffic.digits import tbcd
from traffic.nodes.scene import HOME, Person, Scene, chosen, number, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traffic.nodes.scene import Record, Value

SHARES = {
    "pGWRecord": 60,
    "sGWRecord": 30,
    "sgsnPDPRecord": 4,
    "ggsnPDPRecord": 4,
    "sgsnSMORecord": 2,
}
GROUPS = (1, 100, 200, 300)
NAMES = (b"cmnet", b"ims", b"cmiot")
RELEASED, TIME_LIMIT, VOLUME_LIMIT = 0, 17, 16
BITS = {RELEASED: 4, TIME_LIMIT: 25, VOLUME_LIMIT: 26}
UTC_PLUS_8 = b"\x23\x00"


def gateways(scene: Scene) -> Iterator[Record]:
    """Yields records of packet and serving gateways, and some of the nodes before them."""
    for kind in chosen(scene, SHARES):
        person, end = scene.person(), scene.step()
        if kind == "sgsnSMORecord":
            yield kind, _message(scene, person, end)
            continue
        seconds = scene.rng.choice((30, 300, 900, 1800, 3600)) + scene.rng.randrange(30)
        cause = scene.rng.choice((RELEASED, RELEASED, TIME_LIMIT, VOLUME_LIMIT))
        value = _bearer(scene, person, end - seconds, seconds, cause)
        if kind == "pGWRecord":
            value |= _flows(scene, end - seconds, end, cause)
        else:
            value |= _volumes(scene, end - seconds, end)
        value |= _addresses(kind)
        yield kind, value


def _bearer(scene: Scene, person: Person, begin: int, seconds: int, cause: int) -> Value:
    """Returns the fields that records of all gateways have."""
    rng = scene.rng
    cell = rng.randrange(1 << 28).to_bytes(4, "big")
    value: Value = {
        "servedIMSI": tbcd(person.imsi),
        "servedMSISDN": number(person.msisdn),
        "servedIMEI": tbcd(person.imei + "1"),
        "chargingID": rng.randrange(1 << 28),
        "accessPointNameNI": rng.choice(NAMES),
        "pdpPDNType": b"\xf1\x21",
        "pdpType": b"\xf1\x21",
        "servedPDPPDNAddress": ("iPAddress", ("iPBinV4Address", b"\x0a" + rng.randbytes(3))),
        "dynamicAddressFlag": True,
        "recordOpeningTime": stamp(begin),
        "duration": seconds,
        "causeForRecClosing": cause,
        "nodeID": b"GW01",
        "localSequenceNumber": scene.number,
        "apnSelectionMode": "mSorNetworkProvidedSubscriptionVerified",
        "chargingCharacteristics": b"\x08\x00",
        "chChSelectionMode": "homeDefault",
        "servingNodePLMNIdentifier": HOME,
        "sgsnPLMNIdentifier": HOME,
        "rATType": 6 if scene.some(0.8) else 1,
        "mSTimeZone": UTC_PLUS_8,
        "userLocationInformation": b"\x18" + HOME + b"\x27\x10" + HOME + cell,
        "startTime": stamp(begin),
        "pDNConnectionChargingID": rng.randrange(1 << 28),
    }
    if cause != RELEASED or scene.some(0.2):
        value["recordSequenceNumber"] = rng.randrange(1, 20)
    return value


def _addresses(kind: str) -> Value:
    """Returns the record type and the nodes' addresses under the names of a kind of record."""
    home, node = ("iPBinV4Address", b"\x0a\x0a\x00\x01"), ("iPBinV4Address", b"\x0a\x0b\x00\x07")
    return {
        "pGWRecord": {"recordType": 85, "p-GWAddress": home, "servingNodeAddress": [node]},
        "sGWRecord": {
            "recordType": 84,
            "s-GWAddress": home,
            "servingNodeAddress": [node],
            "p-GWAddressUsed": node,
        },
        "sgsnPDPRecord": {"recordType": 18, "sgsnAddress": node, "ggsnAddressUsed": home},
        "ggsnPDPRecord": {"recordType": 19, "ggsnAddress": home, "sgsnAddress": [node]},
    }[kind] | ({"servingNodeType": ["mME"]} if kind in {"pGWRecord", "sGWRecord"} else {})


def _flows(scene: Scene, begin: int, end: int, cause: int) -> Value:
    """Returns usage by rating group, one or two containers each."""
    containers: list[Value] = []
    for group in scene.rng.sample(GROUPS, scene.rng.choice((1, 1, 2, 3))):
        uplink, downlink = scene.octets()
        containers.append(
            {
                "ratingGroup": group,
                "localSequenceNumber": len(containers) + 1,
                "timeOfFirstUsage": stamp(begin),
                "timeOfLastUsage": stamp(end),
                "timeUsage": end - begin,
                "serviceConditionChange": ((1 << 31 - BITS[cause]).to_bytes(4, "big"), 32),
                "qoSInformationNeg": {"qCI": 9, "aRP": 8},
                "datavolumeFBCUplink": uplink,
                "datavolumeFBCDownlink": downlink,
                "timeOfReport": stamp(end),
                "serviceIdentifier": group * 10,
                "rATType": 6,
            }
        )
    return {"listOfServiceData": containers}


def _volumes(scene: Scene, begin: int, end: int) -> Value:
    """Returns the volumes of a bearer, cut where the tariff changes or the bearer ends."""
    pieces = scene.rng.choice((1, 1, 2))
    containers = []
    for piece in range(1, pieces + 1):
        uplink, downlink = scene.octets()
        containers.append(
            {
                "dataVolumeGPRSUplink": uplink,
                "dataVolumeGPRSDownlink": downlink,
                "changeCondition": "recordClosure" if piece == pieces else "tariffTime",
                "changeTime": stamp(begin + (end - begin) * piece // pieces),
                "ePCQoSInformation": {"qCI": 9, "aRP": 8},
            }
        )
    return {"listOfTrafficVolumes": containers}


def _message(scene: Scene, person: Person, end: int) -> Value:
    first, digits = scene.party()
    return {
        "recordType": 21,
        "servedIMSI": tbcd(person.imsi),
        "servedIMEI": tbcd(person.imei),
        "servedMSISDN": number(person.msisdn),
        "serviceCentre": number("8619900800001"),
        "recordingEntity": number("8619900900021"),
        "locationArea": b"\x27\x10",
        "cellIdentifier": scene.rng.randbytes(2),
        "messageReference": scene.rng.randbytes(1),
        "eventTimeStamp": stamp(end),
        "localSequenceNumber": scene.number,
        "destinationNumber": number(digits, first),
    }


def charging_function(scene: Scene) -> Iterator[Record]:
    """Yields records of a charging function: sessions, messages, registrations."""
    for kind in chosen(scene, {"session": 88, "message": 8, "registration": 4}):
        person, end = scene.person(), scene.step()
        value: Value = {
            "recordType": 200,
            "recordingNetworkFunctionID": b"chf-1.example.org",
            "subscriberIdentifier": {
                "subscriptionIDType": "eND-USER-IMSI",
                "subscriptionIDData": f"imsi-{person.imsi}".encode(),
            },
            "causeForRecClosing": RELEASED,
            "localRecordSequenceNumber": scene.number,
            "chargingSessionIdentifier": b"%08x-%012x" % (scene.number, scene.rng.randrange(2**48)),
        }
        value |= {"session": _session, "message": _sms, "registration": _registration}[kind](
            scene, person, end
        )
        yield "chargingFunctionRecord", value


def _consumer(function: str) -> Value:
    return {
        "networkFunctionality": function,
        "networkFunctionName": function.encode() + b"-1.example.org",
        "networkFunctionPLMNIdentifier": HOME,
    }


def _equipment(person: Person) -> Value:
    return {
        "subscriberEquipmentNumberType": "iMEISV",
        "subscriberEquipmentNumberData": f"imeisv-{person.imei}1".encode(),
    }


def _place(scene: Scene) -> Value:
    tac = scene.rng.randrange(500).to_bytes(3, "big")
    return {"nrLocation": {"tai": {"pLMNId": HOME, "tac": tac}}}


def _session(scene: Scene, person: Person, end: int) -> Value:
    """Returns what a PDU session used, by rating group."""
    seconds = scene.rng.choice((60, 600, 1800, 3600)) + scene.rng.randrange(60)
    usage = []
    for group in scene.rng.sample(GROUPS, scene.rng.choice((1, 1, 2))):
        containers = []
        for piece in range(1, scene.rng.choice((1, 1, 2)) + 1):
            uplink, downlink = scene.octets()
            containers.append(
                {
                    "serviceIdentifier": group * 10,
                    "time": seconds,
                    "triggers": [("sMFTrigger", 4)],
                    "triggerTimeStamp": stamp(end),
                    "dataTotalVolume": uplink + downlink,
                    "dataVolumeUplink": uplink,
                    "dataVolumeDownlink": downlink,
                    "localSequenceNumber": piece,
                    "quotaManagementIndicator": True,
                    "pDUContainerInformation": {
                        "timeOfFirstUsage": stamp(end - seconds),
                        "timeOfLastUsage": stamp(end),
                        "rATType": 51,
                        "uETimeZone": UTC_PLUS_8,
                    },
                }
            )
        usage.append({"ratingGroup": group, "usedUnitContainers": containers, "uPFID": b"upf-1"})
    return {
        "nFunctionConsumerInformation": _consumer("sMF"),
        "listOfMultipleUnitUsage": usage,
        "recordOpeningTime": stamp(end - seconds),
        "duration": seconds,
        "pDUSessionChargingInformation": {
            "pDUSessionChargingID": scene.rng.randrange(1 << 31),
            "userIdentifier": ("iSDN-E164", f"msisdn-{person.msisdn}".encode()),
            "userEquipmentInfo": _equipment(person),
            "pDUSessionId": 5,
            "networkSliceInstanceID": {"sST": 1, "sD": b"\x00\x00\x01"},
            "pDUType": "iPv4",
            "sSCMode": 1,
            "rATType": 51,
            "dataNetworkNameIdentifier": scene.rng.choice(NAMES),
            "pDUAddress": {"pDUIPv4Address": ("iPBinV4Address", b"\x0a" + scene.rng.randbytes(3))},
            "uETimeZone": UTC_PLUS_8,
            "pDUSessionstartTime": stamp(end - seconds),
            "chargingCharacteristics": b"\x08\x00",
            "servingCNPLMNID": HOME,
            "userLocationInformationASN1": _place(scene),
        },
    }


def _sms(scene: Scene, person: Person, end: int) -> Value:
    first, digits = scene.party()
    return {
        "nFunctionConsumerInformation": _consumer("sMSF"),
        "recordOpeningTime": stamp(end),
        "sMSChargingInformation": {
            "originatorInfo": {
                "originatorIMSI": tbcd(person.imsi),
                "originatorMSISDN": number(person.msisdn),
            },
            "recipientInfos": [{"recipientMSISDN": number(digits, first)}],
            "userEquipmentInfo": _equipment(person),
            "rATType": 51,
            "sMSCAddress": number("8619900800001"),
            "eventtimestamp": stamp(end),
            "sMDataCodingScheme": 0,
            "sMMessageType": "submission",
            "sMTotalNumber": 1,
            "messageReference": scene.rng.randbytes(1),
            "userLocationInformationASN1": _place(scene),
        },
    }


def _registration(scene: Scene, person: Person, end: int) -> Value:
    return {
        "nFunctionConsumerInformation": _consumer("aMF"),
        "recordOpeningTime": stamp(end),
        "registrationChargingInformation": {
            "registrationMessagetype": "mobility",
            "userIdentifier": ("iSDN-E164", f"msisdn-{person.msisdn}".encode()),
            "userEquipmentInfo": _equipment(person),
            "uETimeZone": UTC_PLUS_8,
            "rATType": 51,
            "userLocationInformationASN1": _place(scene),
        },
    }
