"""Attempts that nobody answered and messages that were not delivered: rows that cost nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mediation import formats
from mediation.trial import rows_of
from tests.mediation.cdr_records import encode, number, timestamp

NOON = timestamp("261005120000+0800")
SERVED = {"servedMSISDN": number("8619910000001")}
CALL: dict[str, Any] = {**SERVED, "calledNumber": number("447700900123"), "callDuration": 25}
FAILED = ("gsm0408Cause", 38)


def row_of(name: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    [row] = rows_of(formats.load(name), [encode(name, kind, value)])
    return row


@pytest.mark.parametrize("name", ["3gpp_cs", "huawei_cs"])
@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"seizureTime": NOON, "causeForTerm": 3}, 0),  # the time that it held the line
        ({"answerTime": NOON, "causeForTerm": 0}, 25),
        ({"answerTime": NOON, "causeForTerm": 1, "sequenceNumber": 1}, 25),
        ({"answerTime": NOON, "causeForTerm": 4}, 25),
        ({"answerTime": NOON}, 25),
    ],
)
def test_an_attempt_lasts_no_time(name: str, said: dict[str, Any], seconds: int) -> None:
    row = row_of(name, "moCallRecord", CALL | said)
    assert (row["duration"], row["start_time"].hour) == (seconds, 4)


@pytest.mark.parametrize(
    ("name", "kind", "time"),
    [
        ("3gpp_cs", "moSMSRecord", "originationTime"),
        ("3gpp_cs", "mtSMSRecord", "deliveryTime"),
        ("huawei_cs", "moSMSRecord", "originationTime"),
        ("huawei_cs", "mtSMSRecord", "deliveryTime"),
        ("3gpp_ps", "sgsnSMORecord", "eventTimeStamp"),
        ("3gpp_ps", "sgsnSMTRecord", "eventTimeStamp"),
    ],
)
def test_a_message_that_was_not_delivered_is_no_event(name: str, kind: str, time: str) -> None:
    sent = {**SERVED, time: NOON}
    assert row_of(name, kind, sent)["events"] == 1
    for failed in (FAILED, ("gsm0902MapErrorValue", 27), ("itu-tQ767Cause", 41)):
        assert row_of(name, kind, sent | {"smsResult": failed})["events"] == 0


def test_a_message_of_the_charging_function_that_was_not_delivered_is_no_event() -> None:
    caller = {"subscriptionIDType": "eND-USER-E164", "subscriptionIDData": b"8619910000001"}
    for result, events in (({}, 1), ({"sMSResult": FAILED}, 0)):
        message = {"eventtimestamp": NOON, **result}
        value = {"subscriberIdentifier": caller, "sMSChargingInformation": message}
        row = row_of("3gpp_chf", "chargingFunctionRecord", value)
        assert (row["service"], row["events"]) == ("sms", events)
