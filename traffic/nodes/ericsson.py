"""Records of an Ericsson switch: call modules with binary clocks, alone or several in a composite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traffic.digits import tbcd
from traffic.nodes.scene import HOME, Scene, chosen, local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traffic.nodes.scene import Record, Value

BARE_INTERNATIONAL = 0x11
BARE_UNKNOWN = 0x01
"""Type of number and plan; this switch leaves the topmost bit out."""

SHARES = {
    "mSOriginating": 38,
    "mSTerminating": 36,
    "roamingCallForwarding": 3,
    "callForwarding": 2,
    "transit": 6,
    "mSOriginatingSMSinMSC": 7,
    "mSTerminatingSMSinMSC": 7,
    "sSProcedure": 1,
}
CALLS = tuple(SHARES)[:5]


def switch(scene: Scene) -> Iterator[Record]:
    """Yields single modules, and now and then a composite of two legs."""
    for kind in chosen(scene, SHARES):
        module = {kind: _module(scene, kind)}
        if kind == "mSTerminating" and scene.some(0.1):
            second = {"callForwarding": _module(scene, "callForwarding")}
            yield "compositeCallDataRecord", [("plain", module), ("plain", second)]
        else:
            yield "uMTSGSMPLMNCallDataRecord", module


def _address(digits: str, first: int = BARE_INTERNATIONAL) -> bytes:
    return bytes([first]) + tbcd(digits)


def _module(scene: Scene, kind: str) -> Value:
    """Returns the fields of one call module."""
    end, rng = scene.step(), scene.rng
    person, (_, dialled) = scene.person(), scene.party()
    seconds = scene.seconds() if kind in CALLS else 0
    start = local(end - seconds)
    value: Value = {
        "callIdentificationNumber": (scene.number & 0xFFFFFF).to_bytes(3, "big"),
        "recordSequenceNumber": (scene.number & 0xFFFFFF).to_bytes(3, "big"),
        "dateForStartOfCharge": bytes([start.year - 2000, start.month, start.day]),
        "timeForStartOfCharge": bytes([start.hour, start.minute, start.second]),
        "exchangeIdentity": "MSC1",
        "mSCIdentification": _address("8619900900011"),
        "switchIdentity": b"\x00\x01",
        "networkCallReference": rng.randbytes(5),
    }
    if kind in CALLS:
        hours, rest = divmod(seconds, 3600)
        stop = local(end)
        value |= {
            "timeForStopOfCharge": bytes([stop.hour, stop.minute, stop.second]),
            "chargeableDuration": bytes([hours, *divmod(rest, 60)]),
            "interruptionTime": bytes(3),
            "disconnectingParty": bytes([rng.randrange(2)]),
            "tariffClass": b"\x01",
            "chargedParty": b"\x00",
            "outgoingRoute": f"R{rng.randrange(40):02d}O",
            "incomingRoute": f"R{rng.randrange(40):02d}I",
            "internalCauseAndLoc": b"\x00\x03",
        }
    mine, place = _address(person.msisdn), HOME + rng.randbytes(4)
    imsi, imei = tbcd(person.imsi), tbcd(person.imei)
    other = _address(dialled, BARE_UNKNOWN)
    calling = {
        "callingPartyNumber": mine,
        "callingSubscriberIMSI": imsi,
        "callingSubscriberIMEI": imei,
        "firstCallingLocationInformation": place,
    }
    called = {
        "calledPartyNumber": mine,
        "calledSubscriberIMSI": imsi,
        "calledSubscriberIMEI": imei,
        "firstCalledLocationInformation": place,
    }
    return (
        value
        | {
            "mSOriginating": {**calling, "calledPartyNumber": other, "teleServiceCode": b"\x11"},
            "mSTerminating": {**called, "callingPartyNumber": other, "teleServiceCode": b"\x11"},
            "roamingCallForwarding": {
                "callingPartyNumber": other,
                "calledPartyNumber": mine,
                "calledSubscriberIMSI": imsi,
                "mobileStationRoamingNumber": _address(f"49171{rng.randrange(10**8):08d}"),
            },
            "callForwarding": {
                "callingPartyNumber": _address(scene.person().msisdn),
                "calledPartyNumber": other,
                "redirectingNumber": mine,
                "redirectingIMSI": imsi,
            },
            "transit": {"callingPartyNumber": mine, "calledPartyNumber": other},
            "mSOriginatingSMSinMSC": {
                **calling,
                "destinationAddress": other,
                "serviceCentreAddress": _address("8619900800001"),
            },
            "mSTerminatingSMSinMSC": {
                **called,
                "originatingAddress": other,
                "serviceCentreAddress": _address("8619900800001"),
                "numberOfShortMessages": b"\x01",
            },
            "sSProcedure": {**calling, "sSCode": b"\x21", "sSRequest": b"\x04"},
        }[kind]
    )
