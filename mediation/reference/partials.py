"""Assembly in plain Python, call by call: the oracle for :mod:`mediation.partials.assemble`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mediation.partials.assemble import LONGEST, MOST, SECOND, SUMMED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediation.partials.rules import PartialRule, PartialRules

Row = dict[str, Any]
"""An EDR with times in microseconds."""


def is_part(row: Row, rules: PartialRules) -> bool:
    """Returns whether a row, the only one of its record, is a part of a call."""
    rule = rules.of_type.get(row["record_type"])
    if rule is None or row["partial_sequence"] is None:
        return False
    if any(row[name] is None for name in rule.key if name in {"call_reference", "charging_id"}):
        return False
    return more_follows(row, rule) or row["partial_sequence"] > rule.first


def more_follows(row: Row, rule: PartialRule) -> bool:
    """Returns whether a part says that another follows."""
    return row["cause"] not in rule.last if rule.last else row["cause"] in rule.interim


def assemble(rows: Iterable[Row], rules: PartialRules) -> list[Row]:
    """Returns calls, by name, each with ``_parts`` (names of its parts in order) and ``_complete``.

    Every row is a part (:func:`is_part`); none is told twice.
    """
    together: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        rule = rules.of_type[row["record_type"]]
        key = (row["record_type"], *(row[name] for name in rule.key))
        together[key].append(row)
    calls = []
    for (record_type, *_), group in together.items():
        rule = rules.of_type[record_type]
        calls += [_call(parts, rule) for parts in _apart(group, rule)]
    return sorted(calls, key=name_of)


def name_of(row: Row) -> tuple[str, int, int]:
    """Returns a row's name."""
    return (row["file_id"], row["offset"], row["container"])


def _end(row: Row) -> int:
    end: int = row["start_time"] + min(row["duration"], LONGEST) * SECOND
    return end


def _apart(group: list[Row], rule: PartialRule) -> list[list[Row]]:
    """Splits rows of one key into calls: a reference is used again some day."""
    calls: list[list[Row]] = []
    for row in sorted(group, key=lambda r: (r["start_time"], r["partial_sequence"], name_of(r))):
        if calls:
            before = calls[-1][-1]
            over = _end(before) <= row["start_time"] != before["start_time"]
            restarted = over and row["partial_sequence"] <= before["partial_sequence"]
            silent = row["start_time"] - _end(before) > rule.silence
            released = over and not more_follows(before, rule)
            if not (restarted or silent or released):
                calls[-1].append(row)
                continue
        calls.append([row])
    return calls


def _call(rows: list[Row], rule: PartialRule) -> Row:
    best: dict[int, Row] = {}
    for row in sorted(rows, key=lambda r: (-r["duration"], name_of(r))):
        best.setdefault(row["partial_sequence"], row)
    numbers = sorted(best)
    parts = [best[number] for number in numbers]
    head, last = parts[0], parts[-1]
    return {
        **head,
        **{name: sum(min(part[name], MOST) for part in parts) for name in SUMMED},
        "events": max(part["events"] for part in parts),
        "partial_sequence": head["partial_sequence"] - rule.first + 1,
        "cause": last["cause"],
        "_parts": [name_of(part) for part in parts],
        "_complete": (
            numbers == list(range(rule.first, rule.first + len(numbers)))
            and not more_follows(last, rule)
        ),
    }
