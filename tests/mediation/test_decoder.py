# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from mediation.decoder import DecodedChunk, decode_chunk
from mediation.edr import DIRECTIONS, EDR_SCHEMA, SERVICES, SUSPENSE_SCHEMA
from mediation.errors import MediationConfigError
from mediation.normalize import NormalizationSettings
from mediation.number_plan import NumberPlan
from mediation.validation import Rule, RuleSet
from mediation.validation_rules import default_rules
from tests.mediation.cdr_records import (
    encode,
    memory,
    mo_call,
    number,
    random_records,
    tbcd,
    timestamp,
    wrap,
)


def pgw(**changes: Any) -> bytes:
    value = {
        "recordType": 85,
        "servedIMSI": tbcd("460001012345678"),
        "chargingID": 4_000_000_000,
        "accessPointNameNI": b"cmnet",
        "recordOpeningTime": timestamp("261001080000+0800"),
        "duration": 1800,
        "causeForRecClosing": 0,
        "nodeID": b"pgw1",
        "servingNodePLMNIdentifier": b"\x44\xf0\x01",
        "rATType": 6,
        **changes,
    }
    return encode("3gpp_ps", "pGWRecord", {k: v for k, v in value.items() if v is not None})


def decode_one(format_name: str, record: bytes, **options: Any) -> DecodedChunk:
    return decode_chunk(memory(format_name, [record]), range(1), **options)


def test_the_batch_has_the_schema_to_the_letter() -> None:
    for name in ("3gpp_cs", "3gpp_ps"):
        records = random_records(name, 50, 3)
        chunk = decode_chunk(memory(name, records), range(len(records)))
        chunk.edr.validate(full=True)
        chunk.suspense.validate(full=True)
        assert chunk.edr.schema.equals(EDR_SCHEMA, check_metadata=True)
        assert chunk.suspense.schema.equals(SUSPENSE_SCHEMA, check_metadata=True)
        assert chunk.edr.column("service").dictionary.to_pylist() == list(SERVICES)
        assert chunk.edr.column("direction").dictionary.to_pylist() == list(DIRECTIONS)
        for field in EDR_SCHEMA:
            if not field.nullable:
                assert chunk.edr.column(field.name).null_count == 0


def test_an_empty_range_gives_empty_batches() -> None:
    chunk = decode_chunk(memory("3gpp_cs", [mo_call()]), range(0))
    assert chunk.edr.num_rows == chunk.suspense.num_rows == chunk.records == 0
    assert chunk.edr.schema.equals(EDR_SCHEMA)


@pytest.mark.parametrize("wanted", [range(2), range(0, 1, 2), range(-1, 1)])
def test_a_range_outside_the_file_is_refused(wanted: range) -> None:
    with pytest.raises(ValueError, match="1 records"):
        decode_chunk(memory("3gpp_cs", [mo_call()]), wanted)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(MediationConfigError, match="did you mean"):
        decode_chunk(replace(memory("3gpp_cs", [mo_call()]), format_name="3gpp_xs"), range(1))


def test_every_record_is_in_exactly_one_place() -> None:
    records = random_records("3gpp_cs", 200, 5)
    records[3::7] = [record[: len(record) // 2] for record in records[3::7]]
    records.append(mo_call(callDuration=100_000))
    file = memory("3gpp_cs", records)
    chunk = decode_chunk(file, range(len(records)))
    assert chunk.records == len(records)
    parts = (chunk.records_decoded, chunk.records_suspended, chunk.records_discarded)
    assert sum(parts) == len(records)
    assert min(parts) > 0
    assert chunk.records_discarded == sum(chunk.discarded.values())
    octets = chunk.bytes_decoded + chunk.bytes_suspended + chunk.bytes_discarded
    assert octets == int(file.lengths.sum())
    decoded = set(chunk.edr.column("offset").to_pylist())
    suspended = chunk.suspense.column("offset").to_pylist()
    assert not decoded & set(suspended)
    assert decoded | set(suspended) < set(file.offsets.tolist())
    assert len(decoded) + len(suspended) + chunk.records_discarded == len(records)
    assert suspended == sorted(suspended)
    assert chunk.suspense.column("reason").to_pylist()[-1] == "duration_over_24h"


def as_pages(batches: list[pa.RecordBatch]) -> list[dict[str, Any]]:
    return pa.Table.from_batches(batches).unify_dictionaries().to_pylist()


@pytest.mark.parametrize("name", ["3gpp_cs", "3gpp_ps"])
def test_chunks_and_threads_do_not_change_the_rows(name: str) -> None:
    records = random_records(name, 700, 9)
    file = memory(name, records)
    whole = decode_chunk(file, range(len(records)))
    ranges = [range(start, min(start + 130, 700)) for start in range(0, 700, 130)]
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda wanted: decode_chunk(file, wanted), ranges * 2))
    assert as_pages([part.edr for part in parts[: len(ranges)]]) == whole.edr.to_pylist()
    assert [part.edr for part in parts[: len(ranges)]] == [
        part.edr for part in parts[len(ranges) :]
    ]
    assert as_pages([part.suspense for part in parts[: len(ranges)]]) == whole.suspense.to_pylist()


def test_more_records_than_a_block() -> None:
    records = [mo_call(callReference=n.to_bytes(3, "big")) for n in range(1, 100)] * 50
    chunk = decode_chunk(memory("3gpp_cs", records), range(len(records)))
    assert chunk.records_decoded == chunk.edr.num_rows == len(records)
    assert chunk.edr.column("call_reference").to_pylist() == list(range(1, 100)) * 50


def test_texts_outgrow_their_table() -> None:
    codes = [f"1{n:04d}" for n in range(3000)]
    records = [mo_call(calledNumber=number(code, 0x81)) for code in codes]
    chunk = decode_chunk(memory("3gpp_cs", records), range(len(records)))
    assert chunk.edr.column("other_text").to_pylist() == codes
    assert chunk.edr.column("other_number").null_count == len(codes)
    assert set(chunk.edr.column("trunk_out").to_pylist()) == {"TG01"}


def test_containers_become_rows() -> None:
    containers = [
        {
            "ratingGroup": 1,
            "localSequenceNumber": 7,
            "timeOfFirstUsage": timestamp("261001081000+0800"),
            "timeUsage": 60,
            "datavolumeFBCUplink": 1000,
            "datavolumeFBCDownlink": 5_000_000_000,
        },
        {"ratingGroup": 100, "localSequenceNumber": 8, "datavolumeFBCUplink": 5},
    ]
    chunk = decode_one("3gpp_ps", pgw(listOfServiceData=containers))
    first, second = chunk.edr.to_pylist()
    assert (first["container"], second["container"]) == (0, 1)
    assert first["offset"] == second["offset"]
    assert (first["rating_group"], second["rating_group"]) == (1, 100)
    assert (first["uplink"], first["downlink"], first["duration"]) == (1000, 5_000_000_000, 60)
    # A container without a quantity has none; the record's duration is not repeated.
    assert (second["uplink"], second["downlink"], second["duration"]) == (5, 0, 0)
    assert first["start_time"].minute == 10
    assert second["start_time"].minute == 0
    for row in (first, second):
        assert row["charging_id"] == 4_000_000_000
        assert (row["apn"], row["rat"], row["recording_entity"]) == ("cmnet", 6, "pgw1")
        assert row["visited_network"] == "440-10"
        assert row["service"] == "data"


def test_a_record_without_containers_is_one_row() -> None:
    for changes in ({}, {"listOfServiceData": []}):
        (row,) = decode_one("3gpp_ps", pgw(**changes)).edr.to_pylist()
        assert (row["duration"], row["uplink"], row["container"]) == (1800, 0, 0)


def test_containers_before_the_record_s_own_fields() -> None:
    plain = pgw(listOfServiceData=[{"ratingGroup": 1}, {"ratingGroup": 2}])
    body = plain[3:] if plain[2] < 128 else plain[4:]
    place = body.index(b"\xbf\x22")
    turned = wrap(b"\xbf\x4f", body[place:] + body[:place])
    rows = decode_one("3gpp_ps", plain).edr.to_pylist()
    assert decode_one("3gpp_ps", turned).edr.to_pylist() == rows
    assert rows[1]["apn"] == "cmnet"


def test_traffic_volumes_begin_where_the_one_before_ended_and_last_until_their_own_end() -> None:
    volumes = [
        {"dataVolumeGPRSUplink": 10, "changeTime": timestamp("261001081000+0800")},
        {"dataVolumeGPRSUplink": 10, "changeTime": timestamp("261001082000+0800")},
        {"dataVolumeGPRSUplink": 10},
    ]
    record = {
        "servedIMSI": tbcd("460001012345678"),
        "recordOpeningTime": timestamp("261001080000+0800"),
        "s-GWAddress": ("iPBinV4Address", b"\x0a\x00\x00\x07"),
        "duration": 1800,
        "listOfTrafficVolumes": volumes,
    }
    rows = decode_one("3gpp_ps", encode("3gpp_ps", "sGWRecord", record)).edr.to_pylist()
    assert [row["start_time"].minute for row in rows] == [0, 10, 20]
    assert [row["container_sequence"] for row in rows] == [1, 2, 3]
    assert [row["duration"] for row in rows] == [600, 600, 0]
    assert {row["recording_entity"] for row in rows} == {"10.0.0.7"}


def test_one_refused_container_refuses_its_record() -> None:
    bad = [{"ratingGroup": 1}, {"ratingGroup": 2, "timeUsage": -1}, {"ratingGroup": 3}]
    file = memory("3gpp_ps", [pgw(), pgw(listOfServiceData=bad), pgw()])
    chunk = decode_chunk(file, range(3))
    assert chunk.edr.column("offset").to_pylist() == [int(file.offsets[0]), int(file.offsets[2])]
    assert (chunk.records_decoded, chunk.records_suspended) == (2, 1)
    (row,) = chunk.suspense.to_pylist()
    assert (row["stage"], row["reason"], row["sub_reason"]) == (
        "validate",
        "duration_negative",
        "duration",
    )


def rule(reason: str, column: str, low: int, outcome: str) -> Rule:
    found = default_rules().rules[0]
    return Rule(reason, (column,), "below", low, 2**62, (), (), outcome, found.kind, "Because.")


def test_a_rule_may_discard_and_suspending_outweighs_it() -> None:
    rules = RuleSet(
        (rule("tiny", "duration", 10, "discard"), rule("group", "rating_group", 5, "suspend"))
    )
    only_tiny = pgw(listOfServiceData=[{"ratingGroup": 9, "timeUsage": 1}])
    both = pgw(
        listOfServiceData=[{"ratingGroup": 9, "timeUsage": 1}, {"ratingGroup": 1, "timeUsage": 60}]
    )
    chunk = decode_chunk(memory("3gpp_ps", [only_tiny, both, pgw()]), range(3), rules=rules)
    assert chunk.discarded == {"tiny": 1}
    assert (chunk.records_discarded, chunk.bytes_discarded) == (1, len(only_tiny))
    assert chunk.suspense.column("reason").to_pylist() == ["group"]
    assert chunk.records_decoded == 1


def test_a_record_without_a_start_never_becomes_a_row() -> None:
    chunk = decode_one("3gpp_cs", mo_call(answerTime=None, seizureTime=None), rules=RuleSet(()))
    assert chunk.edr.num_rows == 0
    assert chunk.suspense.column("reason").to_pylist() == ["missing_start_time"]


def test_a_record_with_too_many_containers_is_suspended() -> None:
    many = [{"ratingGroup": 1}] * 1025
    chunk = decode_chunk(memory("3gpp_ps", [pgw(listOfServiceData=many), pgw()]), range(2))
    assert chunk.suspense.column("reason").to_pylist() == ["too_many_rows"]
    assert chunk.records_decoded == 1
    just = decode_one("3gpp_ps", pgw(listOfServiceData=many[1:]))
    assert just.edr.num_rows == 1024
    assert just.edr.column("container").to_pylist() == list(range(1024))


def test_a_source_may_write_numbers_its_own_way() -> None:
    settings = NormalizationSettings(NumberPlan("49", national_lengths=(6, 11)))
    record = mo_call(calledNumber=number("03012345678", 0x81))
    (row,) = decode_one("3gpp_cs", record, normalization=settings).edr.to_pylist()
    assert row["other_number"] == 493012345678
    assert (row["dialled"], row["dialled_zeros"]) == (3012345678, 1)


def test_integers_without_their_leading_zero_are_repaired_where_the_source_says_so() -> None:
    short = mo_call().replace(b"\x99\x02\x00\x82", b"\x99\x01\x82")  # 130 s, or -126
    assert len(short) < len(mo_call())
    plain = decode_one("3gpp_cs", wrap(b"\xa0", short[3:]))
    assert plain.suspense.column("reason").to_pylist() == ["duration_negative"]
    assert plain.integers_repaired == 0
    repairing = NormalizationSettings(repair_integers=True)
    repaired = decode_one("3gpp_cs", wrap(b"\xa0", short[3:]), normalization=repairing)
    assert repaired.edr.column("duration").to_pylist() == [130]
    assert repaired.integers_repaired == 1
    whole = decode_one("3gpp_cs", mo_call(), normalization=repairing)
    assert whole.edr.column("duration").to_pylist() == [130]
    assert whole.integers_repaired == 0


def test_a_counter_of_32_bits_that_lost_its_leading_zero() -> None:
    record = pgw(chargingID=None)
    short = wrap(b"\x85", b"\xff\xff\xff\xff")
    repairing = NormalizationSettings(repair_integers=True)
    chunk = decode_one("3gpp_ps", wrap(record[:2], record[3:] + short), normalization=repairing)
    assert chunk.edr.column("charging_id").to_pylist() == [2**32 - 1]
    assert chunk.integers_repaired == 1


def test_unsigned_fields_are_repaired_and_counted_always() -> None:
    record = pgw(
        listOfServiceData=[{"ratingGroup": 5, "timeOfReport": timestamp("261001080000+0800")}]
    )
    assert record.count(b"\x81\x01\x05") == 1
    chunk = decode_one("3gpp_ps", record.replace(b"\x81\x01\x05", b"\x81\x01\x85"))
    assert chunk.edr.column("rating_group").to_pylist() == [0x85]
    assert chunk.integers_repaired == 1
