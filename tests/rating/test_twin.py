"""The rater equals its twin on drawn books and events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, given, settings

from rating.subscribers import load_subscribers
from tests.rating.compare import cases, compare
from tests.rating.strategies_edr import DEFAULTS
from tests.rating.strategies_shop import at, call, golden_book, line, write

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.compiled import CompiledBook


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(cases())
def test_rater_equals_its_twin(case: tuple[Any, ...]) -> None:
    compare(*case)


def test_a_running_call_is_cut_by_the_bands_of_a_later_rule_that_does_not_split(
    tmp_path: Path,
) -> None:
    book = _rules_that_stop_splitting(at(14, 19, 58))
    rows = [{**DEFAULTS, **call(1, at(14, 19, 57, second), 370)} for second in (0, 30)]
    compare(book, load_subscribers(write(tmp_path, [line(1)]), book), rows)


def _rules_that_stop_splitting(moment: int) -> CompiledBook:
    """The golden book; from a moment on its rules are the same but look at the start alone."""
    book = golden_book()
    twice: dict[str, Any] = {
        name: getattr(book, name) * 2 for name in ("rules", "rule_sources")
    } | {
        name: np.tile(getattr(book, name), 2)
        for name in book.__slots__
        if name.startswith("rule_") and isinstance(getattr(book, name), np.ndarray)
    }
    later = np.where(book.rule_of >= 0, book.rule_of + book.n_rules, -1).astype(np.int32)
    return replace(
        book,
        **twice
        | {
            "rule_split": np.concatenate([book.rule_split, np.zeros_like(book.rule_split)]),
            "rule_of": np.concatenate([book.rule_of, later]),
            "rule_table": np.concatenate([book.rule_table, book.rule_table + len(book.rule_of)]),
            "epoch_start_us": np.append(book.epoch_start_us, moment),
        },
    )
