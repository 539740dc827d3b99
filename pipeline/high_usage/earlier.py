"""What batches of one process have read of earlier ones, so that each reads only what is new.

Every batch leaves files of sums and alarms, and a `watch` makes thousands a day: to read them all with
every batch would cost more than the batch. What is kept is worth nothing by itself: it is dropped when
a batch was taken back, and what was not asked for lately goes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

    from pipeline.ledger.store import Ledger

ROWS: Final = 1 << 20
"""Rows that are kept over all subjects, some 100 octets each."""

Value = TypeVar("Value", bound="Sized")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was read of all batches up to one."""

    batch: int
    value: Any


class Earlier:
    """What is kept between batches, by subject."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._rollbacks = 0

    def grown(
        self, ledger: Ledger, subject: str, grow: Callable[[Value | None, int], Value]
    ) -> Value:
        """Returns what is known of a subject.

        Args:
            ledger: Which batches are committed.
            subject: What it is about; always with the same `grow`.
            grow: Adds to what is kept (None at first) what batches after one (by id) have published.
        """
        last, rollbacks = ledger.mark()
        if rollbacks != self._rollbacks:
            self._kept.clear()
            self._rollbacks = rollbacks
        kept = self._kept.pop(subject, None)
        if kept is None:
            value = grow(None, 0)
        else:
            value = kept.value if kept.batch == last else grow(kept.value, kept.batch)
        self._kept[subject] = _Kept(last, value)
        self._forget()
        return value

    def _forget(self) -> None:
        """Drops what was asked for longest ago, but never the latest."""
        rows = sum(len(kept.value) for kept in self._kept.values())
        for subject in list(self._kept)[:-1]:
            if rows <= ROWS:
                return
            rows -= len(self._kept.pop(subject).value)
