from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.collectors.servers import SSHD, certificate, ftp_server, s3_server, ssh_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.collectors.servers import SshServer


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    if SSHD is None:
        pytest.skip("no OpenSSH server on this machine; install openssh-server")
    with ssh_server(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(scope="session")
def tls_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """The folder that a server offers."""
    folder = tmp_path / "far"
    folder.mkdir()
    return folder


@pytest.fixture
def ftp(far: Path) -> Iterator[int]:
    with ftp_server(far) as port:
        yield port


@pytest.fixture
def ftps(far: Path, tls_certificate: Path) -> Iterator[int]:
    with ftp_server(far, tls_certificate) as port:
        yield port
