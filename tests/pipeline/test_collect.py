from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from collectors.errors import SourceError
from collectors.source import Source
from pipeline.batch.run import run
from pipeline.collection.log import CollectionLog
from pipeline.config.load import load_config
from pipeline.errors import ConfigError, Exit
from pipeline.ledger.store import Ledger
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace


def with_text(workspace: Workspace, old: str, new: str) -> None:
    text = workspace.config_file.read_text(encoding="utf-8")
    assert old in text
    workspace.config_file.write_text(text.replace(old, new), encoding="utf-8")


def originals(workspace: Workspace) -> list[str]:
    incoming = workspace.root / "incoming"
    return sorted(path.relative_to(incoming).as_posix() for path in incoming.rglob("*.ber"))


def states(workspace: Workspace) -> set[str]:
    with sqlite3.connect(workspace.ledger_file) as db:
        return {state for (state,) in db.execute("SELECT original FROM collections")}


@pytest.fixture
def moving(tmp_path: Path, traffic: Path) -> Workspace:
    workspace = make_workspace(tmp_path / "ws", traffic)
    with_text(workspace, 'take = "copy"', 'after = "move"')
    return workspace


def test_originals_are_moved_after_the_commit(moving: Workspace) -> None:
    before = originals(moving)
    assert run(moving).batch == "batch-000001"
    assert [name.replace("/done/", "/") for name in originals(moving)] == before
    assert all("/done/" in name for name in originals(moving))
    assert states(moving) == {"done"}
    assert run(moving).batch is None


def test_a_crash_between_commit_and_move_is_finished_by_the_next_run(
    moving: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = originals(moving)
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(
            "pipeline.batch.run.release", lambda *_: None
        )  # at the start: nothing is due yet
        patch.setattr("pipeline.batch.work._result", die)
        with pytest.raises(KeyboardInterrupt):
            run(moving)
    assert originals(moving) == before
    assert states(moving) == {"due"}
    assert run(moving).batch is None
    assert all("/done/" in name for name in originals(moving))
    assert states(moving) == {"done"}


def test_an_original_that_cannot_be_moved_is_told_once_and_tried_again(
    moving: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Source, "release", refuse)
        run(moving)
        run(moving)
    with Ledger(moving.ledger_file) as ledger:
        refusals = CollectionLog(ledger).refusals("msc1")
    assert {one["why"] for one in refusals} == {
        "the original cannot be moved: [Errno 13] Permission denied"
    }
    assert len(refusals) == len({one["name"] for one in refusals})
    run(moving)
    assert all("/done/" in name for name in originals(moving))


def test_one_source_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, traffic: Path
) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic)
    (workspace.root / "incoming" / "msc1").rename(tmp_path / "away")
    result = run(workspace)
    assert result.batch == "batch-000001"
    assert result.exit_code is Exit.CONFIGURATION
    assert "msc1" in result.refused[0]
    assert "is not a folder" in result.refused[0]
    (tmp_path / "away").rename(workspace.root / "incoming" / "msc1")
    assert run(workspace).exit_code is Exit.DONE


def test_where_no_source_can_be_read_the_first_reason_is_the_error(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws")
    for folder in (workspace.root / "incoming").iterdir():
        folder.rmdir()
    with pytest.raises(SourceError, match=r"source 'msc1'.*is not a folder"):
        run(workspace)


def test_a_batch_takes_at_most_so_many_files_of_a_source(tmp_path: Path, traffic: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", traffic)
    with_text(workspace, "[[source]]", "[[source]]\nmaximum = 1")
    first = run(workspace)
    assert first.files["committed"] == 5
    assert run(workspace).files["committed"] == 5
    assert run(workspace).batch is None


def test_a_strange_name_goes_through_the_whole_chain(tmp_path: Path, traffic: Path) -> None:
    workspace = make_workspace(tmp_path / "ws")
    data = min(traffic.rglob("msc1_*.ber")).read_bytes()
    folder = str(workspace.root / "incoming" / "msc1").encode()
    with open(folder + b"/two\nlines \xff.ber", "wb") as file:  # noqa: PTH123 - octets
        file.write(data)
    assert run(workspace).files["committed"] == 1
    with Ledger(workspace.ledger_file) as ledger:
        assert [file.name for file in ledger.files()] == ["two\\nlines \\xff.ber"]


def test_every_mistake_of_remote_sources_is_told_at_once_and_no_secret(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws")
    workspace.config_file.write_text(
        "[[source]]\n"
        'name = "a"\n'
        'url = "sftp://u:hunter2@host/in"\n'
        "[[source]]\n"
        'name = "b"\n'
        'url = "ftps://host/in"\n'
        'password = "hunter2"\n'
        'known_hosts = "k"\n'
        "[[source]]\n"
        'name = "c"\n'
        'url = "stfp://u@host/in"\n'
        "[[source]]\n"
        'name = "d"\n'
        'url = "sftp://host/in"\n'
        "[[source]]\n"
        'name = "e"\n'
        'folder = "in"\n'
        'order = "sequence"\n'
        'region = "eu"\n'
        'move_to = "/"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load_config(workspace)
    found = [str(problem) for problem in caught.value.problems]
    assert [line.split(": ")[0].split(":")[1] for line in found] == [
        *("3", "7", "8", "11", "14", "18", "19", "20"),
    ]
    for line, words in zip(
        found,
        (
            "a password does not belong into a URL",
            "'env:NAME' or 'file:PATH'",
            "known_hosts: means nothing for a source of kind ftps; only for sftp",
            "did you mean 'sftp'?",
            "names no user",
            "needs the key sequence",
            "region: means nothing",
            "must be a folder",
        ),
        strict=True,
    ):
        assert words in line
    assert "hunter2" not in str(caught.value)
