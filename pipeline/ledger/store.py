"""The ledger: the truth about which files were taken and what is committed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from collectors.sequence import Gap
from pipeline.ledger import gaps as sequence_gaps
from pipeline.ledger.database import Database
from pipeline.ledger.model import Batch, LedgerFile, Output, Resent, Sheet
from pipeline.ledger.record_gaps import Records, miscounted
from pipeline.ledger.records import write_numbers
from pipeline.ledger.rollbacks import Kept, Rollback, keep, mark_bills, mark_next_bill, take_back

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from collectors.model import Taken
    from collectors.sequence import Ring
    from pipeline.ledger.model import BatchKind, Commit


class Ledger(Database):
    """Files, batches, outputs, gaps and runs; see :class:`Database` for what it raises."""

    # Files

    def register(self, taken: Iterable[Taken]) -> tuple[int, int]:
        """Records archived files in one transaction; returns (new contents, contents seen again).

        The first arrival of a content, in order of source and name, gives the file its name.
        """
        new = again = 0
        with self._transaction() as db:
            for file in taken:
                offer = file.offer
                known = db.execute(
                    "SELECT 1 FROM files WHERE file_id = ?", (file.file_id,)
                ).fetchone()
                if known is None:
                    db.execute(
                        "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, 'taken', NULL)",
                        (file.file_id, file.digest, offer.size, *_identity(file)),
                    )
                db.execute(
                    "INSERT INTO arrivals VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                    (
                        offer.source,
                        offer.name,
                        offer.size,
                        offer.mtime_ns,
                        file.file_id,
                        offer.sequence,
                        "first" if known is None else "again",
                    ),
                )
                new += known is None
                again += known is not None
        return new, again

    def waiting(self) -> list[LedgerFile]:
        """Returns files that are in the archive and in no batch yet, by source and name."""
        return self.files("taken")

    def files(self, state: str | None = None) -> list[LedgerFile]:
        """Returns files by source and name, of one state or all."""
        wanted = "" if state is None else "WHERE state = ?"
        rows = self._db.execute(
            "SELECT file_id, digest, size, source, name, sequence, state, batch FROM files"  # noqa: S608 - ours
            f" {wanted} ORDER BY +source, name, file_id",
            () if state is None else (state,),
        )
        return [LedgerFile(*row) for row in rows]

    def waiting_resent(self) -> list[Resent]:
        """Returns contents that arrived again and are in no batch's audit yet."""
        rows = self._db.execute(
            "SELECT source, name, size, mtime_ns, file_id FROM arrivals"
            " WHERE verdict = 'again' AND batch IS NULL ORDER BY +source, name, size, mtime_ns"
        )
        return [Resent(*row) for row in rows]

    def missing_before(self, files: Iterable[LedgerFile]) -> dict[str, int]:
        """Returns by file id how many sequence numbers are missing just before a file's own."""
        return sequence_gaps.missing_before(
            self._db, [(file.file_id, file.source, file.sequence) for file in files]
        )

    # Batches

    def next_run_number(self) -> int:
        """Returns the number of the next batch that is no bill run: how many there are, plus one.

        Recycling counts with the runs, so that the names of batches sort as they were committed.
        """
        (count,) = self._db.execute("SELECT count(*) FROM batches WHERE kind <> 'bill'").fetchone()
        return int(count) + 1

    def batches(self, kind: BatchKind | None = None) -> list[Batch]:
        """Returns batches in order of commit."""
        return self._batches("?1 IS NULL OR kind = ?1", kind)

    def last_runs(self, count: int) -> list[Batch]:
        """Returns the last so many runs in order of commit; 0: all."""
        return self._batches(
            "id IN (SELECT id FROM batches WHERE kind = 'run' ORDER BY id DESC LIMIT ?)",
            count or -1,
        )

    def unpublished(self) -> list[Batch]:
        """Returns batches that are committed, of which not all may be at its place."""
        return self._batches("?1 = 'committed' AND state = 'committed'", "committed")

    def _batches(self, where: str, value: object) -> list[Batch]:
        rows = self._db.execute(
            "SELECT id, kind, name, cycle, inputs, state, summary FROM batches"  # noqa: S608 - ours
            f" WHERE {where} ORDER BY id",
            (value,),
        )
        return [
            Batch(number, kind, name, cycle, inputs, state, json.loads(summary))
            for number, kind, name, cycle, inputs, state, summary in rows
        ]

    def batch_before(self, batch: Batch | None = None) -> Batch | None:
        """Returns the batch, bill runs aside, that was committed before one, or the latest."""
        found = self._batches(
            "id = (SELECT max(id) FROM batches WHERE kind <> 'bill' AND (?1 IS NULL OR id < ?1))",
            None if batch is None else batch.id,
        )
        return found[0] if found else None

    def batch_named(self, name: str) -> Batch | None:
        """Returns the batch of a name."""
        found = self._batches("name = ?", name)
        return found[0] if found else None

    def bill_of(self, cycle: str) -> Batch | None:
        """Returns the latest bill run of a cycle."""
        found = [batch for batch in self.batches("bill") if batch.cycle == cycle]
        return found[-1] if found else None

    def outputs(self, prefix: str = "", batch: int | None = None) -> list[Output]:
        """Returns what is published and not superseded, by path."""
        wanted = "" if batch is None else "AND batch = ?2"
        rows = self._db.execute(
            "SELECT path, digest, rows, bytes FROM outputs WHERE superseded IS NULL"  # noqa: S608 - ours
            f" AND path >= ?1 AND path < ?1 || char(1114111) {wanted} ORDER BY path",
            (prefix,) if batch is None else (prefix, batch),
        )
        return [Output(*row) for row in rows]

    def outputs_after(self, prefix: str, batch: int) -> list[Output]:
        """Returns what batches after one (by id) have published, by path."""
        if not batch:
            return self.outputs(prefix)
        rows = self._db.execute(
            "SELECT path, digest, rows, bytes FROM outputs WHERE batch > ?2 AND +superseded IS NULL"
            " AND +path >= ?1 AND +path < ?1 || char(1114111) ORDER BY +path",  # few: by batch
            (prefix, batch),
        )
        return [Output(*row) for row in rows]

    def latest_outputs(self, prefix: str) -> list[Output]:
        """Returns of each folder below a prefix the last output: paths sort by batch."""
        found: list[Output] = []
        sql = (
            "SELECT path, digest, rows, bytes FROM outputs WHERE superseded IS NULL"
            " AND path >= ? AND path < ? || char(1114111) ORDER BY path"
        )
        begin = prefix
        while first := self._db.execute(f"{sql} LIMIT 1", (begin, prefix)).fetchone():
            folder = f"{first[0].rpartition('/')[0]}/"
            last = self._db.execute(f"{sql} DESC LIMIT 1", (folder, folder)).fetchone()
            found.append(Output(*last))
            begin = f"{folder}{chr(1114111)}"
        return found

    def mark(self) -> tuple[int, int]:
        """Returns the ids of the latest batch and of the latest rollback; 0 where there is none."""
        row = self._db.execute(
            "SELECT coalesce((SELECT max(id) FROM batches), 0),"
            " coalesce((SELECT max(id) FROM rollbacks), 0)"
        ).fetchone()
        return int(row[0]), int(row[1])

    def superseded_paths(self, batch: int) -> list[str]:
        """Returns paths that `batch` took away without putting anything in their place."""
        rows = self._db.execute(
            "SELECT DISTINCT path FROM outputs AS gone WHERE superseded = ? AND NOT EXISTS"
            " (SELECT 1 FROM outputs WHERE path = gone.path AND superseded IS NULL) ORDER BY path",
            (batch,),
        )
        return [path for (path,) in rows]

    def commit(self, commit: Commit) -> Batch:
        """Writes a whole batch in one transaction; from here on it is committed."""
        with self._transaction() as db:
            batch = db.execute(
                "INSERT INTO batches (kind, name, cycle, inputs, state, summary)"
                " VALUES (?, ?, ?, ?, 'committed', ?) RETURNING id",
                (
                    commit.kind,
                    commit.name,
                    commit.cycle,
                    commit.inputs,
                    _summary_text(commit),
                ),
            ).fetchone()[0]
            if commit.replaces is not None:
                db.execute(
                    "UPDATE outputs SET superseded = ? WHERE superseded IS NULL"
                    " AND batch = (SELECT id FROM batches WHERE name = ?)",
                    (batch, commit.replaces),
                )
            db.executemany(
                "UPDATE outputs SET superseded = ? WHERE superseded IS NULL AND path = ?",
                [(batch, path) for path in commit.retires],
            )
            db.executemany(
                "INSERT INTO outputs VALUES (?, ?, ?, ?, ?, NULL)",
                [(batch, o.path, o.digest, o.rows, o.bytes) for o in commit.outputs],
            )
            db.executemany(
                "UPDATE files SET state = ?, batch = ? WHERE file_id = ?",
                [(state, batch, file_id) for file_id, state in commit.files.items()],
            )
            db.executemany(
                "UPDATE files SET state = 'committed' WHERE file_id = ?",
                [(file_id,) for file_id in commit.files_read],
            )
            db.executemany(
                "UPDATE arrivals SET batch = ?"
                " WHERE file_id = ? AND verdict = 'first' AND batch IS NULL",
                [(batch, file_id) for file_id in commit.files],
            )
            db.executemany(
                "UPDATE arrivals SET batch = ?"
                " WHERE source = ? AND name = ? AND size = ? AND mtime_ns = ?",
                [(batch, r.source, r.name, r.size, r.mtime_ns) for r in commit.resent],
            )
            db.executemany(
                "INSERT INTO sheets VALUES (?, ?, ?, ?, ?)",
                [
                    (batch, s.source, s.name, s.file_id, json.dumps(s.sheet, sort_keys=True))
                    for s in commit.sheets
                ],
            )
            sequence_gaps.write_gaps(db, batch)
            write_numbers(db, batch, commit.numbers, repeats=commit.kind == "run")
            self._mark_bills(db, batch, commit)
        return self._batches("id = ?", batch)[0]

    def _mark_bills(self, db: sqlite3.Connection, batch: int, commit: Commit) -> None:
        if commit.kind == "bill":
            db.execute(
                "DELETE FROM outdated WHERE batch IN (SELECT batch FROM outputs"
                " WHERE superseded = ?)",
                (batch,),
            )
            mark_next_bill(db, batch, f"{commit.name} left other balances")
        else:
            mark_bills(db, batch, f"{commit.name} brought events")

    def bill_holds(self, batch: int) -> None:
        """Takes note that a bill run would give the same bills again."""
        with self._transaction() as db:
            db.execute("DELETE FROM outdated WHERE batch = ?", (batch,))

    def outdated(self) -> dict[str, str]:
        """Returns bill runs whose events or opening balances have changed since: name → why."""
        rows = self._db.execute(
            "SELECT name, because FROM outdated JOIN batches ON id = batch ORDER BY id"
        )
        return dict(rows.fetchall())

    def mark_published(self, batch: int) -> None:
        """Records that every output of a batch is at its place."""
        with self._transaction() as db:
            db.execute("UPDATE batches SET state = 'published' WHERE id = ?", (batch,))

    def take_back(self, batches: Sequence[Batch], now: str, kept: Kept | None = None) -> None:
        """Takes batches back in one transaction, the latest first; see ``rollbacks.py``."""
        with self._transaction() as db:
            if kept is not None:
                keep(db, kept)
            for batch in batches:
                take_back(db, batch.id, batch.name, batch.kind, now)
            sequence_gaps.write_gaps(db, None)

    def rollbacks(self) -> list[Rollback]:
        """Returns what was taken back, in order."""
        rows = self._db.execute(
            "SELECT made, batch, kind, files, outputs FROM rollbacks ORDER BY id"
        )
        return [Rollback(*row) for row in rows]

    def removals(self) -> list[str]:
        """Returns paths that are to be removed: their batch was taken back."""
        return [path for (path,) in self._db.execute("SELECT path FROM removals ORDER BY path")]

    def mark_removed(self) -> None:
        """Records that every path of :meth:`removals` is gone."""
        with self._transaction() as db:
            db.execute("DELETE FROM removals")

    def placements(self) -> list[str]:
        """Returns paths of files that a rollback has staged, and may not have moved yet."""
        return [path for (path,) in self._db.execute("SELECT path FROM placements ORDER BY path")]

    def mark_placed(self) -> None:
        """Records that every path of :meth:`placements` is at its place."""
        with self._transaction() as db:
            db.execute("DELETE FROM placements")

    def know_rings(self, rings: dict[str, Ring]) -> None:
        """Takes note of where the numbers of each source begin again."""
        if sequence_gaps.known_rings(self._db) != rings:
            with self._transaction() as db:
                sequence_gaps.set_rings(db, rings)

    def close_gap(self, gap: Gap, made: str, who: str, reason: str) -> None:
        """Takes note that sequence numbers will never come."""
        with self._transaction() as db:
            sequence_gaps.close_gap(db, gap, made, who, reason)

    def closed_gaps(self) -> list[sequence_gaps.Closed]:
        """Returns sequence numbers that will never come."""
        return sequence_gaps.closed(self._db)

    def late_files(self, batch: str | None = None) -> list[tuple[str, str, int]]:
        """Returns files that filled a gap, of one batch or all: (batch, source, number)."""
        return sequence_gaps.fills(self._db, batch)

    def retold_names(self) -> list[sequence_gaps.Retold]:
        """Returns names that came with several contents."""
        return sequence_gaps.retold(self._db)

    def retold_among(self, names: Iterable[tuple[str, str]]) -> list[sequence_gaps.Retold]:
        """Returns those of some (source, name) that came with several contents."""
        return sequence_gaps.retold_among(self._db, names)

    def gaps(self) -> list[Gap]:
        """Returns missing sequence numbers as of the last commit."""
        rows = self._db.execute("SELECT source, first, last FROM gaps ORDER BY source, first")
        return [Gap(*row) for row in rows]

    @property
    def records(self) -> Records:
        """Returns sequence control on record level."""
        return Records(self)

    def miscounted(self) -> list[str]:
        """Returns where sequence control does not tie with what it was made of."""
        return [*sequence_gaps.miscounted(self._db), *miscounted(self._db)]

    def sheets(self, batch: str | None = None) -> list[Sheet]:
        """Returns the balance sheets of all files, or of a batch's, in order of commit."""
        rows = self._db.execute(
            "SELECT source, name, file_id, sheet FROM sheets WHERE ?1 IS NULL"
            " OR batch = (SELECT id FROM batches WHERE name = ?1) ORDER BY rowid",
            (batch,),
        )
        return [
            Sheet(source, name, file_id, json.loads(sheet)) for source, name, file_id, sheet in rows
        ]

    def formats(self, file_ids: Iterable[str]) -> list[tuple[str, str, str, str | None]]:
        """Returns (file id, source, name, format of the latest sheet that knows it) of files."""
        return self._db.execute(
            "SELECT file_id, source, name, (SELECT json_extract(sheet, '$.format') AS format"
            "  FROM sheets WHERE sheets.file_id = files.file_id AND format <> ''"
            "  ORDER BY sheets.rowid DESC LIMIT 1)"
            " FROM files WHERE file_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(file_ids)),),
        ).fetchall()

    def arrival_times(self) -> list[tuple[str, float]]:
        """Returns (file id, last change of the original in seconds since 1970) of what waits."""
        rows = self._db.execute(
            "SELECT file_id, mtime_ns FROM arrivals WHERE verdict = 'first' AND batch IS NULL"
        )
        return [(file_id, mtime_ns / 1e9) for file_id, mtime_ns in rows]

    # Runs

    def start_run(self, command: str, now: str) -> int:
        """Records that a command began to work; returns its id."""
        with self._transaction() as db:
            row = db.execute(
                "INSERT INTO runs (command, started) VALUES (?, ?) RETURNING id", (command, now)
            ).fetchone()
        return int(row[0])

    def finish_run(self, run: int, now: str, exit_code: int, batch: int | None) -> None:
        """Records how a command ended. A killed run has no end."""
        with self._transaction() as db:
            db.execute(
                "UPDATE runs SET finished = ?, exit_code = ?, batch = ? WHERE id = ?",
                (now, exit_code, batch, run),
            )

    def batch_times(self, names: Iterable[str]) -> dict[str, str]:
        """Returns when each batch's command began; of a killed one, when the next one did."""
        rows = self._db.execute(
            "SELECT name, (SELECT started FROM runs WHERE runs.batch >= batches.id"
            " ORDER BY runs.batch LIMIT 1) FROM batches"
            " WHERE name IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(names)),),
        )
        return {name: started for name, started in rows if started is not None}


def _summary_text(commit: Commit) -> str:
    """Returns a batch's summary, with what a rollback has to put back."""
    more = {"files_read": list(commit.files_read)} if commit.files_read else {}
    return json.dumps({**commit.summary, **more}, sort_keys=True)


def _identity(file: Taken) -> tuple[str, str, int | None]:
    return file.offer.source, file.offer.name, file.offer.sequence
