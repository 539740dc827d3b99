"""What a batch says, filled in value by value in plain Python: the oracle of the resolving kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.kernels.ops import SEVERAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Values = list[int | None]

LARGEST = 2**63 - 1
MINUTE_US = 60_000_000


def explained(codes: Sequence[int | None], meanings: Mapping[int, int]) -> tuple[Values, list[int]]:
    """Returns what codes mean, and the rows whose code means nothing."""
    said = [None if code == SEVERAL else code for code in codes]
    lost = [row for row, code in enumerate(said) if code is not None and code not in meanings]
    return [None if code is None else meanings.get(code) for code in said], lost


def added(amounts: Sequence[int | None]) -> tuple[int, int]:
    """Returns the sums of the amounts above zero and of those below, both positive."""
    said = [amount for amount in amounts if amount is not None]
    return sum(one for one in said if one > 0), -sum(one for one in said if one < 0)


def scaled(amounts: Sequence[int | None], factor: int, *, divide: bool) -> tuple[Values, list[int]]:
    """Returns amounts times or by `factor`, and the rows where that is not exact in 64 bits."""
    values: Values = []
    lost: list[int] = []
    for row, amount in enumerate(amounts):
        whole = None if amount is None else amount // factor if divide else amount * factor
        if whole is None or amount is None:
            values.append(None)
        elif abs(whole) > LARGEST or (divide and whole * factor != amount):
            values.append(amount)
            lost.append(row)
        else:
            values.append(whole)
    return values, lost


def in_utc(times: Sequence[int | None], offsets: Sequence[int | None]) -> tuple[Values, list[int]]:
    """Returns local times in UTC, and the rows without an offset; these keep their time."""
    pairs = list(zip(times, offsets, strict=True))
    lost = [row for row, (time, offset) in enumerate(pairs) if time is not None and offset is None]
    values: Values = [
        time if time is None or offset is None else time - offset * MINUTE_US
        for time, offset in pairs
    ]
    return values, lost
