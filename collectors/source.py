"""A source of files: the rules a person set, over a store that knows one way to get at files."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collectors.errors import (
    AccessError,
    FileChangedError,
    LostError,
    SourceError,
    UnreachableError,
)
from collectors.model import Listed, Offer, Skipped
from collectors.names import raw_name, shown_name
from collectors.retry import Retry
from collectors.rules import Rules, Settling

if TYPE_CHECKING:
    from pathlib import Path

    from collectors.model import Store


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a source found."""

    offers: list[Offer]
    """Complete files by name, taken before or not."""
    skipped: list[Skipped]
    """Entries that are never taken."""
    from_the_future: bool = False
    """Whether files wait whose time is later than our clock: they settle while we watch."""


@dataclass(slots=True)
class Source:
    """Offers complete files, fetches them, and does with the originals what was asked for.

    It remembers nothing across processes: what was taken before is the ledger's business.
    """

    name: str
    store: Store
    rules: Rules = field(default_factory=Rules)
    retry: Retry = field(default_factory=Retry)
    connections: int = 0
    """Most files read at the same time; 0: no limit."""
    _settling: Settling = field(init=False)
    _slots: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Makes what is remembered between looks."""
        self._settling = Settling(self.rules.settle_seconds)
        self._slots = threading.Semaphore(self.connections or 1024)

    def look(self) -> Look:
        """Lists the source.

        Raises:
            SourceError: it cannot be used as configured.
            UnreachableError: it does not answer, however often it was tried.
        """
        try:
            listed = self.retry.call(lambda: list(self.store.files(self.rules.hidden)))
        except AccessError as error:
            raise SourceError(self.name, self.store.place, error.what, error.hint) from error
        except OSError as error:
            hint = "its files stay where they are; the next run tries again"
            what = error.strerror or str(error)
            raise UnreachableError(self.name, self.store.place, what, hint) from error
        files = [entry for entry in listed if isinstance(entry, Listed)]
        skipped = [entry for entry in listed if isinstance(entry, Skipped)]
        names = {file.name for file in files} if self.rules.marker else set()
        complete = [
            file
            for file in files
            if self.rules.wanted(file.name)
            and (not self.rules.marker or file.name + self.rules.marker in names)
        ]
        offers = sorted(map(self._offer, self._settling.settled(complete)))
        return Look(offers, skipped, self._settling.from_the_future)

    def _offer(self, file: Listed) -> Offer:
        return Offer(
            self.name,
            shown_name(file.name),
            file.size,
            file.mtime_ns,
            self.rules.sequence_in(file.name),
        )

    def fetch(self, offer: Offer, partial: Path) -> str:
        """Puts the offer's bytes, durable and complete, into `partial`; returns their digest.

        Raises:
            FileChangedError: the file changed while it was read.
            LostError: the connection was lost, however often it was tried.
            AccessError: the source cannot be used as configured.
            OSError: the file cannot be read, or `partial` cannot be written.
        """
        with self._slots:
            return self.retry.call(lambda: self._fetch(offer, partial))

    def _fetch(self, offer: Offer, partial: Path) -> str:
        name = raw_name(offer.name)
        received = self.store.fetch(name, partial, offer.size)
        now = self.store.find(name)  # None: taken away after we had it, and not our business
        if now is not None and (now.size, now.mtime_ns) != (offer.size, offer.mtime_ns):
            raise FileChangedError(self.name, offer.name)
        if received.size != offer.size:
            message = f"{received.size} of {offer.size} bytes arrived"
            raise LostError(message)
        return received.digest

    def release(self, offer: Offer) -> None:
        """Does with the original what the rules say, if it still is the one that was taken.

        May be repeated at any point: what is done already is left alone.

        Raises:
            LostError, AccessError, OSError: as of :meth:`fetch`; the original is still there.
        """
        if self.rules.after != "leave":
            self.retry.call(lambda: self._release(raw_name(offer.name), offer))

    def _release(self, name: str, offer: Offer) -> None:
        now = self.store.find(name)
        same = now is not None and (now.size, now.mtime_ns) == (offer.size, offer.mtime_ns)
        if now is not None and not same:
            return  # a new file under the old name: an offer of its own
        marker = name + self.rules.marker if self.rules.marker else None
        if marker is not None and self.store.find(marker) is not None:
            self.store.delete(marker)
        if not same:
            return
        if self.rules.after == "delete":
            self.store.delete(name)
        else:
            self.store.move(name, self._free_place(name))

    def _free_place(self, name: str) -> str:
        """Returns where to move a file: an older one of the same name keeps its place."""
        wanted = target = f"{self.rules.move_to.rstrip('/')}/{name}"
        number = 1
        while self.store.find(target) is not None:
            number += 1
            target = f"{wanted}.{number}"
        return target

    def close(self) -> None:
        """Ends the store's connections."""
        self.store.close()
