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
from pipeline.errors import DiskFullError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.ledger import Batch, Commit, Ledger
    from pipeline.workspace import Workspace

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def staged(workspace: Workspace, name: str) -> Iterator[Path]:
    """Gives an empty staging folder for a batch and removes it if the block fails.

    Raises:
        DiskFullError: no space was left; staging is empty again and nothing is published.
    """
    folder = workspace.staging / name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        yield folder
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        _drop_if_empty(workspace.staging)
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise disk_full(workspace.root) from error
        raise


def disk_full(folder: Path) -> DiskFullError:
    """Returns the error to show when a write found no space."""
    free = shutil.disk_usage(folder).free // 1_000_000
    message = f"no space left for {folder} ({free} MB free); nothing was published"
    return DiskFullError(message, "free some space, then run again: no input was lost")


def commit_batch(workspace: Workspace, ledger: Ledger, folder: Path, commit: Commit) -> Batch:
    """Commits what is staged in `folder` and publishes it.

    Must be called after the :func:`staged` block has ended: what is committed must not be removed
    by whatever fails later. Recovery looks after it.

    Raises:
        DiskFullError: the ledger had no space; nothing is committed and staging is empty again.
    """
    try:
        _sync_tree(folder)
        sync_folder(workspace.staging)
        sync_folder(workspace.root)
        batch = ledger.commit(commit)
    except DiskFullError:
        if all(batch.name != commit.name for batch in ledger.batches()):
            shutil.rmtree(folder, ignore_errors=True)
            _drop_if_empty(workspace.staging)
        raise
    publish(workspace, ledger, batch)
    return batch


def publish(workspace: Workspace, ledger: Ledger, batch: Batch) -> None:
    """Moves the outputs of a committed batch to their places. May be repeated at any point.

    Raises:
        LedgerError: an output is neither staged nor published with the bytes that were committed.
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
            raise LedgerError(message, "restore the workspace from a backup")
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
    """Finishes or removes what a killed command left; returns what was done, for the log."""
    done: list[str] = []
    for batch in ledger.batches():
        if batch.state == "committed":
            publish(workspace, ledger, batch)
            done.append(f"published {batch.name}")
    if workspace.staging.is_dir():
        for left in sorted(workspace.staging.iterdir()):
            shutil.rmtree(left, ignore_errors=True)
            done.append(f"removed unfinished {left.name}")
        _drop_if_empty(workspace.staging)
    return done


def _make_folders(folder: Path, root: Path) -> set[Path]:
    """Makes a folder below `root`; returns the parents of those that were new."""
    parents: set[Path] = set()
    missing = folder
    while missing != root and not missing.is_dir():
        parents.add(missing.parent)
        missing = missing.parent
    folder.mkdir(parents=True, exist_ok=True)
    return parents


def _sync_tree(folder: Path) -> None:
    for parent in _folders(folder):
        sync_folder(parent)


def _folders(folder: Path) -> Iterable[Path]:
    for parent, _, _ in os.walk(folder):
        yield folder.__class__(parent)


def _drop_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
