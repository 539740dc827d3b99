"""The rater equals its twin on drawn books and events."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.rating.compare import cases, compare


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
