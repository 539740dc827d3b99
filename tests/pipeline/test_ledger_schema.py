from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import Exit, LedgerError, StorageError
from pipeline.ledger.schema import MIGRATIONS
from pipeline.ledger.store import Ledger
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_ledgers_of_earlier_versions_keep_what_they_hold(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.sqlite"
    db = sqlite3.connect(path)
    for script in MIGRATIONS[:version]:
        db.executescript(script)
    db.execute(f"PRAGMA user_version = {version}")
    db.execute(
        "INSERT INTO batches (kind, name, inputs, state, summary)"
        " VALUES ('run', 'batch-000001', '', 'published', '{}')"
    )
    db.execute(
        "INSERT INTO outputs (batch, path, digest, rows, bytes) VALUES (1, 'edr/a', 'd', 2, 3)"
    )
    db.commit()
    db.close()
    for _ in range(2):
        with Ledger(path) as ledger:
            assert [batch.name for batch in ledger.batches("run")] == ["batch-000001"]
            assert [output.path for output in ledger.outputs(batch=1)] == ["edr/a"]
            assert ledger._db.execute("PRAGMA foreign_key_check").fetchall() == []
            assert ledger._db.execute("PRAGMA foreign_keys").fetchone() == (1,)
            assert ledger.next_run_number() == 2


def test_a_new_ledger_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    def open_it(_: int) -> int:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            return len(ledger.files())

    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(open_it, range(8))) == {0}
        for path in tmp_path.iterdir():
            path.unlink()


def test_a_ledger_that_cannot_be_opened_may_be_later(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(StorageError, match=r"ledger\.sqlite cannot be opened") as caught:
        Ledger(tmp_path / "ledger.sqlite")
    assert caught.value.exit_code == Exit.TEMPORARY


@pytest.mark.parametrize("emptied", [False, True])
def test_a_ledger_that_is_gone_is_not_begun_anew(tmp_path: Path, emptied: bool) -> None:  # noqa: FBT001
    workspace = make_workspace(tmp_path / "ws", None)
    with Ledger(workspace.ledger_file):
        pass
    workspace.require()
    published = workspace.root / "rated" / "cycle=2026-10" / "batch-000001-00000.parquet"
    published.parent.mkdir(parents=True)
    for file in workspace.root.glob("ledger.sqlite*"):
        file.unlink()
    workspace.require()
    published.touch()
    if emptied:
        workspace.ledger_file.touch()
    with pytest.raises(LedgerError, match="published files in rated"):
        workspace.require()
    with pytest.raises(LedgerError, match="published files in rated"):
        Ledger(workspace.ledger_file)
    assert workspace.ledger_file.exists() == emptied
