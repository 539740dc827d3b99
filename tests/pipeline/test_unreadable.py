from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from pipeline.collection.collect import look
from pipeline.collection.sources import opened
from pipeline.config.load import load_config
from pipeline.errors import Exit, StorageError
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace

SETPRIV = shutil.which("setpriv")
WITHOUT = "-dac_override,-dac_read_search"
"""What lets root read everything."""


def with_files(root: Path) -> Workspace:
    workspace = make_workspace(root)
    for name in ("msc1", "msc2"):
        (root / "incoming" / name / f"{name}_000001_202610010000.ber").write_bytes(name.encode())
    return workspace


def test_a_source_that_this_user_may_not_read_is_told_and_the_others_are_taken(
    tmp_path: Path,
) -> None:
    workspace = with_files(tmp_path / "ws")
    closed = workspace.root / "incoming" / "msc1"
    closed.chmod(0)
    command = [sys.executable, "-m", "pipeline.cli.main", "collect", "-w", str(workspace.root)]
    if os.geteuid() == 0:
        if SETPRIV is None:
            pytest.skip("root reads everything; install setpriv (util-linux)")
        command = [SETPRIV, "--bounding-set", WITHOUT, *command]

    def collect() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = collect()
    if done.stderr.startswith("setpriv"):
        pytest.skip(f"root reads everything: {done.stderr}")
    assert done.returncode == Exit.CONFIGURATION, done.stderr
    told = done.stdout + done.stderr
    assert "msc1" in told
    assert "the folder may not be read" in told
    assert "Traceback" not in told
    with Ledger(workspace.ledger_file) as ledger:
        assert [file.source for file in ledger.files()] == ["msc2"]
    closed.chmod(0o700)
    assert collect().returncode == Exit.DONE
    with Ledger(workspace.ledger_file) as ledger:
        assert [file.source for file in ledger.files()] == ["msc1", "msc2"]


@pytest.mark.parametrize(
    "kind", ["a file", "a link to itself", "a link to nothing", "a name too long"]
)
def test_a_folder_that_is_none_is_told_and_the_others_are_looked_at(
    tmp_path: Path, kind: str
) -> None:
    workspace = with_files(tmp_path / "ws")
    place = workspace.root / "incoming" / "msc1"
    if kind == "a name too long":
        text = (workspace.root / "huadan.toml").read_text(encoding="utf-8")
        text = text.replace('"incoming/msc1"', f'"incoming/{"x" * 300}"')
        (workspace.root / "huadan.toml").write_text(text, encoding="utf-8")
    else:
        place.rename(tmp_path / "away")
        if kind == "a file":
            place.write_bytes(b"x")
        else:
            place.symlink_to(place if kind == "a link to itself" else tmp_path / "nothing")
    config = load_config(workspace)
    with (
        opened(config, workspace.root) as sources,
        Ledger(workspace.ledger_file) as ledger,
        capture_logs() as logs,
    ):
        found = look(sources, ledger)
    assert [offer.source for _, offer in found.new] == ["msc2"]
    [failure] = found.failed
    assert failure.source == "msc1"
    assert not failure.temporary or kind == "a name too long"
    [line] = [log for log in logs if log["event"] == "source_failed"]
    assert line["why"] in {"is not a folder", "File name too long"}


def test_a_lock_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    place = tmp_path / ".lock"
    place.mkdir()  # refused to root as well, other than a folder that may only be read
    with (
        pytest.raises(StorageError, match="cannot be written: Is a directory") as told,
        locked(place, "run"),
    ):
        pass
    assert told.value.hint.startswith("check the folder's permissions")
