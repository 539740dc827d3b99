"""What plans and options give, as cases: each by the kernels and by their twin."""

from __future__ import annotations

from pathlib import Path

from pipeline.trial import try_tariff

BOOK = Path(__file__).parents[1] / "cases" / "offers"


def test_every_case_comes_to_what_is_expected() -> None:
    report = try_tariff(BOOK)
    assert report.failures == ()
    assert report.cases >= 17
