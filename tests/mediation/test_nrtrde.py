"""NRTRDE: every event type against asn1tools, what tells it from TAP, bad files."""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import random
from typing import Any

import pytest

from bench import tap_events as tap
from mediation.detect import detect_format
from tests.mediation.cdr_records import specification
from tests.mediation.opened import Opener, decoded
from tests.mediation.tap_meaning import dialled, party, utc


def event(rng: random.Random, kind: str) -> tuple[str, dict[str, Any]]:
    """Returns a random event; every field but the time may be missing."""
    value: dict[str, Any] = {
        "imsi": tap.bcd(f"46000{tap.digits(rng, 10)}"),
        "imei": tap.bcd(tap.digits(rng, 16)),
        "callEventDuration": rng.randrange(4000),
        "causeForTermination": rng.randrange(5),
        "servingNetwork": b"CCCCC",
        "msisdn": tap.bcd("8619910000001"),
        "locationArea": rng.randrange(2**16),
        "cellId": rng.randrange(2**28),
        "chargeAmount": rng.randrange(1000),
    }
    code = rng.choice([b"11", b"21", b"22"])
    if kind == "gprs":
        value |= {
            "accessPointNameNI": b"cmnet",
            "dataVolumeIncoming": rng.randrange(2**33),
            "dataVolumeOutgoing": rng.randrange(2**20),
            "sgsnAddress": b"10.1.1.1",
            "ggsnAddress": b"10.2.2.2",
            "chargingId": rng.randrange(2**32),
        }
    else:
        value |= {
            "serviceCode": ("teleServiceCode", code),
            "recEntityId": b"8619900900001",
            "callReference": rng.randrange(2**31),
        }
    if kind == "moc":
        value |= {
            "dialledDigits": rng.choice([b"0018", b"+491718888888", b"10086"]),
            "connectedNumber": rng.choice([b"491718888888", b"112"]),
        }
    if kind == "mtc":
        value["callingNumber"] = rng.choice([b"491718888888", b"10086"])
    kept = {name: part for name, part in value.items() if rng.random() < 0.8}
    kept["callEventStartTimeStamp"] = tap.clock(rng)
    kept["utcTimeOffset"] = rng.choice(list(tap.OFFSETS.values()))
    return kind, kept


def nrtrde(events: list[Any], **changes: Any) -> bytes:
    """Returns an NRTRDE file."""
    content = {
        "specificationVersionNumber": 2,
        "releaseVersionNumber": 1,
        "sender": b"AAAAA",
        "recipient": b"BBBBB",
        "sequenceNumber": b"0000017",
        "fileAvailableTimeStamp": b"20261031120000",
        "utcTimeOffset": b"+0800",
        "callEvents": events,
        "callEventsCount": len(events),
        **changes,
    }
    return bytes(specification("nrtrde").encode("Nrtrde", content))


def meaning(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """Returns what an event becomes, from asn1tools' values alone."""
    codes = {code: offset for offset, code in tap.OFFSETS.items()}
    moment = {
        "localTimeStamp": value["callEventStartTimeStamp"],
        "utcTimeOffsetCode": codes[value["utcTimeOffset"]],
    }
    start, offset = utc(moment)
    service = value.get("serviceCode", ("", b""))[1]
    message = kind != "gprs" and service in {b"21", b"22"}
    other = party(value.get("connectedNumber") or value.get("callingNumber"), text=True)
    if kind == "moc" and other == (None, None):
        other = party(value.get("dialledDigits"), text=True)
    digits = dialled(value.get("dialledDigits"))
    imei = value["imei"].hex()[:14] if "imei" in value else None
    entity = value.get("recEntityId") or value.get("ggsnAddress") or value.get("sgsnAddress")
    return {
        "record_type": kind,
        "service": {"gprs": "data"}.get(kind, "sms" if message else "voice"),
        "direction": "terminating" if kind == "mtc" else "originating",
        "served_imsi": int(value["imsi"].hex().rstrip("f")) if "imsi" in value else None,
        "served_msisdn": 8619910000001 if "msisdn" in value else None,
        "served_imei": int(imei) if imei else None,
        "other_number": other[0],
        "other_text": other[1],
        "dialled": digits[0],
        "dialled_zeros": digits[1],
        "start_time": start,
        "utc_offset": offset,
        "duration": value.get("callEventDuration", 0),
        "uplink": value.get("dataVolumeOutgoing", 0),
        "downlink": value.get("dataVolumeIncoming", 0),
        "events": int(message),
        "visited_network": value.get("servingNetwork", b"AAAAA").decode(),
        "area": value.get("locationArea"),
        "cell": value.get("cellId"),
        "recording_entity": entity.decode() if entity else None,
        "apn": value["accessPointNameNI"].decode() if "accessPointNameNI" in value else None,
        "charging_id": value.get("chargingId"),
        "call_reference": value.get("callReference"),
        "cause": value.get("causeForTermination"),
    }


def test_every_event_type_equals_asn1tools(opened: Opener) -> None:
    rng = random.Random(7)
    happened = [event(rng, ("moc", "mtc", "gprs")[place % 3]) for place in range(150)]
    octets = nrtrde(happened)
    file = opened(octets)
    assert (file.format_name, file.n_records, file.sequence_number) == ("nrtrde", 150, 17)
    chunk, rows, notes = decoded(file)
    assert (chunk.records_suspended, notes) == (0, ())
    content = specification("nrtrde").decode("Nrtrde", octets)
    for row, (kind, value) in zip(rows, content["callEvents"], strict=True):
        for column, wanted in meaning(kind, value).items():
            assert row[column] == wanted, (kind, column, value)


def test_structure_tells_it_from_tap(opened: Opener) -> None:
    roaming = nrtrde([event(random.Random(1), "moc")])
    accounts = tap.batch(tap.events(random.Random(1), 12, 1))
    assert roaming[0] == accounts[0] == 0x61
    found = [opened(octets).format_name for octets in (roaming, accounts)]
    assert found == ["nrtrde", "tap3"]
    best = detect_format(opened(roaming).data)
    assert best is not None
    assert all("tap3" not in str(other) for other in best.alternatives)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"utcTimeOffset": b"+2500"}, "invalid_utc_offset"),
        ({"utcTimeOffset": None}, "missing_utc_offset"),
        ({"callEventStartTimeStamp": b"20261301000000"}, "invalid_timestamp"),
        ({"imsi": b"\x4a\x00"}, "invalid_digits"),
    ],
)
def test_bad_events_suspend(opened: Opener, changes: dict[str, Any], reason: str) -> None:
    kind, value = event(random.Random(3), "moc")
    bad = {name: part for name, part in {**value, **changes}.items() if part is not None}
    chunk, rows, _ = decoded(opened(nrtrde([(kind, bad), (kind, value)])))
    assert len(rows) == 1
    assert [row["reason"] for row in chunk.suspense.to_pylist()] == [reason]


def test_a_wrong_count_and_version_are_noted(opened: Opener) -> None:
    file = opened(
        nrtrde([event(random.Random(3), "mtc")], callEventsCount=4, releaseVersionNumber=3)
    )
    assert file.notes == (
        "Nrtrde: release is 3; allowed: 1",
        "Nrtrde: declares 4 records, 1 were found",
    )
