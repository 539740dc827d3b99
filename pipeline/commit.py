"""Staging, commit, publication and recovery: a batch is a transaction (DESIGN, section 9).

1. Workers write into ``staging/<name>/``, fsynced. Nothing there is visible to readers.
2. One ledger transaction names every output with its digest: the batch is committed.
3. Each file is renamed to its place and the folders are fsynced: the batch is published.

Whatever instant a process dies at, the ledger alone says what to do: a committed batch is moved to
its place, anything else in staging is removed.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from collectors.archive import sync_folder
from collectors.digest import file_digest
from pipeline.errors import DifferenceError, DiskFullError, HuadanError, StorageError
from pipeline.logs import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.ledger.model import Batch, Commit
    from pipeline.ledger.store import Ledger
    from pipeline.workspace import Workspace

KEPT = "rollback"
"""Below staging: what a rollback leaves of files that held more."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_BROKEN = (errno.EIO, errno.EROFS, errno.ENXIO, errno.ENODEV, errno.ESTALE)


@contextmanager
def staged(workspace: Workspace, name: str) -> Iterator[Path]:
    """Gives an empty staging folder for a batch and removes it if the block fails.

    Raises:
        DiskFullError: no space was left; staging is empty again and nothing is published.
        StorageError: the disk failed; the same.
    """
    folder = workspace.staging / name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        yield folder
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        _drop_if_empty(workspace.staging)
        if isinstance(error, OSError) and (known := storage_error(error, workspace.root)):
            raise known from error
        raise


def drop_staged(workspace: Workspace, folder: Path) -> None:
    """Removes what was staged and is not to be committed."""
    shutil.rmtree(folder, ignore_errors=True)
    _drop_if_empty(workspace.staging)


def storage_error(error: OSError, folder: Path) -> HuadanError | None:
    """Returns the error to show when a disk refused a write, None if it is another error."""
    if error.errno in DISK_BROKEN:
        message = f"the disk of {folder} fails: {error.strerror}; nothing was published"
        return StorageError(message, "check the disk, then run again: no input was lost")
    if error.errno not in DISK_FULL:
        return None
    free = shutil.disk_usage(folder).free // 1_000_000
    message = f"no space left for {folder} ({free} MB free); nothing was published"
    return DiskFullError(message, "free some space, then run again: no input was lost")


def commit_batch(workspace: Workspace, ledger: Ledger, folder: Path, commit: Commit) -> Batch:
    """Commits what is staged in `folder` and publishes it.

    Must be called after the :func:`staged` block has ended: what is committed must not be removed
    by whatever fails later. Recovery looks after it.

    Raises:
        DiskFullError: the ledger had no space; nothing is committed and staging is empty again.
        StorageError: the disk failed, before or after the transaction; the message says which.
    """
    try:
        sync_staged(workspace, folder)
        batch = ledger.commit(commit)
    except (HuadanError, OSError) as error:
        if ledger.batch_named(commit.name) is None:
            drop_staged(workspace, folder)
        if isinstance(error, OSError) and (known := storage_error(error, workspace.root)):
            raise known from error
        raise
    try:
        publish(workspace, ledger, batch)
    except OSError as error:
        message = f"{batch.name} is committed, but not all of it is at its place yet: {error}"
        hint = "whatever you run next finishes it, once the disk takes it"
        raise StorageError(message, hint) from error
    return batch


def publish(workspace: Workspace, ledger: Ledger, batch: Batch) -> None:
    """Moves the outputs of a committed batch to their places. May be repeated at any point.

    Raises:
        DifferenceError: an output is neither staged nor published with the bytes that were committed.
    """
    folder = workspace.staging / batch.name
    touched: set[Path] = set()
    for output in ledger.outputs(batch=batch.id):
        origin, target = folder / output.path, workspace.root / output.path
        if origin.exists():
            touched |= _make_folders(target.parent, workspace.root)
            origin.rename(target)
            touched.add(target.parent)
        elif not target.exists() or file_digest(target) != output.digest:
            message = f"{batch.name} is committed, but {output.path} is missing or was changed"
            raise DifferenceError(message, "restore the workspace from a backup")
    for path in ledger.superseded_paths(batch.id):
        target = workspace.root / path
        target.unlink(missing_ok=True)
        if target.parent.is_dir():
            touched.add(target.parent)
    for parent in sorted(touched):
        sync_folder(parent)
    ledger.mark_published(batch.id)
    shutil.rmtree(folder, ignore_errors=True)
    _drop_if_empty(workspace.staging)


def recover(workspace: Workspace, ledger: Ledger) -> list[str]:
    """Finishes or removes what a killed command left; logs and returns what was done."""
    done: list[str] = []
    if count := place_kept(workspace, ledger):
        done.append(f"placed {count} files that a rollback left")
    if count := remove_taken_back(workspace, ledger):
        done.append(f"removed {count} files of batches that were taken back")
    for batch in ledger.unpublished():
        publish(workspace, ledger, batch)
        done.append(f"published {batch.name}")
    if workspace.staging.is_dir():
        for left in sorted(workspace.staging.iterdir()):
            shutil.rmtree(left, ignore_errors=True)
            done.append(f"removed unfinished {left.name}")
        _drop_if_empty(workspace.staging)
    for what in done:
        log().warning("recovered", what=what)
    return done


def place_kept(workspace: Workspace, ledger: Ledger) -> int:
    """Moves what a rollback has staged to its place; returns how many files there were to move.

    Raises:
        DifferenceError: a file is neither staged nor at its place.
    """
    paths = ledger.placements()
    if not paths:
        return 0
    touched: set[Path] = set()
    for path in paths:
        origin, target = workspace.staging / KEPT / path, workspace.root / path
        if origin.exists():
            touched |= _make_folders(target.parent, workspace.root)
            origin.rename(target)
            touched.add(target.parent)
        elif not target.exists():
            message = f"a rollback has written {path}, but it is missing"
            raise DifferenceError(message, "restore the workspace from a backup")
    for parent in sorted(touched):
        sync_folder(parent)
    ledger.mark_placed()
    drop_staged(workspace, workspace.staging / KEPT)
    return len(paths)


def remove_taken_back(workspace: Workspace, ledger: Ledger) -> int:
    """Removes the files of batches that were taken back; returns how many there were to remove."""
    paths = ledger.removals()
    if not paths:
        return 0
    touched: set[Path] = set()
    for path in paths:
        target = workspace.root / path
        target.unlink(missing_ok=True)
        touched.add(target.parent)
    for parent in sorted(touched, reverse=True):
        _drop_empty_folders(parent, workspace.root)
    ledger.mark_removed()
    return len(paths)


def _drop_empty_folders(folder: Path, root: Path) -> None:
    """Removes a folder and its parents as far as they are empty; syncs the first that is not."""
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
    if folder.is_dir():
        sync_folder(folder)


def _make_folders(folder: Path, root: Path) -> set[Path]:
    """Makes a folder below `root`; returns the parents of those that were new."""
    parents: set[Path] = set()
    missing = folder
    while missing != root and not missing.is_dir():
        parents.add(missing.parent)
        missing = missing.parent
    folder.mkdir(parents=True, exist_ok=True)
    return parents


def sync_staged(workspace: Workspace, folder: Path) -> None:
    """Makes the names below a staging folder durable; before the ledger names them."""
    for parent in _folders(folder):
        sync_folder(parent)
    sync_folder(workspace.staging)
    sync_folder(workspace.root)


def _folders(folder: Path) -> Iterable[Path]:
    for parent, _, _ in os.walk(folder):
        yield folder.__class__(parent)


def _drop_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
