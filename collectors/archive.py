"""The archive: every original once, named by its content."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.errors import AccessError, FileChangedError, LostError, OwnDiskError
from collectors.model import FILE_ID_LENGTH, Offer, Taken
from collectors.receive import own_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from collectors.source import Source

PARTIAL = ".partial-"
"""Prefix of names under which bytes arrive; whatever is left of a killed run is removed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An offer that could not be taken now and stays where it is."""

    offer: Offer
    reason: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder of originals: ``<first two hex digits>/<file id>``."""

    folder: Path

    def path_of(self, file_id: str) -> Path:
        """Returns where the content with this id is kept."""
        return self.folder / file_id[:2] / file_id

    def clean(self) -> None:
        """Removes partial files that a killed run left behind."""
        for path in self.folder.glob(f"{PARTIAL}*"):
            path.unlink(missing_ok=True)

    def take(self, source: Source, offer: Offer, partial_name: str) -> Taken:
        """Brings one offer into the archive, durable before its final name exists."""
        partial = self.folder / f"{PARTIAL}{partial_name}"
        with own_disk():
            partial.unlink(missing_ok=True)
        try:
            digest = source.fetch(offer, partial)
            target = self.path_of(digest[:FILE_ID_LENGTH])
            if not target.exists():
                with own_disk():
                    self._place(partial, target)
        finally:
            # rename does nothing when both names are links to one file
            with own_disk():
                partial.unlink(missing_ok=True)
        return Taken(offer, digest, target)

    def _place(self, partial: Path, target: Path) -> None:
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            sync_folder(self.folder)
        partial.rename(target)
        sync_folder(target.parent)

    def take_all(
        self,
        work: Iterable[tuple[Source, Offer]],
        threads: int,
        progress: Callable[[Offer], None] = lambda _: None,
    ) -> tuple[list[Taken], list[Refused]]:
        """Takes offers on some threads; returns results in the order of the offers.

        A file that cannot be read or that still changes is refused, not fatal. A disk of our own that is full or fails is.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clean()

        def one(numbered: tuple[int, tuple[Source, Offer]]) -> Taken | Refused:
            number, (source, offer) = numbered
            try:
                return self.take(source, offer, f"{number:08d}")
            except FileChangedError as error:
                return Refused(offer, str(error))
            except AccessError as error:
                return Refused(offer, error.what)
            except LostError as error:
                return Refused(offer, f"the connection was lost: {error}")
            except OwnDiskError:
                raise
            except OSError as error:
                return Refused(offer, f"cannot be read: {error.strerror or error}")
            finally:
                progress(offer)

        with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
            results = list(pool.map(one, enumerate(work)))
        taken = [result for result in results if isinstance(result, Taken)]
        refused = [result for result in results if isinstance(result, Refused)]
        return taken, refused


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
