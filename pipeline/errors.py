"""Known errors of the application: one clear message and an exit code each (DESIGN, section 10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FAILED = 1
    CONFIGURATION = 2
    SUSPENSE = 3
    RECONCILIATION = 4
    TEMPORARY = 75


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file that a person edits."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class HuadanError(Exception):
    """Base of errors that end a command with one message instead of a traceback."""

    exit_code: Exit = Exit.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message + (f"\nHint: {self.hint}" if self.hint else "")


class UsageError(HuadanError):
    """The command was asked for something that does not exist."""

    exit_code = Exit.CONFIGURATION


class ConfigError(HuadanError):
    """huadan.toml is missing or wrong; carries every problem at once."""

    exit_code = Exit.CONFIGURATION

    def __init__(self, file: str, problems: list[Problem], hint: str = "") -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__(f"{file}: {count}{lines}", hint)
        self.file = file
        self.problems = problems


class LockedError(HuadanError):
    """Another command is working on the same workspace."""

    exit_code = Exit.TEMPORARY


class EditedError(HuadanError):
    """Book or subscriber data changed while they were read; nothing was published."""

    exit_code = Exit.TEMPORARY


class DiskFullError(HuadanError):
    """There is no space left; nothing was published."""

    exit_code = Exit.TEMPORARY


class StorageError(HuadanError):
    """A disk cannot be read or written; nothing was published."""

    exit_code = Exit.TEMPORARY


class LedgerError(HuadanError):
    """The ledger cannot be used: damaged, gone, or from a newer version."""

    exit_code = Exit.CONFIGURATION


class DifferenceError(LedgerError):
    """Published files are not what the ledger says."""

    exit_code = Exit.RECONCILIATION


class ReconciliationError(HuadanError):
    """A balance sheet does not close or a total does not tie; nothing was committed."""

    exit_code = Exit.RECONCILIATION
