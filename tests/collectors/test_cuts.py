from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.collectors.cuts import over_sftp
from tests.collectors.servers import SSHD

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(SSHD is None, reason="no OpenSSH server on this machine")
def test_hundreds_of_files_over_connections_cut_at_random(tmp_path: Path) -> None:
    assert over_sftp(tmp_path, 300, 300_000, 1_500_000) >= 2
