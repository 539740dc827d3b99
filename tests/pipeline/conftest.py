from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mediation import format_folders
from tests.pipeline.world import make_traffic

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_traffic(tmp_path_factory.mktemp("traffic"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder without formats of one's own, in which none are named yet."""
    monkeypatch.setattr(format_folders, "_named", [])
    monkeypatch.chdir(tmp_path)
