"""Containers told again with other volumes: the one that tells the most counts, in any order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.decoder import decode_chunk
from mediation.partials.retold import RETOLD_KEY, told_again
from mediation.partials.sessions import missing_records
from tests.mediation.cdr_records import encode, memory, timestamp
from tests.rating.strategies_edr import edr_batch

if TYPE_CHECKING:
    import random

Row = dict[str, Any]
DRAWN = st.builds(
    lambda **values: {"record_type": "pGWRecord", "start_time": 0, **values},
    recording_entity=st.sampled_from(("a", "b", None)),
    charging_id=st.sampled_from((7, 7, 7, 8, None)),
    partial_sequence=st.sampled_from((None, 1)),
    container_sequence=st.sampled_from((1, 2, None)),
    rating_group=st.sampled_from((None, 9)),
    uplink=st.integers(0, 3),
    downlink=st.integers(0, 2),
    duration=st.integers(0, 2),
    file_id=st.sampled_from(("0f", "a0")),
    offset=st.integers(0, 3),
)


def named(row: Row) -> tuple[str, int, int]:
    return row["file_id"], row["offset"], row["container"]


def expected(rows: list[Row]) -> dict[tuple[str, int, int], str]:
    """Names of rows that do not count, each with the name of what does."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row["charging_id"] is not None and row["container_sequence"] is not None:
            groups[tuple(row.get(name) for name in RETOLD_KEY)].append(row)
    lost = {}
    for group in groups.values():
        records: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in group:
            records[named(row)[:2]].append(row)

        def most(record: tuple[str, int], of: dict[Any, list[Row]] = records) -> tuple[Any, ...]:
            octets = sum(row["uplink"] + row["downlink"] for row in of[record])
            return -octets, -sum(row["duration"] for row in of[record]), record

        counts = min(records, key=most)
        name = ":".join(map(str, min(named(row) for row in records[counts])))
        lost |= {named(row): name for row in group if named(row)[:2] != counts}
    return lost


def table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_batches([edr_batch(rows)])


@settings(deadline=None)
@given(st.lists(DRAWN, max_size=16), st.integers(0, 16), st.randoms(use_true_random=False))
def test_what_counts_is_what_tells_the_most(rows: list[Row], cut: int, luck: random.Random) -> None:
    rows = [{**row, "container": at} for at, row in enumerate(rows)]
    luck.shuffle(rows)
    pieces = [rows[:cut], rows[cut:]]
    found = told_again([table(piece) for piece in pieces])
    lost = {
        named(piece[row]): name
        for piece, places, names in zip(pieces, found.rows, found.names, strict=True)
        for row, name in zip(places.tolist(), names, strict=True)
    }
    assert lost == expected(rows)
    left = found.without([table(piece) for piece in pieces])
    assert sum(one.num_rows for one in left) == len(rows) - len(lost)


def test_a_table_without_the_columns_has_no_containers() -> None:
    rows = [{"record_type": "pGWRecord", "start_time": 0, "charging_id": 7, "container": n,
             "container_sequence": 1, "offset": n, "uplink": n} for n in range(2)]  # fmt: skip
    whole = table(rows)
    assert [len(found) for found in told_again([whole]).rows] == [1]
    assert [len(found) for found in told_again([whole.drop_columns(["rating_group"])]).rows] == [0]


def session(number: int, downlink: int, group: int = 1) -> bytes:
    """One record of a PDU session, with a container of 600 seconds."""
    first = timestamp(f"261012{10 + number:02d}0000+0800")
    container = {
        "time": 600,
        "dataVolumeUplink": 1,
        "dataVolumeDownlink": downlink,
        "localSequenceNumber": 1,
        "pDUContainerInformation": {"timeOfFirstUsage": first},
    }
    value = {
        "recordType": 200,
        "recordingNetworkFunctionID": b"chf-1",
        "subscriberIdentifier": {
            "subscriptionIDType": "eND-USER-IMSI",
            "subscriptionIDData": b"imsi-460001012345678",
        },
        "listOfMultipleUnitUsage": [{"ratingGroup": group, "usedUnitContainers": [container]}],
        "recordOpeningTime": first,
        "recordSequenceNumber": number,
        "pDUSessionChargingInformation": {"pDUSessionChargingID": 4711},
    }
    return encode("3gpp_chf", "chargingFunctionRecord", value)


def test_sessions_of_a_charging_function_are_followed_by_charging_id_and_number() -> None:
    records = [session(1, 50), session(1, 90), session(1, 70, group=2), session(4, 50)]
    edr = decode_chunk(memory("3gpp_chf", records), range(4)).edr
    assert edr.num_rows == 4
    events = pa.Table.from_batches([edr])
    retold = told_again([events])
    assert [rows.tolist() for rows in retold.rows] == [[0]]
    left = retold.without([events])
    assert left[0].column("downlink").to_pylist() == [90, 70, 50]
    [gap] = missing_records(left).to_pylist()
    assert (gap["charging_id"], gap["first"], gap["last"]) == (4711, 2, 3)
