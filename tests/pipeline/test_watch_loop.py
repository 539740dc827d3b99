"""The loop of `huadan watch` in this process."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pipeline.errors import HuadanError
from pipeline.watch.loaded import load
from pipeline.watch.loop import Watch
from tests.pipeline.watched import committed
from tests.pipeline.world import deliver, make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from collectors.source import Look, Source

SOON_S = 20.0


def test_what_was_seen_when_the_ledger_failed_is_taken_without_another_look(
    tmp_path: Path, traffic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "ws")
    with workspace.config_file.open("a", encoding="utf-8") as config:
        config.write("\n[watch]\nscan_seconds = 600\nbatch_files = 1\n")
    deliver(workspace.root, sorted(traffic.rglob("*.ber"))[:1])
    sort_out = Watch._sort_out
    failed: list[int] = []

    def fails_first(watch: Watch, news: list[tuple[Source, Look]]) -> None:
        failed.append(len(news))
        if len(failed) == 1:
            message = "disk I/O error"
            raise HuadanError(message)
        sort_out(watch, news)

    monkeypatch.setattr(Watch, "_sort_out", fails_first)
    watch = Watch(workspace, load(workspace))
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        end = time.monotonic() + SOON_S
        while not committed(workspace) and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        watch.stop()
        thread.join(SOON_S)
    assert len(failed) > 1
    assert committed(workspace) == 1
