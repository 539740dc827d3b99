"""TAP 3: every release and event type against asn1tools, batch facts, totals, bad files."""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import os
import pathlib
import random
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from bench import tap_events as tap
from mediation import format_folders, formats
from mediation.batch_audit import joined_totals, totals_of
from mediation.decoder import decode_chunk
from mediation.duplicates import record_keys
from mediation.kernels import ops
from mediation.reference.ber import MalformedError, decode_record
from tests.mediation.cdr_records import memory, specification
from tests.mediation.fuzz_mutate import MUTATIONS, dissect
from tests.mediation.opened import NO_RULES, Opener, decoded
from tests.mediation.tap_meaning import meaning

if TYPE_CHECKING:
    from mediation.batch_audit import Totals
    from mediation.reader import CdrFile


@pytest.mark.parametrize("release", tap.RELEASES)
def test_every_event_type_of_every_release_equals_asn1tools(opened: Opener, release: int) -> None:
    happened = tap.events(random.Random(release), release, 300)
    octets = tap.batch(happened, release)
    file = opened(octets)
    assert (file.format_name, file.framing, file.n_records) == ("tap3", "outer", 300)
    chunk, rows, notes = decoded(file)
    kinds = set()
    by_offset: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_offset.setdefault(row["offset"], []).append(row)
    _, content = specification("tap3").decode("DataInterChange", octets)
    for offset, (kind, event) in zip(
        file.offsets.tolist(), content["callEventDetails"], strict=True
    ):
        wanted = meaning(kind, event)
        if wanted[0]["start_time"] is None:
            assert offset not in by_offset
            continue
        kinds.add(kind)
        found = by_offset[offset]
        assert len(found) == len(wanted)
        for row, expected in zip(found, wanted, strict=True):
            for column, value in expected.items():
                assert row[column] == value, (kind, column, event)
    assert len(kinds) == {9: 8, 10: 8, 11: 7, 12: 9}[release]
    assert chunk.records_suspended < 120
    unknown = [note for note in notes if "recording_entity" not in note]
    assert unknown == []


def test_header_and_tables_are_facts_of_the_file(opened: Opener) -> None:
    file = opened(tap.batch(tap.events(random.Random(1), 12, 9), 12))
    (facts,) = file.batches
    assert file.sequence_number == 42
    assert file.declared_records == 9
    assert facts.values["sender"] == "AAAAA"
    assert facts.values["release"] == 12
    assert facts.values["available"] == "2026-11-01T01:02:03+08:00"
    assert facts.values["currency"] == "XDR"
    assert facts.values["local_currency"] == "EUR"
    assert facts.codes["utc_offset"] == {0: 480, 1: -210, 7: 0}
    assert facts.codes["partner_rate"] == {0: 1_162_030_000, 3: 7_000_000_000}
    assert facts.codes["partner_tax_rate"] == {0: 1_900_000, 5: 700_000}


def test_a_notification_has_no_records_and_keeps_its_facts(opened: Opener) -> None:
    file = opened(tap.notification(11, rapFileSequenceNumber=b"00007"))
    assert (file.format_name, file.n_records, file.notes) == ("tap3", 0, ())
    assert file.header_bytes == file.size
    assert file.batches[0].root == "notification"
    assert file.batches[0].values["rap_sequence_number"] == 7
    assert file.sequence_number == 42


def call(**changes: Any) -> tuple[str, Any]:
    """Returns a call of 60 s that costs 1.2345, with changes to its basic information."""
    basic = {
        "chargeableSubscriber": ("simChargeableSubscriber", {"imsi": tap.bcd("460001234567890")}),
        "callEventStartTimeStamp": {"localTimeStamp": b"20261031235958", "utcTimeOffsetCode": 0},
        "totalCallEventDuration": 60,
        **changes,
    }
    detail = {"chargeType": b"00", "charge": 12345}
    part = {"chargeDetailList": [{"chargeType": b"01", "charge": 9}, detail]}
    return "mobileOriginatedCall", {
        "basicCallInformation": {name: part for name, part in basic.items() if part is not None},
        "basicServiceUsedList": [{"chargeInformationList": [part]}],
    }


def test_charges_become_millionths_and_times_utc(opened: Opener) -> None:
    _, rows, notes = decoded(opened(tap.batch([call()])))
    assert rows[0]["partner_charge"] == 1_234_500
    assert rows[0]["partner_currency"] == "XDR"
    assert rows[0]["utc_offset"] == 480
    assert rows[0]["start_time"] == 1_793_462_398_000_000
    assert notes == ()


@pytest.mark.parametrize(
    ("entered", "number", "text"),
    [
        (b"+447700900123", 447700900123, None),
        (b"13910000001", 8613910000001, None),
        (b"00447700900123", 447700900123, None),
        (b"10086", None, "10086"),
        (None, 8613800100500, None),
    ],
)
def test_a_message_goes_to_its_recipient_and_not_to_its_service_centre(
    opened: Opener, entered: bytes | None, number: int | None, text: str | None
) -> None:
    said = {"calledNumber": bytes.fromhex("8613800100500f")}
    event = call(destination=said | ({"sMSDestinationNumber": entered} if entered else {}))
    [row] = decoded(opened(tap.batch([event])))[1]
    assert (row["other_number"], row["other_text"]) == (number, text)


@pytest.mark.parametrize(
    ("dialled", "led_to", "number", "text"),
    [
        (b"112", None, None, "112"),
        (b"+447700900123", None, 447700900123, None),
        (b"68888", bytes.fromhex("8613910000001f"), 8613910000001, None),
        (b"68888", None, None, "68888"),
    ],
)
def test_a_call_without_a_called_number_goes_where_camel_led_it_or_where_it_was_dialled(
    opened: Opener, dialled: bytes, led_to: bytes | None, number: int | None, text: str | None
) -> None:
    name, event = call(destination={"dialledDigits": dialled})
    if led_to:
        destination = ("camelDestinationNumber", led_to)
        event["camelServiceUsed"] = {"threeGcamelDestination": destination}
    [row] = decoded(opened(tap.batch([(name, event)])))[1]
    assert (row["other_number"], row["other_text"]) == (number, text)


def test_a_message_comes_from_its_sender_and_not_from_its_service_centre(opened: Opener) -> None:
    said = {"callingNumber": bytes.fromhex("447700900500"), "sMSOriginator": b"491718888888"}
    name, event = call(callOriginator=said)
    assert name == "mobileOriginatedCall"
    [row] = decoded(opened(tap.batch([("mobileTerminatedCall", event)])))[1]
    assert row["other_number"] == 491718888888


def test_the_agreed_currency_counts(opened: Opener) -> None:
    file = opened(tap.batch([call()], accountingInfo={"tapCurrency": b"EUR"}))
    assert decoded(file)[1][0]["partner_currency"] == "EUR"


def reasons(file: CdrFile) -> list[tuple[str, str]]:
    suspense = decoded(file)[0].suspense.to_pylist()
    return [(row["stage"], row["reason"]) for row in suspense]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"localTimeStamp": b"20261131000000", "utcTimeOffsetCode": 0}, "invalid_timestamp"),
        ({"localTimeStamp": b"2026103100000", "utcTimeOffsetCode": 0}, "invalid_timestamp"),
        ({"localTimeStamp": b"20261031000000", "utcTimeOffsetCode": 5}, "unknown_code"),
        ({"localTimeStamp": b"20261031000000"}, "missing_utc_offset"),
    ],
)
def test_times_that_cannot_be_known_suspend(
    opened: Opener, changes: dict[str, Any], reason: str
) -> None:
    file = opened(tap.batch([call(callEventStartTimeStamp=changes), call()]))
    assert reasons(file) == [("normalize", reason)]


@pytest.mark.parametrize(
    ("places", "reason", "note"),
    [
        (None, "unknown_decimal_places", None),
        (7, "inexact_amount", "decimal_places is 7; allowed: 0, 1, 2, 3, 4, 5, 6"),
        (99, "unknown_decimal_places", "decimal_places is 99"),
        (-1, "unknown_decimal_places", "decimal_places is -1"),
    ],
)
def test_bad_decimal_places_suspend(
    opened: Opener, places: int | None, reason: str, note: str | None
) -> None:
    file = opened(tap.batch([call()], places=places))
    assert reasons(file) == [("normalize", reason)]
    assert note is None or note in file.notes[0]


def test_an_impossible_offset_in_the_tables_is_noted_and_its_events_suspended(
    opened: Opener,
) -> None:
    table = [{"utcTimeOffsetCode": 0, "utcTimeOffset": b"+2500"}]
    file = opened(tap.batch([call()], networkInfo={"utcTimeOffsetInfo": table}))
    assert reasons(file) == [("normalize", "unknown_code")]
    assert "utc_offset code 0 cannot be read as offset: 2b32353030" in file.notes[0]


def test_a_batch_without_tables_suspends_its_events(opened: Opener) -> None:
    file = opened(tap.batch([call()], networkInfo=None, accountingInfo=None))
    assert reasons(file) == [("normalize", "unknown_code")]


def test_negative_charges_suspend(opened: Opener) -> None:
    kind, event = call()
    event["basicServiceUsedList"][0]["chargeInformationList"][0]["chargeDetailList"][1][
        "charge"
    ] = -5
    file = opened(tap.batch([(kind, event)], auditControlInfo=None))
    assert reasons(file) == [("normalize", "negative_amount")]


@pytest.mark.parametrize(
    ("audit", "note"),
    [
        ({"totalCharge": 12346}, "declares charge 12346, its records sum up to 12345"),
        ({"totalTaxValue": 5}, "declares tax 5, its records sum up to 0"),
        ({"callEventDetailsCount": 3}, "declares 3 records, 1 were found"),
        (None, "declares no charge, its records sum up to 12345"),
    ],
)
def test_totals_that_do_not_agree_are_findings(opened: Opener, audit: Any, note: str) -> None:
    *_, notes = decoded(opened(tap.batch([call()], auditControlInfo=audit)))
    assert notes == (f"transferBatch: {note}",)


def test_totals_are_those_of_the_whole_file_whatever_the_chunks(opened: Opener) -> None:
    file = opened(tap.batch(tap.events(random.Random(5), 12, 90), 12))
    cdr_format = formats.load("tap3")
    whole = totals_of(cdr_format, file.batches, decoded(file)[0].sums)
    joined: Totals = {}
    for wanted in file.chunks(7):
        chunk = decode_chunk(file, wanted, rules=NO_RULES)
        joined = joined_totals(joined, totals_of(cdr_format, file.batches, chunk.sums))
    assert joined == whole
    assert whole["0 charge"].declared == whole["0 charge"].found > 0


def test_two_batches_in_one_file_keep_their_tables_apart(opened: Opener) -> None:
    other = [{"utcTimeOffsetCode": 0, "utcTimeOffset": b"-0500"}]
    second = tap.batch([call()], places=2, networkInfo={"utcTimeOffsetInfo": other})
    file = opened(tap.batch([call(), call()]) + second)
    rows = decoded(file)[1]
    assert [row["utc_offset"] for row in rows] == [480, 480, -300]
    assert [row["partner_charge"] for row in rows] == [1_234_500, 1_234_500, 123_450_000]
    assert [batch.records for batch in file.batches] == [range(2), range(2, 3)]


def test_a_cut_file_gives_its_whole_events_and_says_so(opened: Opener) -> None:
    octets = tap.batch([call() for _ in range(20)])
    file = opened(octets[: len(octets) // 2 + 150], "tap3")
    assert 5 < file.n_records < 20
    _, rows, notes = decoded(file)
    assert len(rows) == file.n_records
    assert any("was cut" in note for note in notes)
    assert any("declares no charge" in note for note in notes)


def test_refunds_count_below_zero(opened: Opener) -> None:
    def content(refund: int) -> dict[str, Any]:
        detail = {"chargeType": b"00", "charge": 700}
        return {
            "chargeRefundIndicator": refund,
            "chargeInformationList": [{"chargeDetailList": [detail]}],
        }

    ordered = {"localTimeStamp": b"20261031000000", "utcTimeOffsetCode": 0}
    event = {
        "contentTransactionBasicInfo": {"orderPlacedTimeStamp": ordered},
        "contentServiceUsed": [content(0), content(1)],
    }
    file = opened(tap.batch([("contentTransaction", event)]))
    _, rows, notes = decoded(file)
    assert [row["partner_charge"] for row in rows] == [70_000, -70_000]
    assert [row["events"] for row in rows] == [1, 0]
    assert file.batches[0].values["charge_refund"] == 700
    assert notes == ()


def test_purchases_messages_and_refunds_of_one_second_are_no_duplicates(opened: Opener) -> None:
    moment = {"localTimeStamp": b"20261031000000", "utcTimeOffsetCode": 0}
    payer = {"chargedPartyIdType": 1, "chargedPartyIdentifier": b"8619910000001"}

    def content(name: bytes | None, refund: int) -> tuple[str, dict[str, Any]]:
        service: dict[str, Any] = {"chargeRefundIndicator": refund}
        return "contentTransaction", {
            "contentTransactionBasicInfo": {"orderPlacedTimeStamp": moment},
            "chargedPartyInformation": {"chargedPartyIdList": [payer]},
            "contentServiceUsed": [service | ({"transactionIdentifier": name} if name else {})],
        }

    def message(name: bytes) -> tuple[str, dict[str, Any]]:
        charged = {"msisdn": bytes.fromhex("8619910000001f")}
        return "messagingEvent", {
            "chargedParty": charged,
            "serviceStartTimestamp": moment,
            "eventReference": name,
        }

    events = [content(name, refund) for name in (b"T1", b"T2", None) for refund in (0, 1)]
    events += [message(b"E1"), message(b"E2"), message(b"E2")]
    chunk, _, _ = decoded(opened(tap.batch(events)))
    high, low = record_keys(chunk.edr)
    assert len(set(zip(high.tolist(), low.tolist(), strict=True))) == len(events) - 1


def agreed() -> str:
    """The example of a variant in the format's README."""
    readme = (formats.load("tap3").folder / "README.md").read_text(encoding="utf-8")
    return textwrap.dedent("  " + readme.partition("```yaml\n  ")[2].partition("  ```")[0])


def test_a_variant_reads_further_types_of_parties(
    opened: Opener, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties = [
        [(1, b"8619910000001")],
        [(2, b"460001012345678")],
        [(2, b"460001012345678"), (1, b"8619910000001")],
        [(9, b"sip:+8619910000009@ims.example")],
        [(9, b"somebody@example.org")],
        [(3, b"460001012345678")],
    ]
    ordered = {"localTimeStamp": b"20261031000000", "utcTimeOffsetCode": 0}
    names = ("chargedPartyIdType", "chargedPartyIdentifier")
    events = [
        (
            "contentTransaction",
            {
                "contentTransactionBasicInfo": {"orderPlacedTimeStamp": ordered},
                "chargedPartyInformation": {
                    "chargedPartyIdList": [dict(zip(names, each, strict=True)) for each in some]
                },
                "contentServiceUsed": [{}],
            },
        )
        for some in parties
    ]
    (tmp_path / "agreed").mkdir()
    (tmp_path / "agreed" / "mapping.yaml").write_text(agreed())
    (tmp_path / "agreed" / "README.md").write_text("# agreed\n")
    monkeypatch.setattr(format_folders, "_named", [tmp_path])
    octets = tap.batch(events)
    served = ("served_imsi", "served_msisdn")
    found = [tuple(row[name] for name in served) for row in decoded(opened(octets, "agreed"))[1]]
    imsi, number = 460001012345678, 8619910000001
    sip = (None, 8619910000009)
    assert found == [(None, number), (imsi, None), (imsi, number), sip, (None, None), (None, None)]
    plain = [tuple(row[name] for name in served) for row in decoded(opened(octets, "tap3"))[1]]
    assert plain == [(None, number), (None, None), (None, number), *[(None, None)] * 3]


def test_the_trailer_of_five_calls_is_the_sum_of_their_totals(opened: Opener) -> None:
    """The charges of a partner's file of release 3.11, on calls of nobody."""
    happened = []
    for kind, charge in (("Originated", 17838), ("Terminated", 0), ("Originated", 2064)):
        _, event = call()
        part = event["basicServiceUsedList"][0]["chargeInformationList"][0]
        part["chargeDetailList"] = [{"chargeType": b"00", "charge": charge}]
        happened.append((f"mobile{kind}Call", event))
    happened += [happened[1], happened[1]]
    octets = tap.batch(happened, 11)
    file = opened(octets)
    _, rows, notes = decoded(file)
    assert file.batches[0].values["charge"] == 19902
    assert sum(row["partner_charge"] for row in rows) == 1_990_200
    assert (file.batches[0].values["release"], notes) == (11, ())


def twin_fault(piece: bytes) -> str | None:
    """Returns why the plain-Python decoder gives an event up, None if it does not."""
    try:
        decode_record(formats.load("tap3"), piece)
    except MalformedError as error:
        return ops.STATUS_NAMES[error.status]
    return None


def test_the_twin_finds_the_same_faults_in_mutated_events() -> None:
    rng = random.Random(11)
    clean = [
        dissect(specification("tap3").encode("CallEventDetail", event))
        for event in tap.events(rng, 12, 45, share=0.4)
    ]
    pieces = [rng.choice(MUTATIONS)(rng, rng.choice(clean)) for _ in range(400)]
    pieces = [piece for piece in pieces if piece]
    file = memory("tap3", pieces)
    chunk = decode_chunk(file, range(len(pieces)), rules=NO_RULES)
    reasons_at = {row["offset"]: row["reason"] for row in chunk.suspense.to_pylist()}
    for offset, piece in zip(file.offsets.tolist(), pieces, strict=True):
        reason = reasons_at.get(offset)
        wanted = twin_fault(piece)
        found = reason if reason in ops.STATUS_NAMES.values() else None
        assert found == wanted, piece.hex()


@pytest.mark.skipif("HUADAN_REAL_FILES" not in os.environ, reason="no folder of real files")
@pytest.mark.parametrize(("name", "release"), [("tap310-demo.ber", 10), ("tap311-demo.ber", 11)])
def test_real_files_decode_and_their_totals_agree(opened: Opener, name: str, release: int) -> None:
    file = opened((pathlib.Path(os.environ["HUADAN_REAL_FILES"]) / name).read_bytes())
    _, _, notes = decoded(file)
    assert (file.format_name, file.n_records, file.unframed) == ("tap3", 5, [])
    assert file.batches[0].values["release"] == release
    assert file.batches[0].values.get("charge", 19902) == 19902
    assert not [note for note in notes if "declares" in note]
