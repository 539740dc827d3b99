"""Ericsson records: call modules, composites, binary clocks, node time zones."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mediation import formats
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.kernels import ops
from mediation.normalize import NormalizationSettings
from mediation.partials.assemble import assemble, part_rows
from mediation.partials.rules import all_rules
from mediation.reference.ber import MalformedError, decode_record
from mediation.time_zones import read_time_zones
from tests.mediation.against_asn1tools import compare
from tests.mediation.cdr_records import encode, memory, random_records, tbcd, wrap

FORMAT = "ericsson_cs"
CALL: dict[str, Any] = {
    "callIdentificationNumber": b"\x01\x02\x03",
    "callingPartyNumber": b"\x11" + tbcd("8619910000001"),
    "callingSubscriberIMSI": tbcd("460001012345678"),
    "callingSubscriberIMEI": tbcd("860000000000017"),
    "calledPartyNumber": b"\x21" + tbcd("18820000002"),
    "dateForStartOfCharge": bytes([26, 7, 1]),
    "timeForStartOfCharge": bytes([0, 30, 0]),
    "chargeableDuration": bytes([1, 0, 10]),
    "exchangeIdentity": "MSC1",
    "outgoingRoute": "BTS07O",
    "firstCallingLocationInformation": bytes.fromhex("64f00012345678"),
    "bearerServiceCode": b"\x1f",
    "partialOutputRecNum": b"\x02",
    "lastPartialOutput": None,
}
ANSWER = {
    "callingPartyNumber": b"\x11" + tbcd("8619910000001"),
    "calledSubscriberIMSI": tbcd("460001012345679"),
    "dateForStartOfCharge": bytes([20, 26, 1, 1]),
    "timeForStartOfCharge": bytes([23, 59, 59, 9]),
    "chargeableDuration": bytes([0, 1, 0, 5]),
    "exchangeIdentity": "MSC2",
}


@functools.cache
def zones(text: str = "nodes: {MSC1: Europe/Berlin, MSC2: '+05:30'}") -> NormalizationSettings:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "time_zones.yaml"
        path.write_text(text)
        return NormalizationSettings(time_zones=read_time_zones(path))


def single(module: str, fields: dict[str, Any]) -> bytes:
    return encode(FORMAT, "uMTSGSMPLMNCallDataRecord", {module: fields})


def decode(*records: bytes) -> DecodedChunk:
    return decode_chunk(memory(FORMAT, list(records)), range(len(records)), zones())


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


def test_a_call_module_is_a_row() -> None:
    (row,) = decode(single("mSOriginating", CALL)).edr.to_pylist()
    expected = {
        "record_type": "mSOriginating",
        "service": "video",
        "direction": "originating",
        "served_imsi": 460001012345678,
        "served_msisdn": 8619910000001,
        "served_imei": 860000000000017,
        "other_number": 8618820000002,
        "other_text": None,
        "dialled": 18820000002,
        "start_time": utc(2026, 6, 30, 22, 30),  # summer time in Berlin
        "utc_offset": 120,
        "duration": 3610,
        "visited_network": "460-00",
        "area": 0x1234,
        "cell": 0x5678,
        "recording_entity": "MSC1",
        "trunk_out": "BTS07O",
        "call_reference": 0x010203,
        "partial_sequence": 2,
    }
    assert {name: row[name] for name in expected} == expected


def test_the_modules_of_a_composite_are_rows_of_one_record() -> None:
    parts = [
        ("tagged", {"mSOriginating": CALL}),
        ("plain", {"mSTerminating": ANSWER}),
        ("plain", {"iNIncomingCall": {"iNServiceTrigger": b"\x01"}}),  # nothing to charge
    ]
    chunk = decode(encode(FORMAT, "compositeCallDataRecord", parts))  # type: ignore[arg-type]
    first, second = chunk.edr.to_pylist()
    assert chunk.records_decoded == 1
    assert (first["container"], second["container"]) == (0, 1)
    assert (first["record_type"], second["record_type"]) == ("mSOriginating", "mSTerminating")
    assert (first["direction"], second["direction"]) == ("originating", "terminating")
    assert (first["service"], second["service"]) == ("video", "voice")
    assert second["start_time"] == utc(2026, 1, 1, 18, 29, 59)
    assert (second["utc_offset"], second["duration"]) == (330, 60)
    assert second["served_imei"] is second["cell"] is second["partial_sequence"] is None


def test_event_modules_beside_the_call_are_passed_over() -> None:
    events = wrap(b"\x30", wrap(b"\xaa", b"\x80\x01\x01"))
    call = single("mSOriginating", CALL)
    plain = wrap(b"\xa0", call[call.index(b"\xa1") :] + events)
    (row,) = decode(plain).edr.to_pylist()
    assert row["duration"] == 3610


def test_a_node_without_a_time_zone_suspends_and_says_what_to_set() -> None:
    stranger = {**CALL, "exchangeIdentity": "MSC9"}
    nameless = {k: v for k, v in CALL.items() if k != "exchangeIdentity"}
    chunk = decode(
        single("mSOriginating", stranger),
        single("mSOriginating", CALL),
        single("mSOriginating", nameless),
    )
    assert (chunk.records_decoded, chunk.records_suspended) == (1, 2)
    assert chunk.edr.to_pylist()[0]["recording_entity"] == "MSC1"
    first, second = chunk.suspense.to_pylist()
    assert (first["stage"], first["reason"]) == ("normalize", "missing_time_zone")
    assert (first["sub_reason"], second["sub_reason"]) == ("MSC9", None)
    assert "`time_zone`" in first["detail"]
    everywhere = zones("default: '+08:00'")
    again = decode_chunk(memory(FORMAT, [single("mSOriginating", stranger)]), range(1), everywhere)
    assert again.edr.to_pylist()[0]["utc_offset"] == 480


def test_a_record_that_validation_refuses_and_has_no_zone_is_suspended_once() -> None:
    stranger = {"exchangeIdentity": "MSC9"} | {
        k: v
        for k, v in CALL.items()
        if k.endswith("Charge")  # no party, no zone
    }
    chunk = decode(single("mSOriginating", stranger))
    assert chunk.suspense.column("reason").to_pylist() == ["missing_time_zone"]


@pytest.mark.parametrize("missing", ["dateForStartOfCharge", "timeForStartOfCharge"])
def test_half_a_start_is_none(missing: str) -> None:
    chunk = decode(single("mSOriginating", {k: v for k, v in CALL.items() if k != missing}))
    assert chunk.suspense.column("reason").to_pylist() == ["missing_start_time"]


@pytest.mark.parametrize(
    "record",
    [
        single("iNOutgoingCall", {"iNServiceTrigger": b"\x01"}),  # known, nothing to charge
        encode(FORMAT, "uMTSGSMPLMNCallDataRecord", {}),
        encode(FORMAT, "compositeCallDataRecord", []),  # type: ignore[arg-type]
        wrap(b"\xa0", wrap(b"\xbf\x40", b"\x80\x01\x01")),
    ],
)
def test_a_record_without_a_module_that_is_mapped(record: bytes) -> None:
    (row,) = decode(record).suspense.to_pylist()
    assert row["reason"] == "unknown_record_type"
    with pytest.raises(MalformedError) as caught:
        decode_record(formats.load(FORMAT), record)
    assert caught.value.status == ops.UNKNOWN_RECORD_TYPE


@pytest.mark.parametrize("octets", ["64", "ffffff12345678", "6af00012345678"])
def test_a_location_without_a_network_never_suspends(octets: str) -> None:
    fields = {**CALL, "firstCallingLocationInformation": bytes.fromhex(octets)}
    (row,) = decode(single("mSOriginating", fields)).edr.to_pylist()
    assert row["visited_network"] is None


@pytest.mark.parametrize(
    ("field", "octets", "reason"),
    [
        ("dateForStartOfCharge", bytes([26, 2, 30]), "invalid_timestamp"),
        ("timeForStartOfCharge", bytes([24, 0, 0]), "invalid_timestamp"),
        ("chargeableDuration", bytes([0, 0]), "invalid_duration"),
    ],
)
def test_octets_that_make_no_sense(field: str, octets: bytes, reason: str) -> None:
    (row,) = decode(single("mSOriginating", {**CALL, field: octets})).suspense.to_pylist()
    assert (row["reason"], row["sub_reason"]) == (reason, field)


def test_a_short_location_gives_what_it_has() -> None:
    fields = {**CALL, "firstCallingLocationInformation": bytes.fromhex("64f0001234")}
    (row,) = decode(single("mSOriginating", fields)).edr.to_pylist()
    assert (row["visited_network"], row["area"], row["cell"]) == ("460-00", 0x1234, None)


def test_every_module_is_what_asn1tools_reads() -> None:
    assert compare(FORMAT, random_records(FORMAT, 800, 11, share=0.9)).rows.total() > 500


def test_the_walk_in_plain_python_agrees() -> None:
    records = random_records(FORMAT, 200, 12, share=0.9)
    chunk = decode_chunk(memory(FORMAT, records), range(200), zones("default: '+00:00'"))
    found: dict[int, list[dict[str, Any]]] = {}
    for row in chunk.edr.to_pylist():
        found.setdefault(row["offset"], []).append(row)
    for offset, record in zip(memory(FORMAT, records).offsets.tolist(), records, strict=True):
        if offset not in found:
            continue
        for row, wanted in zip(
            found[offset], decode_record(formats.load(FORMAT), record), strict=True
        ):
            start = row.pop("start_time")
            assert wanted.pop("start_time") == int(start.timestamp()) * 10**6
            assert wanted.pop("utc_offset") is None
            assert {name: row[name] for name in wanted} == wanted


def test_parts_of_a_call_are_found_and_put_together() -> None:
    whole = {key: value for key, value in CALL.items() if not key.endswith("PartialOutput")}
    first = {**whole, "partialOutputRecNum": b"\x01", "timeForStartOfCharge": bytes([0, 0, 0])}
    first["chargeableDuration"] = bytes([0, 30, 0])
    never_cut = {key: value for key, value in whole.items() if key != "partialOutputRecNum"}
    beside = [("plain", {"mSOriginating": CALL}), ("plain", {"mSTerminating": ANSWER})]
    edr = decode(
        single("mSOriginating", CALL),
        single("mSOriginating", never_cut),
        encode(FORMAT, "compositeCallDataRecord", beside),  # type: ignore[arg-type]
        single("mSOriginating", first),
    ).edr
    rules = all_rules()
    found = part_rows(edr, rules)
    assert found.tolist() == [0, 4]
    calls = assemble(pa.Table.from_batches([edr.take(pa.array(found))]), rules)
    [call] = calls.events.to_pylist()
    assert call["duration"] == 1800 + 3610
    assert call["start_time"] == utc(2026, 6, 30, 22, 0)
    assert calls.complete.all()
