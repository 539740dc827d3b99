"""Calls and sessions in parts, planted into the sample files."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from traffic.digits import INTERNATIONAL
from traffic.encode import encode_events
from traffic.network import HOME_OFFSET, NETWORKS
from traffic.table import (
    COLUMN,
    CONTAINER_COLUMN,
    CONTAINER_COLUMNS,
    KINDS,
    TEXT,
    Events,
    new_values,
)

if TYPE_CHECKING:
    from traffic.draft import Draft
    from traffic.troubles import Planter

PGW = "bf4f"
PARTIAL_RECORD: Final = 1
TIME_LIMIT: Final = 17
HOUR: Final = 3_600
MEBIBYTE: Final = 1 << 20
REFERENCE: Final = 0x0000_7100
CHARGING_ID: Final = 0x7FFF_0001
PLANTED: Final = 10
"""Records that :func:`plant_parts` adds."""


def plant_parts(planter: Planter) -> None:
    """Plants long calls that a switch cut into records, and a session of a day and more."""
    _over_files(planter)
    _without_a_part(planter)
    _going_on(planter)
    _session(planter)


def _over_files(planter: Planter) -> None:
    """The last part stands in a later file than the first ones."""
    draft, later = planter.file("msc1", 4), planter.file("msc1", 9)
    begin = planter.evening(draft.plan.span, 9 * HOUR)
    first, second, last = _call(planter, begin, [1_800, 1_800, 754], REFERENCE, released=True)
    _note(
        planter,
        "call_in_parts",
        draft,
        [first, second],
        "The first two parts of a call; the last one is in another file",
        quantity=4_354,
    )
    note = "The last part of the call in the other file, which names it"
    _note(planter, "call_in_parts", later, [last], note)


def _without_a_part(planter: Planter) -> None:
    draft = planter.file("msc1", 1)
    begin = planter.evening(draft.plan.span, 14 * HOUR)
    first, _, last = _call(planter, begin, [1_800, 1_800, 300], REFERENCE + 1, released=True)
    note = "A call whose second part never came: charged for the parts that did"
    _note(planter, "call_without_a_part", draft, [first, last], note, quantity=2_100)


def _going_on(planter: Planter) -> None:
    draft = planter.last("msc1")
    begin = draft.plan.span.month_end - 3 * HOUR
    parts = _call(planter, begin, [1_800, 1_800], REFERENCE + 2, released=False)
    note = "A call that goes on: its parts wait, and the bill has what has come"
    _note(planter, "call_that_goes_on", draft, parts, note, quantity=3_600, waiting=2)


def _call(
    planter: Planter, begin: int, lengths: list[int], reference: int, *, released: bool
) -> list[bytes]:
    """Returns the records of a call whose parts last so many seconds."""
    edges = np.cumsum([0, *lengths]).tolist()
    records = []
    for number, (start, end) in enumerate(pairwise(edges), 1):
        last = released and number == len(lengths)
        record, _ = planter.call(
            begin + start,
            end - start,
            reference=reference,
            sequence=number,
            cause=0 if last else PARTIAL_RECORD,
        )
        records.append(record)
    return records


def _note(
    planter: Planter,
    kind: str,
    draft: Draft,
    records: list[bytes],
    note: str,
    **expected: int,
) -> None:
    """Puts parts into a file; `quantity` is said where the part is that names the call."""
    indexes = tuple(planter.insert(draft, record) for record in records[:1])
    for record in records[1:]:
        indexes += (indexes[-1] + 1,)
        draft.records.insert(indexes[-1], record)
    count = len(indexes)
    planter.add(kind, draft, indexes, note, {}, destination="assembled", records=count, **expected)


def _session(planter: Planter) -> None:
    """A session of 27 hours: records of nine hours, with a container for every three."""
    draft, later = planter.file("pgw1", 4), planter.file("pgw1", 5)
    begin = planter.evening(draft.plan.span, 8 * HOUR)
    records = [_record(planter, draft, begin, number) for number in range(3)]
    for file, mine in ((draft, records[:2]), (later, records[2:])):
        first = planter.insert(file, mine[0], PGW)
        for at, record in enumerate(mine[1:], first + 1):
            file.records.insert(at, record)
        planter.add(
            "session_in_parts",
            file,
            tuple(range(first, first + len(mine))),
            "Records of a session of 27 hours; each container is charged at its own time",
            {"charging_id": CHARGING_ID},
            destination="rated",
            records=len(mine),
        )


def _record(planter: Planter, draft: Draft, begin: int, number: int) -> bytes:
    """Returns the record `number`, 0 first, of the session."""
    start = begin + number * 9 * HOUR
    msisdn = int(planter.people.msisdn[planter.caller]) << 12 | 13 << 8 | INTERNATIONAL
    values = new_values(1)
    for name, value in {
        "imsi": int(planter.people.imsi[planter.caller]),
        "imei": 350_000_000_000_017,
        "msisdn": msisdn,
        "seizure": start,
        "offset": HOME_OFFSET,
        "duration": 9 * HOUR,
        "cause": 0 if number == 2 else TIME_LIMIT,
        "sequence": number + 1,
        "charging_id": CHARGING_ID,
        "local_sequence": number + 1,
        "address": draft.plan.source.address,
        "node": 0x0A14_0001,
        "apn": TEXT["cmnet"],
        "plmn": NETWORKS[0].plmn,
        "rat": 6,
        "lac": 0x2101,
        "cell": 0x0010_0001,
        "clock": 0x2300,
    }.items():
        values[COLUMN[name]] = value
    containers = np.empty((len(CONTAINER_COLUMNS), 3), np.int64)
    for inner in range(3):
        at = start + inner * 3 * HOUR
        for name, value in {
            "rating_group": 1,
            "local_sequence": 3 * number + inner + 1,
            "first": at,
            "last": at + 3 * HOUR,
            "usage": 3 * HOUR,
            "condition": 1 << (31 - 24),
            "uplink": (inner + 1) * MEBIBYTE,
            "downlink": (10 + inner) * MEBIBYTE,
            "report": at + 3 * HOUR,
            "service_id": 10,
            "offset": HOME_OFFSET,
        }.items():
            containers[CONTAINER_COLUMN[name], inner] = value
    kind = np.full(1, KINDS.index("pGWRecord"), np.int8)
    (record,) = encode_events(
        Events(kind, values, containers, np.zeros(1, np.int64), np.full(1, 3, np.int64))
    )
    return record
