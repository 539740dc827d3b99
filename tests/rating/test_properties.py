"""Laws of rating on drawn books; ``make compare`` looks at very many more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rating import properties
from tests.rating.compare import cases

if TYPE_CHECKING:
    from tests.rating.properties import Case


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(40, 2, 3), st.integers(0, 2**31))
def test_laws_hold_on_drawn_books(case: Case, where: int) -> None:
    for check in properties.CHECKS:
        check(case, where)
