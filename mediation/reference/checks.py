"""Validation rules applied row by row in plain Python: the oracle for the checks kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.edr import DIRECTIONS, SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mediation.validation import RuleSet


def first_hit(rules: RuleSet, row: Mapping[str, int | str | None]) -> int:
    """Returns the index of the first rule that hits a row, or -1.

    Args:
        rules: The rules with their limits.
        row: Value by column; service and direction as text; None for a missing value.
    """
    for index, rule in enumerate(rules.rules):
        if row["service"] not in (rule.services or SERVICES):
            continue
        if rule.record_types and row.get("record_type") not in rule.record_types:
            continue
        if row["direction"] not in (rule.directions or DIRECTIONS):
            continue
        values = [row[name] for name in rule.columns]
        if rule.test == "always":
            return index
        if rule.test == "missing":
            if all(value is None for value in values):
                return index
            continue
        value = values[0]
        if value is None:
            continue
        inside = rule.low <= int(value) <= rule.high
        if inside == (rule.test == "between"):
            return index
    return -1
