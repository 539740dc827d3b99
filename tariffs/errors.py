"""What can be wrong with a tariff book: problems with file, line, and what to do about it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_NAMES = 12
"""A message lists at most this many allowed names."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place in the book: file name relative to the book's folder, and line, 1 first."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where, what, and a hint that names what is allowed."""

    file: str
    line: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}: {self.message}"
        return f"{text} {self.hint}" if self.hint else text


class ProblemsError(Exception):
    """A folder of files that people edit and that cannot be used.

    Attributes:
        what: What the folder is.
        folder: The folder, as given.
        problems: Every mistake found, in order of file and line.
    """

    what: ClassVar[str]

    def __init__(self, folder: str, problems: Iterable[Problem]) -> None:
        self.folder = folder
        self.problems = sorted(set(problems))
        super().__init__(folder, tuple(self.problems))

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"{self.what} {self.folder} has {count} problem{'s' if count != 1 else ''}:"
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])


class BookError(ProblemsError):
    """A tariff book that cannot be used."""

    what = "The tariff book"


@dataclass(slots=True)
class Problems:
    """Collects problems while a book is read, so that all of them are told at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, source: Source, message: str, hint: str = "") -> None:
        """Notes one problem."""
        self.found.append(Problem(source.file, source.line, message, hint))


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Returns the allowed names and, where one is close, the one that was probably meant."""
    names = list(allowed)
    if not names:
        return "None is defined."
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    listed = ", ".join(names[:SHOWN_NAMES])
    if len(names) > SHOWN_NAMES:
        listed += f", … ({len(names)} in all)"
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return f"Allowed: {listed}.{meant}"
