from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mediation import format_folders
from pipeline.batch.run import run
from pipeline.billing.bill import bill
from pipeline.errors import Exit
from tests.pipeline.world import make_traffic, make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_traffic(tmp_path_factory.mktemp("traffic"))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, traffic: Path) -> Workspace:
    """A workspace that has run and billed everything at once, on two threads; only to be read."""
    workspace = make_workspace(tmp_path_factory.mktemp("ws") / "undisturbed", traffic)
    result = run(workspace, threads=2)
    assert result.exit_code is Exit.DONE
    bill(workspace, threads=2)
    return workspace


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder without formats of one's own, in which none are named yet."""
    monkeypatch.setattr(format_folders, "_named", [])
    monkeypatch.chdir(tmp_path)
