"""Balances of a cycle: grants, proration, plan changes, storing and loading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from rating.state import CycleState
from rating.subscribers import load_subscribers
from tests.rating.strategies_shop import at, golden_book, line, write

if TYPE_CHECKING:
    from pathlib import Path

    from rating.subscribers import Subscribers

BOOK = golden_book()
PRORATED = replace(BOOK, alw_prorate=np.ones(1, np.int8), alw_quantity=np.array([3100], np.int64))
SHARED = replace(BOOK, alw_shared=np.ones(1, np.int8))


def load(folder: Path, *lines: str) -> Subscribers:
    return load_subscribers(write(folder, list(lines)), BOOK)


def test_a_full_month_gives_the_full_quantity(tmp_path: Path) -> None:
    (row,) = CycleState("2026-10", BOOK, load(tmp_path, line(1))).balances().to_pylist()
    assert (row["subscriber_id"], row["charge_group"], row["plan"]) == ("S1", "A1", "golden")
    assert (row["given"], row["used"], row["left"], row["rum"]) == (120, 0, 120, "seconds")


def test_a_part_of_the_month_gives_its_days(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        line(1, valid_to="2026-10-11"),
        line(2, valid_from="2026-10-11"),
        line(3, valid_from="2026-10-11T18:00:00+08:00"),
    )
    state = CycleState("2026-10", PRORATED, data)
    assert state.instances.given.tolist() == [1000, 2100, 2100]
    assert CycleState("2026-10", BOOK, data).instances.given.tolist() == [120, 120, 120]


def test_nothing_outside_the_cycle(tmp_path: Path) -> None:
    data = load(tmp_path, line(1, valid_to="2026-10-01"), line(2, valid_from="2026-11-01"))
    assert len(CycleState("2026-10", BOOK, data).used) == 0


def test_a_new_sim_is_no_second_grant_but_a_gap_is(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        line(1, valid_to="2026-10-11"),
        line(1, valid_from="2026-10-11", imsi="460007"),
        line(2, valid_to="2026-10-11"),
        line(2, valid_from="2026-10-12"),
    )
    state = CycleState("2026-10", PRORATED, data)
    assert state.instances.subscriber.tolist() == [0, 1, 1]
    assert state.instances.given.tolist() == [3100, 1000, 2000]
    assert state.instances.valid_to.tolist() == [at(1, 0, month=11), at(11, 0), at(1, 0, month=11)]


def test_sub_cards_bring_no_shared_allowance(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        line(1, charge_group="F", role="main"),
        line(2, charge_group="F", role="sub"),
    )
    state = CycleState("2026-10", SHARED, data)
    assert state.instances.subscriber.tolist() == [0]
    assert state.instances.own_first.tolist() == [0, 0, 0]
    assert state.instances.shared_first.tolist() == [0, 1]
    assert len(CycleState("2026-10", BOOK, data).used) == 2


def test_a_state_survives_by_names(tmp_path: Path) -> None:
    data = load(tmp_path / "a", line(1), line(2))
    state = CycleState("2026-10", BOOK, data)
    state.used[:] = [60, 7]
    table = state.to_table()
    again = CycleState.from_table(table, "2026-10", BOOK, data)
    assert again.used.tolist() == [60, 7]
    plain = pa.schema(
        [(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    )
    earlier = CycleState.from_table(table.cast(plain), "2026-10", BOOK, data)  # as once written
    assert earlier.used.tolist() == [60, 7]
    grown = load(tmp_path / "b", line(0), line(1), line(2))
    assert CycleState.from_table(table, "2026-10", BOOK, grown).used.tolist() == [0, 60, 7]
    shrunk = CycleState.from_table(table, "2026-10", BOOK, load(tmp_path / "c", line(2)))
    assert shrunk.used.tolist() == [7]
    assert [row["subscriber_id"] for row in shrunk.orphans] == ["S1"]
    with pytest.raises(ValueError, match="of cycle"):
        CycleState.from_table(table, "2026-11", BOOK, data)


def test_a_copy_changes_alone(tmp_path: Path) -> None:
    state = CycleState("2026-10", BOOK, load(tmp_path, line(1)))
    copy = state.copy()
    copy.used[0] = 5
    assert state.used[0] == 0
