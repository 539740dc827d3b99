"""Real servers on loopback for the collectors' tests, and a wire that can be cut."""

from __future__ import annotations

import getpass
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
SOON = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None) -> None:
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    message = f"no server on port {port}"
    raise RuntimeError(message)


@dataclass(frozen=True)
class SshServer:
    """An OpenSSH server of this user; `known_hosts` names it and `key` opens it."""

    port: int
    key: Path
    known_hosts: Path
    user: str

    def trusts(self, port: int, path: Path) -> Path:
        """Writes a file of known hosts for the same server behind another port."""
        text = self.known_hosts.read_text(encoding="utf-8")
        path.write_text(text.replace(f":{self.port} ", f":{port} "), encoding="utf-8")
        return path


@contextmanager
def ssh_server(folder: Path, refused: str = "") -> Iterator[SshServer]:
    """Starts a server in a folder; `refused` are SFTP requests that it denies."""
    assert SSHD is not None
    folder.chmod(0o700)
    for name in ("host", "key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        "MaxStartups 100:30:200\nMaxSessions 100\n"
        f"Subsystem sftp internal-sftp{f' -P {refused}' if refused else ''}\n",
        encoding="utf-8",
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on it when root starts it
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log)
    try:
        wait_for_port(port, process)
        known = folder / "known_hosts"
        public = (folder / "host.pub").read_text(encoding="utf-8")
        known.write_text(f"[127.0.0.1]:{port} {public}", encoding="utf-8")
        yield SshServer(port, folder / "key", known, getpass.getuser())
    finally:
        process.terminate()
        process.wait()


@contextmanager
def s3_server() -> Iterator[str]:
    """Gives the URL of an S3-speaking server."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            wait_for_port(port, process)
            urlopen(f"http://127.0.0.1:{port}/moto-api/").close()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def ftp_server(
    folder: Path, certificate: Path | None = None, *, implicit: bool = False
) -> Iterator[int]:
    """Serves a folder to user ``huadan`` with password ``secret``; gives the port."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "tests.collectors.ftp_process", str(folder)]
    command += [str(port), *([str(certificate)] if certificate else [])]
    command += ["implicit"] if implicit else []
    root = Path(__file__).resolve().parents[2]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=root, stdout=quiet, stderr=quiet) as process:
        try:
            wait_for_port(port, process)
            yield port
        finally:
            process.terminate()


def certificate(path: Path) -> Path:
    """Writes a key and a certificate for 127.0.0.1 into one file."""
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=127.0.0.1"
        f" -addext subjectAltName=IP:127.0.0.1 -keyout {path}.key -out {path}.crt"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    path.write_bytes(Path(f"{path}.key").read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


class CutWire:
    """Carries TCP connections to a port, and cuts each after a random number of octets."""

    def __init__(self, port: int, seed: int, least: int, most: int) -> None:
        self._target = port
        self._random = random.Random(seed)
        self._span = least, most
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.cuts = 0
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # the server is not there: neither is the wire
                near.close()
                continue
            self.connections += 1
            for end in (near, far):  # else each question waits 40 ms for the answer before it
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            left = [self._random.randint(*self._span)]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(a, b, left), daemon=True).start()

    def _carry(self, origin: socket.socket, target: socket.socket, left: list[int]) -> None:
        try:
            while data := origin.recv(65_536):
                target.sendall(data[: max(0, left[0])])
                left[0] -= len(data)
                if left[0] <= 0:
                    self.cuts += 1
                    break
        except OSError:
            pass
        finally:
            for end in (origin, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self) -> None:
        self._server.close()
