"""Files of roaming partners: TAP 3.12 batches, NRTRDE 2.1, and RAP 1.5 batches that return TAP events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traffic.digits import bcd
from traffic.network import HOME_OFFSET
from traffic.nodes.scene import BEGIN, Person, Scene, chosen, local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from traffic.nodes.scene import Record, Value

PARTNER, HOME = b"DEUZ1", b"CHNZ1"
PLACES = 4
"""Decimal places of amounts; a charge of 12500 is 1.25 special drawing rights."""

ENTITIES = {0: b"491719000001", 1: b"491719000002", 2: b"10.20.0.7"}
OFFSETS = {0: b"+0200", 1: b"+0100"}
TAX_RATE = b"1900000"
BERLIN = 120
EVENTS = {
    "mobileOriginatedCall": 30,
    "mobileTerminatedCall": 22,
    "message": 14,
    "gprsCall": 30,
    "messagingEvent": 2,
    "mobileSession": 2,
}


def clock(seconds: int) -> bytes:
    """Returns the wall clock of the visited network, `YYYYMMDDhhmmss`."""
    return f"{local(seconds - (HOME_OFFSET - BERLIN) * 60):%Y%m%d%H%M%S}".encode()


def at(seconds: int) -> Value:
    """Returns a time with the code of its offset from UTC."""
    return {"localTimeStamp": clock(seconds), "utcTimeOffsetCode": 0}


def at_long(seconds: int) -> Value:
    """Returns a time with its offset from UTC."""
    return {"localTimeStamp": clock(seconds), "utcTimeOffset": OFFSETS[0]}


def tap(scene: Scene) -> Iterator[Record]:
    """Yields events of visitors, each with what the partner asks for it."""
    for kind in chosen(scene, EVENTS):
        person, end, (_, dialled) = scene.person(), scene.step(), scene.party()
        if kind == "gprsCall":
            yield kind, _data(scene, person, end)
        elif kind in {"messagingEvent", "mobileSession"}:
            yield kind, _volte(scene, person, end, dialled, talked=kind == "mobileSession")
        else:
            received = kind == "mobileTerminatedCall"
            name = "mobileTerminatedCall" if received else "mobileOriginatedCall"
            yield name, _call(scene, person, end, dialled, kind)


def _subscriber(person: Person) -> tuple[str, Value]:
    return "simChargeableSubscriber", {"imsi": bcd(person.imsi), "msisdn": bcd(person.msisdn)}


def _charged(scene: Scene, end: int, units: int, item: bytes, price: int) -> Value:
    """Returns a charge, every third with its tax."""
    charge = units * price
    info: Value = {
        "chargedItem": item,
        "exchangeRateCode": 0,
        "callTypeGroup": {"callTypeLevel1": 1, "callTypeLevel2": 0, "callTypeLevel3": 0},
        "chargeDetailList": [
            {
                "chargeType": b"00",
                "charge": charge,
                "chargeableUnits": units,
                "chargedUnits": units,
                "chargeDetailTimeStamp": at(end),
            }
        ],
    }
    if scene.some(1 / 3):
        info["taxInformation"] = [{"taxCode": 0, "taxValue": charge * 19 // 100}]
    return info


def _call(scene: Scene, person: Person, end: int, dialled: str, kind: str) -> Value:
    """Returns a call or a message of a visitor."""
    message, received = kind == "message", kind == "mobileTerminatedCall"
    seconds = 0 if message else scene.seconds()
    basic: Value = {
        "chargeableSubscriber": _subscriber(person),
        "callEventStartTimeStamp": at(end - seconds),
        "totalCallEventDuration": seconds,
        "causeForTerm": 0,
    }
    if received:
        basic["callOriginator"] = {"callingNumber": bcd(f"4917{scene.rng.randrange(10**8):08d}")}
    else:
        basic["destination"] = {
            "calledNumber": bcd(f"86199{scene.rng.randrange(10**8):08d}"),
            "dialledDigits": dialled.encode(),
        }
    service = b"22" if message else b"11"
    info = (
        _charged(scene, end, 1, b"E", 800)
        if message
        else _charged(scene, end - seconds, -(-seconds // 60) * 60, b"D", 25)
    )
    return {
        "basicCallInformation": basic,
        "locationInformation": {
            "networkLocation": {
                "recEntityCode": scene.rng.randrange(2),
                "callReference": scene.rng.randbytes(4),
                "locationArea": scene.rng.randrange(1, 1 << 16),
                "cellId": scene.rng.randrange(1, 1 << 16),
            }
        },
        "equipmentIdentifier": ("imei", bcd(person.imei + "1")),
        "basicServiceUsedList": [
            {
                "basicService": {"serviceCode": ("teleServiceCode", service)},
                "chargeInformationList": [info],
            }
        ],
        "operatorSpecInformation": [b"1"],
    }


def _data(scene: Scene, person: Person, end: int) -> Value:
    """Returns a data session of a visitor."""
    seconds = scene.rng.choice((300, 900, 3600)) + scene.rng.randrange(60)
    uplink, downlink = scene.octets()
    kibibytes = -(-(uplink + downlink) // 1024)
    return {
        "gprsBasicCallInformation": {
            "gprsChargeableSubscriber": {
                "chargeableSubscriber": _subscriber(person),
                "pdpAddress": b"10.%d.%d.%d" % tuple(scene.rng.randbytes(3)),
                "chargingCharacteristics": b"\x08\x00",
            },
            "gprsDestination": {
                "accessPointNameNI": b"cmnet",
                "accessPointNameOI": b"mnc000.mcc460.gprs",
            },
            "callEventStartTimeStamp": at(end - seconds),
            "totalCallEventDuration": seconds,
            "causeForTerm": 0,
            "chargingId": scene.rng.randrange(1 << 28),
        },
        "gprsLocationInformation": {
            "gprsNetworkLocation": {
                "recEntity": [2],
                "locationArea": scene.rng.randrange(1, 1 << 16),
                "cellId": scene.rng.randrange(1, 1 << 28),
            }
        },
        "equipmentIdentifier": ("imei", bcd(person.imei + "1")),
        "gprsServiceUsed": {
            "dataVolumeIncoming": downlink,
            "dataVolumeOutgoing": uplink,
            "chargeInformationList": [_charged(scene, end - seconds, kibibytes, b"X", 1)],
        },
    }


def _volte(scene: Scene, person: Person, end: int, dialled: str, *, talked: bool) -> Value:
    """Returns a call or a message of a visitor over IMS."""
    value: Value = {
        "chargedParty": {
            "imsi": bcd(person.imsi),
            "msisdn": bcd(person.msisdn),
            "imei": bcd(person.imei + "1"),
        },
        "eventReference": b"%016x" % scene.rng.randrange(1 << 60),
        "recEntityCodeList": [1],
        "serviceStartTimestamp": at(end),
        "nonChargedParty": {"nonChargedPartyNumber": bcd(f"4917{scene.rng.randrange(10**8):08d}")},
    }
    if not talked:
        return value | {"messagingEventService": 0, "exchangeRateCode": 0, "charge": 800}
    seconds = scene.seconds()
    detail = {"chargeType": b"00", "charge": -(-seconds // 60) * 1500, "chargedUnits": seconds}
    return value | {
        "mobileSessionService": 0,
        "causeForTerm": 0,
        "totalCallEventDuration": seconds,
        "requestedDestination": {"requestedPublicUserId": f"tel:{dialled}".encode()},
        "sessionChargeInfoList": [
            {"chargedItem": b"D", "exchangeRateCode": 0, "chargeDetailList": [detail]}
        ],
    }


def amounts(record: Record) -> tuple[int, int]:
    """Returns charge and tax of an event in the file's units."""
    kind, value = record
    if kind == "messagingEvent":
        return value["charge"], 0
    if kind == "mobileSession":
        infos = value["sessionChargeInfoList"]
    elif kind == "gprsCall":
        infos = value["gprsServiceUsed"]["chargeInformationList"]
    else:
        infos = value["basicServiceUsedList"][0]["chargeInformationList"]
    charge = sum(detail["charge"] for info in infos for detail in info["chargeDetailList"])
    return charge, sum(tax["taxValue"] for info in infos for tax in info.get("taxInformation", ()))


def tap_batch(records: Sequence[Record]) -> Record:
    """Returns a transfer batch without its events; the trailer tells their sums."""
    sums = [amounts(record) for record in records]
    end = BEGIN + 30 * 86_400
    return "transferBatch", {
        "batchControlInfo": {
            "sender": PARTNER,
            "recipient": HOME,
            "fileSequenceNumber": b"00042",
            "fileCreationTimeStamp": at_long(end),
            "transferCutOffTimeStamp": at_long(end),
            "fileAvailableTimeStamp": at_long(end),
            "specificationVersionNumber": 3,
            "releaseVersionNumber": 12,
        },
        "accountingInfo": {
            "taxation": [{"taxCode": 0, "taxType": b"13", "taxRate": TAX_RATE}],
            "localCurrency": b"EUR",
            "tapCurrency": b"XDR",
            "currencyConversionInfo": [
                {"exchangeRateCode": 0, "numberOfDecimalPlaces": 5, "exchangeRate": 116203}
            ],
            "tapDecimalPlaces": PLACES,
        },
        "networkInfo": {
            "utcTimeOffsetInfo": [
                {"utcTimeOffsetCode": code, "utcTimeOffset": text} for code, text in OFFSETS.items()
            ],
            "recEntityInfo": [
                {"recEntityCode": code, "recEntityType": 1 + code // 2 * 2, "recEntityId": text}
                for code, text in ENTITIES.items()
            ],
        },
        "callEventDetails": [],
        "auditControlInfo": {
            "earliestCallTimeStamp": at_long(BEGIN),
            "latestCallTimeStamp": at_long(end),
            "totalCharge": sum(charge for charge, _ in sums),
            "totalTaxValue": sum(tax for _, tax in sums),
            "totalDiscountValue": 0,
            "callEventDetailsCount": len(records),
        },
    }


def nrtrde(scene: Scene) -> Iterator[Record]:
    """Yields events of visitors as they are told within hours, without amounts."""
    for kind in chosen(scene, {"moc": 35, "mtc": 30, "gprs": 35}):
        person, end = scene.person(), scene.step()
        seconds = scene.seconds()
        value: Value = {
            "imsi": bcd(person.imsi),
            "msisdn": bcd(person.msisdn),
            "imei": bcd(person.imei + "1"),
            "callEventStartTimeStamp": clock(end - seconds),
            "utcTimeOffset": OFFSETS[0],
            "callEventDuration": seconds,
            "causeForTermination": 0,
        }
        if kind == "gprs":
            uplink, downlink = scene.octets()
            value |= {
                "accessPointNameNI": b"cmnet",
                "accessPointNameOI": b"mnc000.mcc460.gprs",
                "dataVolumeIncoming": downlink,
                "dataVolumeOutgoing": uplink,
                "sgsnAddress": b"10.20.0.7",
                "ggsnAddress": b"10.10.0.1",
                "chargingId": scene.rng.randrange(1 << 28),
            }
        else:
            message = scene.some(0.2)
            code = b"11" if not message else b"22" if kind == "moc" else b"21"
            value |= {
                "serviceCode": ("teleServiceCode", code),
                "recEntityId": ENTITIES[0],
                "callReference": scene.rng.randrange(1 << 31),
                "callEventDuration": 0 if message else seconds,
            }
            other = f"86199{scene.rng.randrange(10**8):08d}".encode()
            if kind == "moc":
                value |= {"dialledDigits": scene.party()[1].encode(), "connectedNumber": other}
            else:
                value["callingNumber"] = other
        yield kind, value


def nrtrde_file(records: Sequence[Record]) -> Value:
    """Returns what stands around the events of an NRTRDE file."""
    return {
        "specificationVersionNumber": 2,
        "releaseVersionNumber": 1,
        "sender": PARTNER,
        "recipient": HOME,
        "sequenceNumber": b"0000042",
        "fileAvailableTimeStamp": clock(BEGIN + 86_400),
        "utcTimeOffset": OFFSETS[0],
        "callEvents": [],
        "callEventsCount": len(records),
    }


def rap(scene: Scene) -> Iterator[Record]:
    """Yields returned TAP events with what is wrong with them, and now and then a whole file."""
    events = tap(scene)
    for kind in chosen(scene, {"severeReturn": 96, "fatalReturn": 2, "missingReturn": 2}):
        number = b"%05d" % scene.rng.randrange(1, 99_999)
        context = [{"pathItemId": item, "itemLevel": level} for level, item in enumerate((1, 3), 1)]
        fault = [{"errorContext": context, "itemOffset": 20, "errorCode": 31}]
        value: dict[str, Any] = {"fileSequenceNumber": number}
        if kind == "severeReturn":
            value |= {"callEventDetail": next(events), "errorDetail": fault}
        elif kind == "fatalReturn":
            value["transferBatchError"] = {"errorDetail": fault}
        else:
            value = {"startMissingSeqNumber": number}
        yield kind, value


def rap_batch(records: Sequence[Record]) -> Record:
    """Returns a return batch without its details; the trailer tells the sums of severe returns."""
    severe = [value["callEventDetail"] for kind, value in records if kind == "severeReturn"]
    sums = [amounts(event) for event in severe]
    return "returnBatch", {
        "rapBatchControlInfoRap": {
            "sender": HOME,
            "recipient": PARTNER,
            "rapFileSequenceNumber": b"00007",
            "rapFileCreationTimeStamp": at_long(BEGIN + 86_400),
            "rapFileAvailableTimeStamp": at_long(BEGIN + 86_400),
            "specificationVersionNumber": 3,
            "releaseVersionNumber": 12,
            "rapSpecificationVersionNumber": 1,
            "rapReleaseVersionNumber": 5,
            "tapDecimalPlaces": PLACES,
            "tapCurrency": b"XDR",
        },
        "returnDetails": [],
        "rapAuditControlInfo": {
            "totalSevereReturnValue": sum(charge for charge, _ in sums),
            "totalSevereReturnTax": sum(tax for _, tax in sums),
            "returnDetailsCount": len(records),
        },
    }
