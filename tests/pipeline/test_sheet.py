from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from mediation.batch_audit import Total
from mediation.edr import SUSPENSE_STAGES
from pipeline.batch.sheet import DESTINATIONS, Flow, Octets, Sheet
from pipeline.batch.tally import DUPLICATE, RATED, SUSPENDED, weigh


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


@pytest.mark.parametrize("unit", ["seconds", "volume", "partner_charge"])
def test_what_is_weighed_must_close_too(unit: str) -> None:
    broken = sheet()
    getattr(broken, unit).duplicate += 1
    assert [line.split(":")[0] for line in broken.open_ends()] == [unit.replace("_", " ")]


def test_a_partners_charges_go_where_their_events_go() -> None:
    numbers = {
        name: pa.array([1, 2, 3]) for name in ("duration", "uplink", "downlink", "start_time")
    }
    charges = pa.array([1_500_000, None, -20_000], pa.int64())
    events = pa.RecordBatch.from_pydict({**numbers, "partner_charge": charges})
    weighed = Sheet()
    rate = SUSPENDED + SUSPENSE_STAGES.index("rate")
    weigh(weighed, events, np.array([RATED, DUPLICATE, rate], np.int8), "rule")
    assert weighed.partner_charge == Flow(1_480_000, 1_500_000, suspended=Counter(rate=-20_000))
    assert weighed.volume.read == 12
    assert weighed.open_ends() == []


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
