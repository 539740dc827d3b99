"""TAP 3 events and files: random values through asn1tools' encoder."""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.random_records import specification
from mediation import formats
from traffic.digits import bcd

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from mediation.formats.schema import Element

RELEASES = (9, 10, 11, 12)
OFFSETS = {0: b"+0800", 1: b"-0330", 7: b"+0000"}
ENTITIES = {0: b"8619900900001", 1: b"sgsn7", 2: b"10.0.0.7"}
RATES = {0: (5, 116203), 3: (0, 7)}
TAXES = {0: b"1900000", 5: b"0700000"}
ALWAYS = ("utcTimeOffsetCode", "chargeType", "chargedPartyIdType", "customerIdType")
NEW_IN_12 = ("messagingEvent", "mobileSession")
ONLY_UP_TO_10 = (
    "fraudMonitorIndicator",
    "networkType",
    "equipmentInformation",
    "supplServiceUsedList",
    "valueAddedServiceUsedList",
    "valueAddedService",
    "dualServiceRequested",
    "typeOfControllingNode",
    "gprsServiceUsageList",
    "camelChargeInformation",
    "totalChargeValueList",
    "vasInfo",
)
ONLY_FROM_11 = ("equipmentIdentifier", "camelInvocationFee", "sMSOriginator", "totalCharge")


def digits(rng: random.Random, count: int) -> str:
    """Returns so many random digits."""
    return "".join(rng.choices("0123456789", k=count))


def clock(rng: random.Random) -> bytes:
    """Returns a local time stamp, `YYYYMMDDhhmmss`."""
    day = f"20{rng.randrange(20, 30)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    time = f"{rng.randrange(24):02d}{rng.randrange(60):02d}{rng.randrange(60):02d}"
    return (day + time).encode()


NUMBERS = ("8619910000001", "491718888888", "112", "44", "447700900123")
BY_NAME: dict[str, Callable[[random.Random], Any]] = {
    "localTimeStamp": clock,
    "utcTimeOffset": lambda rng: rng.choice(list(OFFSETS.values())),
    "utcTimeOffsetCode": lambda rng: rng.choice(list(OFFSETS)),
    "recEntityCode": lambda rng: rng.choice([*ENTITIES, 9]),
    "recEntity": lambda rng: [rng.choice([*ENTITIES, 9]) for _ in range(rng.randrange(3))],
    "recEntityCodeList": lambda rng: [rng.choice(list(ENTITIES)) for _ in range(rng.randrange(3))],
    "exchangeRateCode": lambda rng: rng.choice(list(RATES)),
    "taxCode": lambda rng: rng.choice(list(TAXES)),
    "chargeType": lambda rng: rng.choice([b"00", b"00", b"01", b"10"]),
    "chargeRefundIndicator": lambda rng: rng.randrange(2),
    "teleServiceCode": lambda rng: rng.choice([b"11", b"12", b"21", b"22"]),
    "imsi": lambda rng: bcd(f"46000{digits(rng, 10)}"),
    "imei": lambda rng: bcd(digits(rng, rng.choice([14, 15, 16]))),
    "dialledDigits": lambda rng: rng.choice([b"0010", b"+4917", b"*21#", b"13800138000"]),
    "sMSDestinationNumber": lambda rng: rng.choice([b"+491718888888", b"BANK", b"10086"]),
    "sMSOriginator": lambda rng: rng.choice([b"491718888888", b"Info"]),
    "nonChargedNumber": lambda rng: rng.choice([b"491718888888", b"10086"]),
    "mdn": lambda rng: rng.choice([b"13105550100", b"911"]),
    "chargedPartyIdType": lambda rng: rng.randrange(1, 3),
    "customerIdType": lambda rng: rng.randrange(1, 3),
    "chargedPartyIdentifier": lambda rng: rng.choice([b"8619910000001", b"a@b"]),
    "customerIdentifier": lambda rng: rng.choice([b"8619910000002", b"x"]),
    "publicUserId": lambda rng: rng.choice([b"tel:+8619910000003", b"sip:mo@ims.example"]),
    "nonChargedPublicUserId": lambda rng: rng.choice(
        [b"sip:+8619910000004@ims.example", b"sip:li@x"]
    ),
    "requestedPublicUserId": lambda rng: rng.choice([b"tel:+8619910000005", b"sip:anna@x"]),
    "callReference": lambda rng: rng.randbytes(rng.randrange(1, 8)),
    "cellId": lambda rng: rng.randrange(2**28),
    "causeForTerm": lambda rng: rng.randrange(60),
    "chargingId": lambda rng: rng.randrange(2**32),
    "operatorSpecInformation": lambda _rng: [b"x"],
}


def value(  # noqa: PLR0911 - one a kind
    element: Element, rng: random.Random, share: float, release: int
) -> Any:
    """Returns a random value of an element; each field stands with `share`."""
    name = element.name.rpartition(".")[2].removesuffix("-r10")
    if element.kind == "SEQUENCE":
        return fields(element, rng, share, release)
    if element.kind == "CHOICE":
        chosen = rng.choice(element.children)
        return chosen.name, value(chosen, rng, share, release)
    if name in BY_NAME and (name != "nonChargedNumber" or element.type_name != "BCDString"):
        return BY_NAME[name](rng)
    if element.is_list:
        inner = element.children
        count = range(rng.randrange(1, 3))
        if len(inner) > 1:
            chosen_ones = [rng.choice(inner) for _ in count]
            return [(one.name, value(one, rng, share, release)) for one in chosen_ones]
        return [value(inner[0], rng, share, release) for _ in count]
    if element.kind == "INTEGER":
        return rng.choice([0, 1, 127, 128, rng.randrange(2**24)])
    if element.type_name == "BCDString":
        return bcd(rng.choice(NUMBERS))
    if element.type_name == "NumberString":
        return digits(rng, rng.randrange(1, 6)).encode()
    return rng.choice([b"WERFD", b"text", b"1A", b"cmnet"])


def fields(element: Element, rng: random.Random, share: float, release: int) -> dict[str, Any]:
    """Returns random fields of a group, as the release writes them."""
    names = {child.name.partition(".")[0] for child in element.children}
    chosen: dict[str, Any] = {}
    for child in element.children:
        name, _, alternative = child.name.partition(".")
        old = name.endswith("-r10") or name in ONLY_UP_TO_10
        new = name + "-r10" in names or name in ONLY_FROM_11
        if (old and release > 10) or (new and release <= 10):
            continue
        keeps = rng.random() < share or "imeStamp" in name or name in ALWAYS
        if keeps and alternative:
            chosen[name] = (alternative, value(child, rng, share, release))
        elif keeps:
            chosen[name] = value(child, rng, share, release)
    return chosen


def events(rng: random.Random, release: int, count: int, share: float = 0.7) -> list[Any]:
    """Returns random events of all types that a release knows, in turn."""
    kinds = [
        element
        for element in formats.load("tap3").schema
        if (element.name not in NEW_IN_12 or release == 12)
        and (element.name not in ONLY_UP_TO_10 or release <= 10)
    ]
    found = []
    for place in range(count):
        element = kinds[place % len(kinds)]
        found.append((element.name, value(element, rng, share, release)))
    return found


def long_time(text: bytes, offset: bytes = b"+0800") -> dict[str, bytes]:
    """Returns a time stamp with its offset."""
    return {"localTimeStamp": text, "utcTimeOffset": offset}


def control(release: int, **changes: Any) -> dict[str, Any]:
    """Returns the control block of a batch or a notification."""
    at = long_time(b"20261101010203")
    block = {
        "sender": b"AAAAA",
        "recipient": b"BBBBB",
        "fileSequenceNumber": b"00042",
        "fileCreationTimeStamp": at,
        "transferCutOffTimeStamp": at,
        "fileAvailableTimeStamp": at,
        "specificationVersionNumber": 3,
        "releaseVersionNumber": release,
        **changes,
    }
    return {name: part for name, part in block.items() if part is not None}


def batch(happened: list[Any], release: int = 12, places: int | None = 4, **changes: Any) -> bytes:
    """Returns a transfer batch with a trailer that is right; `changes` replace whole blocks."""
    sums = totals(happened)
    audit: dict[str, Any] = {
        "earliestCallTimeStamp": long_time(b"20261031000000"),
        "latestCallTimeStamp": long_time(b"20261031235959"),
        "totalTaxValue": sums["tax"],
        "totalDiscountValue": sums["discount"],
        "callEventDetailsCount": len(happened),
    }
    if sums["tax_refund"]:
        audit["totalTaxRefund"] = sums["tax_refund"]
    if sums["discount_refund"]:
        audit["totalDiscountRefund"] = sums["discount_refund"]
    charge = {"totalCharge": sums["charge"]}
    if sums["charge_refund"]:
        charge["totalChargeRefund"] = sums["charge_refund"]
    if release > 10:
        audit |= charge
    else:
        others = {"chargeType": b"01", "totalCharge": 77}
        audit["totalChargeValueList"] = [others, {"chargeType": b"00", **charge}]
    entity = "recEntityId" if release > 10 else "recEntityId-r10"
    accounting: dict[str, Any] = {
        "taxation": [
            {"taxCode": code, "taxType": b"13", "taxRate": rate} for code, rate in TAXES.items()
        ],
        "localCurrency": b"EUR",
        "currencyConversionInfo": [
            {"exchangeRateCode": code, "numberOfDecimalPlaces": shift, "exchangeRate": rate}
            for code, (shift, rate) in RATES.items()
        ],
    }
    if places is not None:
        accounting["tapDecimalPlaces"] = places
    content: dict[str, Any] = {
        "batchControlInfo": control(release),
        "accountingInfo": accounting,
        "networkInfo": {
            "utcTimeOffsetInfo": [
                {"utcTimeOffsetCode": code, "utcTimeOffset": text} for code, text in OFFSETS.items()
            ],
            "recEntityInfo": [
                {
                    "recEntityCode": code,
                    "recEntityType": 1,
                    entity: text if release > 10 else ("mscId", text),
                }
                for code, text in ENTITIES.items()
            ],
        },
        "callEventDetails": happened,
        "auditControlInfo": audit,
    }
    for name, change in changes.items():
        content[name] = {**content[name], **change} if isinstance(change, dict) else change
    content = {name: part for name, part in content.items() if part is not None}
    return bytes(specification("tap3").encode("DataInterChange", ("transferBatch", content)))


def notification(release: int = 12, **changes: Any) -> bytes:
    """Returns the file that a partner sends when nothing happened."""
    content = control(release, **changes)
    return bytes(specification("tap3").encode("DataInterChange", ("notification", content)))


def at(value_: Any, *path: str) -> Any:
    """Returns what stands at a path of asn1tools' values, None where nothing does."""
    for name in path:
        if isinstance(value_, tuple):
            value_ = value_[1] if value_[0] == name else None
        elif isinstance(value_, dict):
            value_ = value_.get(name, value_.get(name + "-r10"))
        if value_ is None:
            return None
    return value_


def each(value_: Any, *path: str) -> Iterator[Any]:
    """Yields what stands at a path through lists."""
    if value_ is None:
        return
    if isinstance(value_, list):
        for item in value_:
            yield from each(item, *path)
    elif path:
        yield from each(at(value_, path[0]), *path[1:])
    else:
        yield value_


CHARGED = {
    "mobileOriginatedCall": (
        ("basicServiceUsedList", "chargeInformationList"),
        ("supplServiceUsedList", "chargeInformation"),
        ("valueAddedServiceUsedList", "chargeInformation"),
        ("camelServiceUsed", "camelChargeInformation"),
    ),
    "supplServiceEvent": (("supplServiceUsed", "chargeInformation"),),
    "serviceCentreUsage": (("chargeInformation",),),
    "valueAddedService": (("valueAddedServiceUsed", "chargeInformation"),),
    "gprsCall": (
        ("gprsServiceUsed", "chargeInformationList"),
        ("valueAddedServiceUsedList", "chargeInformation"),
        ("camelServiceUsed", "camelChargeInformation"),
    ),
    "contentService": (("chargeInformationList",),),
    "locationService": (("locationServiceUsage", "chargeInformationList"),),
    "mobileSession": (("sessionChargeInfoList",),),
}
CHARGED["mobileTerminatedCall"] = CHARGED["mobileOriginatedCall"]


def money(kind: str, event: Any) -> dict[str, Any]:
    """Returns an event's amounts in the file's units, and what its codes mean."""
    parts = [part for path in CHARGED.get(kind, ()) for part in each(event, *path)]
    details = [detail for part in parts for detail in each(part, "chargeDetailList")]
    details += [detail for part in parts for detail in each(part, "chargeDetail")]
    charges = [d["charge"] for d in details if d.get("chargeType") == b"00" and "charge" in d]
    camel = at(event, "camelServiceUsed") or {}
    charges += list(each(camel, "camelInvocationFee"))
    if kind == "messagingEvent":
        charges += list(each(event, "charge"))
        parts = [event]
    parts += [camel]
    taxes = [tax for part in parts for tax in each(part, "taxInformation")]
    taxes += [tax for part in parts for tax in each(part, "taxInformationList")]
    discounts = [d for part in parts for d in each(part, "discountInformation", "discount")]
    amounts = [tax["taxValue"] for tax in taxes if "taxValue" in tax]
    sign = -1 if at(event, "chargeRefundIndicator") == 1 else 1

    def total(numbers: list[int]) -> int | None:
        return sign * sum(numbers) if numbers else None

    def same(codes: list[int], table: dict[int, Any]) -> Any:
        return table[codes[0]] if len(set(codes)) == 1 else None

    return {
        "partner_charge": total(charges),
        "partner_tax": total(amounts),
        "partner_discount": total(discounts),
        "partner_rate": same(
            [code for part in parts for code in each(part, "exchangeRateCode")],
            {code: rate * 10 ** (9 - shift) for code, (shift, rate) in RATES.items()},
        ),
        "partner_tax_rate": same(
            [tax["taxCode"] for tax in taxes if "taxCode" in tax],
            {code: int(rate) for code, rate in TAXES.items()},
        ),
    }


def charged_parts(kind: str, event: Any) -> list[tuple[str, Any]]:
    """Returns what has charges of its own: an event, or each service of a content transaction."""
    if kind == "contentTransaction":
        found = list(each(event, "contentServiceUsed"))
        return [("contentService", part) for part in found] or [("none", {})]
    return [(kind, event)]


def totals(happened: list[Any]) -> dict[str, int]:
    """Returns what the trailer declares."""
    sums = dict.fromkeys(("charge", "tax", "discount"), 0)
    sums |= dict.fromkeys(("charge_refund", "tax_refund", "discount_refund"), 0)
    for kind, event in happened:
        for part in charged_parts(kind, event):
            for column, amount in money(*part).items():
                name = column.removeprefix("partner_")
                if name in sums and amount is not None:
                    sums[name if amount >= 0 else f"{name}_refund"] += abs(amount)
    return sums
