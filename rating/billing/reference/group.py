"""Slow, obvious twins of :mod:`rating.billing.kernels.group`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


def group_rows(keys: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """Returns the group of each row, and the first row of each group, in order of occurrence."""
    number: dict[Hashable, int] = {}
    group = []
    first = []
    for row, key in enumerate(keys):
        if key not in number:
            number[key] = len(number)
            first.append(row)
        group.append(number[key])
    return group, first


def sum_groups(group: Sequence[int], amounts: Sequence[int], groups: int) -> list[int]:
    """Returns the sum of the amounts of each group."""
    sums = [0] * groups
    for number, amount in zip(group, amounts, strict=True):
        sums[number] += amount
    return sums
