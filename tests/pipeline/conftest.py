from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pipeline.world import make_traffic

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_traffic(tmp_path_factory.mktemp("traffic"))
