"""The golden corpus: every feature of rating as cases, by kernels and twin."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline.tariff.trial import try_tariff
from tariffs import load_book
from tariffs.cases import load_cases

CORPUS = Path(__file__).parents[1] / "corpus"
BOOKS = [
    *sorted(path.parent for path in CORPUS.glob("*/book.yaml")),
    CORPUS.parent / "cases" / "golden_book",
]
FEWEST = 500


@pytest.mark.parametrize("folder", BOOKS, ids=lambda path: path.name)
def test_every_case_is_as_worked_out(folder: Path) -> None:
    report = try_tariff(folder)
    failures = [
        f"{one.file}:{one.line} {one.case}: {one.what} {one.expected} {one.got}"
        for one in report.failures
    ]
    assert failures == []


def test_the_corpus_is_large_and_says_everything_once() -> None:
    cases = [(folder.name, case) for folder in BOOKS for case in load_cases(load_book(folder))]
    assert len(cases) >= FEWEST
    names = Counter((book, case.source.file, case.name) for book, case in cases)
    assert [name for name, count in names.items() if count > 1] == []
    assert all(case.expect or any(usage.expect for usage in case.usages) for _, case in cases)
