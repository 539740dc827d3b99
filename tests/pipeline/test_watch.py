from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.errors import Exit
from tests.pipeline.watched import PROJECT, Watched, committed
from tests.pipeline.world import FILES, deliver, make_workspace, own_book, published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.workspace import Workspace


@pytest.fixture(scope="module")
def billed(undisturbed: Workspace) -> dict[str, str]:
    """What one run over everything, and a bill run, publish."""
    return published(undisturbed.root, "billed")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace whose book may be written to."""
    workspace = make_workspace(tmp_path / "ws")
    own_book(workspace)
    return workspace


@pytest.fixture
def started() -> Iterator[list[Watched]]:
    processes: list[Watched] = []
    yield processes
    for one in processes:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def second(workspace: Workspace, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *command, "-w", str(workspace.root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )


def test_files_are_taken_as_they_arrive_and_a_broken_book_stops_nothing(
    workspace: Workspace,
    traffic: Path,
    billed: dict[str, str],
    started: list[Watched],
) -> None:
    files = sorted(traffic.rglob("*.ber"))
    watch = Watched(workspace, "first")
    started.append(watch)
    watch.until_said("watching")
    assert watch.page("/health")[0] == 200
    deliver(workspace.root, files[:3])
    watch.until(lambda: committed(workspace) == 3)

    other = second(workspace, "watch")
    assert other.returncode == Exit.TEMPORARY
    assert f"in use by huadan watch (process {watch.process.pid})" in other.stderr

    book = workspace.root / "book" / "book.yaml"
    sound = book.read_text(encoding="utf-8")
    book.write_text("name: broken\n", encoding="utf-8")
    assert "book.yaml" in watch.until_said("reload_refused")["why"]
    status, text = watch.page("/health")
    assert status == 503
    assert "an older book is in use" in json.loads(text)["troubles"]["reload"]
    assert watch.metric("huadan_watch_book_current") == 0
    deliver(workspace.root, files[3:6])
    watch.until(lambda: committed(workspace) == 6)

    book.write_text(sound, encoding="utf-8")
    watch.until_said("reloaded")
    watch.send(signal.SIGHUP)
    watch.until_said("reloaded", times=2)
    assert watch.page("/health")[0] == 200

    shutil.rmtree(workspace.root / "incoming" / "msc3")
    watch.until(lambda: watch.metric('huadan_watch_source_up{source="msc3"}') == 0)
    assert "not a folder" in watch.page("/health")[1]
    (workspace.root / "incoming" / "msc3").mkdir()
    deliver(workspace.root, files[6:])
    watch.until(lambda: committed(workspace) == FILES)
    watch.until(lambda: watch.page("/health")[0] == 200)
    assert watch.metric("huadan_watch_arrival_to_publication_seconds_count") == FILES
    watch.until(lambda: watch.metric('huadan_files{state="committed"}') == FILES)
    assert watch.page("/nothing")[0] == 404
    alerts = (PROJECT / "samples/operations/alerts-watch.yaml").read_text(encoding="utf-8")
    told = set(re.findall(r"^(huadan_\w+)", watch.page("/metrics")[1], re.MULTILINE))
    used = set(re.findall(r"\bhuadan_\w+", alerts))
    assert used
    assert used <= told

    assert watch.end() == (0, "")
    assert watch.log[-1]["event"] == "stopped"
    assert run(workspace).batch is None
    bill(workspace, threads=2)
    assert published(workspace.root, "billed") == billed


def test_a_standby_takes_over_from_a_killed_one_and_takes_nothing_twice(
    workspace: Workspace, traffic: Path, billed: dict[str, str], started: list[Watched]
) -> None:
    files = sorted(traffic.rglob("*.ber"))
    first = Watched(workspace, "first")
    started.append(first)
    first.until_said("watching")
    standby = Watched(workspace, "standby", "--standby")
    started.append(standby)
    standby.until_said("standby")
    deliver(workspace.root, files[: FILES // 2])
    first.until(lambda: (workspace.root / "staging").exists() or committed(workspace) > 0)
    first.end(signal.SIGKILL)
    assert not standby.said("watching")
    deliver(workspace.root, files[FILES // 2 :])
    standby.until(lambda: committed(workspace) == FILES)
    assert standby.end(signal.SIGINT) == (0, "")
    bill(workspace, threads=2)
    assert published(workspace.root, "billed") == billed


def test_a_port_that_is_taken_is_told(workspace: Workspace, started: list[Watched]) -> None:
    one = Watched(workspace, "first")
    started.append(one)
    port = one.until_said("watching")["pages"].rpartition(":")[2]
    other = make_workspace(workspace.root.parent / "other")
    told = second(other, "watch", "--port", port)
    assert told.returncode == Exit.CONFIGURATION
    assert f"127.0.0.1:{port} cannot be served: Address already in use" in told.stderr
    assert os.listdir(other.root / "incoming" / "msc1") == []  # noqa: PTH208
