"""Records of switches: TS 32.298, and Huawei's with its private fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traffic.digits import tbcd
from traffic.network import SERVICE_CENTRE
from traffic.nodes.scene import HOME, Person, Scene, chosen, number, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traffic.nodes.scene import Record, Value

ENTITY = number("8619900900001")
SCF = number("8619900700001")
CENTRE = number(str(SERVICE_CENTRE))
SHARES = {
    "moCallRecord": 36,
    "mtCallRecord": 34,
    "roamingRecord": 2,
    "incGatewayRecord": 7,
    "outGatewayRecord": 7,
    "transitRecord": 2,
    "moSMSRecord": 6,
    "mtSMSRecord": 5,
    "ssActionRecord": 1,
}
SYSTEMS = {"iuUTRAN": 1, "gERAN": 2}
NUMBERED = {name: place for place, name in enumerate(SHARES)} | {"ssActionRecord": 10}
"""Record types by name; the value in the record."""


def switch(scene: Scene) -> Iterator[Record]:
    """Yields records of a switch that writes what the standard says."""
    for kind in chosen(scene, SHARES):
        value = record(scene, kind)
        if "System" in value:
            value["systemType"] = value.pop("System")
        for way in ("Incoming", "Outgoing"):
            if way in value:
                value[f"msc{way}TKGP"] = ("tkgpName", value.pop(way))
        yield kind, value


def huawei(scene: Scene) -> Iterator[Record]:
    """Yields records of a Huawei switch."""
    shares = {**SHARES, "forwardCallRecord": 2}
    for kind in chosen(scene, shares):
        value = record(scene, "moCallRecord" if kind == "forwardCallRecord" else kind)
        if "System" in value:
            value["systemType"] = SYSTEMS[value.pop("System")]
        if kind == "ssActionRecord":
            value["ssAction"] = 4
        for way in ("Incoming", "Outgoing"):
            if way in value:
                value[f"msc{way}ROUTE"] = ("rOUTEName", value.pop(way))
        if kind in {"moCallRecord", "mtCallRecord", "forwardCallRecord"}:
            private(scene, value)
        if kind == "forwardCallRecord":
            value["recordType"] = 100
            value["originalCalledNumber"] = value["servedMSISDN"]
        yield kind, value


def record(scene: Scene, kind: str) -> Value:
    """Returns the fields of a record; `Incoming`, `Outgoing` and `System` go by vendors' names."""
    end = scene.step()
    person = scene.person()
    match kind:
        case "moCallRecord" | "mtCallRecord":
            value = _call(scene, person, end, made=kind == "moCallRecord")
        case "roamingRecord":
            value = {
                **_subscriber(person),
                "callingNumber": number(scene.party()[1]),
                "roamingNumber": number(f"49171{scene.rng.randrange(10**8):08d}"),
                **_trunks(scene, "Incoming", "Outgoing"),
                "basicService": ("teleservice", b"\x11"),
                **_times(scene, end),
                "mSCAddress": ENTITY,
            }
            del value["servedIMEI"]
        case "incGatewayRecord" | "outGatewayRecord" | "transitRecord":
            first, digits = scene.party()
            value = {
                "callingNumber": number(person.msisdn),
                "calledNumber": number(digits, first),
                **_trunks(scene, "Incoming", "Outgoing"),
                **_times(scene, end),
            }
            if kind == "transitRecord":
                for name in ("seizureTime", "answerTime", "releaseTime"):
                    value[f"{name}stamp"] = value.pop(name)
        case "moSMSRecord":
            first, digits = scene.party()
            value = {
                **_subscriber(person),
                "msClassmark": b"\x57\x18\x33",
                "serviceCentre": CENTRE,
                "location": _location(scene),
                "messageReference": scene.rng.randbytes(1),
                "originationTime": stamp(end),
                "destinationNumber": number(digits, first),
                "System": _system(scene),
            }
        case "mtSMSRecord":
            value = {
                **_subscriber(person),
                "msClassmark": b"\x57\x18\x33",
                "serviceCentre": CENTRE,
                "location": _location(scene),
                "deliveryTime": stamp(end),
                "System": _system(scene),
            }
        case _:
            value = {
                **_subscriber(person),
                "location": _location(scene),
                "supplService": b"\x21",
                "ssAction": "interrogation",
                "ssActionTime": stamp(end),
                "callReference": scene.rng.randbytes(5),
                "System": _system(scene),
            }
    return {"recordType": NUMBERED[kind], "recordingEntity": ENTITY, **value}


def _call(scene: Scene, person: Person, end: int, *, made: bool) -> Value:
    """Returns what a call of a subscriber says, made or received."""
    first, digits = scene.party()
    value: Value = {
        **_subscriber(person),
        "location": _location(scene),
        "basicService": ("bearerService", b"\x1f")
        if scene.some(0.01)
        else ("teleservice", b"\x11"),
        "msClassmark": b"\x57\x18\x33",
        **_times(scene, end),
        "radioChanRequested": 1,
        "radioChanUsed": 1,
        "networkCallReference": scene.rng.randbytes(8),
        "mSCAddress": ENTITY,
        "speechVersionSupported": b"\x25",
        "speechVersionUsed": b"\x25",
        "System": _system(scene),
    }
    if made:
        value |= {"calledNumber": number(digits, first), "callingNumber": number(person.msisdn)}
        value |= {"translatedNumber": number(digits, first)} if scene.some(0.3) else {}
    else:
        value |= {"callingNumber": number(digits, first)}
    value |= _trunks(scene, "Outgoing" if made else "Incoming")
    if scene.some(0.2):
        value |= {"gsm-SCFAddress": SCF, "serviceKey": 100}
    if scene.some(0.1):
        moved = {"location": _location(scene), "changeTime": value["releaseTime"]}
        value["changeOfLocation"] = [moved]
    if scene.some(0.1):
        value["supplServicesUsed"] = [{"ssCode": b"\x11"}]
    return value


def private(scene: Scene, value: Value) -> None:
    """Adds the fields of Huawei's own that it fills in every call."""
    rng = scene.rng
    value |= {
        "chargedParty": 0,
        "orgMSCId": b"\x02",
        "callerportedflag": 0,
        "globalAreaID": HOME + rng.randbytes(4),
        "firstmccmnc": HOME,
        "hotBillingTag": 0,
        "callType": 1,
        "disconnectparty": rng.randrange(2),
        "networkOperatorId": b"\x01",
        "typeOfSubscribers": 1,
        "userType": 0,
        "recordNumber": scene.number,
        "chargeLevel": 0,
        "mscOutgoingROUTENumber": rng.randrange(400),
        "globalCallReference": rng.randbytes(13),
        "causeLocation": 0,
        "callProperty": 0,
    }


def _subscriber(person: Person) -> Value:
    return {
        "servedIMSI": tbcd(person.imsi),
        "servedIMEI": tbcd(person.imei),
        "servedMSISDN": number(person.msisdn),
    }


def _location(scene: Scene) -> Value:
    return {
        "locationAreaCode": (0x2700 + scene.rng.randrange(60)).to_bytes(2, "big"),
        "cellId": scene.rng.randrange(1 << 16).to_bytes(2, "big"),
        "mCC-MNC": HOME,
    }


def _times(scene: Scene, end: int) -> Value:
    """Returns the times of an answered call and what belongs to them."""
    seconds = scene.seconds()
    return {
        "seizureTime": stamp(end - seconds - scene.rng.randrange(3, 20)),
        "answerTime": stamp(end - seconds),
        "releaseTime": stamp(end),
        "callDuration": seconds,
        "causeForTerm": 0,
        "diagnostics": ("gsm0408Cause", 16),
        "callReference": scene.rng.randbytes(5),
    }


def _trunks(scene: Scene, *ways: str) -> Value:
    return {way: scene.rng.choice(scene.trunks) for way in ways}


def _system(scene: Scene) -> str:
    return "iuUTRAN" if scene.some(0.6) else "gERAN"
