"""What was collected when, what could not be, and what is still to be done with originals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collectors.model import Offer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collectors.model import Taken
    from pipeline.ledger.store import Ledger

_SAME = "source = ? AND name = ? AND size = ? AND mtime_ns = ?"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken, and why."""

    source: str
    name: str
    why: str


class CollectionLog:
    """The ledger's tables `collections` and `refusals`, over its table of arrivals."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def knows(self, offer: Offer) -> bool:
        """Returns whether this file was taken before: same source, name, size and time."""
        return bool(self._ledger.rows(f"SELECT 1 FROM arrivals WHERE {_SAME}", _key(offer)))  # noqa: S608 - a constant

    def file_id(self, offer: Offer) -> str:
        """Returns the content that a file had when it was taken."""
        rows = self._ledger.rows(f"SELECT file_id FROM arrivals WHERE {_SAME}", _key(offer))  # noqa: S608 - a constant
        return str(rows[0][0])

    def replace(self, file: Taken) -> None:
        """Notes that a file that was taken has other bytes now; they wait for the next batch."""
        offer = file.offer
        with self._ledger.writing() as db:
            known = db.execute("SELECT 1 FROM files WHERE file_id = ?", (file.file_id,)).fetchone()
            if known is None:
                db.execute(
                    "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, 'taken', NULL)",
                    (
                        *(file.file_id, file.digest, offer.size),
                        *(offer.source, offer.name, offer.sequence),
                    ),
                )
            db.execute(
                f"UPDATE arrivals SET file_id = ?, verdict = ?, batch = NULL WHERE {_SAME}",  # noqa: S608 - a constant
                (file.file_id, "first" if known is None else "again", *_key(offer)),
            )
            db.execute(
                f"UPDATE collections SET file_id = ?, collected = ? WHERE {_SAME}",  # noqa: S608 - a constant
                (file.file_id, _now(), *_key(offer)),
            )

    def write(self, taken: Iterable[Taken], leave: frozenset[str]) -> None:
        """Notes files that were registered; originals of sources not in `leave` become due."""
        now = _now()
        rows = [
            (*_key(file.offer), file.file_id, now, "kept" if file.offer.source in leave else "due")
            for file in taken
        ]
        with self._ledger.writing() as db:
            db.executemany("INSERT OR REPLACE INTO collections VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            db.executemany(
                "DELETE FROM refusals WHERE source = ? AND name = ?", [row[:2] for row in rows]
            )

    def still_there(self, offers: Iterable[Offer]) -> None:
        """Notes that originals of files taken before are due: a move was cut short, or undone."""
        later = [
            _key(offer)
            for offer in offers
            if not self._ledger.rows(
                f"SELECT 1 FROM collections WHERE {_SAME} AND original = 'due'",  # noqa: S608 - a constant
                _key(offer),
            )
        ]
        if not later:
            return
        now = _now()
        with self._ledger.writing() as db:
            db.executemany(
                "INSERT INTO collections SELECT source, name, size, mtime_ns, file_id, ?, 'due'"  # noqa: S608 - a constant
                f" FROM arrivals WHERE {_SAME} ON CONFLICT DO UPDATE SET original = 'due'",
                [(now, *key) for key in later],
            )

    def due(self) -> list[Offer]:
        """Returns files that are committed and whose originals wait to be moved or deleted."""
        rows = self._ledger.rows(
            "SELECT source, name, size, mtime_ns, sequence FROM collections"
            " JOIN arrivals USING (source, name, size, mtime_ns)"
            " WHERE original = 'due' AND batch IS NOT NULL ORDER BY source, name"
        )
        return [Offer(*row) for row in rows]

    def done(self, offers: Iterable[Offer]) -> None:
        """Notes that nothing is left to do with these originals."""
        keys = [_key(offer) for offer in offers]
        if keys:
            with self._ledger.writing() as db:
                db.executemany(f"UPDATE collections SET original = 'done' WHERE {_SAME}", keys)  # noqa: S608 - a constant

    def refuse(self, refusals: Iterable[Refusal]) -> list[Refusal]:
        """Notes files that were not taken; returns those that were not noted before."""
        new = [
            one
            for one in dict.fromkeys(refusals)
            if not self._ledger.rows(
                "SELECT 1 FROM refusals WHERE source = ? AND name = ? AND why = ?",
                (one.source, one.name, one.why),
            )
        ]
        if new:
            now = _now()
            with self._ledger.writing() as db:
                db.executemany(
                    "INSERT INTO refusals VALUES (?, ?, ?, ?)",
                    [(one.source, one.name, one.why, now) for one in new],
                )
        return new

    def entries(self, source: str | None = None, last: int = 0) -> list[dict[str, Any]]:
        """Returns what was collected, oldest first: all of it or the last so many."""
        rows = self._ledger.rows(
            "SELECT * FROM (SELECT c.collected, c.source, c.name, c.size, a.sequence, c.file_id,"
            " a.verdict, b.name, c.original FROM collections c"
            " JOIN arrivals a USING (source, name, size, mtime_ns)"
            " LEFT JOIN batches b ON b.id = a.batch WHERE ?1 IS NULL OR c.source = ?1"
            " ORDER BY c.collected DESC, c.source DESC, c.name DESC LIMIT ?2)"
            " ORDER BY 1, 2, 3",
            (source, last or -1),
        )
        names = (
            "collected",
            "source",
            "name",
            "size",
            "sequence",
            "file_id",
            "verdict",
            "batch",
            "original",
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def refusals(self, source: str | None = None) -> list[dict[str, Any]]:
        """Returns what could not be taken and was not taken since."""
        rows = self._ledger.rows(
            "SELECT since, source, name, why FROM refusals WHERE ?1 IS NULL OR source = ?1"
            " ORDER BY since, source, name",
            (source,),
        )
        return [dict(zip(("since", "source", "name", "why"), row, strict=True)) for row in rows]


def _key(offer: Offer) -> tuple[str, str, int, int]:
    return offer.source, offer.name, offer.size, offer.mtime_ns


def _now() -> str:
    """Returns the wall clock, for people; nothing that is published depends on it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
