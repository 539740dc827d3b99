"""How well a file fits a flat format: the share of its octets in records that decode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediation.flat.framing import find_pieces
from mediation.flat.lines_of_names import file_fields
from mediation.normalize import CHINA
from mediation.reference.flat import FlatError, FlatWalk

if TYPE_CHECKING:
    import numpy as np

    from mediation.flat.plan import FlatPlan

    Array = np.ndarray[Any, np.dtype[Any]]

LONGEST: Final = 1 << 16
TRIED_RECORDS: Final = 200
"""Records of the sample that are decoded; more would say the same."""


@dataclass(frozen=True, slots=True)
class FlatFit:
    """How well a file fits.

    Attributes:
        share: Of the octets that were looked at, those in records that decode, 0 to 1.
        records: Records that decode.
        declared: Whether the file says itself that it has this format: by its line of names,
            by header lines, by block headers.
    """

    share: float
    records: int
    declared: bool


def flat_fit(sample: Array, size: int, plan: FlatPlan) -> FlatFit:
    """Measures how well the head of a file fits a flat format.

    Args:
        sample: Its first octets, uint8[n].
        size: Octets of the whole file.
        plan: The format's plan.
    """
    pieces = find_pieces(sample, plan, LONGEST)
    named = file_fields(sample, plan)
    if plan.layout.names and named.positions is None:
        return FlatFit(0.0, 0, declared=False)
    count = min(len(pieces.offsets), TRIED_RECORDS)
    cut = len(sample) < size and count == len(pieces.offsets)
    good = total = records = 0
    for record in range(count - int(cut and count > 0)):
        offset, length = int(pieces.offsets[record]), int(pieces.lengths[record])
        total += length
        octets = sample[offset : offset + length].tobytes()
        try:
            FlatWalk(plan.layout, octets, CHINA, named.positions, named.columns).row()
        except FlatError:
            continue
        good += length
        records += 1
    looked_at = len(sample)
    if count:
        looked_at = int(pieces.offsets[count - 1] + pieces.lengths[count - 1])
    unframed = sum(
        min(int(length), looked_at - int(offset))
        for offset, length, _ in pieces.gaps.T
        if offset < looked_at
    )
    declared = bool(pieces.specials.shape[1])
    if total + unframed == 0:
        return FlatFit(1.0 if declared else 0.0, 0, declared)
    return FlatFit(good / (total + unframed), records, declared)
