"""Key files of many small batches become few: which are merged, and what a rollback leaves of them.

Files of a day are merged with others of about their size, so each key is written anew only as often
as the logarithm of the day's keys says. Whether a batch does so follows from the ledger alone: a batch
that was killed does it again, with the same bytes. The merged files are outputs of the batch like
all others; those that went into them are removed when they are published. A batch's own keys stay
a file of their own until a later batch merges it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.digest import digest_of, file_digest
from mediation.errors import KeyFileError
from mediation.key_files import KeyFile
from mediation.key_merge import Merge, Source
from pipeline.errors import LedgerError
from pipeline.parquet import write_pieces
from pipeline.published import batch_number, batch_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.flusher import Flusher
    from pipeline.ledger.model import Output

FOLDER: Final = "keys/"
MERGED: Final = "merged-"
MANY: Final = 16
"""Files of one class of size that a day may have: those of 16 keys and more, of 256 and more …"""
LARGE: Final = 1 << 18
"""Keys from which a file stays as it is: merging would cost more than it saves."""
AT_ONCE: Final = 256
"""Files that one merge takes; each is mapped meanwhile."""


def mergers(files: Iterable[Output]) -> Iterator[list[Output]]:
    """Yields the groups of a day's files that are to be merged."""
    classes: dict[int, list[Output]] = {}
    for file in files:
        if file.rows < LARGE:
            classes.setdefault(size_class(file.rows), []).append(file)
    for _, some in sorted(classes.items()):
        if len(some) >= MANY:
            yield _at_once(some)


def size_class(keys: int) -> int:
    """Returns how often a file of so many keys was merged, about: the power of `MANY` below it."""
    return (max(keys, 1).bit_length() - 1) // (MANY.bit_length() - 1)


def _at_once(files: list[Output]) -> list[Output]:
    """Returns the first files, as many as one merge takes."""
    chosen, keys = [], 0
    for file in files[:AT_ONCE]:
        keys += file.rows
        if keys > MANY * LARGE:
            break
        chosen.append(file)
    return chosen


def write_merged(
    root: Path,
    staging: Path,
    files: Sequence[Output],
    before: int | None = None,
    flusher: Flusher | None = None,
) -> Output | None:
    """Writes files of one day as one.

    Args:
        root: Of the workspace, where the files are.
        staging: Where to write.
        files: What the ledger knows of them.
        before: Only keys of batches before this number; None: all.
        flusher: Makes the file durable, see :func:`pipeline.parquet.write_octets`.

    Returns:
        What was written; None if no key is left.

    Raises:
        KeyFileError: a file is not as it was committed.
    """
    for file in files:
        checked(root / file.path, file)
    sources = [Source(KeyFile.open(root / file.path), _batch(file.path)) for file in files]
    merge = Merge(sources, before)
    if not merge.keys:
        return None
    # Named by what it is made of: no two merges have one name, and a repeated one has the same.
    made_of = f"{before} " + " ".join(file.digest for file in files)
    folder = files[0].path.rpartition("/")[0]
    path = f"{folder}/{MERGED}{digest_of(made_of.encode())[:16]}.keys"
    return write_pieces(merge.octets(), staging, path, merge.keys, flusher)


def checked(path: Path, file: Output) -> None:
    """Compares a key file with the ledger.

    Raises:
        KeyFileError: its octets are not those that were committed.
    """
    if file_digest(path) != file.digest:
        message = f"{path} is damaged (its digest differs): restore it from a backup"
        raise KeyFileError(message)


def is_merged(path: str) -> bool:
    """Returns whether a path is that of a merged key file."""
    return path.startswith(FOLDER) and path.rpartition("/")[2].startswith(MERGED)


def _batch(path: str) -> int:
    """Returns the number of the batch whose keys a file holds; 0 for a merged one."""
    if is_merged(path):
        return 0
    name = batch_of(path)
    if not name:
        message = f"{path} does not say which batch wrote it"
        raise LedgerError(message, "`huadan ledger verify` tells what differs")
    return batch_number(name)
