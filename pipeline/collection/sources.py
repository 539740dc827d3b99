"""The sources of huadan.toml as objects that can be looked at."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from collectors.errors import SourceError
from collectors.local import LocalStore
from collectors.retry import Retry
from collectors.rules import Rules
from collectors.secret import Secret
from collectors.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

    from collectors.model import Store
    from pipeline.config.load import Config
    from pipeline.config.source import Source as Settings

KNOWN_HOSTS = "~/.ssh/known_hosts"
FTP_PORT = 21
FTPS_PORT = 990
SSH_PORT = 22


@contextmanager
def opened(config: Config, root: Path) -> Iterator[list[Source]]:
    """Gives the sources in order of name; their connections end with the block."""
    with ExitStack() as stack:
        sources = sources_of(config, root)
        for source in sources:
            stack.callback(source.close)
        yield sources


def sources_of(config: Config, root: Path) -> list[Source]:
    """Returns the sources in order of name; they connect when they are first used."""
    return [
        source_of(settings, root)
        for settings in sorted(config.source, key=lambda settings: settings.name)
    ]


def source_of(settings: Settings, root: Path) -> Source:
    """Returns a source; it connects when it is first used.

    Raises:
        SourceError: a library that this kind of source needs is not installed.
    """
    rules = Rules(
        include=settings.include,
        exclude=settings.exclude,
        marker=settings.marker,
        settle_seconds=settings.settle_seconds,
        sequence=re.compile(settings.sequence) if settings.sequence else None,
        order=settings.order,
        maximum=settings.maximum,
        after=settings.after,
        move_to=settings.move_to,
    )
    local = settings.kind == "local"
    return Source(
        settings.name,
        _store(settings, root),
        rules,
        Retry(1 if local else settings.tries, settings.retry_seconds),
        0 if local else settings.connections,
    )


def _store(settings: Settings, root: Path) -> Store:
    """Returns the store of a source; libraries of other kinds are not imported."""
    url = urlsplit(settings.url)
    match settings.kind:
        case "sftp":
            return _sftp(settings, url, root)
        case "ftp" | "ftps":
            return _ftp(settings, url, root)
        case "s3":
            return _objects(settings, url, root)
        case _:
            return LocalStore(root / settings.folder, settings.take)


def _sftp(settings: Settings, url: SplitResult, root: Path) -> Store:
    try:
        from collectors.sftp import SftpLogin, SftpStore  # noqa: PLC0415 - see _store
    except ImportError:
        what, hint = "SFTP needs the package asyncssh", "pip install 'huadan[sftp]'"
        raise SourceError(settings.name, settings.url, what, hint) from None

    known_hosts = Path(settings.known_hosts or KNOWN_HOSTS).expanduser()
    login = SftpLogin(
        host=url.hostname or "",
        port=url.port or SSH_PORT,
        user=unquote(url.username or ""),
        known_hosts=root / known_hosts,
        password=Secret("password", settings.password, root),
        key_file=root / Path(settings.key_file).expanduser() if settings.key_file else None,
        passphrase=Secret("passphrase", settings.passphrase, root),
        timeout_seconds=settings.timeout_seconds,
    )
    return SftpStore(login, unquote(url.path))


def _ftp(settings: Settings, url: SplitResult, root: Path) -> Store:
    from collectors.ftp import FtpLogin, FtpStore  # noqa: PLC0415 - see _store

    login = FtpLogin(
        host=url.hostname or "",
        port=url.port or (FTPS_PORT if settings.implicit_tls else FTP_PORT),
        user=unquote(url.username or "anonymous"),
        password=Secret("password", settings.password, root),
        tls=settings.kind == "ftps",
        implicit=settings.implicit_tls,
        ca_file=root / settings.ca_file if settings.ca_file else None,
        timeout_seconds=settings.timeout_seconds,
    )
    return FtpStore(login, unquote(url.path))


def _objects(settings: Settings, url: SplitResult, root: Path) -> Store:
    from collectors.objects import ObjectLogin, ObjectStore  # noqa: PLC0415 - see _store

    login = ObjectLogin(
        endpoint=settings.endpoint,
        region=settings.region,
        access_key=Secret("access_key", settings.access_key, root),
        secret_key=Secret("secret_key", settings.secret_key, root),
        ca_file=root / settings.ca_file if settings.ca_file else None,
        timeout_seconds=settings.timeout_seconds,
    )
    return ObjectStore(login, url.netloc, unquote(url.path).strip("/"))
