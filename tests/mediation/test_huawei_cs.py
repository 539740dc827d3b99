"""Huawei MSC files: one value around all records, private tags, the leg of a diversion."""

from __future__ import annotations

from typing import Any

import numpy as np

from mediation.detect import detect_format
from tests.mediation.against_asn1tools import compare
from tests.mediation.cdr_records import (
    encode,
    number,
    random_records,
    specification,
    tbcd,
    timestamp,
    wrap,
)
from tests.mediation.opened import Opener, decoded

FORMAT = "huawei_cs"
CALL: dict[str, Any] = {
    "recordType": 0,
    "servedIMSI": tbcd("460001012345678"),
    "servedMSISDN": number("8619910000001"),
    "calledNumber": number("18820000002", 0xA1),
    "recordingEntity": number("8619900900001"),
    "mscIncomingROUTE": ("rOUTEName", b"BSC07"),
    "mscOutgoingROUTE": ("rOUTENumber", 17),
    "answerTime": timestamp("261031235958+0800"),
    "callDuration": 130,
    "causeForTerm": 0,
    "callReference": b"\x01\x02\x03",
    "chargedParty": 0,
    "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x56\x78"},
    "globalAreaID": bytes.fromhex("64f00012345678"),
    "setupTime": timestamp("261031235948+0800"),
    "globalCallReference": b"\x0a\x0b",
}


def parts(records: list[bytes], declared: int) -> tuple[bytes, bytes, bytes]:
    """Returns header, records and trailer of a file as they stand inside its one value."""
    when = timestamp("261101000000+0800")
    entity = number("8619900900001")
    header = {"productionDateTime": when, "recordingEntity": entity}
    trailer = {
        **header,
        "firstCallDateTime": when,
        "lastCallDateTime": when,
        "noOfRecords": declared,
    }
    value = {"headerRecord": header, "callEventRecords": [], "trailerRecord": trailer}
    octets = bytes(specification(FORMAT).encode("CallEventDataFile", value))
    before, after = octets[2:].split(b"\xa1\x00")
    return before, wrap(b"\xa1", b"".join(records)), after


def file_of(records: list[bytes], declared: int | None = None) -> bytes:
    count = len(records) if declared is None else declared
    return wrap(b"\x30", b"".join(parts(records, count)))


def call(kind: str = "moCallRecord", **changes: object) -> bytes:
    return encode(FORMAT, kind, {**CALL, **changes})


def test_every_record_type_is_what_asn1tools_reads() -> None:
    assert compare(FORMAT, random_records(FORMAT, 600, 21, share=0.8)).rows.total() > 400


def test_a_file_is_one_value_and_its_trailer_counts(opened: Opener) -> None:
    records = [call(), call("forwardCallRecord", originalCalledNumber=number("1991", 0x81))]
    file = opened(file_of(records))
    assert (file.format_name, file.n_records) == (FORMAT, 2)
    chunk, rows, notes = decoded(file)
    assert (chunk.records_decoded, notes) == (2, ())
    expected = {
        "record_type": "moCallRecord",
        "service": "voice",
        "direction": "originating",
        "other_number": 8618820000002,
        "duration": 130,
        "utc_offset": 480,
        "visited_network": "460-00",
        "area": 0x1234,
        "cell": 0x5678,
        "trunk_in": "BSC07",
        "trunk_out": "17",
        "call_reference": 0x010203,
    }
    assert {name: rows[0][name] for name in expected} == expected
    assert (rows[1]["record_type"], rows[1]["direction"]) == ("forwardCallRecord", "forwarded")


def test_a_trailer_that_counts_other_records_is_noted(opened: Opener) -> None:
    _, rows, notes = decoded(opened(file_of([call(), call()], declared=3)))
    assert len(rows) == 2
    assert any("declares 3 records, 2 were found" in note for note in notes), notes


def test_indefinite_lengths_around_the_records(opened: Opener) -> None:
    before, _, after = parts([], 2)
    records = b"\xa1\x80" + call() + call() + b"\0\0"
    file = opened(b"\x30\x80" + before + records + after + b"\0\0")
    chunk, _, notes = decoded(file)
    assert (file.format_name, chunk.records_decoded, notes) == (FORMAT, 2, ())


def test_the_network_in_the_location_goes_before_the_private_one(opened: Opener) -> None:
    location = {"locationAreaCode": b"\0\x01", "cellId": b"\0\x02", "mCC-MNC": b"\x64\xf0\x10"}
    _, rows, _ = decoded(opened(file_of([call(location=location)])))
    row = rows[0]
    assert (row["visited_network"], row["area"], row["cell"]) == ("460-01", 1, 2)


def test_private_tags_between_standard_ones_and_unknown_ones(opened: Opener) -> None:
    record = call()
    unknown = bytes.fromhex("9f8b4a03c0ffee") + wrap(b"\xbf\x81\x6c", b"\x80\x01\x01")
    inside = record[3:] if record[1] == 0x81 else record[2:]
    odd = wrap(b"\xa0", unknown + inside + unknown)
    _, rows, _ = decoded(opened(file_of([odd, record])))
    first, second = ({k: v for k, v in row.items() if k != "offset"} for row in rows)
    assert first == second


def test_detection_needs_no_name() -> None:
    found = detect_format(np.frombuffer(file_of([call()] * 5), np.uint8))
    assert found is not None
    assert found.name == FORMAT
