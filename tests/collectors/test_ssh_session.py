"""A connection that threads share ends for all of them."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import asyncssh
import pytest

from collectors import ssh_session
from collectors.errors import LostError
from collectors.secret import Secret
from collectors.sftp import SftpLogin, SftpStore
from collectors.ssh_session import SshSession

if TYPE_CHECKING:
    from pathlib import Path

    from tests.collectors.servers import SshServer

SOON_S = 10.0
LONG_S = 100.0


@pytest.fixture
def session(sshd: SshServer) -> SshSession:
    options = {
        "username": sshd.user,
        "known_hosts": str(sshd.known_hosts),
        "client_keys": [str(sshd.key)],
        "config": [],
    }
    return SshSession("127.0.0.1", sshd.port, LONG_S, options)


@pytest.mark.parametrize("deaf", [False, True])
def test_who_waits_for_work_hears_that_another_ended_the_session(
    session: SshSession, monkeypatch: pytest.MonkeyPatch, *, deaf: bool
) -> None:
    monkeypatch.setattr(ssh_session, "FAREWELL_S", 0.2)

    async def long(_: asyncssh.SFTPClient) -> None:
        while True:
            try:
                await asyncio.sleep(LONG_S)
            except asyncio.CancelledError:
                if not deaf:
                    raise

    monkeypatch.setattr(session, "_timeout_seconds", 2.0 if deaf else LONG_S)
    with ThreadPoolExecutor() as threads:
        begin = time.monotonic()
        waiting = [threads.submit(session.run, long) for _ in range(3)]
        time.sleep(0.1)
        session.end()
        for one in waiting:
            with pytest.raises((asyncssh.SFTPConnectionLost, TimeoutError)):
                one.result(SOON_S)
    assert time.monotonic() - begin < SOON_S


def test_nothing_is_asked_of_a_session_that_was_ended(session: SshSession) -> None:
    assert session.run(lambda client: client.exists(b"/"))
    session.end()
    session.end()
    for _ in range(2):
        with pytest.raises(asyncssh.SFTPConnectionLost, match="was ended"):
            session.run(lambda client: client.exists(b"/"))
        time.sleep(0.2)  # until its loop has stopped


def test_threads_go_on_while_their_connection_is_dropped_again_and_again(
    sshd: SshServer, far: Path, tmp_path: Path
) -> None:
    octets = os.urandom(300_000)
    (far / "a.ber").write_bytes(octets)
    none = Secret("password", "", tmp_path)
    login = SftpLogin(
        "127.0.0.1", sshd.port, sshd.user, sshd.known_hosts, none, sshd.key, none, LONG_S
    )
    store = SftpStore(login, str(far))
    over = threading.Event()

    def pull(number: int) -> int:
        whole = 0
        while not (over.is_set() and whole):
            partial = tmp_path / f"partial{number}"
            partial.unlink(missing_ok=True)
            try:
                store.fetch("a.ber", partial, len(octets))
            except LostError:
                continue
            assert partial.read_bytes() == octets
            whole += 1
        return whole

    with ThreadPoolExecutor() as threads:
        pulling = [threads.submit(pull, number) for number in range(6)]
        for _ in range(10):
            time.sleep(0.15)
            if (current := store._session) is not None:
                store._drop(current)
        over.set()
        assert all(one.result(SOON_S) > 0 for one in pulling)
    store.close()
