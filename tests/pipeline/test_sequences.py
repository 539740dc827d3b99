from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.sequence import Gap, Ring, gaps_of
from pipeline.errors import UsageError
from pipeline.ledger.model import Commit
from pipeline.ledger.store import Ledger
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.sequences import close_gap, read_gaps, tell_sequences
from tests.collectors.test_sequence import seen_of
from tests.pipeline.test_commit import taken
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace

RING = Ring(0, 9)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "ws", None)


def arrive(
    workspace: Workspace, name: str, numbers: list[int], ring: Ring = RING
) -> list[tuple[int, int]]:
    """Commits a batch of files with these sequence numbers; returns what is missing then."""
    with Ledger(workspace.ledger_file) as ledger:
        ledger.know_rings({"a": ring})
        before = len(ledger.files())
        files = [taken("a", f"{n}-{name}-{i}", f"{before + i:x}", n) for i, n in enumerate(numbers)]
        ledger.register(files)
        states = {file.file_id: "committed" for file in files}
        ledger.commit(Commit("run", name, None, "", [], {}, states))
        return [(gap.first, gap.last) for gap in ledger.gaps()]


def test_a_late_file_fills_its_gap(workspace: Workspace) -> None:
    assert arrive(workspace, "b1", [7, 8, 1]) == [(0, 0), (9, 9)]
    assert arrive(workspace, "b2", [9]) == [(0, 0)]
    assert read_gaps(workspace)["late"] == [{"batch": "b2", "source": "a", "sequence": 9}]


def test_what_never_comes_is_closed_with_a_reason(workspace: Workspace) -> None:
    arrive(workspace, "b1", [2, 6])
    with pytest.raises(UsageError, match="with a reason"):
        close_gap(workspace, "a:3-5", "now", "me", " ")
    with pytest.raises(UsageError, match="a:5-6 is not missing") as told:
        close_gap(workspace, "a:5-6", "now", "me", "off")
    assert "a:3-5" in told.value.hint
    with pytest.raises(UsageError, match="names no sequence numbers"):
        close_gap(workspace, "a", "now", "me", "off")
    assert close_gap(workspace, "a:3-4", "now", "me", "off") == Gap("a", 3, 4)
    found = read_gaps(workspace)
    assert found["open"] == [{"source": "a", "first": 5, "last": 5}]
    assert found["closed"][0]["reason"] == "off"
    # A whole round later the same numbers are missed again.
    arrive(workspace, "b2", [8, 1, 2, 5])
    assert {"source": "a", "first": 3, "last": 4} in read_gaps(workspace)["open"]


def test_a_name_with_another_content_is_told(workspace: Workspace) -> None:
    with Ledger(workspace.ledger_file) as ledger:
        first, other = taken("a", "x", "1"), taken("a", "x", "2")
        ledger.register([first])
        object.__setattr__(other.offer, "mtime_ns", 2)
        ledger.register([other])
    assert read_gaps(workspace)["retold"] == [{"source": "a", "name": "x", "files": 2}]


def test_a_rollback_forgets_what_the_batch_filled(workspace: Workspace) -> None:
    arrive(workspace, "b1", [2, 4])
    arrive(workspace, "b2", [3])
    rollback(workspace, "b2", "now")
    assert read_gaps(workspace)["late"] == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=5))
def test_any_split_into_batches_finds_the_same_gaps(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
) -> None:
    workspace = make_workspace(tmp_path_factory.mktemp("split") / "ws", None)
    for at, numbers in enumerate(batches):
        found = arrive(workspace, f"b{at}", numbers)
    told = [number for numbers in batches for number in numbers]
    gaps = {(gap.first, gap.last) for gap in gaps_of("a", seen_of(told, RING))}
    assert set(found) == gaps
    # Another end of the count, and all of it is counted anew.
    wider = arrive(workspace, "last", [], Ring(0, 99))
    gaps = {(gap.first, gap.last) for gap in gaps_of("a", seen_of(told, Ring(0, 99)))}
    assert set(wider) == gaps


def test_what_a_file_misses_before_it(workspace: Workspace) -> None:
    arrive(workspace, "b1", [2, 3])
    with Ledger(workspace.ledger_file) as ledger:
        ledger.register([taken("a", f"c{n}", f"c{n}", n) for n in (6, 7, 1)])
        missing = {
            file.sequence: count
            for file in ledger.waiting()
            for name, count in ledger.missing_before([file]).items()
            if name == file.file_id
        }
        assert missing == {6: 2, 7: 0, 1: 3}  # 8, 9 and 0 of the ring are missing before 1
        assert [(gap.first, gap.last) for gap in ledger.gaps()] == []  # as of the last commit


def test_sequence_control_costs_the_same_after_many_files(workspace: Workspace) -> None:
    def steps(name: str, first: int) -> int:
        """Returns how many thousand steps of SQLite's machine a batch of two files takes."""
        count = 0

        def one() -> int:
            nonlocal count
            count += 1
            return 0

        with Ledger(workspace.ledger_file) as ledger:
            files = [taken("a", f"{n}", f"{n:x}", n) for n in (first, first + 2)]
            ledger.register(files)
            ledger.rows("SELECT 1")
            with ledger.writing() as db:
                db.set_progress_handler(one, 10)
            states = {file.file_id: "committed" for file in files}
            ledger.missing_before(ledger.waiting())
            ledger.commit(Commit("run", name, None, "", [], {}, states))
            tell_sequences(ledger, name, {("a", f"{first}")})
            ledger.mark_published(len(ledger.batches()))
        return count

    many = 3_000
    few = steps("b1", 0)
    with Ledger(workspace.ledger_file) as ledger:
        ledger.know_rings({"a": Ring(0, 99_999)})
        files = [taken("a", f"{n}", f"{n:x}", n) for n in range(10, many)]
        ledger.register(files)
        states = {file.file_id: "committed" for file in files}
        ledger.commit(Commit("run", "b2", None, "", [], {}, states))
    assert steps("b3", many) < few * 2
