"""The ledger's database: opening, migrating, transactions, and what SQLite's errors mean."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.errors import DiskFullError, HuadanError, LedgerError, LockedError, StorageError
from pipeline.ledger.schema import MIGRATIONS
from pipeline.workspace import require_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType


WAIT_SECONDS: Final = 5.0
"""As long as SQLite itself waits for a lock."""
PAUSE_SECONDS: Final = 0.01


class Database:
    """SQLite in WAL mode with full synchronisation; used by one thread, in a ``with`` block.

    Raises:
        LedgerError: the file is damaged, gone, not a ledger, or from a newer version.
        DiskFullError: SQLite found no space; the transaction was rolled back.
        StorageError: the disk refused to read or write.
        LockedError: another program holds the database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        require_ledger(path)
        try:
            self._db = sqlite3.connect(path)
        except sqlite3.DatabaseError as error:
            raise translated(error, path) from error
        try:
            self._db.isolation_level = None
            self._use_wal()
            self._db.execute("PRAGMA synchronous = FULL")
            self._migrate()  # while foreign keys are off: tables are made anew
            self._db.execute("PRAGMA foreign_keys = ON")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise translated(error, path) from error
        except LedgerError:
            self._db.close()
            raise

    def _use_wal(self) -> None:
        """Switches to WAL: of several who open a new file, SQLite lets only one, and none waits."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _migrate(self) -> None:
        if self._version() > len(MIGRATIONS):
            message = f"{self.path} was written by a newer version (schema {self._version()})"
            raise LedgerError(message, f"this version knows schema {len(MIGRATIONS)}; upgrade it")
        while self._version() < len(MIGRATIONS):
            with self._transaction() as db:
                version = self._version()  # another process may have been faster
                for statement in (
                    MIGRATIONS[version].split(";") if version < len(MIGRATIONS) else ()
                ):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {min(version + 1, len(MIGRATIONS))}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def __enter__(self) -> Self:
        """Returns itself; closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the database; the last one to close folds the WAL into it."""
        self._db.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise translated(error, self.path) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise
            self._commit()
        except sqlite3.DatabaseError as error:
            raise translated(error, self.path) from error

    def _commit(self) -> None:
        try:
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Gives the connection inside one transaction, to those who keep tables of their own."""
        with self._transaction() as db:
            yield db

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Returns the rows of a query, for those who keep tables of their own."""
        return self._db.execute(sql, parameters).fetchall()

    def damage(self) -> list[str]:
        """Returns what SQLite's own checks find wrong: broken pages, references to nothing."""
        try:
            found = [text for (text,) in self._db.execute("PRAGMA quick_check") if text != "ok"]
            for table, row, parent, _ in self._db.execute("PRAGMA foreign_key_check"):
                found.append(f"{table}, row {row}: refers to {parent} that is not there")
        except sqlite3.DatabaseError as error:
            return [str(error)]
        return found

    def copy_to(self, path: Path) -> None:
        """Writes a consistent copy of the whole database, as of now.

        Raises:
            HuadanError: it cannot be read or written.
        """
        try:
            with sqlite3.connect(path) as target:
                self._db.backup(target)
            target.close()
        except sqlite3.DatabaseError as error:
            raise translated(error, path) from error


def translated(error: sqlite3.DatabaseError, path: Path) -> HuadanError:
    """Returns the error of ours that says what SQLite meant."""
    text = str(error)
    if "full" in text:
        return DiskFullError(f"{path}: {text}", "free some space, then run again")
    if "disk I/O" in text or "readonly" in text:
        return StorageError(f"{path}: {text}", "check the disk, then run again")
    if "locked" in text or "busy" in text:
        return LockedError(f"{path}: {text}", "another program has it open; try again later")
    if "not a database" in text or "malformed" in text or "no such table" in text:
        return LedgerError(f"{path} is damaged: {text}", "restore it: `huadan restore --help`")
    if "unable to open" in text:
        hint = "check the folder's permissions and the space on its disk, then run again"
        return StorageError(f"{path} cannot be opened: {text}", hint)
    return LedgerError(f"{path}: {text}")
