"""Attempts that nobody answered: rows that cost nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mediation import formats
from mediation.trial import rows_of
from tests.mediation.cdr_records import encode, number, timestamp

NOON = timestamp("261005120000+0800")
SERVED = {"servedMSISDN": number("8619910000001")}
CALL: dict[str, Any] = {**SERVED, "calledNumber": number("447700900123"), "callDuration": 25}


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
