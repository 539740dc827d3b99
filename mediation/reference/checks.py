"""Validation rules applied row by row in plain Python: the oracle for the checks kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.edr import DIRECTIONS, SERVICES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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


def fates(
    rows: Sequence[tuple[int, int, bool]], gone: Collection[int], discards: Sequence[bool]
) -> tuple[list[int], list[int], dict[int, int]]:
    """Returns the rows that go on, those that stop a record, and the rule that discards a record.

    Args:
        rows: Record, status and whether there is a start time, of each row.
        gone: Records that something else has stopped.
        discards: By status, whether it discards.
    """
    kept: list[int] = []
    stopped: list[int] = []
    discarded: dict[int, int] = {}
    for record in sorted({row[0] for row in rows} - set(gone)):
        own = [number for number, row in enumerate(rows) if row[0] == record]
        hit = [number for number in own if rows[number][1] or not rows[number][2]]
        if not hit:
            kept += own
        elif all(discards[rows[number][1]] for number in hit):
            discarded[record] = rows[hit[-1]][1]
        else:
            stopped += hit
    return kept, stopped, discarded
