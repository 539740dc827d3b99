from __future__ import annotations

import json
from collections import Counter

from mediation.batch_audit import Total
from pipeline.batch.sheet import DESTINATIONS, Flow, Octets, Sheet


def sheet() -> Sheet:
    return Sheet(
        records=Flow(10, 5, Counter(transit=1), Counter(decode=2), 1, Counter(failed_attempt=1)),
        events=Flow(read=8, rated=7, duplicate=1),
        octets=Octets(size=100, header=10, records=80, filler=6, unframed=4),
        zero_rated=2,
        net=1_500_000,
        format="3gpp_cs",
        totals={"0 charge": Total("transferBatch", "charge", 10, 7)},
    )


def test_a_sheet_that_closes_has_no_open_ends() -> None:
    assert sheet().open_ends() == []


def test_every_kind_of_hole_is_told() -> None:
    broken = sheet()
    broken.records.read += 1
    broken.events.rated -= 1
    broken.octets.filler += 1
    assert [line.split(":")[0] for line in broken.open_ends()] == ["records", "events", "bytes"]


def test_whatever_a_flow_counts_but_what_was_read_is_a_destination() -> None:
    assert set(DESTINATIONS) == set(Flow.__slots__) - {"read"}
    assert list(sheet().records.counts().values()) == [5, 1, 2, 1, 1, 0, 0]


def test_parts_add_up() -> None:
    total = Sheet()
    total.add(sheet())
    total.add(Sheet(records=Flow(read=3, suspended=Counter(decode=1, guide=2))))
    assert total.records.read == 13
    assert total.records.suspended == {"decode": 3, "guide": 2}
    assert total.format == "3gpp_cs"
    assert total.open_ends() == []


def test_declared_sums_are_compared_once_all_parts_are_there() -> None:
    total = Sheet()
    total.add(sheet())
    assert total.notes == ["transferBatch: declares charge 10, its records sum up to 7"]
    total.add(Sheet(totals={"0 charge": Total("transferBatch", "charge", 10, 3)}))
    assert total.notes == []


def test_a_sheet_survives_the_ledger() -> None:
    text = json.dumps(sheet().to_dict(), sort_keys=True)
    back = Sheet.from_dict(json.loads(text))
    assert back == sheet()
    assert back.records.suspended.total() == 2
