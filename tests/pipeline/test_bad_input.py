"""Input that nobody wants: told clearly, the right exit code, and nothing lost."""

from __future__ import annotations

import gzip
import os
import resource
import threading
from typing import TYPE_CHECKING

import pytest

from collectors.archive import PARTIAL, Archive
from collectors.local import LocalStore
from collectors.source import Source
from pipeline.batch.run import run
from pipeline.collection.log import CollectionLog
from pipeline.errors import Exit
from pipeline.ledger.store import Ledger
from tests.pipeline.test_collect import originals, with_text
from tests.pipeline.world import FILES, make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace

LARGE = (2 << 30) + 5


@pytest.fixture
def workspace(tmp_path: Path, traffic: Path) -> Workspace:
    return make_workspace(tmp_path / "ws", traffic)


def test_a_file_that_grows_while_it_is_read_is_left(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    path = inbox / "a.ber"
    path.write_bytes(bytes(1 << 20))
    source = Source("node", LocalStore(inbox))
    [offer] = source.look().offers
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab") as target:
            while not stop.is_set():
                target.write(bytes(1 << 20))
                target.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        while path.stat().st_size == offer.size:
            pass
        taken, refused = Archive(tmp_path / "archive").take_all([(source, offer)], threads=1)
    finally:
        stop.set()
        writer.join()
    assert not taken
    assert "changed while it was read" in refused[0].reason
    assert not list((tmp_path / "archive").glob(f"{PARTIAL}*"))
    assert len(source.look().offers) == 1


def test_a_zip_bomb_is_suspended_and_the_others_go_on(workspace: Workspace) -> None:
    with_text(workspace, "[run]", "[run]\nmax_unpacked_bytes = 2_000_000")
    bomb = gzip.compress(bytes(60_000_000))
    (workspace.root / "incoming" / "msc1" / "msc1_000003_bomb.ber").write_bytes(bomb)
    result = run(workspace)
    assert result.exit_code is Exit.SUSPENSE
    assert result.files["suspended"] == 1
    assert result.files["committed"] == FILES


def test_a_file_of_more_than_two_gibibytes_is_taken_whole(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    with (inbox / "a.ber").open("wb") as target:  # sparse: takes no space
        target.truncate(LARGE)
    source = Source("node", LocalStore(inbox, "link"))
    [offer] = source.look().offers
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken, refused = Archive(tmp_path / "archive").take_all([(source, offer)], threads=1)
    assert not refused
    assert taken[0].path.stat().st_size == LARGE
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 100_000_000


def test_originals_that_cannot_be_moved_are_told_and_the_batch_stands(
    workspace: Workspace,
) -> None:
    with_text(workspace, 'take = "copy"', 'after = "move"')
    blocked = workspace.root / "incoming" / "msc1" / "done"
    blocked.write_bytes(b"a file where a folder should be")
    with_text(workspace, '"*.ber"', '"msc*.ber"')
    result = run(workspace)
    assert result.batch == "batch-000001"
    assert [name for name in originals(workspace) if name.startswith("msc1/msc1")]
    with Ledger(workspace.ledger_file) as ledger:
        refused = CollectionLog(ledger).refusals("msc1")
    assert all(one["why"].startswith("the original cannot be moved") for one in refused)
    assert refused
    blocked.unlink()
    assert run(workspace).batch is None
    assert not [name for name in originals(workspace) if name.startswith("msc1/msc1")]


def test_files_from_the_future_are_taken_once_they_rest(workspace: Workspace) -> None:
    with_text(workspace, "[[source]]", "[[source]]\nsettle_seconds = 0.2")
    for name in originals(workspace):
        os.utime(workspace.root / "incoming" / name, (4_000_000_000, 4_000_000_000))
    assert run(workspace).files["committed"] == FILES
