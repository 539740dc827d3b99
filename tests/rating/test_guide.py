"""Guiding and classification, case by case, against the plain twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from rating.engine import Rater
from rating.kernels.guide import FRIEND, GROUP
from rating.reasons import REASONS
from rating.subscribers import load_subscribers
from tests.rating.strategies_edr import edr_batch, plain_keys
from tests.rating.strategies_shop import NUMBER, at, call, golden_book, line, write

if TYPE_CHECKING:
    from rating.prepare import Prepared

BOOK = golden_book()
IMSI = 460_000_000_000_000


@pytest.fixture(scope="module")
def rater(tmp_path_factory: pytest.TempPathFactory) -> Rater:
    lines = [
        line(1, vpmn_group="V", valid_to="2026-10-10"),
        line(1, vpmn_group="V", valid_from="2026-10-10", imsi=IMSI + 50),
        line(2, vpmn_group="V"),
        line(3, vpmn_group="W", home_area=""),
        line(4, imsi=""),
        # a number given up on the 5th and given to somebody else on the 15th
        line(5, valid_to="2026-10-05"),
        line(6, msisdn=NUMBER + 5, valid_from="2026-10-15"),
        # partners' networks: MCC and MNC of two or three digits
        line(7, imsi=26201, msisdn=""),
        line(8, imsi=310410, msisdn="", valid_from="2026-10-05"),
        line(9, imsi=31041, msisdn=""),
    ]
    friends = [f"S1,{NUMBER + 3},2026-10-03,2026-10-08"]
    folder = write(tmp_path_factory.mktemp("subscribers"), lines, friends)
    return Rater(BOOK, load_subscribers(folder, BOOK))


def prepared(rater: Rater, *rows: dict[str, Any]) -> Prepared:
    batch = edr_batch(rows)
    return rater.prepare(batch, plain_keys(batch))


def owner(rater: Rater, row: dict[str, Any]) -> str:
    """Subscriber id of an event, or the reason why there is none."""
    result = prepared(rater, row)
    if result.status[0]:
        return REASONS[int(result.status[0])].name
    period = int(result.event[2]) >> 32
    return str(rater.subscribers.names[rater.subscribers.subscriber[period]])


def call_class(rater: Rater, row: dict[str, Any]) -> str:
    result = prepared(rater, row)
    assert result.status[0] == 0
    class_id = int(result.event[3]) >> 32
    rest = class_id // len(BOOK.roaming_classes) // len(BOOK.zones)
    return BOOK.call_classes[rest % len(BOOK.call_classes)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "S1"),
        ({"served_imsi": IMSI + 50, "start_time": at(10, 0)}, "S1"),
        ({"start_time": at(10, 0)}, "unknown_subscriber"),
        ({"start_time": at(10, 0) - 1}, "S1"),
        ({"served_imsi": None, "served_msisdn": NUMBER + 4}, "S4"),
        ({"served_imsi": IMSI + 999, "served_msisdn": NUMBER + 4}, "S4"),
        ({"served_imsi": None}, "unknown_subscriber"),
        # the IMSI is known, only not then: its old number must not be charged to the new owner
        (
            {"served_imsi": IMSI + 5, "served_msisdn": NUMBER + 5, "start_time": at(20)},
            "unknown_subscriber",
        ),
        ({"served_imsi": None, "served_msisdn": NUMBER + 5, "start_time": at(20)}, "S6"),
        (
            {"served_imsi": None, "served_msisdn": NUMBER + 5, "start_time": at(10)},
            "unknown_subscriber",
        ),
        ({"served_imsi": 262_010_000_000_007, "served_msisdn": 491_710_000_000}, "S7"),
        ({"served_imsi": 262_020_000_000_007}, "unknown_subscriber"),
        ({"served_imsi": 262_010_000_000_007, "served_msisdn": NUMBER + 4}, "S4"),
        ({"served_imsi": 310_410_000_000_007}, "S8"),
        ({"served_imsi": 310_410_000_000_007, "start_time": at(4)}, "S9"),
        ({"served_imsi": 310_411_000_000_007}, "S9"),
        ({"direction": "transit"}, "direction_not_charged"),
        ({"direction": "transit", "served_imsi": None}, "direction_not_charged"),
        ({"other_number": 12}, "no_zone"),
        ({"other_number": None, "other_text": "*21#"}, "no_zone"),
        ({"uplink": -1}, "implausible_quantity"),
        ({"duration": 367 * 86_400}, "implausible_quantity"),
    ],
)
def test_who_owns_the_event(rater: Rater, changes: dict[str, Any], expected: str) -> None:
    assert owner(rater, call(1, at(6), **changes)) == expected


@pytest.mark.parametrize(
    ("number", "other", "day", "expected"),
    [
        (1, NUMBER + 2, 6, "group"),
        (1, NUMBER + 3, 6, "on_net"),
        (4, NUMBER + 2, 6, "on_net"),
        (1, NUMBER + 5, 4, "on_net"),
        (1, NUMBER + 5, 6, "local"),
        (1, 8_618_800_000_001, 6, "local"),
        (3, 8_618_800_000_001, 6, "long_distance"),
    ],
)
def test_call_class(rater: Rater, number: int, other: int, day: int, expected: str) -> None:
    changes: dict[str, Any] = {"other_number": other}
    if number == 4:
        changes |= {"served_imsi": None, "served_msisdn": NUMBER + 4}
    assert call_class(rater, call(number, at(day), **changes)) == expected


@pytest.mark.parametrize(
    ("other", "day", "flag"),
    [(NUMBER + 3, 4, FRIEND), (NUMBER + 3, 9, 0), (NUMBER + 2, 4, GROUP), (NUMBER + 4, 4, 0)],
)
def test_friends_and_group_members_are_marked(
    rater: Rater, other: int, day: int, flag: int
) -> None:
    result = prepared(rater, call(1, at(day), other_number=other))
    assert result.event[3] & 0xF == flag


def test_many_rows_are_treated_like_one(rater: Rater) -> None:
    rows = [call(1 + k % 6, at(1 + k % 20), other_number=NUMBER + k % 9) for k in range(200)]
    together = prepared(rater, *rows)
    for k in range(0, 200, 7):
        alone = prepared(rater, rows[k])
        assert alone.status[0] == together.status[k]
        if alone.status[0] == 0:
            assert np.array_equal(alone.event, together.event[4 * k : 4 * k + 4])


def test_an_unknown_direction_is_refused(rater: Rater) -> None:
    batch = edr_batch([call(1, at(6))])
    column = batch.column("direction").dictionary.to_pylist()
    assert column
    changed = batch.set_column(
        batch.schema.get_field_index("direction"),
        "direction",
        _dictionary(["sideways"]),
    )
    with pytest.raises(ValueError, match="sideways"):
        rater.prepare(changed, plain_keys(batch))


def _dictionary(names: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), pa.array(names))
