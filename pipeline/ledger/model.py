"""What the ledger keeps: files, batches and what one commit writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ledger.records import FileNumbers

BatchKind = Literal["run", "recycle", "write_off", "bill"]


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """A file of the archive, as the ledger knows it."""

    file_id: str
    digest: str
    size: int
    source: str
    name: str
    sequence: int | None
    state: str
    batch: int | None


@dataclass(frozen=True, slots=True)
class Resent:
    """A content that arrived again; its records were not read a second time."""

    source: str
    name: str
    size: int
    mtime_ns: int
    file_id: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction published."""

    id: int
    kind: str
    name: str
    cycle: str | None
    inputs: str
    state: str
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The balance sheet of one file, as kept in the ledger."""

    source: str
    name: str
    file_id: str
    sheet: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a batch: where it will be published, and what it must contain."""

    path: str
    digest: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one transaction writes."""

    kind: BatchKind
    name: str
    cycle: str | None
    inputs: str
    outputs: Sequence[Output]
    summary: dict[str, Any]
    files: dict[str, str]
    """file id → new state."""
    resent: Sequence[Resent] = ()
    sheets: Sequence[Sheet] = ()
    replaces: str | None = None
    """Name of the batch whose outputs this one takes the place of."""
    files_read: Sequence[str] = ()
    """Files that were suspended as a whole, and are not any more."""
    retires: Sequence[str] = ()
    """Paths of earlier outputs that are not needed any more."""
    numbers: Sequence[FileNumbers] = ()
    """Running numbers of the records of its files."""
