"""Which files of a source are complete and wanted, and which of them come first."""

from __future__ import annotations

import fnmatch
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from collectors.names import shown_name
from collectors.sequence import sequence_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from collectors.model import Listed, Offer

After = Literal["leave", "move", "delete"]
"""What to do with an original once its records are committed."""

Order = Literal["name", "time", "sequence"]
"""What decides which files come first where not all can be taken at once."""

PARTIAL_SUFFIXES = (".tmp", ".part", ".partial", ".filepart")
"""Names that senders use while a file is still growing; never taken."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person set for one source.

    A pattern with ``/`` is compared with the whole path below the folder, others with the last
    part of the name. A file is complete when its sender renamed it to a name that is included,
    and, if `marker` is set, when ``<name><marker>`` stands beside it, and when neither size nor
    time changed for `settle_seconds`.
    """

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    marker: str = ""
    settle_seconds: float = 0.0
    sequence: re.Pattern[str] | None = None
    order: Order = "name"
    maximum: int = 0
    """Most files to take at once; 0: all."""
    after: After = "leave"
    move_to: str = "done"
    """Folder for originals that are moved, relative to the source's folder."""

    def wanted(self, name: str) -> bool:
        """Returns whether a name is of a finished file that is to be taken."""
        parts = name.split("/")
        last = parts[-1]
        if any(part.startswith(".") for part in parts) or last.endswith(PARTIAL_SUFFIXES):
            return False
        if self.marker and last.endswith(self.marker):
            return False
        return _matches(name, self.include) and not _matches(name, self.exclude)

    @property
    def hidden(self) -> str:
        """Returns the folder below the source's own that holds what was taken; "" if none does."""
        return self.move_to.strip("/") if self.after == "move" else ""

    def sequence_in(self, name: str) -> int | None:
        """Returns the sequence number in the last part of a name."""
        return sequence_of(name.rsplit("/", 1)[-1], self.sequence)

    def choose(self, offers: Iterable[Offer]) -> list[Offer]:
        """Returns the offers that come first by `order`, at most `maximum`."""
        ordered = sorted(offers, key=self._rank)
        return ordered[: self.maximum] if self.maximum else ordered

    def _rank(self, offer: Offer) -> tuple[float, str]:
        if self.order == "time":
            return offer.mtime_ns, offer.name
        if self.order == "sequence":
            return math.inf if offer.sequence is None else offer.sequence, offer.name
        return 0, offer.name


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Returns whether any pattern fits, by shown names, so that every octet can be written."""
    shown = shown_name(name)
    last = shown.rsplit("/", 1)[-1]
    return any(
        fnmatch.fnmatchcase(shown if "/" in pattern else last, pattern) for pattern in patterns
    )


@dataclass(slots=True)
class Settling:
    """Knows since when each file has looked the way it does.

    A file is settled when its last change is `seconds` ago by our clock, or when it was seen
    unchanged for that long. The second holds where clocks disagree or were set back: a file from
    the future would else never be taken.
    """

    seconds: float
    seen: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    """Name → size, time, and the monotonic second when it was first seen so."""

    def settled(self, files: list[Listed]) -> list[Listed]:
        """Returns the files that are settled; remembers the others."""
        if not self.seconds:
            return files
        now, ticks = time.time_ns(), time.monotonic()
        before, self.seen = self.seen, {}
        done = []
        for file in files:
            if file.mtime_ns <= now - int(self.seconds * 1e9):
                done.append(file)
                continue
            size, mtime_ns, since = before.get(file.name, (-1, -1, ticks))
            if (size, mtime_ns) != (file.size, file.mtime_ns):
                since = ticks
            if ticks - since >= self.seconds:
                done.append(file)
            self.seen[file.name] = (file.size, file.mtime_ns, since)
        return done

    @property
    def from_the_future(self) -> bool:
        """Returns whether files wait whose time is later than our clock."""
        now = time.time_ns()
        return any(mtime_ns > now for _, mtime_ns, _ in self.seen.values())
