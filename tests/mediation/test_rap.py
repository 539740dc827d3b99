"""RAP: acknowledgements, return batches with their reasons, returned events as TAP records."""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from bench import tap_events as tap
from mediation import formats
from mediation.batch_audit import Totals, joined_totals, total_notes, totals_of
from mediation.decoder import decode_chunk
from mediation.returned import Return, ReturnError, returned_events, returns
from tests.mediation.cdr_records import specification
from tests.mediation.opened import NO_RULES, Opener, decoded, rows_of

if TYPE_CHECKING:
    from mediation.batch_facts import BatchFacts
    from mediation.reader import CdrFile


def rap(root: str, content: dict[str, Any]) -> bytes:
    return bytes(specification("rap").encode("RapDataInterChange", (root, content)))


AT = tap.long_time(b"20261101010203")
ERROR = {
    "errorContext": [
        {"pathItemId": 9, "itemLevel": 1},
        {"pathItemId": 62, "itemOccurrence": 2, "itemLevel": 2},
    ],
    "itemOffset": 12,
    "errorCode": 20,
}


def return_batch(details: list[Any], **audit: Any) -> bytes:
    control = {
        "sender": b"BBBBB",
        "recipient": b"AAAAA",
        "rapFileSequenceNumber": b"00003",
        "rapFileCreationTimeStamp": AT,
        "rapFileAvailableTimeStamp": AT,
        "specificationVersionNumber": 3,
        "releaseVersionNumber": 12,
        "rapSpecificationVersionNumber": 1,
        "rapReleaseVersionNumber": 5,
        "tapDecimalPlaces": 4,
    }
    total = {"totalSevereReturnValue": 0, "returnDetailsCount": len(details), **audit}
    content = {
        "rapBatchControlInfoRap": control,
        "returnDetails": details,
        "rapAuditControlInfo": total,
    }
    return rap("returnBatch", content)


def test_an_acknowledgement_says_what_it_acknowledges(opened: Opener) -> None:
    content = {
        "sender": b"BBBBB",
        "recipient": b"AAAAA",
        "rapFileSequenceNumber": b"00042",
        "ackFileCreationTimeStamp": AT,
        "ackFileAvailableTimeStamp": AT,
    }
    file = opened(rap("acknowledgement", content))
    assert (file.format_name, file.n_records, file.notes) == ("rap", 0, ())
    assert file.sequence_number == 42
    assert file.batches[0].root == "acknowledgement"
    assert file.batches[0].values["sender"] == "BBBBB"
    assert file.batches[0].values["created"] == "2026-11-01T01:02:03+08:00"


def test_returns_tell_files_and_reasons(opened: Opener) -> None:
    fatal = {"batchControlInfo": tap.control(12), "errorDetail": [ERROR]}
    event = tap.events(random.Random(2), 12, 1)[0]
    file = opened(
        return_batch(
            [
                ("stopReturn", {"lastSeqNumber": b"00041"}),
                ("missingReturn", {"startMissingSeqNumber": b"00050"}),
                ("fatalReturn", {"fileSequenceNumber": b"00042", "batchControlError": fatal}),
                (
                    "severeReturn",
                    {
                        "fileSequenceNumber": b"00042",
                        "callEventDetail": event,
                        "errorDetail": [ERROR, {"errorCode": 261}],
                    },
                ),
            ]
        )
    )
    assert (file.format_name, file.n_records, file.notes) == ("rap", 4, ())
    assert file.batches[0].values["tap_release"] == 12
    path = ((9, 1, 0), (62, 2, 2))
    offsets = file.offsets.tolist()
    assert returns(file) == [
        Return("stopReturn", offsets[0], {"lastSeqNumber": 41}, ()),
        Return("missingReturn", offsets[1], {"startMissingSeqNumber": 50}, ()),
        Return(
            "fatalReturn",
            offsets[2],
            {"fileSequenceNumber": 42},
            (ReturnError("batchControlError", 20, 12, path),),
        ),
        Return(
            "severeReturn",
            offsets[3],
            {"fileSequenceNumber": 42},
            (ReturnError("", 20, 12, path), ReturnError("", 261, None, ())),
        ),
    ]


def test_returned_events_decode_as_they_were_sent(opened: Opener) -> None:
    happened = tap.events(random.Random(4), 12, 27)
    sent = opened(tap.batch(happened))
    details = [
        ("severeReturn", {"fileSequenceNumber": b"42", "callEventDetail": event})
        for event in happened
    ]
    file = opened(return_batch(details))
    events = returned_events(file, sent.batches[0])
    chunk = decode_chunk(events, range(len(events.offsets)), rules=NO_RULES)
    where = ("file_id", "offset")

    def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: row[name] for name in row if name not in where} for row in rows]

    assert len(events.offsets) == 27
    assert plain(rows_of(chunk)) == plain(decoded(sent)[1])


def test_without_their_batch_returned_events_are_suspended(opened: Opener) -> None:
    kept = [one for one in tap.events(random.Random(4), 12, 27) if one[0] == "gprsCall"]
    details = [("severeReturn", {"callEventDetail": event}) for event in kept]
    events = returned_events(opened(return_batch(details)))
    chunk = decode_chunk(events, range(len(events.offsets)), rules=NO_RULES)
    assert chunk.records_suspended == len(kept)
    assert {row["reason"] for row in chunk.suspense.to_pylist()} == {"unknown_code"}


def test_a_broken_value_costs_its_event_only(opened: Opener) -> None:
    happened = tap.events(random.Random(11), 12, 27)
    sent = opened(tap.batch(happened))
    facts = sent.batches[0]
    details = [
        ("severeReturn", {"fileSequenceNumber": b"00042", "callEventDetail": event})
        for place, event in enumerate(happened)
        if sent.offsets.tolist()[place] in {row["offset"] for row in decoded(sent)[1]}
    ]
    details.insert(5, ("stopReturn", {"lastSeqNumber": b"00007"}))
    octets = return_batch(details)
    whole = opened(octets)
    clean, suspended = events_of(whole, facts)
    assert (len(clean), suspended) == (len(details) - 1, [])
    assert not any(one.fault for one in returns(whole))
    places = list(zip(whole.offsets.tolist(), whole.lengths.tolist(), strict=True))
    for at, length in (places[0], places[9], places[-1]):
        number = octets.index(b"00042", at)
        for place, value in [
            (number - 1, 0x7F),  # the number ends behind its return
            (number - 1, 0x85),  # a length of five octets
            (number + 5, 0x1F),  # no event begins so
            (number + 7, 0xFF),  # the event has no length
        ]:
            broken = bytearray(octets)
            broken[place] = value
            file = opened(bytes(broken), "rap")
            found, suspended = events_of(file, facts)
            inside = range(at, at + length)
            assert found == {one: rows for one, rows in clean.items() if one not in inside}
            assert [offset in inside for offset in suspended] == [True]
            assert [one.offset for one in returns(file) if one.fault] == [at]


def events_of(
    file: CdrFile, facts: BatchFacts
) -> tuple[dict[int, list[dict[str, Any]]], list[int]]:
    """Returns the rows of returned events by where these stand, and where suspended ones do."""
    events = returned_events(file, facts)
    chunk = decode_chunk(events, range(len(events.offsets)), rules=NO_RULES)
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in rows_of(chunk):
        rows.setdefault(row["offset"], []).append(row | {"file_id": ""})
    return rows, chunk.suspense.column("offset").to_pylist()


def test_a_severe_return_without_its_event_is_suspended(opened: Opener) -> None:
    file = opened(return_batch([("severeReturn", {}), ("stopReturn", {"lastSeqNumber": b"1"})]))
    events = returned_events(file)
    assert events.offsets.tolist() == file.offsets.tolist()[:1]
    chunk = decode_chunk(events, range(1), rules=NO_RULES)
    assert chunk.records_suspended == 1


def test_the_value_of_severe_returns_is_compared(opened: Opener) -> None:
    happened = tap.events(random.Random(4), 12, 27)
    sums = tap.totals(happened)
    details = [("severeReturn", {"callEventDetail": event}) for event in happened]
    details.append(("stopReturn", {"lastSeqNumber": b"1"}))
    right = {"totalSevereReturnValue": sums["charge"], "totalSevereReturnTax": sums["tax"]}
    chunk, _, notes = decoded(opened(return_batch(details, **right)))
    assert (notes, chunk.records) == ((), 28)
    assert sums["charge"] > 0
    wrong = {**right, "totalSevereReturnValue": sums["charge"] + 1}
    _, _, notes = decoded(opened(return_batch(details, **wrong)))
    [note] = notes
    assert note.startswith(f"returnBatch: declares severe_value {sums['charge'] + 1}, its records")
    assert note.endswith(f" sum up to {sums['charge']}")
    # Chunk by chunk the same.
    file = opened(return_batch(details, **right))
    rule = formats.load("rap")
    totals: Totals = {}
    for part in file.chunks(5):
        totals = joined_totals(totals, totals_of(rule, file.batches, decode_chunk(file, part).sums))
    assert total_notes(totals) == ()


def test_a_wrong_count_is_noted(opened: Opener) -> None:
    file = opened(return_batch([("stopReturn", {"lastSeqNumber": b"1"})], returnDetailsCount=2))
    assert file.notes == ("returnBatch: declares 2 records, 1 were found",)


def test_returns_are_discarded_by_name(opened: Opener) -> None:
    details = [("stopReturn", {"lastSeqNumber": b"1"}), ("severeReturn", {})]
    file = opened(return_batch(details))
    chunk = decode_chunk(file, range(2))
    assert (chunk.records_discarded, chunk.discarded) == (2, {"returned_to_partner": 2})
