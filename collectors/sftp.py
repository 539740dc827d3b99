"""A folder behind SFTP as a store of files. Hosts that are not known are refused."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh

from collectors.errors import AccessError, LostError, folder_needed
from collectors.model import Listed, Skipped
from collectors.names import leads_elsewhere
from collectors.receive import BLOCK, receive
from collectors.ssh_session import SshSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from collectors.model import Received
    from collectors.secret import Secret

Value = TypeVar("Value")

_GONE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_LOST = (
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
    asyncssh.SFTPBadMessage,
    asyncssh.DisconnectError,
    TimeoutError,
    OSError,
    EOFError,
)


@dataclass(frozen=True, slots=True)
class SftpLogin:
    """Where and as whom; `known_hosts` is the file of host keys that are trusted."""

    host: str
    port: int
    user: str
    known_hosts: Path
    password: Secret
    key_file: Path | None
    passphrase: Secret
    timeout_seconds: float


@dataclass(slots=True)
class SftpStore:
    """Regular files below a folder; one connection carries all transfers."""

    login: SftpLogin
    folder: str
    _session: SshSession | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def place(self) -> str:
        """Returns the URL."""
        return f"sftp://{self.login.user}@{self.login.host}:{self.login.port}{self.folder}"

    def files(self, without: str = "") -> Iterator[Listed | Skipped]:
        """Yields files in all folders below, but for folder `without`."""
        with folder_needed():
            yield from self._walk("", without)

    def _walk(self, prefix: str, without: str) -> Iterator[Listed | Skipped]:
        folder = self._path(prefix.rstrip("/"))

        async def entries(client: asyncssh.SFTPClient) -> list[asyncssh.SFTPName]:
            return [entry async for entry in client.scandir(folder)]

        for entry in self._do(entries):
            last = os.fsdecode(entry.filename)
            name = prefix + last
            kind = entry.attrs.type
            if last in {".", ".."}:
                continue
            if leads_elsewhere(last):
                yield Skipped(name, "the server's name for it leads elsewhere")
            elif kind == asyncssh.FILEXFER_TYPE_DIRECTORY:
                if name != without:
                    yield from self._walk(f"{name}/", without)
            elif kind == asyncssh.FILEXFER_TYPE_REGULAR:
                yield _listed(name, entry.attrs)
            elif kind == asyncssh.FILEXFER_TYPE_SYMLINK:
                yield Skipped(name, "a symbolic link, and links are not followed")
            else:
                yield Skipped(name, "not a regular file")

    def find(self, name: str) -> Listed | None:
        """Returns a file as it is now."""
        try:
            found = self._do(lambda client: client.lstat(self._path(name)))
        except FileNotFoundError:
            return None
        regular = found.type == asyncssh.FILEXFER_TYPE_REGULAR
        return _listed(name, found) if regular else None

    def fetch(self, name: str, partial: Path, size: int) -> Received:
        """Reads the file in blocks, several requests at a time, all on one connection."""
        session = self._connected()
        path = self._path(name)
        handle = self._ask(session, lambda client: client.open(path, "rb", encoding=None))
        try:
            return receive(self._blocks(session, handle, size), partial, size)
        finally:
            with suppress(OSError):  # a lost connection closes its files itself
                self._ask(session, lambda _: handle.close())

    def _blocks(
        self, session: SshSession, handle: asyncssh.SFTPClientFile, size: int
    ) -> Iterator[bytes]:
        at = 0
        while at < size:
            block = self._ask(session, lambda _, at=at: handle.read(min(BLOCK, size - at), at))  # type: ignore[misc]
            if not block:
                return
            at += len(block)
            yield block  # type: ignore[misc] # octets: it was opened without an encoding

    def move(self, name: str, target: str) -> None:
        """Renames a file; servers refuse to write over another one."""

        async def rename(client: asyncssh.SFTPClient) -> None:
            place = self._path(target)
            await client.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH120 - octets
            await client.rename(self._path(name), place)

        self._do(rename)

    def delete(self, name: str) -> None:
        """Removes a file."""
        self._do(lambda client: client.remove(self._path(name)))

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            if self._session is not None:
                self._session.end()
                self._session = None

    def _path(self, name: str) -> bytes:
        folder = self.folder.removeprefix("/~/") or "/"
        if folder == "/~":
            folder = "."
        return os.fsencode(f"{folder.rstrip('/')}/{name}" if name else folder)

    def _do(self, work: Callable[[asyncssh.SFTPClient], Awaitable[Value]]) -> Value:
        return self._ask(self._connected(), work)

    def _ask(
        self, session: SshSession, work: Callable[[asyncssh.SFTPClient], Awaitable[Value]]
    ) -> Value:
        """Returns what the work gives; says in our words what went wrong."""
        try:
            return session.run(work)
        except _GONE:
            raise FileNotFoundError(errno.ENOENT, "there is no such file") from None
        except asyncssh.SFTPPermissionDenied:
            raise PermissionError(errno.EACCES, "the server denies permission") from None
        except _LOST as error:
            self._drop(session)
            raise LostError(str(error) or type(error).__name__) from error
        except asyncssh.Error as error:
            raise OSError(errno.EREMOTEIO, f"the server says: {error.reason}") from error

    def _drop(self, session: SshSession) -> None:
        """Ends a broken connection; another that has taken its place stays."""
        with self._lock:
            if self._session is session:
                self._session = None
        session.end()

    def _connected(self) -> SshSession:
        with self._lock:
            if self._session is None:
                self._session = self._connect()
            return self._session

    def _connect(self) -> SshSession:
        login = self.login
        if not login.known_hosts.is_file():
            what = f"{login.known_hosts}, the file of known hosts, does not exist"
            raise AccessError(what, f"ssh-keyscan -p {login.port} {login.host}, check it, keep it")
        options = self._options()
        try:
            return SshSession(login.host, login.port, login.timeout_seconds, options)
        except BaseException as error:
            raise _why_not_connected(error, login) from error

    def _options(self) -> dict[str, Any]:
        login = self.login
        password, passphrase = login.password.read(), login.passphrase.read()
        try:
            keys = [asyncssh.read_private_key(login.key_file, passphrase)] if login.key_file else []
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            what = f"the key {login.key_file} cannot be used: {error}"
            raise AccessError(what, "check `key_file` and `passphrase`") from None
        return {
            "username": login.user,
            "known_hosts": str(login.known_hosts),
            "password": password,
            "client_keys": keys or None,
            "agent_path": None,
            "config": [],
        }


def _listed(name: str, found: asyncssh.SFTPAttrs) -> Listed:
    mtime_ns = (found.mtime or 0) * 1_000_000_000 + (found.mtime_ns or 0)
    return Listed(name, found.size or 0, mtime_ns)


def _why_not_connected(error: BaseException, login: SftpLogin) -> BaseException:
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        what = f"the key of this host is not in {login.known_hosts}, or is another: refused"
        hint = "ask the server's owner for the key's fingerprint; add the key only if it agrees"
        return AccessError(what, hint)
    if isinstance(error, asyncssh.PermissionDenied):
        what = f"the server does not let {login.user!r} in"
        return AccessError(what, "check user, key_file and password of this source")
    if isinstance(error, (asyncssh.Error, OSError, TimeoutError)):
        return LostError(str(error) or type(error).__name__)
    return error
