"""A folder behind FTP, or FTP over TLS, as a store of files."""

from __future__ import annotations

import errno
import ftplib
import os
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from collectors.errors import AccessError, LostError, folder_needed
from collectors.model import Listed, Skipped
from collectors.names import leads_elsewhere
from collectors.receive import BLOCK, receive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from collectors.model import Received
    from collectors.secret import Secret

Value = TypeVar("Value")

NOT_LOGGED_IN = "530"
NOT_FOUND = "550"
REFUSALS = ("ermission", "denied", "privilege")
"""How servers say with code 550 that something is there and not for us."""
FACTS = ("type", "size", "modify")


@dataclass(frozen=True, slots=True)
class FtpLogin:
    """Where and as whom.

    With `tls` the control and the data connections are encrypted: after AUTH TLS, or, if it is
    `implicit`, from the first octet.
    """

    host: str
    port: int
    user: str
    password: Secret
    tls: bool
    ca_file: Path | None
    timeout_seconds: float
    implicit: bool = False


class _SessionTls(ftplib.FTP_TLS):
    """Uses the control connection's TLS session for data, as many servers demand."""

    def ntransfercmd(
        self, cmd: str, rest: int | str | None = None
    ) -> tuple[socket.socket, int | None]:
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - over TLS
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        wrapped = self.context.wrap_socket(data, server_hostname=self.host, session=session)
        return wrapped, size


class _ImplicitTls(_SessionTls):
    """Begins with TLS, as older servers on port 990 demand."""

    def connect(
        self,
        host: str = "",
        port: int = 0,
        timeout: float = -1,
        source_address: tuple[str, int] | None = None,
    ) -> str:
        del timeout, source_address
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), self.timeout)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain, server_hostname=host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome


@dataclass(slots=True)
class FtpStore:
    """Regular files below a folder; each transfer has a connection of its own."""

    login: FtpLogin
    folder: str
    _idle: list[ftplib.FTP] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def place(self) -> str:
        """Returns the URL."""
        scheme = "ftps" if self.login.tls else "ftp"
        return f"{scheme}://{self.login.user}@{self.login.host}:{self.login.port}{self.folder}"

    def files(self, without: str = "") -> Iterator[Listed | Skipped]:
        """Yields files in all folders below, but for folder `without`."""
        with folder_needed():
            yield from self._walk("", without)

    def _walk(self, prefix: str, without: str) -> Iterator[Listed | Skipped]:
        folder = self._path(prefix.rstrip("/"))
        try:
            with self._session() as ftp:
                entries = _call(lambda: list(ftp.mlsd(folder, FACTS)))
        except PermissionError:
            if not prefix:
                raise
            yield Skipped(prefix.rstrip("/"), "the folder may not be read")
            return
        for told, facts in entries:
            last = _decoded(told)
            kind = facts.get("type", "").lower()
            if kind in {"cdir", "pdir"} or last in {".", ".."}:
                continue
            name = prefix + last
            if leads_elsewhere(last):
                yield Skipped(name, "the server's name for it leads elsewhere")
            elif kind == "dir":
                if name != without:
                    yield from self._walk(f"{name}/", without)
            elif kind == "file":
                yield _listed(name, facts)
            else:
                yield Skipped(name, "not a regular file")

    def find(self, name: str) -> Listed | None:
        """Returns a file as it is now."""
        path = self._path(name)
        try:
            with self._session() as ftp:
                answer = _call(lambda: ftp.sendcmd(f"MLST {path}"))
        except FileNotFoundError:
            return None
        line = answer.splitlines()[1].strip()
        pairs = (fact.partition("=") for fact in line.split(" ", 1)[0].split(";") if fact)
        facts = {key.lower(): value for key, _, value in pairs}
        return _listed(name, facts) if facts.get("type", "").lower() == "file" else None

    def fetch(self, name: str, partial: Path, size: int) -> Received:
        """Reads the file over a data connection."""
        path = self._path(name)
        with self._session() as ftp:
            _call(lambda: ftp.voidcmd("TYPE I"))
            data = _call(lambda: ftp.transfercmd(f"RETR {path}"))
            try:
                received = receive(_blocks(data), partial, size)
            finally:
                data.close()
            _call(ftp.voidresp)
        return received

    def move(self, name: str, target: str) -> None:
        """Renames a file, making the folders of the target."""
        path, place = self._path(name), self._path(target)
        with self._session() as ftp:
            parts = target.split("/")[:-1]
            for count in range(1, len(parts) + 1):
                if parts[count - 1] != "..":
                    _make_folder(ftp, self._path("/".join(parts[:count])))
            _call(lambda: ftp.rename(path, place))

    def delete(self, name: str) -> None:
        """Removes a file."""
        path = self._path(name)
        with self._session() as ftp:
            _call(lambda: ftp.delete(path))

    def close(self) -> None:
        """Ends the connections that are not in use."""
        with self._lock:
            idle, self._idle = self._idle, []
        for ftp in idle:
            ftp.close()

    def _path(self, name: str) -> str:
        """Returns a path as ftplib sends it: octets as Latin-1 letters.

        Raises:
            OSError: FTP's commands are lines, so a name with a line's end in it cannot be said.
        """
        path = f"{self.folder.rstrip('/')}/{name}" if name else self.folder or "/"
        if "\r" in path or "\n" in path:
            raise OSError(errno.EINVAL, "FTP has no way to ask for a name with a line's end in it")
        return os.fsencode(path).decode("latin-1")

    @contextmanager
    def _session(self) -> Iterator[ftplib.FTP]:
        """Lends a connection; kept for the next one only if all went well or the server said no."""
        with self._lock:
            ftp = self._idle.pop() if self._idle else None
        ftp = ftp or self._connect()
        try:
            yield ftp
        except (FileNotFoundError, PermissionError):
            self._keep(ftp)
            raise
        except BaseException:
            ftp.close()
            raise
        self._keep(ftp)

    def _keep(self, ftp: ftplib.FTP) -> None:
        with self._lock:
            self._idle.append(ftp)

    def _connect(self) -> ftplib.FTP:
        login = self.login
        password = login.password.read() or ""
        ftp = self._new()
        try:
            ftp.connect(login.host, login.port)
            ftp.login(login.user, password)
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
        except BaseException as error:
            ftp.close()
            raise self._why_not_connected(error) from error
        return ftp

    def _why_not_connected(self, error: BaseException) -> BaseException:
        if isinstance(error, ssl.SSLCertVerificationError):
            what = f"its certificate cannot be trusted: {error.verify_message}"
            return AccessError(what, "if it is the right server, give its CA as `ca_file`")
        if isinstance(error, ftplib.error_perm):
            what = f"the server does not let {self.login.user!r} in: {str(error)[:100]}"
            return AccessError(what, "check user and password of this source")
        if isinstance(error, (OSError, EOFError, ftplib.Error)):
            return LostError(str(error) or type(error).__name__)
        return error

    def _new(self) -> ftplib.FTP:
        login = self.login
        seconds = login.timeout_seconds
        if not login.tls:
            return ftplib.FTP(timeout=seconds, encoding="latin-1")  # noqa: S321 - asked for
        try:
            context = ssl.create_default_context(cafile=login.ca_file)
        except OSError as error:
            what = f"{login.ca_file} cannot be used: {error.strerror or error}"
            raise AccessError(what, "check `ca_file` of this source") from None
        kind = _ImplicitTls if login.implicit else _SessionTls
        return kind(context=context, timeout=seconds, encoding="latin-1")


def _call(work: Callable[[], Value]) -> Value:
    """Returns what the work gives; says in our words what went wrong."""
    try:
        return work()
    except ftplib.error_perm as error:
        text = str(error)
        if text.startswith(NOT_FOUND):
            if any(word in text for word in REFUSALS):
                raise PermissionError(errno.EACCES, f"the server says: {text}") from None
            raise FileNotFoundError(errno.ENOENT, f"the server says: {text}") from None
        if text.startswith(NOT_LOGGED_IN):
            raise LostError(text) from error
        raise OSError(errno.EREMOTEIO, f"the server says: {text}") from error
    except (OSError, EOFError, ftplib.Error) as error:
        raise LostError(str(error) or type(error).__name__) from error


def _blocks(data: socket.socket) -> Iterator[bytes]:
    while block := _call(lambda: data.recv(BLOCK)):
        yield block


def _make_folder(ftp: ftplib.FTP, path: str) -> None:
    try:
        _call(lambda: ftp.mkd(path))
    except (FileNotFoundError, PermissionError):
        return  # it is there; if not, the rename says so


def _decoded(told: str) -> str:
    return os.fsdecode(told.encode("latin-1"))


def _listed(name: str, facts: dict[str, str]) -> Listed:
    return Listed(name, int(facts.get("size", 0)), _time_ns(facts.get("modify", "")))


def _time_ns(text: str) -> int:
    """Returns ns since 1970 of ``YYYYMMDDHHMMSS[.fff]`` in UTC (RFC 3659)."""
    if not text:
        return 0
    whole, _, fraction = text.partition(".")
    seconds = int(datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0") or 0)
