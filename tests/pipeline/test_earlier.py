"""Batches of one process that hand on what they have read do what single runs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.batch.early import Early
from pipeline.batch.run import Engine, run_batch
from pipeline.batch.running import load_rater
from pipeline.collection.sources import opened
from pipeline.config.load import load_config
from pipeline.high_usage import earlier
from pipeline.ledger.model import Commit
from pipeline.ledger.store import Ledger
from pipeline.published import batch_name
from pipeline.upkeep.rollback import rollback
from tests.pipeline.crash.stages import small_traffic
from tests.pipeline.test_credit import with_limits
from tests.pipeline.world import deliver, make_workspace, published

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pipeline.workspace import Workspace

DAYS = '\n[high_usage.day]\nduration = "120 s"\nvolume = "1 MB"\nmessages = 1\n'
LIMIT = "20.00"


def made(root: Path) -> Workspace:
    workspace = with_limits(make_workspace(root))
    with workspace.config_file.open("a", encoding="utf-8") as config:
        config.write(DAYS)
    table = root / "subscribers" / "subscribers.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(LIMIT, "1.00"), encoding="utf-8")
    return workspace


def test_one_process_tells_what_many_tell(tmp_path: Path) -> None:
    files = sorted(small_traffic(tmp_path).rglob("*.ber"), key=lambda path: path.name[::-1])
    single, shared = made(tmp_path / "single"), made(tmp_path / "shared")
    config = load_config(shared)
    loading = Early(lambda: load_rater(shared, config))
    with opened(config, single.root) as one, opened(config, shared.root) as other:
        engine = Engine(config, other, loading)
        for number, file in enumerate(files[:4]):
            for workspace in (single, shared):
                deliver(workspace.root, [file])
            run_batch(single, Engine(config, one, loading))
            run_batch(shared, engine)
            if number == 2:  # what was kept knows too much now
                for workspace in (single, shared):
                    rollback(workspace, "batch-000002", "now", with_later=True)
    told = published(single.root, "alarms", "usage")
    assert len([path for path in told if path.startswith("alarms/")]) >= 2
    assert published(shared.root, "alarms", "usage") == told


def test_only_what_is_new_is_read_and_the_oldest_subject_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier, "ROWS", 4)
    asked: list[int] = []

    def grow(known: list[int] | None, after: int) -> list[int]:
        asked.append(after)
        return [*(known or []), *range(after + 1, ledger.mark()[0] + 1)]

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        kept = earlier.Earlier()

        def commit(number: int) -> None:
            ledger.commit(Commit("run", batch_name(number), None, "", [], {}, {}))

        commit(1)
        assert kept.grown(ledger, "a", grow) == [1]
        commit(2)
        assert kept.grown(ledger, "a", grow) == [1, 2]
        assert kept.grown(ledger, "a", grow) == [1, 2]
        assert asked == [0, 1]
        ledger.take_back(ledger.batches()[-1:], "now")
        commit(2)  # with the id of the one before
        assert kept.grown(ledger, "a", grow) == [1, 2]
        assert kept.grown(ledger, "b", grow) == [1, 2]
        assert asked == [0, 1, 0, 0]
        commit(3)
        assert kept.grown(ledger, "b", grow) == [1, 2, 3]
        assert kept.grown(ledger, "a", grow) == [1, 2, 3]
        assert asked == [0, 1, 0, 0, 2, 0]
