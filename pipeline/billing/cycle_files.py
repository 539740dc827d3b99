"""Which published files hold the events of a cycle; parts of calls stand in files of their own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.suspense.withdrawn import ANY_CYCLE
from rating.cycles import first_day, last_day

if TYPE_CHECKING:
    from pipeline.ledger.model import Output
    from pipeline.ledger.store import Ledger

PARTS: Final = "-parts"
"""Ending of the files that hold parts of calls: who rates the cycle puts those together first."""


@dataclass(frozen=True, slots=True)
class CycleFiles:
    """Published events of a cycle.

    Attributes:
        whole: Events that are no parts of calls.
        parts: Parts of calls that stand in the cycle.
        near: Those, and parts in the cycles before and after.
        again: Events of the cycle told again.
        near_again: Parts in the three cycles told again.
        withdrawn: Names of events in the three cycles that do not count any more.
    """

    whole: list[Output]
    parts: list[Output]
    near: list[Output]
    again: list[Output]
    near_again: list[Output]
    withdrawn: list[Output]

    @property
    def all(self) -> list[Output]:
        """Returns everything that the cycle's charges depend on."""
        return [*self.whole, *self.near, *self.again, *self.near_again, *self.withdrawn]


def cycle_files(ledger: Ledger, cycle: str) -> CycleFiles:
    """Returns what is published of a cycle."""
    before = first_day(cycle) - dt.timedelta(days=1)
    around = [f"{before:%Y-%m}", cycle, f"{last_day(cycle):%Y-%m}"]

    def published(folder: str, name: str, *, parts: bool) -> list[Output]:
        outputs = ledger.outputs(f"{folder}/cycle={name}/")
        return [o for o in outputs if o.path.endswith(f"{PARTS}.parquet") == parts]

    return CycleFiles(
        whole=published("edr", cycle, parts=False),
        parts=published("edr", cycle, parts=True),
        near=[o for name in around for o in published("edr", name, parts=True)],
        again=published("duplicates", cycle, parts=False),
        near_again=[o for name in around for o in published("duplicates", name, parts=True)],
        withdrawn=[
            o for name in (*around, ANY_CYCLE) for o in published("withdrawn", name, parts=False)
        ],
    )
