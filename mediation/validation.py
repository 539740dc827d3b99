"""Validation rules as data: which events cannot be right, and what becomes of them.

The rules stand in ``validation.yaml``; a workspace sets limits of its own. Nothing here looks at
the wall clock: an instant that a rule compares with is a limit, so that a run can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.columns import COLUMNS, INDEX
from mediation.edr import DIRECTIONS, MISSING, SERVICES
from mediation.kernels import checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    Int64s = np.ndarray[Any, np.dtype[np.int64]]
    Int16s = np.ndarray[Any, np.dtype[np.int16]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

RULES_FILE: Final = Path(__file__).parent / "validation.yaml"
OUTCOMES: Final = ("suspend", "discard")
CLASSES: Final = ("invalid", "abnormal")
TESTS: Final = ("missing", "below", "above", "outside", "between", "always")
LOWEST: Final = MISSING + 1
HIGHEST: Final = 2**63 - 1
MODES: Final = {
    "missing": checks.MODE_MISSING,
    "below": checks.MODE_OUTSIDE,
    "above": checks.MODE_OUTSIDE,
    "outside": checks.MODE_OUTSIDE,
    "between": checks.MODE_BETWEEN,
    "always": checks.MODE_ALWAYS,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its limits filled in.

    Attributes:
        reason: Name of the suspense reason, or of the rule that discards.
        columns: EDR column tested; two only for ``missing``.
        test: One of ``TESTS``.
        low: Lower bound, inclusive.
        high: Upper bound, inclusive.
        services: Services it applies to; empty for all.
        directions: Directions it applies to; empty for all.
        record_types: Record types it applies to, by name in their format; empty for all.
        outcome: One of ``OUTCOMES``.
        kind: One of ``CLASSES``.
        detail: One sentence for the person who looks at a suspended record.
    """

    reason: str
    columns: tuple[str, ...]
    test: str
    low: int
    high: int
    services: tuple[str, ...]
    directions: tuple[str, ...]
    outcome: str
    kind: str
    detail: str
    record_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of some rows.

    Attributes:
        status: int16[n], 0 where the row may go on, else index of the rule + 1.
        rules: The rules, by that index.
    """

    status: Int16s
    rules: tuple[Rule, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reason by index of the rule."""
        return tuple(rule.reason for rule in self.rules)

    @property
    def suspended(self) -> Mask:
        """bool[n], True where a rule suspends the row."""
        return self._outcome("suspend")

    @property
    def discarded(self) -> Mask:
        """bool[n], True where a rule discards the row."""
        return self._outcome("discard")

    def _outcome(self, name: str) -> Mask:
        wanted = np.array([False, *(rule.outcome == name for rule in self.rules)])
        found: Mask = wanted[self.status]
        return found


@dataclass(frozen=True)
class RuleSet:
    """Rules that are switched on, in order, ready for the kernel.

    Attributes:
        rules: The rules; the first that hits a row decides.
        limits: The limits they were made with, by name; None switches rules off.
    """

    rules: tuple[Rule, ...]
    limits: Mapping[str, int | None] = field(default_factory=dict)
    known: dict[tuple[str, ...], tuple[Int64s, Int64s, Int64s]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def discards(self) -> Mask:
        """Whether a row's status discards: bool[n + 1] by status, that is number of a rule + 1."""
        return np.array([False, *(rule.outcome == "discard" for rule in self.rules)])

    def arrays(self, record_types: tuple[str, ...] = ()) -> tuple[Int64s, Int64s, Int64s]:
        """Returns the kernel's view: rules int64[n, RULE_CELLS], low int64[n], high int64[n].

        Args:
            record_types: Names of a format's record types by code.
        """
        if record_types not in self.known:
            self.known[record_types] = self._arrays(record_types)
        return self.known[record_types]

    def _arrays(self, record_types: tuple[str, ...]) -> tuple[Int64s, Int64s, Int64s]:
        flat = np.full((len(self.rules), checks.RULE_CELLS), -1, np.int64)
        for row, rule in zip(flat, self.rules, strict=True):
            row[checks.COLUMN] = INDEX[rule.columns[0]]
            if len(rule.columns) > 1:
                row[checks.OTHER] = INDEX[rule.columns[1]]
            row[checks.MODE] = MODES[rule.test]
            row[checks.SERVICES] = _mask(rule.services, SERVICES)
            row[checks.DIRECTIONS] = _mask(rule.directions, DIRECTIONS)
            row[checks.RECORDS] = checks.EVERY_RECORD
            if rule.record_types:
                row[checks.RECORDS] = _mask(rule.record_types, record_types)
        low = np.array([rule.low for rule in self.rules], np.int64)
        high = np.array([rule.high for rule in self.rules], np.int64)
        return flat, low, high

    def check(
        self, columns: Int64s, rows: int, status: Int16s, record_types: tuple[str, ...] = ()
    ) -> int:
        """Tests a block of rows; the fast path of the decoder.

        Args:
            columns: int64[len(COLUMNS), room], ``MISSING`` where there is no value.
            rows: Rows of the block that count.
            status: int16[>= rows], out: 0, or index of the rule + 1.
            record_types: Names of the format's record types by code, at most 62.

        Returns:
            How many rows were hit.
        """
        flat, low, high = self.arrays(record_types)
        record, service, direction = INDEX["record_type"], INDEX["service"], INDEX["direction"]
        return int(
            checks.check_rows(
                columns, rows, flat, low, high, record, service, direction, MISSING, status
            )
        )


def validate(
    columns: Mapping[str, Int64s], rules: RuleSet, record_types: tuple[str, ...] = ()
) -> Verdict:
    """Tests rows given as single columns.

    Args:
        columns: int64[n] by EDR column name, all equally long, with ``service`` and ``direction``
            as codes; a column that is not given is missing everywhere.
        rules: The rules.
        record_types: Names by code of ``record_type``.

    Returns:
        The verdict, row by row.

    Raises:
        KeyError: If a column is none of the EDR's.
    """
    rows = len(columns["service"])
    block = np.full((len(COLUMNS), rows), MISSING, np.int64)
    for name, values in columns.items():
        block[INDEX[name]] = values
    status = np.zeros(rows, np.int16)
    rules.check(block, rows, status, record_types)
    return Verdict(status, rules.rules)


def _mask(names: tuple[str, ...], vocabulary: tuple[str, ...]) -> int:
    """Returns the bits of the codes of ``names``; all of them where no names are given."""
    return sum(1 << code for code, name in enumerate(vocabulary) if not names or name in names)
