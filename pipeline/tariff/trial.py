"""Runs the test cases of a tariff book, and writes what came out where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.progress import Silent
from rating.errors import RatingError
from rating.trial import Failure, Trial, filled, judge
from tariffs import compile_book, load_book
from tariffs.cases import load_cases
from tariffs.cases_write import rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.progress import Listener
    from rating.trial import Outcome
    from tariffs.cases import Case, Span
    from tariffs.model import Book


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What running the cases of a book came to."""

    folder: Path
    digest: str
    cases: int
    failures: tuple[Failure, ...]
    written: tuple[Path, ...]

    @property
    def failed(self) -> int:
        """Returns how many cases have a failure."""
        return len({(failure.file, failure.case) for failure in self.failures})

    @property
    def summary(self) -> str:
        """Returns one line for people."""
        head = f"{self.folder}: {self.cases} cases, {self.failed} failed"
        files = ", ".join(path.name for path in self.written)
        return f"{head}; written for review: {files}" if files else head

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        names = ("case", "file", "line", "what", "expected", "got")
        return {
            "book": str(self.folder),
            "digest": self.digest,
            "cases": self.cases,
            "failed": self.failed,
            "failures": [{name: getattr(one, name) for name in names} for one in self.failures],
            "written": [str(path) for path in self.written],
        }


def try_tariff(
    folder: Path,
    cases: Path | None = None,
    *,
    only: Sequence[str] = (),
    update: bool = False,
    listener: Listener | None = None,
) -> TrialReport:
    """Runs the cases of a book.

    Args:
        folder: The book.
        cases: Another folder with cases; the book's ``tests`` if None.
        only: Texts of which a case's name or file must contain one; empty: all cases.
        update: Whether values that came out are written in the place of those expected.
        listener: Hears about progress.

    Raises:
        tariffs.errors.BookError: book or cases cannot be read; carries every problem.
        UsageError: there are no cases, or a case's people cannot be made.
    """
    book = load_book(folder)
    compiled = compile_book(book)
    chosen = _chosen(book, cases, only)
    trial = Trial(book, compiled)
    heard = listener or Silent()
    heard.stage("test", len(chosen), "cases")
    failures: list[Failure] = []
    changes: list[tuple[Span, str]] = []
    for case in chosen:
        out = _run(trial, case)
        found = judge(case, out, compiled)
        if update:
            found, mine = _updated(case, found, out)
            changes += mine
        failures += found
        heard.advance(1)
    root = cases.parent if cases else folder
    written = rewrite(root, changes)
    return TrialReport(folder, book.digest, len(chosen), tuple(failures), tuple(written))


def _chosen(book: Book, folder: Path | None, only: Sequence[str]) -> list[Case]:
    every = load_cases(book, folder)
    where = folder or Path(book.folder) / "tests"
    if not every:
        message = f"there are no test cases in {where}"
        raise UsageError(message, "write YAML files: given this usage, expect this charge")
    found = [
        case
        for case in every
        if not only or any(text in case.name or text in case.source.file for text in only)
    ]
    if not found:
        message = f"no case in {where} has {' or '.join(map(repr, only))} in its name or file"
        files = ", ".join(sorted({case.source.file for case in every}))
        raise UsageError(message, f"there are {len(every)} cases in {files}")
    return found


def _run(trial: Trial, case: Case) -> Outcome:
    try:
        return trial.run(case)
    except RatingError as error:
        message = f"{case.source}: the case cannot be run: {error}"
        raise UsageError(
            message, "the case's people and records are like those of a workspace"
        ) from error


def _updated(
    case: Case, found: list[Failure], out: Outcome
) -> tuple[list[Failure], list[tuple[Span, str]]]:
    """Returns the failures that cannot be written away, and what is to be written where."""
    stays = [one for one in found if one.place is None or one.new is None]
    changes = [(one.place.span, one.new) for one in found if one.place and one.new is not None]
    for at, span in case.empty:
        inside = ", ".join(f"{name}: {text}" for name, text in filled(at, out).items())
        changes.append((span, f"{{{inside}}}"))
    return stays, changes
