"""Checks a tariff book as a whole: it loads, compiles, and has no holes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tariffs import check_book, compile_book, load_book

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.check import Finding


@dataclass(frozen=True, slots=True)
class TariffReport:
    """What a check found."""

    folder: Path
    digest: str
    summary: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """Returns how many findings would leave an event without a price."""
        return sum(finding.severity == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {
            "book": str(self.folder),
            "digest": self.digest,
            "errors": self.errors,
            "warnings": len(self.findings) - self.errors,
            "findings": [asdict(finding) for finding in self.findings],
        }


def check_tariff(folder: Path) -> TariffReport:
    """Returns the findings of a book.

    Raises:
        tariffs.errors.BookError: the book cannot be loaded; carries every problem.
    """
    book = load_book(folder)
    compiled = compile_book(book)
    findings = tuple(check_book(book, compiled))
    errors = sum(finding.severity == "error" for finding in findings)
    summary = (
        f"{folder}: {len(compiled.plans)} plans, {len(compiled.zones)} zones,"
        f" {compiled.n_rules} priced rules, {len(compiled.epoch_start_us)} price dates;"
        f" {errors} errors, {len(findings) - errors} warnings"
    )
    return TariffReport(folder, compiled.digest, summary, findings)
