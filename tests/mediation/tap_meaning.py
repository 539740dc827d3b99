"""What a TAP event becomes, from asn1tools' values alone: no mapping, no decoder."""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import datetime as dt
import re
from typing import Any

from bench.tap_events import (
    ENTITIES,
    NEW_IN_12,
    OFFSETS,
    at,
    charged_parts,
    each,
    money,
)
from mediation.reference.text_codecs import digest


def utc(moment: Any) -> tuple[int | None, int | None]:
    """Returns (UTC microseconds, offset minutes) of a DateTime."""
    if moment is None or "localTimeStamp" not in moment:
        return None, None
    text = moment["localTimeStamp"].decode()
    local = dt.datetime.strptime(text + "+0000", "%Y%m%d%H%M%S%z")
    text = OFFSETS[moment["utcTimeOffsetCode"]].decode()
    minutes = int(text[1:3]) * 60 + int(text[3:])
    minutes = -minutes if text[0] == "-" else minutes
    passed = local - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (passed // dt.timedelta(microseconds=1)) - minutes * 60_000_000, minutes


def party(octets: bytes | None, *, text: bool = False) -> tuple[int | None, str | None]:
    """Returns (E.164 number, text) of the other party."""
    if not octets:
        return None, None
    shown = octets.decode() if text else octets.hex().rstrip("f")
    plain = shown.removeprefix("+")
    if plain.isdigit() and 7 <= len(plain) <= 15 and plain[0] != "0":
        return int(plain), None
    return None, shown


def led_to(destination: Any) -> bytes | None:
    """Returns the number that CAMEL led a call to, as it is written."""
    kind, value = destination or (None, None)
    return value if kind == "camelDestinationNumber" else None


def entered(octets: bytes | None) -> tuple[int | None, str | None]:
    """Returns (E.164 number, text) of a number as it was entered: of ours without ``+``."""
    number, shown = party(octets, text=True)
    if octets is None or octets.startswith(b"+") or number is None:
        return number, shown
    return (int(f"86{number}"), None) if len(str(number)) == 11 else (None, octets.decode())


def dialled(octets: bytes | None) -> tuple[int | None, int | None]:
    """Returns (digits, leading zeros)."""
    plain = (octets or b"").decode().removeprefix("+")
    if not plain.isdigit():
        return None, None
    return int(plain), len(plain) - len(str(int(plain)))


def first(*found: Any) -> Any:
    return next((one for one in found if one is not None), None)


SIM = ("simChargeableSubscriber", "gsmChargeableSubscriber")
BASIC = "basicCallInformation"
GPRS = "gprsBasicCallInformation"


def who(event: Any, kind: str) -> dict[str, Any]:
    """Returns served party and equipment."""
    group = {
        "mobileOriginatedCall": at(event, BASIC),
        "mobileTerminatedCall": at(event, BASIC),
        "serviceCentreUsage": at(event, "basicInformation"),
        "gprsCall": at(event, GPRS, "gprsChargeableSubscriber"),
    }.get(kind, event)
    subscriber = at(group, "chargeableSubscriber")
    if kind in NEW_IN_12:
        subscriber = ("simChargeableSubscriber", at(event, "chargedParty") or {})
    imsi = first(*(at(subscriber, sim, "imsi") for sim in SIM))
    msisdn = first(*(at(subscriber, sim, "msisdn") for sim in SIM))
    number = first(party(msisdn)[0], identity(at(event, "chargedParty", "publicUserId"))[0])
    mdn = at(subscriber, "minChargeableSubscriber", "mdn")
    number = number if mdn is None else party(mdn, text=True)[0]
    for group_name, code, field in (
        (
            "chargedPartyInformation.chargedPartyIdList",
            "chargedPartyIdType",
            "chargedPartyIdentifier",
        ),
        (
            "trackingCustomerInformation.trackingCustomerIdList",
            "customerIdType",
            "customerIdentifier",
        ),
    ):
        number = first(number, number_of_type_1(event, group_name, code, field, texts=False)[0])
    imei = first(
        at(event, "equipmentIdentifier", "imei"),
        at(event, "equipmentInformation", "imeiOrEsn", "imei"),
        at(event, "chargedParty", "imei") if kind in NEW_IN_12 else None,
    )
    shown = imei.hex().rstrip("f") if imei else None
    shown = shown[:14] if shown and len(shown) == 16 else shown
    return {
        "served_imsi": int(imsi.hex().rstrip("f")) if imsi else None,
        "served_msisdn": number,
        "served_imei": int(shown) if shown else None,
    }


def identity(uri: bytes | None) -> tuple[Any, Any]:
    """Returns the number in a public user identity, else the identity itself."""
    if uri is None:
        return None, None
    digits = re.match(rb"(?:tel|sip):\+(\d+)", uri)
    return (int(digits[1]), None) if digits else (None, uri.decode())


def number_of_type_1(
    event: Any, path: str, code: str, field: str, *, texts: bool = True
) -> tuple[Any, Any]:
    """Returns the last identifier of type 1 of a list of identifiers, as a party."""
    items = [item for item in each(event, *path.split(".")) if item.get(code) == 1]
    found = [party(item[field], text=True) for item in items if field in item]
    found = [one for one in found if texts or one[0] is not None]
    return found[-1] if found else (None, None)


def other(event: Any, kind: str) -> tuple[Any, Any]:
    """Returns the other party."""
    if kind == "mobileOriginatedCall":
        there = at(event, BASIC, "destination")
        found = entered(at(there, "sMSDestinationNumber"))
        said = (
            found,
            party(at(there, "calledNumber")),
            party(led_to(at(event, "camelServiceUsed", "threeGcamelDestination"))),
            party(at(there, "dialledDigits"), text=True),
        )
        return next((each for each in said if each != (None, None)), (None, None))
    if kind == "mobileTerminatedCall":
        there = at(event, BASIC, "callOriginator")
        found = party(at(there, "sMSOriginator"), text=True)
        return found if found != (None, None) else party(at(there, "callingNumber"))
    if kind == "serviceCentreUsage":
        there = at(event, "basicInformation")
        found = party(at(there, "nonChargedNumber"), text=True)
        old = party(at(there, "nonChargedParty", "nonChargedNumber"))
        return found if found != (None, None) else old
    if kind == "locationService":
        path = "trackedCustomerInformation.trackedCustomerIdList"
        return number_of_type_1(event, path, "customerIdType", "customerIdentifier")
    if kind in NEW_IN_12:
        found = party(at(event, "nonChargedParty", "nonChargedPartyNumber"))
        uri = identity(at(event, "nonChargedParty", "nonChargedPublicUserId"))
        asked = party(at(event, "requestedDestination", "requestedNumber"))
        last = identity(at(event, "requestedDestination", "requestedPublicUserId"))
        said = (found, uri, asked, last) if kind == "mobileSession" else (found, uri)
        return next((each for each in said if each != (None, None)), (None, None))
    return None, None


STARTS = {
    "mobileOriginatedCall": ((BASIC, "callEventStartTimeStamp"),),
    "mobileTerminatedCall": ((BASIC, "callEventStartTimeStamp"),),
    "supplServiceEvent": (("supplServiceUsed", "chargingTimeStamp"),),
    "serviceCentreUsage": (
        ("scuTimeStamps", "depositTimeStamp"),
        ("scuTimeStamps", "completionTimeStamp"),
    ),
    "valueAddedService": (("valueAddedServiceUsed", "chargingTimeStamp"),),
    "gprsCall": ((GPRS, "callEventStartTimeStamp"),),
    "contentTransaction": tuple(
        ("contentTransactionBasicInfo", name)
        for name in (
            "orderPlacedTimeStamp",
            "actualDeliveryTimeStamp",
            "requestedDeliveryTimeStamp",
        )
    ),
    "locationService": (
        ("locationServiceUsage", "lCSQosRequested", "lCSRequestTimestamp"),
        ("locationServiceUsage", "chargingTimeStamp"),
    ),
    "messagingEvent": (("serviceStartTimestamp",),),
    "mobileSession": (("serviceStartTimestamp",),),
}


def service(event: Any, kind: str) -> tuple[str, int]:
    """Returns service and events."""
    codes = list(each(event, "basicServiceUsedList", "basicService", "serviceCode"))
    teleservices = [code[1] for code in codes if code[0] == "teleServiceCode"]
    messages = [code for code in teleservices if code in {b"21", b"22"}]
    if "Call" in kind and kind != "gprsCall":
        return ("sms" if messages else "voice"), int(bool(messages))
    names = {"supplServiceEvent": "supplementary", "valueAddedService": "supplementary"}
    names |= {"serviceCentreUsage": "sms", "messagingEvent": "sms", "gprsCall": "data"}
    names |= {"contentTransaction": "content", "locationService": "content"}
    return names.get(kind, "voice"), int(kind not in {"gprsCall", "mobileSession"})


def where(event: Any, kind: str) -> dict[str, Any]:
    """Returns network, area, cell and the element that recorded the event."""
    around = at(event, "locationInformation")
    place = at(around, "networkLocation")
    entity = at(place, "recEntityCode")
    if kind == "gprsCall":
        around = at(event, "gprsLocationInformation")
        place = at(around, "gprsNetworkLocation")
        entity = next(iter(at(place, "recEntity") or ()), None)
    elif kind in NEW_IN_12:
        around = place = event
        entity = next(iter(at(event, "recEntityCodeList") or ()), None)
    elif kind in {"serviceCentreUsage", "locationService"}:
        entity = at(event, "recEntityCode")
    network = at(around, "geographicalLocation", "servingNetwork")
    if kind in {"serviceCentreUsage", "valueAddedService"}:
        network = at(event, "servingNetwork")
    name = ENTITIES.get(entity) if entity is not None else None
    reference = at(event if kind == "locationService" else place, "callReference")
    reference = None if kind in {"gprsCall", *NEW_IN_12} else reference
    return {
        "visited_network": (network or b"AAAAA").decode(),
        "area": at(place, "locationArea"),
        "cell": at(place, "cellId"),
        "recording_entity": name.decode() if name else None,
        "call_reference": digest(at(event, "eventReference") or b"")
        if kind in NEW_IN_12
        else int.from_bytes(reference, "big")
        if reference
        else None,
    }


def meaning(kind: str, event: Any, places: int = 4) -> list[dict[str, Any]]:
    """Returns the rows that an event becomes."""
    starts = [utc(at(event, *path)) for path in STARTS[kind]]
    start = first(*(pair for pair in starts if pair[0] is not None)) or (None, None)
    data = at(event, GPRS) or {}
    used = at(event, "gprsServiceUsed")
    named, count = service(event, kind)
    there = at(event, BASIC, "destination")
    dials = dialled(at(there, "sMSDestinationNumber"))
    if dials == (None, None):
        dials = dialled(at(there, "dialledDigits"))
    party_of = other(event, kind)
    row = {
        "record_type": kind,
        "service": named,
        "direction": "terminating" if kind == "mobileTerminatedCall" else "originating",
        **who(event, kind),
        "other_number": party_of[0],
        "other_text": party_of[1],
        "dialled": dials[0] if kind == "mobileOriginatedCall" else None,
        "dialled_zeros": dials[1] if kind == "mobileOriginatedCall" else None,
        "start_time": start[0],
        "utc_offset": start[1],
        "duration": first(
            at(event, BASIC, "totalCallEventDuration"),
            at(data, "totalCallEventDuration"),
            at(event, "totalCallEventDuration"),
            0,
        ),
        "events": count,
        **where(event, kind),
        "cause": first(
            at(event, BASIC, "causeForTerm"), at(data, "causeForTerm"), at(event, "causeForTerm")
        ),
        "charging_id": at(data, "chargingId"),
        "apn": None,
    }
    apn = at(data, "gprsDestination", "accessPointNameNI")
    row["apn"] = apn.decode() if apn else None
    rows = []
    for number, (part_kind, part) in enumerate(charged_parts(kind, event)):
        amounts = money(part_kind, part)
        usages = [part] if part_kind == "contentService" else [used or {}]
        usages += list(each(used, "gprsServiceUsageList"))
        one = {**row, **amounts, "container": number}
        one["uplink"] = sum(usage.get("dataVolumeOutgoing", 0) for usage in usages)
        one["downlink"] = sum(usage.get("dataVolumeIncoming", 0) for usage in usages)
        if part_kind == "none":
            one["events"] = 0
        if part_kind == "contentService":
            refund = part.get("chargeRefundIndicator") == 1
            one["events"] = 0 if refund else 1
            one["call_reference"] = digest(part.get("transactionIdentifier") or b"")
            one["charging_id"] = 1 if refund else None
        for name in ("partner_charge", "partner_tax", "partner_discount"):
            if one[name] is not None:
                one[name] = one[name] * 10 ** (6 - places)
        one["partner_currency"] = "XDR"
        rows.append(one)
    return rows
