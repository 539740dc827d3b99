"""What a run did: one value that prints for people and dumps for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.batch.money import MICRO, Money
from pipeline.batch.sheet import Sheet

if TYPE_CHECKING:
    from collectors.sequence import Gap
    from pipeline.collection.collect import Collected
    from pipeline.errors import Exit
    from pipeline.ledger.record_gaps import Noted, RecordGap


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome of ``huadan run``; `batch` is None where there was nothing to do."""

    batch: str | None
    files: dict[str, int]
    """Files by state: committed, suspended, duplicate, refused."""
    total: Sheet
    money: Money
    """What its rated records come to."""
    gaps: tuple[Gap, ...]
    """Of files."""
    refused: tuple[str, ...]
    """Files that could not be taken and stay where they are."""
    stage_seconds: dict[str, float]
    seconds: float
    exit_code: Exit
    currency: str = ""
    time_zone: str = "UTC"
    """Of the book."""
    recovered: tuple[str, ...] = ()
    carried: int = 0
    """Parts of calls that waited before the batch; `total` has them read once more."""
    outputs: dict[str, int] = field(default_factory=dict)
    """Rows by published folder."""
    alarms: dict[str, int] = field(default_factory=dict)
    """Alarms of high usage and fraud by kind."""
    record_gaps: tuple[RecordGap, ...] = ()
    """Of the running numbers of records."""
    repeated: tuple[Noted, ...] = ()
    """Running numbers of the batch that had come before."""
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What is wrong with a file as a whole, such as a total of its trailer, by source/name."""

    @property
    def destinations(self) -> dict[str, int]:
        """Returns records by destination (law 1)."""
        return self.total.records.counts()

    @property
    def read(self) -> int:
        """Returns records read from files."""
        return self.total.records.read - self.carried

    @property
    def records_per_s(self) -> int:
        """Returns records read per wall second."""
        return round(self.read / self.seconds) if self.seconds else 0

    def to_dict(self) -> dict[str, Any]:
        """Returns one JSON-ready object."""
        return {
            "batch": self.batch,
            "files": self.files,
            "records": {"read": self.read, "carried": self.carried, **self.destinations},
            "suspended_by_stage": dict(sorted(self.total.records.suspended.items())),
            "not_charged_by_rule": dict(sorted(self.total.records.not_charged.items())),
            "discarded_by_rule": dict(sorted(self.total.records.discarded.items())),
            "events": self.total.events.read,
            "unframed_pieces": self.total.unframed_pieces,
            "net": str(self.total.net * MICRO),
            "currency": self.currency,
            "money": [
                {
                    "service": service,
                    "plan": plan,
                    "events": sums.events,
                    "net": str(sums.net * MICRO),
                }
                for (service, plan), sums in sorted(self.money.charged.items())
            ],
            "gaps": [
                {"source": gap.source, "first": gap.first, "last": gap.last} for gap in self.gaps
            ],
            "record_gaps": [asdict(gap) for gap in self.record_gaps],
            "repeated_numbers": [asdict(one) for one in self.repeated],
            "refused": list(self.refused),
            "recovered": list(self.recovered),
            "stage_seconds": {name: round(s, 3) for name, s in self.stage_seconds.items()},
            "seconds": round(self.seconds, 3),
            "records_per_s": self.records_per_s,
            "outputs": self.outputs,
            "alarms": self.alarms,
            "notes": self.notes,
            "exit_code": int(self.exit_code),
        }


def nothing_to_do(
    gaps: tuple[Gap, ...],
    collected: Collected,
    seconds: float,
    recovered: tuple[str, ...],
) -> RunResult:
    """Returns the result of a run that found no new file."""
    return RunResult(
        batch=None,
        files={},
        total=Sheet(),
        money=Money(),
        gaps=gaps,
        refused=collected.refused,
        stage_seconds={},
        seconds=seconds,
        exit_code=collected.exit_code,
        recovered=recovered,
    )
