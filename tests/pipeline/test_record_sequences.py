from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.sequence import Ring
from pipeline.errors import UsageError
from pipeline.ledger.model import Commit
from pipeline.ledger.records import MOST_GAPS, FileNumbers
from pipeline.ledger.store import Ledger
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.sequences import close_gap, read_gaps
from pipeline.upkeep.verify import verify
from tests.pipeline.test_commit import taken
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.workspace import Workspace

WIDE = Ring(0, 2**32 - 1)
Ranges = list[tuple[int, int]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "ws", None)


def arrive(
    workspace: Workspace,
    batch: str,
    files: Sequence[Ranges],
    *,
    ring: Ring = WIDE,
    node: str = "gw",
    again: tuple[int, int, int] = (0, -1, -1),
    fresh: bool = True,
    kind: str = "run",
) -> Ranges:
    """Commits a batch of files that hold these numbers; returns what is missing then."""
    with Ledger(workspace.ledger_file) as ledger:
        before = len(ledger.files())
        new = [taken("a", f"{batch}-{i}", f"{before + i:04x}"[::-1]) for i in range(len(files))]
        ledger.register(new)
        numbers = [
            FileNumbers(file.file_id, "a", node, ring, tuple(ranges), *again, fresh=fresh)
            for file, ranges in zip(new, files, strict=True)
        ]
        states = {file.file_id: "committed" for file in new}
        ledger.commit(Commit(kind, batch, None, "", [], {}, states, numbers=numbers))  # type: ignore[arg-type] # a kind
        assert ledger.miscounted() == []
        return [(gap.first, gap.last) for gap in ledger.records.gaps()]


def test_a_gap_is_told_with_the_files_around_it_and_closed_by_a_late_one(
    workspace: Workspace,
) -> None:
    assert arrive(workspace, "b1", [[(10, 50)], [(61, 90)]]) == [(51, 60)]
    [gap] = read_gaps(workspace)["records"]["open"]
    assert (gap["node"], gap["after"], gap["before"]) == ("gw", "b1-0", "b1-1")
    assert arrive(workspace, "b2", [[(51, 55)], [(91, 95)]]) == [(56, 60)]
    found = read_gaps(workspace)["records"]
    assert found["open"][0]["after"] == "b2-0"
    [late] = found["late"]
    assert (late["batch"], late["name"], late["first"], late["numbers"]) == ("b2", "b2-0", 51, 5)
    assert found["repeated"] == []


def test_a_gap_within_one_batch_that_its_files_fill_is_not_late(workspace: Workspace) -> None:
    assert arrive(workspace, "b1", [[(1, 5), (9, 9)], [(6, 8)]]) == []
    assert read_gaps(workspace)["records"]["late"] == []


def test_numbers_that_come_again_are_told_once_and_not_when_recycled(workspace: Workspace) -> None:
    arrive(workspace, "b1", [[(10, 50)]])
    arrive(workspace, "b2", [[(45, 60)]], again=(2, 58, 59))
    arrive(workspace, "b3", [[(10, 70)]], kind="recycle")
    [again] = read_gaps(workspace)["records"]["repeated"]
    assert (again["batch"], again["first"], again["last"], again["numbers"]) == ("b2", 45, 59, 8)


def test_numbers_wrap_around(workspace: Workspace) -> None:
    ring = Ring(1, 1_000)
    assert arrive(workspace, "b1", [[(900, 999)]], ring=ring) == []
    assert arrive(workspace, "b2", [[(4, 40), (1_000, 1_000)]], ring=ring) == [(1, 3)]
    assert arrive(workspace, "b3", [[(1, 2)]], ring=ring) == [(3, 3)]
    assert arrive(workspace, "b4", [[(41, 600), (603, 1_000)]], ring=ring) == [(3, 3), (601, 602)]
    found = read_gaps(workspace)["records"]
    assert found["repeated"] == []
    assert found["nodes"][0]["restarts"] == 0


def test_a_node_that_begins_anew_leaves_no_gap(workspace: Workspace) -> None:
    arrive(workspace, "b1", [[(1, 5_000)]])
    assert arrive(workspace, "b2", [[(1, 80)]]) == []
    assert arrive(workspace, "b3", [[(83, 90)]]) == [(81, 82)]
    found = read_gaps(workspace)["records"]
    assert found["repeated"] == []
    assert found["nodes"][0]["restarts"] == 1
    # Records that are duplicates are the same file in another packing.
    arrive(workspace, "b4", [[(1, 80)]], fresh=False)
    assert read_gaps(workspace)["records"]["repeated"][0]["numbers"] == 80


def test_another_end_of_the_count_counts_anew(workspace: Workspace) -> None:
    assert arrive(workspace, "b1", [[(990, 999)], [(2, 5)]]) == [(6, 989)]
    assert arrive(workspace, "b2", [[(6, 7)]], ring=Ring(0, 999)) == [(0, 1)]


def test_nodes_are_counted_apart(workspace: Workspace) -> None:
    arrive(workspace, "b1", [[(1, 10)]])
    assert arrive(workspace, "b2", [[(20, 30)]], node="other") == []
    assert arrive(workspace, "b3", [[(11, 12), (14, 15)]], node="") == [(13, 13)]


def test_a_rollback_forgets_what_the_batch_brought(workspace: Workspace) -> None:
    arrive(workspace, "b1", [[(1, 10)], [(15, 20)]])
    arrive(workspace, "b2", [[(11, 14)], [(25, 30)], [(1, 3)]])
    rollback(workspace, "b2", "now")
    found = read_gaps(workspace)["records"]
    assert [(gap["first"], gap["last"]) for gap in found["open"]] == [(11, 14)]
    assert found["late"] == found["repeated"] == []
    rollback(workspace, "b1", "now")
    assert read_gaps(workspace)["records"]["nodes"] == []


def test_what_never_comes_is_closed_with_a_reason(workspace: Workspace) -> None:
    arrive(workspace, "b1", [[(1, 10)], [(20, 30)]])
    with pytest.raises(UsageError, match="with a reason"):
        close_gap(workspace, "a/gw:11-19", "now", "me", "")
    with pytest.raises(UsageError, match="a/gw:5-12 is not missing") as told:
        close_gap(workspace, "a/gw:5-12", "now", "me", "off")
    assert "a/gw:11-19" in told.value.hint
    close_gap(workspace, "a/gw:11-18", "now", "me", "off")
    found = read_gaps(workspace)["records"]
    assert [(gap["first"], gap["last"]) for gap in found["open"]] == [(19, 19)]
    assert found["closed"][0]["reason"] == "off"
    # It stays closed when later batches come and go.
    arrive(workspace, "b2", [[(31, 40)]])
    rollback(workspace, "b2", "now")
    assert len(read_gaps(workspace)["records"]["open"]) == 1
    with Ledger(workspace.ledger_file) as ledger:
        assert ledger.miscounted() == []


def test_a_node_with_too_many_gaps_is_followed_from_the_latest_on(workspace: Workspace) -> None:
    odd = [(number, number) for number in range(1, 2 * MOST_GAPS + 20, 2)]
    missing = arrive(workspace, "b1", [odd])
    assert len(missing) == MOST_GAPS
    assert read_gaps(workspace)["records"]["nodes"][0]["given_up"] == len(odd) - 1 - MOST_GAPS


def test_a_ledger_whose_counts_do_not_tie_is_told(workspace: Workspace) -> None:
    arrive(workspace, "b1", [[(1, 10)], [(20, 30)]])
    with Ledger(workspace.ledger_file) as ledger, ledger.writing() as db:
        db.execute("UPDATE record_ranges SET last = 12 WHERE first = 1")
        db.execute("INSERT INTO file_ranges VALUES ('a', 1, 2)")
        db.execute("UPDATE arrivals SET sequence = 5")
    details = {one.detail for one in verify(workspace).differences if one.kind == "ledger"}
    assert "the running numbers of a/gw are miscounted" in details
    assert "the sequence numbers of a are miscounted" in details


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=4),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 5),
)
def test_gaps_are_what_sets_of_numbers_say(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[int, int]]], size: int
) -> None:
    """The slow, obvious way, on a ring that is too wide to wrap; the ledger is asked at the end."""
    workspace = make_workspace(tmp_path_factory.mktemp("sets") / "ws", None)
    seen: set[int] = set()
    again = 0
    for at in range(0, len(files), size):
        batch = []
        for pieces in files[at : at + size]:
            mine = {100 + n for first, more in pieces for n in range(first, first + more + 1)}
            again += len(mine & seen)
            seen |= mine
            batch.append(runs_of(mine))
        found = arrive(workspace, f"b{at}", batch)
        missing = set(range(min(seen), max(seen))) - seen
        assert found == runs_of(missing)
    told = read_gaps(workspace)["records"]["repeated"]
    assert sum(one["numbers"] for one in told) == again


def runs_of(numbers: set[int]) -> Ranges:
    firsts = sorted(n for n in numbers if n - 1 not in numbers)
    lasts = sorted(n for n in numbers if n + 1 not in numbers)
    return list(zip(firsts, lasts, strict=True))
