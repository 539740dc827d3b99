from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.batch.run import run
from tests.pipeline.world import deliver, make_workspace

ROOT = Path(__file__).resolve().parents[2]


def huadan(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> Path:
    root = tmp_path_factory.mktemp("verify") / "ws"
    workspace = make_workspace(root, None)
    deliver(root, sorted(traffic.rglob("*.ber"))[:3])
    run(workspace)
    return root


def verified(root: Path) -> tuple[int, list[tuple[str, str]]]:
    done = huadan("ledger", "verify", "-w", root, "--json")
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)["differences"]
    return done.returncode, [(one["kind"], one["path"]) for one in found]


def test_what_was_changed_by_hand_is_found(root: Path) -> None:
    assert verified(root) == (0, [])
    table = next((root / "rated").rglob("*.parquet"))
    name = table.relative_to(root).as_posix()
    before = table.read_bytes()
    table.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))  # same length, one bit
    stray = table.with_name("copy.parquet")
    stray.write_bytes(b"by hand")
    original = next(path for path in (root / "archive").rglob("*") if path.is_file())
    kept = original.read_bytes()
    original.unlink()
    try:
        code, found = verified(root)
        assert code == 4
        assert found == [
            ("missing", original.relative_to(root).as_posix()),
            ("changed", name),
            ("extra", stray.relative_to(root).as_posix()),
        ]
    finally:
        table.write_bytes(before)
        stray.unlink()
        original.write_bytes(kept)
    assert verified(root) == (0, [])


@pytest.mark.parametrize("command", [["status"], ["run"], ["bill"], ["ledger", "verify"]])
def test_a_damaged_ledger_is_one_message_and_exit_code_2(
    tmp_path: Path, command: list[str]
) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    workspace.ledger_file.write_bytes(b"this is not a database, not at all" * 100)
    done = huadan(*command, "-w", workspace.root)
    assert done.returncode == 2
    assert "is damaged" in done.stderr
    assert "huadan restore" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_ledger_of_a_newer_version_is_exit_code_2(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    with sqlite3.connect(workspace.ledger_file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    done = huadan("run", "-w", workspace.root)
    assert (done.returncode, "newer version" in done.stderr) == (2, True)


def test_broken_pages_in_the_middle_are_told(root: Path, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", None)
    octets = bytearray((root / "ledger.sqlite").read_bytes())
    octets[8192:] = bytes(255 for _ in octets[8192:])
    workspace.ledger_file.write_bytes(octets)
    for command in (["status"], ["run"], ["ledger", "verify"]):
        done = huadan(*command, "-w", workspace.root)
        assert done.returncode in {2, 4}, done.stderr
        assert "Traceback" not in done.stderr


def test_a_workspace_without_a_ledger_has_nothing_to_verify(tmp_path: Path) -> None:
    done = huadan("ledger", "verify", "-w", make_workspace(tmp_path / "ws", None).root)
    assert (done.returncode, "no ledger yet" in done.stderr) == (2, True)
