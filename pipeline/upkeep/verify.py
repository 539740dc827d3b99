"""``huadan ledger verify``: re-reads what is published and archived against the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from collectors.archive import Archive
from collectors.digest import file_digest
from pipeline.batch.runner import LocalRunner
from pipeline.commit import recover
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.progress import Silent
from pipeline.workspace import PUBLISHED

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Listener
    from pipeline.workspace import Workspace

Kind = Literal["missing", "changed", "extra", "ledger"]


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing that is not as the ledger says."""

    path: str
    kind: Kind
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was read, and what differs."""

    files: int
    octets: int
    differences: list[Difference]

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {
            "files": self.files,
            "bytes": self.octets,
            "differences": [
                {"path": one.path, "kind": one.kind, "detail": one.detail}
                for one in self.differences
            ],
        }


@dataclass(frozen=True, slots=True)
class Expected:
    """A file as the ledger knows it."""

    path: str
    digest: str
    octets: int


def expected_files(workspace: Workspace, ledger: Ledger) -> list[Expected]:
    """Returns published files and originals, with digests, by path."""
    published = [Expected(o.path, o.digest, o.bytes) for o in ledger.outputs()]
    archive = Archive(workspace.archive)
    originals = [
        Expected(
            archive.path_of(file.file_id).relative_to(workspace.root).as_posix(),
            file.digest,
            file.size,
        )
        for file in ledger.files()
    ]
    return sorted([*published, *originals], key=lambda one: one.path)


def compare(root: Path, expected: Expected) -> Difference | None:
    """Returns how a file differs from what is expected, None if it does not."""
    path = root / expected.path
    try:
        size = path.stat().st_size
        if size != expected.octets:
            detail = f"{size} bytes; the ledger says {expected.octets}"
            return Difference(expected.path, "changed", detail)
        digest = file_digest(path)
    except (FileNotFoundError, NotADirectoryError):
        return Difference(expected.path, "missing", f"{expected.octets} bytes were here")
    except OSError as error:
        return Difference(expected.path, "missing", f"cannot be read: {error.strerror}")
    if digest == expected.digest:
        return None
    return Difference(
        expected.path, "changed", f"digest {digest[:16]}…; the ledger says {expected.digest[:16]}…"
    )


def verify(
    workspace: Workspace, *, threads: int = 2, listener: Listener | None = None
) -> Verification:
    """Reads every file that the ledger knows, and looks for others among the published ones.

    Raises:
        UsageError: nothing was ever committed here.
        LedgerError: the ledger cannot be used.
    """
    workspace.require()
    if not workspace.ledger_file.exists():
        message = f"{workspace.root} has no ledger yet"
        raise UsageError(message, "start with `huadan run`")
    listener = listener or Silent()
    with locked(workspace.lock_file, "ledger verify"), Ledger(workspace.ledger_file) as ledger:
        name = workspace.ledger_file.name
        found = [Difference(name, "ledger", what) for what in ledger.damage()]
        found += [Difference(name, "ledger", what) for what in ledger.miscounted()]
        recover(workspace, ledger)
        files = expected_files(workspace, ledger)
        listener.stage("verify", len(files), "files")

        def one(file: Expected) -> Difference | None:
            difference = compare(workspace.root, file)
            listener.advance(1)
            return difference

        found += [d for d in LocalRunner(threads).map(one, files) if d is not None]
        found += _extra(workspace.root, {file.path for file in files})
    return Verification(len(files), sum(file.octets for file in files), sorted(found))


def _extra(root: Path, known: set[str]) -> list[Difference]:
    """Returns files in the folders of published tables that no batch has written."""
    found = []
    for folder in PUBLISHED:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if not path.is_dir() and name not in known:
                found.append(Difference(name, "extra", "no batch has written it"))
    return found
