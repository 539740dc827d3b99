"""The loop of `huadan watch` in this process."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from mediation.format_folders import looking_in
from pipeline.batch.run import run
from pipeline.batch.running import load_rater
from pipeline.errors import HuadanError
from pipeline.formats.new import lay_out
from pipeline.watch.loaded import load
from pipeline.watch.loop import Watch
from tests.pipeline.watched import committed
from tests.pipeline.world import deliver, make_workspace, own_book

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from collectors.source import Look, Source
    from pipeline.config.load import Config
    from pipeline.workspace import Workspace
    from rating.engine import Rater

SOON_S = 20.0


def soon(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def working(watch: Watch) -> Iterator[None]:
    """Has the loop work in a thread of its own."""
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield
    finally:
        watch.stop()
        thread.join(SOON_S)


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
    with working(watch):
        soon(lambda: committed(workspace) == 1)
    assert len(failed) > 1


def test_a_source_that_is_configured_no_more_is_no_trouble(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws")
    sound = workspace.config_file.read_text(encoding="utf-8") + "\n[watch]\nscan_seconds = 0.1\n"
    gone = '\n[[source]]\nname = "gone"\nfolder = "nowhere"\nformat = "3gpp_cs"\n'
    workspace.config_file.write_text(sound + gone, encoding="utf-8")
    watch = Watch(workspace, load(workspace))
    series = b'huadan_watch_source_up{source="gone"}'
    with working(watch):
        soon(lambda: "source gone" in watch.health.report()[1]["troubles"])
        assert series in watch.metrics.page()
        workspace.config_file.write_text(sound, encoding="utf-8")
        soon(lambda: watch.health.report()[0] == 200)
    assert series not in watch.metrics.page()


def test_a_batch_that_another_command_made_is_no_trouble_any_more(
    tmp_path: Path, traffic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "ws")
    with workspace.config_file.open("a", encoding="utf-8") as config:
        config.write("\n[watch]\nscan_seconds = 0.1\nbatch_seconds = 0\n")

    def fails(*_: object, **__: object) -> None:
        message = "disk I/O error"
        raise HuadanError(message)

    monkeypatch.setattr("pipeline.watch.loop.operate_batch", fails)
    watch = Watch(workspace, load(workspace))
    with working(watch):
        deliver(workspace.root, sorted(traffic.rglob("*.ber"))[:1])
        soon(lambda: "batch" in watch.health.report()[1]["troubles"])
        run(workspace)
        soon(lambda: watch.health.report()[0] == 200)
    assert committed(workspace) == 1


def test_a_book_that_is_edited_while_watch_starts_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path / "ws")
    book = own_book(workspace) / "book.yaml"

    def edited_then(workspace: Workspace, config: Config) -> Rater:
        rater = load_rater(workspace, config)
        with book.open("a", encoding="utf-8") as file:
            file.write("# edited\n")
        return rater

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.watch.loaded.load_rater", edited_then)
        watch = Watch(workspace, load(workspace))
    reloads = watch.metrics.reloads.labels("done")._value  # no public way to read it
    with working(watch):
        soon(lambda: reloads.get() == 1)


OWN = """
[[source]]
name = "pbx"
folder = "incoming/pbx"
format = "pbx"

[watch]
scan_seconds = 0.1
batch_seconds = 0
"""
CALL = "C;460002100000001;+8619921536591;+8619910665649;2026-10-12 10:00:0{0}+0800;61;n1\n"


def test_an_edited_format_is_used_and_a_broken_one_refused(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws")
    mapping = lay_out("pbx", workspace.root / "formats", "delimited")[0]
    text = mapping.read_text(encoding="utf-8")
    with workspace.config_file.open("a", encoding="utf-8") as config:
        config.write(OWN)
    incoming = workspace.root / "incoming" / "pbx"
    incoming.mkdir()
    with looking_in(workspace.root / "formats"):
        watch = Watch(workspace, load(workspace))
        reloads = watch.metrics.reloads.labels("done")._value  # no public way to read it
        with working(watch):
            (incoming / "1").write_text(CALL.format(1), encoding="utf-8")
            soon(lambda: committed(workspace) == 1)
            mapping.write_text(text.replace("service: voice", "service: voise"), encoding="utf-8")
            soon(lambda: "reload" in watch.health.report()[1]["troubles"])
            told = watch.health.report()[1]["troubles"]["reload"]
            assert "pbx/mapping.yaml:" in told
            (incoming / "2").write_text(CALL.format(2), encoding="utf-8")
            soon(lambda: committed(workspace) == 2)
            mapping.write_text(text.replace("service: voice", "service: video"), encoding="utf-8")
            soon(lambda: reloads.get() == 1)
            (incoming / "3").write_text(CALL.format(3), encoding="utf-8")
            soon(lambda: committed(workspace) == 3)
    events = pl.read_parquet(workspace.root / "edr" / "*" / "*.parquet").sort("start_time")
    assert events["service"].cast(pl.String).to_list() == ["voice", "voice", "video"]
