from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collectors.sequence import Gap, Ring
from pipeline.errors import UsageError
from pipeline.ledger.store import Commit, Ledger
from pipeline.upkeep.rollback import rollback
from pipeline.upkeep.sequences import close_gap, read_gaps
from tests.pipeline.test_commit import taken
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "ws", None)


def arrive(workspace: Workspace, name: str, numbers: list[int]) -> list[tuple[int, int]]:
    """Commits a batch of files with these sequence numbers; returns what is missing then."""
    with Ledger(workspace.ledger_file) as ledger:
        ledger.know_rings({"a": Ring(0, 9)})
        before = len(ledger.files())
        files = [taken("a", f"{n}-{name}", f"{before + i:x}", n) for i, n in enumerate(numbers)]
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
