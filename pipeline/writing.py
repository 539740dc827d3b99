"""Files that a person asked for by name: what refuses them is told in one message."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.commit import storage_error
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Makes one message of what stops the block, which writes `target`.

    Raises:
        DiskFullError: there is no space for it.
        StorageError: the disk fails.
        UsageError: it cannot stand there.
    """
    try:
        yield
    except OSError as error:
        if known := storage_error(error, target.absolute().parent):
            raise known from error
        message = f"{target} cannot be written: {error.strerror}"
        raise UsageError(message, "name a place in a folder that is there") from None


def write_page(target: Path, text: str) -> None:
    """Writes a page, for its owner only as everything of the command line; errors as above."""
    with writing(target):
        target.write_text(text, encoding="utf-8")
