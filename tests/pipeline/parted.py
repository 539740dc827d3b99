"""Records of calls in parts, through asn1tools' encoder."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from tests.mediation.cdr_records import encode
from traffic.digits import INTERNATIONAL
from traffic.encode import encode_events, time_stamp
from traffic.network import HOME_OFFSET, NETWORKS, SOURCES
from traffic.table import (
    COLUMN,
    CONTAINER_COLUMN,
    CONTAINER_COLUMNS,
    KINDS,
    TEXT,
    Events,
    new_values,
    no_containers,
)

SHOP = Path(__file__).resolve().parents[2] / "samples" / "shop"
DAY = 86_400
MIDNIGHT = 1_790_784_000
"""1 October 2026, 00:00 in Shanghai."""


def owner() -> tuple[int, int]:
    """IMSI and number of a subscriber whose plan has a connect fee by day and an allowance of an hour."""
    with (SHOP / "subscribers" / "subscribers.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file)
        mine = next(row for row in rows if row["plan"] == "night_owl" and not row["valid_to"])
    return int(mine["imsi"]), int(mine["msisdn"].lstrip("+"))


IMSI, MSISDN = owner()


def record(
    start: int,
    duration: int,
    number: int | None = None,
    cause: int = 0,
    *,
    reference: int = 1,
    kind: str = "moCallRecord",
    imsi: int = IMSI,
) -> bytes:
    """One call record; `start` counts seconds from the month's beginning."""
    values = new_values(1)
    at = MIDNIGHT + start
    for name, value in {
        "imsi": imsi,
        "msisdn": (MSISDN if imsi == IMSI else 8_619_999_999_999) << 12 | 13 << 8 | INTERNATIONAL,
        "called": 8_618_810_123_456 << 12 | 13 << 8 | INTERNATIONAL,
        "calling": 8_618_810_123_456 << 12 | 13 << 8 | INTERNATIONAL,
        "seizure": at,
        "answer": at,
        "release": at + duration,
        "offset": HOME_OFFSET,
        "duration": duration,
        "cause": cause,
        "reference": reference,
        "entity": SOURCES[0].address << 12 | 13 << 8 | INTERNATIONAL,
        "plmn": NETWORKS[0].plmn,
        "lac": 1,
        "cell": 1,
        **({} if number is None else {"sequence": number}),
    }.items():
        values[COLUMN[name]] = value
    kinds = np.full(1, KINDS.index(kind), np.int8)
    return next(iter(encode_events(Events(kinds, values, *no_containers(1)))))


def cut_call(start: int, lengths: list[int], reference: int, last: int = 0) -> list[bytes]:
    """The parts of one call; `last` is the cause of the last one."""
    parts, at = [], start
    for number, length in enumerate(lengths, 1):
        cause = last if number == len(lengths) else 1
        parts.append(record(at, length, number, cause, reference=reference))
        at += length
    return parts


def session_record(
    start: int, number: int, containers: range, cause: int = 17, times: int = 1
) -> bytes:
    """A gateway's record of one session; a container lasts 600 s and holds `times` 11 MiB."""
    values = new_values(1)
    at = MIDNIGHT + start
    for name, value in {
        "imsi": IMSI,
        "imei": 350_000_000_000_017,
        "msisdn": MSISDN << 12 | 13 << 8 | INTERNATIONAL,
        "seizure": at + 600 * (containers.start - 1),
        "offset": HOME_OFFSET,
        "duration": 600 * len(containers),
        "cause": cause,
        "sequence": number,
        "charging_id": 4_711,
        "local_sequence": number,
        "address": 0x0A00_0001,
        "node": 0x0A14_0001,
        "apn": TEXT["cmnet"],
        "plmn": NETWORKS[0].plmn,
        "rat": 6,
        "lac": 0x2101,
        "cell": 0x0010_0001,
        "clock": 0x2300,
    }.items():
        values[COLUMN[name]] = value
    rows = np.empty((len(CONTAINER_COLUMNS), len(containers)), np.int64)
    for row, local in enumerate(containers):
        begin = at + 600 * (local - 1)
        for name, value in {
            "rating_group": 1,
            "local_sequence": local,
            "first": begin,
            "last": begin + 600,
            "usage": 600,
            "condition": 1 << 7,
            "uplink": times << 20,
            "downlink": 10 * times << 20,
            "report": begin + 600,
            "service_id": 10,
            "offset": HOME_OFFSET,
        }.items():
            rows[CONTAINER_COLUMN[name], row] = value
    kinds = np.full(1, KINDS.index("pGWRecord"), np.int8)
    first, count = np.zeros(1, np.int64), np.full(1, len(containers), np.int64)
    return next(iter(encode_events(Events(kinds, values, rows, first, count))))


def charging_record(
    start: int, number: int, containers: range, cause: int = 17, times: int = 1
) -> bytes:
    """A charging function's record of one 5G session, with the containers of `session_record`."""

    def container(local: int) -> dict[str, object]:
        begin = MIDNIGHT + start + 600 * (local - 1)
        return {
            "serviceIdentifier": 10,
            "time": 600,
            "triggerTimeStamp": time_stamp(begin + 600, HOME_OFFSET),
            "dataVolumeUplink": times << 20,
            "dataVolumeDownlink": 10 * times << 20,
            "localSequenceNumber": local,
            "pDUContainerInformation": {"timeOfFirstUsage": time_stamp(begin, HOME_OFFSET)},
        }

    # Usage of one rating group may come in several pieces, as quotas were granted.
    middle = (containers.start + containers.stop) // 2
    pieces = [range(containers.start, middle), range(middle, containers.stop)]
    value = {
        "recordType": 200,
        "recordingNetworkFunctionID": b"chf-1",
        "subscriberIdentifier": {
            "subscriptionIDType": "eND-USER-IMSI",
            "subscriptionIDData": b"imsi-%015d" % IMSI,
        },
        "listOfMultipleUnitUsage": [
            {"ratingGroup": 1, "usedUnitContainers": [container(local) for local in piece]}
            for piece in pieces
        ],
        "recordOpeningTime": time_stamp(
            MIDNIGHT + start + 600 * (containers.start - 1), HOME_OFFSET
        ),
        "duration": 600 * len(containers),
        "recordSequenceNumber": number,
        "causeForRecClosing": cause,
        "pDUSessionChargingInformation": {
            "pDUSessionChargingID": 4_711,
            "userIdentifier": ("iSDN-E164", b"%d" % MSISDN),
            "dataNetworkNameIdentifier": b"cmnet",
            "rATType": 51,
            "servingCNPLMNID": b"\x64\xf0\x00",
        },
    }
    return encode("3gpp_chf", "chargingFunctionRecord", value)
