"""Running numbers of records in plain Python: the oracle of `mediation.kernels.running`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    Ranges = list[tuple[int, int]]
    Again = tuple[int, int, int]


def ranges_of(
    rows: Iterable[tuple[int, str, int | None]],
) -> dict[str, tuple[Ranges, Again]]:
    """Returns by node the ranges of its numbers, and (count, lowest, highest) of what came again.

    Args:
        rows: Record, node and number of each row; the rows of a record stand together, and those
            with one number count once.
    """
    seen: dict[str, Counter[int]] = {}
    before: tuple[int, int] | None = None
    for record, node, number in rows:
        if number is None or number < 0 or (record, number) == before:
            continue
        before = record, number
        seen.setdefault(node, Counter())[number] += 1
    return {node: (_ranges(sorted(counts)), _again(counts)) for node, counts in seen.items()}


def _ranges(numbers: list[int]) -> Ranges:
    found: Ranges = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _again(counts: Counter[int]) -> Again:
    twice = [number for number, count in counts.items() if count > 1]
    if not twice:
        return 0, -1, -1
    return sum(counts[number] - 1 for number in twice), min(twice), max(twice)
