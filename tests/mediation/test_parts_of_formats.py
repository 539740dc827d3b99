"""A call cut anywhere is the uncut call again, in every format whose calls come in parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.decoder import decode_chunk
from mediation.normalize import CHINA
from mediation.partials.assemble import assemble, part_rows
from mediation.partials.rules import all_rules
from mediation.time_zones import NO_ZONES
from mediation.validation import RuleSet
from tests.mediation.cdr_records import MO_CALL, encode, memory, timestamp
from tests.mediation.test_ericsson_cs import CALL as ERICSSON
from tests.mediation.test_huawei_cs import CALL as HUAWEI

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Part = Callable[..., bytes]

SETTINGS = replace(CHINA, time_zones=NO_ZONES.with_default("+08:00"))
MIDNIGHT = datetime(2026, 10, 31)  # noqa: DTZ001 - what switches write has no zone
KEPT = (
    "record_type",
    "service",
    "direction",
    "served_imsi",
    "served_msisdn",
    "other_number",
    "start_time",
    "duration",
    "call_reference",
    "recording_entity",
)


def stamp(second: int) -> bytes:
    return timestamp((MIDNIGHT + timedelta(seconds=second)).strftime("%y%m%d%H%M%S+0800"))


def of_3gpp(name: str, number: int | None, begin: int, end: int, *, more: bool) -> bytes:
    fields = {
        **(HUAWEI if name == "huawei_cs" else MO_CALL),
        "answerTime": stamp(begin),
        "callDuration": end - begin,
        "causeForTerm": 1 if more else 0,
    }
    fields.pop("seizureTime", None)
    if number is not None:
        fields["sequenceNumber"] = number
    return encode(name, "moCallRecord", fields)


def of_ericsson(name: str, number: int | None, begin: int, end: int, *, more: bool) -> bytes:
    at = MIDNIGHT + timedelta(seconds=begin)
    length = end - begin
    fields = {
        **ERICSSON,
        "dateForStartOfCharge": bytes([26, at.month, at.day]),
        "timeForStartOfCharge": bytes([at.hour, at.minute, at.second]),
        "chargeableDuration": bytes([length // 3600, length // 60 % 60, length % 60]),
        "partialOutputRecNum": bytes([number or 0]),
    }
    if more or number is None:
        del fields["lastPartialOutput"]
    if number is None:
        del fields["partialOutputRecNum"]
    return encode(name, "uMTSGSMPLMNCallDataRecord", {"mSOriginating": fields})


def of_ims(name: str, number: int | None, begin: int, end: int, *, more: bool) -> bytes:
    fields: dict[str, Any] = {
        "recordType": 69,
        "role-of-Node": "originating",
        "nodeAddress": ("domainName", b"tas1.ims.example"),
        "iMS-Charging-Identifier": b"icid-1",
        "list-of-subscription-ID": [
            {"subscriptionIDType": "eND-USER-E164", "subscriptionIDData": b"8619910000001"}
        ],
        "called-Party-Address": ("tEL-URI", b"tel:+8618820000002"),
        "serviceDeliveryStartTimeStamp": stamp(0 if number else begin),
        "serviceDeliveryEndTimeStamp": stamp(end),
        "recordOpeningTime": stamp(begin),
        "recordClosureTime": stamp(end),
        "causeForRecordClosing": "timeLimit" if more else "serviceDeliveryEndSuccessfully",
    }
    if number is not None:
        fields["recordSequenceNumber"] = number
    return encode(name, "aSRecord", fields)


FORMATS: dict[str, Part] = {
    "3gpp_cs": of_3gpp,
    "huawei_cs": of_3gpp,
    "ericsson_cs": of_ericsson,
    "3gpp_ims": of_ims,
}


def rows_of(name: str, records: list[bytes], batch: int = 0) -> pa.RecordBatch:
    file = memory(name, records)
    named = replace(file, file_id=f"{batch:032x}")
    chunk = decode_chunk(named, range(len(records)), SETTINGS, RuleSet(()))
    assert chunk.records_suspended == 0
    return chunk.edr


def kept(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(KEPT).to_pylist()
    return rows


@pytest.mark.parametrize("name", FORMATS)
@given(
    st.lists(st.integers(1, 4_000), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 6), max_size=2),
)
@settings(deadline=None, max_examples=15)
def test_any_split_order_and_batches(
    name: str, lengths: list[int], luck: random.Random, edges: list[int]
) -> None:
    make = FORMATS[name]
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    end = bounds[-1]
    parts = [
        make(name, number, begin, stop, more=stop < end)
        for number, (begin, stop) in enumerate(pairwise(bounds), 1)
    ]
    luck.shuffle(parts)
    rules = all_rules()
    batches = []
    for number, (begin, stop) in enumerate(pairwise(sorted({0, len(parts), *edges})), 1):
        if parts[begin:stop]:
            edr = rows_of(name, parts[begin:stop], number)
            found = part_rows(edr, rules)
            assert len(found) == edr.num_rows
            batches.append(edr)
    calls = assemble(pa.concat_tables(map(_plain, batches)), rules)
    assert calls.complete.tolist() == [True]
    uncut = rows_of(name, [make(name, None, 0, end, more=False)])
    assert len(part_rows(uncut, rules)) == 0
    assert kept(calls.events) == kept(pa.Table.from_batches([uncut]))
    assert calls.events.column("partial_sequence").to_pylist() == [1]


def _plain(edr: pa.RecordBatch) -> pa.Table:
    """Returns a table whose dictionaries are shared, as batches of one run have them."""
    return pa.Table.from_batches([edr])
