"""``[[source]]`` of huadan.toml: where files come from, which of them, and how they are read."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from collectors.sequence import LONGEST, ring_of
from mediation.framing_steps import CDR_HEADER_OCTETS, read_steps
from pipeline.config.section import Section
from pipeline.nearest import nearest

NAME = re.compile(r"[A-Za-z0-9_.-]+")
KINDS = ("sftp", "ftp", "ftps", "s3")
"""Schemes of `url`; a source with `folder` is local."""
KEYS_OF = {
    "take": ("local",),
    "known_hosts": ("sftp",),
    "key_file": ("sftp",),
    "passphrase": ("sftp",),
    "password": ("sftp", "ftp", "ftps"),
    "ca_file": ("ftps", "s3"),
    "implicit_tls": ("ftps",),
    "access_key": ("s3",),
    "secret_key": ("s3",),
    "endpoint": ("s3",),
    "region": ("s3",),
}
"""Keys that mean something for some kinds of source only."""


def _source_name(value: str) -> str:
    if not NAME.fullmatch(value):
        message = "letters, digits, dot, dash and underscore only"
        raise ValueError(message)
    return value


def _sequence_pattern(value: str) -> str:
    try:
        pattern = re.compile(value)
    except re.error as error:
        message = f"not a regular expression: {error}"
        raise ValueError(message) from None
    if value and "sequence" not in pattern.groupindex:
        message = r"has no group (?P<sequence>\d+)"
        raise ValueError(message)
    return value


def _framing(value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
    """Returns framing steps that mediation can read."""
    read_steps(value)
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:  # whose text may have a piece of a password in it
        message = "not a URL like sftp://user@host:22/folder"
        raise ValueError(message) from None
    if not value:
        return value
    if parts.password is not None:
        message = (
            "a password does not belong into a URL; write password = 'env:NAME' or 'file:PATH'"
        )
        raise ValueError(message)
    if parts.scheme not in KINDS:
        allowed = nearest(parts.scheme, KINDS)
        message = f"the scheme {parts.scheme!r} is not known; {allowed}"
        raise ValueError(message)
    if not host:
        message = f"names no {'bucket' if parts.scheme == 's3' else 'host'}"
        raise ValueError(message)
    if parts.scheme == "sftp" and not parts.username:
        message = "names no user; write sftp://user@host/folder"
        raise ValueError(message)
    return value


def _secret(value: str) -> str:
    """Returns a reference to a secret; the secret itself is never told, even if it stands here."""
    kind, colon, rest = value.partition(":")
    if value and not (colon and kind in {"env", "file"} and rest):
        message = "must say where the secret is: 'env:NAME' or 'file:PATH'"
        raise ValueError(message)
    return value


def _patterns(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_patterns)]
Secret = Annotated[str, AfterValidator(_secret)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
MOST_OCTETS = 1 << 40
"""No file is longer; offsets computed with it fit into int64."""


class Source(Section):
    """One ``[[source]]``: a local `folder` or a `url`."""

    name: Annotated[str, AfterValidator(_source_name)]
    url: Annotated[str, AfterValidator(_url)] = ""
    """``sftp://user@host:22/folder``, ``ftp://``, ``ftps://``, or ``s3://bucket/prefix``."""
    folder: Annotated[str, Field(validate_default=True)] = ""

    include: Annotated[Patterns, Field(min_length=1)] = ("*",)
    exclude: Patterns = ()
    marker: str = ""
    settle_seconds: Seconds = 0.0
    sequence: Annotated[str, AfterValidator(_sequence_pattern)] = ""
    sequence_first: Annotated[int, Field(ge=0, lt=LONGEST)] = 0
    sequence_last: Annotated[
        Annotated[int, Field(ge=1, lt=LONGEST)] | None, Field(validate_default=True)
    ] = None
    """Number after which the node begins again (default: by the digits of `sequence`)."""
    record_numbers: bool = True
    """Whether the running numbers of the records are controlled, where the format has some."""
    record_first: Annotated[int, Field(ge=0, lt=LONGEST)] | None = None
    """Running number with which a node begins again (default: as the format says)."""
    record_last: Annotated[int, Field(ge=1, lt=LONGEST)] | None = None
    """Running number after which a node begins again (default: as the format says)."""
    order: Literal["name", "time", "sequence"] = "name"
    maximum: Annotated[int, Field(ge=0)] = 0
    """Most files to take in one batch; 0: all."""
    after: Literal["leave", "move", "delete"] = "leave"
    """What to do with the original after the commit."""
    move_to: str = "done"
    take: Literal["copy", "link"] = "copy"

    password: Secret = ""
    known_hosts: str = ""
    key_file: str = ""
    passphrase: Secret = ""
    ca_file: str = ""
    implicit_tls: bool = False
    """TLS from the first octet (port 990), not after AUTH TLS."""
    access_key: Secret = ""
    secret_key: Secret = ""
    endpoint: str = ""
    region: str = ""
    connections: Annotated[int, Field(ge=1, le=64)] = 4
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    tries: Annotated[int, Field(ge=1, le=20)] = 4
    retry_seconds: Seconds = 1.0
    every_seconds: Seconds = 0.0
    """How often `watch` looks; 0: as `watch.scan_seconds` says."""

    format: str | None = None
    framing: Annotated[str | tuple[str, ...] | None, AfterValidator(_framing)] = None
    block_octets: Annotated[int, Field(ge=0, le=MOST_OCTETS)] = 0
    max_record_octets: Annotated[int, Field(ge=16, le=MOST_OCTETS)] = 1 << 20
    file_header_octets: Annotated[int, Field(ge=0, le=MOST_OCTETS)] | None = None
    cdr_header_octets: Annotated[int, Field(ge=CDR_HEADER_OCTETS, le=MOST_OCTETS)] | None = None
    numbering: str = ""
    """Number plan of this source's switches (default: the workspace's)."""
    time_zone: str = ""
    """Zone of this source's nodes that `paths.time_zones` does not list."""
    repair_integers: bool = False
    """Negative integers are counters that lost their leading zero octet."""

    @property
    def kind(self) -> str:
        """Returns ``local`` or the scheme of the URL."""
        return urlsplit(self.url).scheme or "local"

    @field_validator("folder")
    @classmethod
    def _one_place(cls, value: str, info: ValidationInfo) -> str:
        url = info.data.get("url")
        if value and url:
            message = "a source has a folder or a url, not both"
            raise ValueError(message)
        if not value and url == "":
            message = f"is missing; or write a url ({', '.join(f'{kind}://' for kind in KINDS)})"
            raise ValueError(message)
        return value

    @field_validator("sequence_last")
    @classmethod
    def _behind_the_first_file(cls, value: int | None, info: ValidationInfo) -> int | None:
        pattern, first = info.data.get("sequence"), info.data.get("sequence_first")
        if pattern is None or first is None:  # which is a mistake of its own
            return value
        ring = ring_of(pattern, first, value)
        if ring is not None and ring.last <= ring.first:
            message = f"must be larger than sequence_first ({first})"
            if value is None:
                message += f"; by the digits of `sequence` it is {ring.last}"
            raise ValueError(message)
        return value

    @field_validator("record_last")
    @classmethod
    def _behind_the_first(cls, value: int | None, info: ValidationInfo) -> int | None:
        first = info.data.get("record_first") or 0
        if value is not None and value <= first:
            message = f"must be larger than record_first ({first})"
            raise ValueError(message)
        return value

    @field_validator("order")
    @classmethod
    def _ordered_by_what_is_known(cls, value: str, info: ValidationInfo) -> str:
        if value == "sequence" and info.data.get("sequence") == "":
            message = "'sequence' needs the key sequence, which finds the number in a name"
            raise ValueError(message)
        return value

    @field_validator("move_to")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if not value.strip("/") or any(part in {".", ""} for part in value.strip("/").split("/")):
            message = "must be a folder; relative to the source's folder, or beginning with ../"
            raise ValueError(message)
        return value

    @field_validator(*KEYS_OF)
    @classmethod
    def _means_something(cls, value: str, info: ValidationInfo) -> str:
        url = info.data.get("url")
        kind = urlsplit(url).scheme or "local" if url is not None else None
        allowed = KEYS_OF[str(info.field_name)]
        if kind is not None and kind not in allowed:
            message = f"means nothing for a source of kind {kind}; only for {', '.join(allowed)}"
            raise ValueError(message)
        return value
