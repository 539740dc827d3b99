"""What several tests of mediation need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mediation.opened import Opener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens files of octets and closes them behind the test."""
    opener = Opener(tmp_path)
    yield opener
    opener.close()
