"""``huadan backup`` and ``huadan restore``: a workspace as of one moment, verified by digest.

A backup is a workspace itself: the ledger as SQLite's backup writes it, every file that it names,
and what people edit. Files that wait at the sources are not in it: they are where they were. Both
commands work beside the final name and rename at the end, so there is never half a backup.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collectors.archive import sync_folder
from collectors.digest import file_digest
from collectors.receive import BLOCK, receive
from pipeline.batch.runner import LocalRunner
from pipeline.commit import recover, storage_error
from pipeline.config.load import load_config
from pipeline.errors import DifferenceError, UsageError
from pipeline.ledger.store import Ledger
from pipeline.lock import locked
from pipeline.progress import Silent
from pipeline.upkeep.verify import Difference, expected_files
from pipeline.workspace import PUBLISHED, Workspace
from pipeline.writing import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.progress import Listener
    from pipeline.upkeep.verify import Expected

PARTIAL: Final = ".partial"
SHOWN: Final = 10
THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup or a restore has copied."""

    folder: Path
    files: int
    octets: int


@dataclass(frozen=True, slots=True)
class _Copying:
    """Copies the files that a ledger names, and checks each."""

    origin: Path
    target: Path
    link: bool
    listener: Listener

    def all(self, files: list[Expected]) -> None:
        """Copies files.

        Raises:
            DifferenceError: some are not what the ledger says.
        """
        for folder in {(self.target / file.path).parent for file in files}:
            folder.mkdir(parents=True, exist_ok=True)
        self.listener.stage("copy", len(files), "files")
        found = [d for d in LocalRunner(THREADS).map(self._one, files) if d is not None]
        if found:
            lines = "".join(f"\n  {one.kind} {one.path}: {one.detail}" for one in found[:SHOWN])
            message = f"{self.origin}: {len(found)} files are not as committed{lines}"
            raise DifferenceError(message, "`huadan ledger verify` lists all; nothing was copied")

    def _one(self, file: Expected) -> Difference | None:
        origin, target = self.origin / file.path, self.target / file.path
        try:
            digest = self._copy(origin, target, file.octets)
        except FileNotFoundError:
            return Difference(file.path, "missing", f"{file.octets} bytes were here")
        self.listener.advance(1)
        if digest != file.digest:
            return Difference(file.path, "changed", f"its digest is {digest[:16]}…")
        return None

    def _copy(self, origin: Path, target: Path, octets: int) -> str:
        if self.link:
            try:
                os.link(origin, target)
            except FileNotFoundError:
                raise
            except OSError:  # another file system, or links are not allowed
                pass
            else:
                return file_digest(target)
        with origin.open("rb", buffering=0) as source:
            return receive(iter(lambda: source.read(BLOCK), b""), target, octets).digest


def backup(
    workspace: Workspace, folder: Path, *, link: bool = False, listener: Listener | None = None
) -> Copied:
    """Writes a backup into a new folder.

    Args:
        workspace: Of what.
        folder: New or empty, and not inside the workspace.
        link: Hard links where possible: quick and small, but a file that somebody changes by hand
            changes in both. Digests tell.
        listener: Hears about progress.

    Raises:
        UsageError: the folder cannot be used.
        DifferenceError: published files are not as committed: a backup would keep the damage.
    """
    config = load_config(workspace)
    _require_free(folder)
    if folder.resolve().is_relative_to(workspace.root.resolve()):
        message = f"{folder} is inside the workspace"
        raise UsageError(message, "choose a folder elsewhere, best on another disk")
    sources = {workspace.root / source.folder for source in config.source if source.folder}
    with locked(workspace.lock_file, "backup"), Ledger(workspace.ledger_file) as ledger:
        recover(workspace, ledger)
        with _finished(folder) as partial:
            ledger.copy_to(partial / workspace.ledger_file.name)
            files = expected_files(workspace, ledger)
            _Copying(workspace.root, partial, link, listener or Silent()).all(files)
            _copy_rest(workspace.root, partial, sources)
    return Copied(folder, len(files), sum(file.octets for file in files))


def restore(origin: Path, workspace: Workspace, *, listener: Listener | None = None) -> Copied:
    """Makes a workspace of a backup.

    Args:
        origin: The backup.
        workspace: New or empty; a damaged workspace is moved aside first.
        listener: Hears about progress.

    Raises:
        UsageError: there is no backup, or the workspace is not empty.
        LedgerError: the backup's ledger is damaged.
        DifferenceError: the backup's files are not as they were; nothing is restored.
    """
    source = Workspace(origin)
    if not source.ledger_file.is_file() or not source.config_file.is_file():
        message = f"{origin} is not a backup: it has no {source.ledger_file.name}"
        raise UsageError(message, "give the folder that `huadan backup` made")
    _require_free(workspace.root)
    with _finished(workspace.root) as partial:
        made = Workspace(partial)
        shutil.copyfile(source.ledger_file, made.ledger_file)
        with Ledger(made.ledger_file) as ledger:
            files = expected_files(made, ledger)
            _Copying(origin, partial, link=False, listener=listener or Silent()).all(files)
        _copy_rest(origin, partial, set())
    return Copied(workspace.root, len(files), sum(file.octets for file in files))


def _require_free(folder: Path) -> None:
    with writing(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            message = f"{folder} is not empty"
            raise UsageError(message, "give a new folder, or move what is there aside")


@contextmanager
def _finished(folder: Path) -> Iterator[Path]:
    """Gives a partial folder that becomes `folder` at the end of the block, or is removed."""
    partial = folder.with_name(folder.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with writing(folder):
            partial.mkdir(parents=True)
        yield partial
        for parent, _, _ in os.walk(partial):
            sync_folder(partial.__class__(parent))
        partial.rename(folder)
        sync_folder(folder.parent)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError) and (known := storage_error(error, folder)):
            raise known from error
        raise


def _copy_rest(root: Path, target: Path, sources: set[Path]) -> None:
    """Copies what people edit; of the sources' folders only that they are there."""

    def waiting(folder: str, names: list[str]) -> list[str]:
        here = root.__class__(folder)
        inside = any(here.is_relative_to(source) for source in sources)
        return [name for name in names if inside and not (here / name).is_dir()]

    for path in _others(root):
        if path.is_dir():
            shutil.copytree(path, target / path.name, ignore=waiting)
        elif path.is_file():
            shutil.copy2(path, target / path.name)


def _others(root: Path) -> Iterator[Path]:
    """Yields what stands in a workspace beside what the ledger names."""
    workspace = Workspace(root)
    made = {workspace.archive.name, workspace.staging.name, workspace.reports.name, *PUBLISHED}
    for path in sorted(root.iterdir()):
        ledgers = path.name.startswith(workspace.ledger_file.name)
        if path.name not in made and not ledgers and path != workspace.lock_file:
            yield path
