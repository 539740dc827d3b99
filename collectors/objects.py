"""A prefix of an object store (S3 and what speaks like it) as a store of files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pyarrow import ArrowException, fs

from collectors.errors import AccessError, LostError
from collectors.model import Listed
from collectors.receive import BLOCK, receive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from collectors.model import Received, Skipped
    from collectors.secret import Secret

Value = TypeVar("Value")

_DENIED = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE|UNRECOGNIZED_CLIENT|HTTP status 403"
)
_MISSING = re.compile(r"NO_SUCH_BUCKET|bucket does not exist", re.IGNORECASE)
_GONE = re.compile(r"NO_SUCH_KEY|RESOURCE_NOT_FOUND|HTTP status 404|does not exist", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ObjectLogin:
    """How to reach the service. Without keys the usual AWS variables and files are looked at."""

    endpoint: str
    """URL of a service that is not AWS."""
    region: str
    access_key: Secret
    secret_key: Secret
    ca_file: Path | None
    timeout_seconds: float


@dataclass(slots=True)
class ObjectStore:
    """Objects below a prefix of a bucket. What S3 lists is complete: objects appear as a whole."""

    login: ObjectLogin
    bucket: str
    prefix: str
    _service: Any = field(default=None)

    @property
    def place(self) -> str:
        """Returns the URL."""
        return f"s3://{self._path('')}"

    def files(self, without: str = "") -> Iterator[Listed | Skipped]:
        """Yields objects of all folders below, but for folder `without`."""
        root = self._path("")
        selector = fs.FileSelector(root, recursive=True, allow_not_found=True)
        listed = self._do(lambda service: service.get_file_info(selector))
        if not listed and not self._is_there():
            what, hint = "there is no such bucket", "create it, or correct `url` of this source"
            raise AccessError(what, hint)
        for found in listed:
            name = found.path[len(root) :].lstrip("/")
            hidden = without and name.startswith(f"{without}/")
            if found.type == fs.FileType.File and not hidden:
                yield Listed(name, found.size, found.mtime_ns or 0)

    def _is_there(self) -> bool:
        found = self._do(lambda service: service.get_file_info(self.bucket))
        return bool(found.type != fs.FileType.NotFound)

    def find(self, name: str) -> Listed | None:
        """Returns an object as it is now."""
        found = self._do(lambda service: service.get_file_info(self._path(name)))
        is_file = found.type == fs.FileType.File
        return Listed(name, found.size, found.mtime_ns or 0) if is_file else None

    def fetch(self, name: str, partial: Path, size: int) -> Received:
        """Reads the object block by block."""
        stream = self._do(
            lambda service: service.open_input_stream(self._path(name), compression=None)
        )
        try:
            return receive(self._blocks(stream), partial, size)
        finally:
            stream.close()

    def _blocks(self, stream: Any) -> Iterator[bytes]:  # noqa: ANN401 - pyarrow has no types
        while block := self._do(lambda _: stream.read(BLOCK)):
            yield block

    def move(self, name: str, target: str) -> None:
        """Copies the object to its new name, then removes it."""
        self._do(lambda service: service.move(self._path(name), self._path(target)))

    def delete(self, name: str) -> None:
        """Removes an object."""
        self._do(lambda service: service.delete_file(self._path(name)))

    def close(self) -> None:
        """Forgets the service; the next call opens it anew."""
        self._service = None

    def _path(self, name: str) -> str:
        parts = [self.bucket, *(part for part in (self.prefix, name) if part)]
        path = "/".join(parts)
        while "/../" in path:  # `move_to` may lead to a folder beside the prefix
            path = re.sub(r"/[^/]+/\.\./", "/", path, count=1)
        return path

    def _do(self, work: Callable[[Any], Value]) -> Value:
        """Returns what the work gives; says in our words what went wrong."""
        if self._service is None:
            self._service = self._open()
        try:
            return work(self._service)
        except (OSError, ArrowException) as error:
            raise _translated(str(error)) from error

    def _open(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        login = self.login
        scheme, _, host = login.endpoint.rpartition("://")
        return fs.S3FileSystem(
            access_key=login.access_key.read(),
            secret_key=login.secret_key.read(),
            region=login.region or ("us-east-1" if login.endpoint else None),
            scheme=scheme or "https",
            endpoint_override=host or None,
            connect_timeout=login.timeout_seconds,
            request_timeout=login.timeout_seconds,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
            tls_ca_file_path=str(login.ca_file) if login.ca_file else None,
        )


def _translated(text: str) -> Exception:
    """Returns the error of ours; pyarrow tells what happened in words only."""
    short = text.split(". Detail", 1)[0].split("\n", 1)[0]
    if _DENIED.search(text):
        return AccessError(f"the service denies access: {short}", "check access_key and secret_key")
    if _MISSING.search(text):
        return AccessError(
            f"there is no such bucket: {short}", "create it, or correct `url` of this source"
        )
    if _GONE.search(text):
        return FileNotFoundError(2, "there is no such object")
    return LostError(short)
