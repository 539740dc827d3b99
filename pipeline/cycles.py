"""Which bill cycle an event starts in: the calendar month on the clock of the book's zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tariffs.compiled import CompiledBook

MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class CycleClock:
    """The book's zone as transitions, so that a batch is split without a Python step per row."""

    utc_us: NDArray[np.int64]
    offset_min: NDArray[np.int32]

    @classmethod
    def of(cls, book: CompiledBook) -> CycleClock:
        """Returns the clock of a book."""
        return cls(book.tz_utc_us, book.tz_offset_min)

    def months(self, start_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns months since 1970-01 of UTC microseconds, on the book's clock."""
        at = np.searchsorted(self.utc_us, start_us, side="right") - 1
        local = start_us + self.offset_min[at].astype(np.int64) * MINUTE_US
        return local.view("M8[us]").astype("M8[M]").view(np.int64)

    def split(self, batch: pa.RecordBatch) -> list[tuple[str, pa.RecordBatch, NDArray[np.int64]]]:
        """Returns (cycle, rows, their indexes) in order of cycle; usually one, not copied."""
        if not batch.num_rows:
            return []
        start = batch.column("start_time").cast(pa.int64()).to_numpy(zero_copy_only=True)
        ends = self.months(np.array([start.min(), start.max()]))
        if ends[0] == ends[1]:
            return [(month_name(int(ends[0])), batch, np.arange(batch.num_rows))]
        months = self.months(start)
        parts = []
        for month in np.unique(months):
            rows = np.flatnonzero(months == month)
            parts.append((month_name(int(month)), batch.take(pa.array(rows)), rows))
        return parts


def month_name(month: int) -> str:
    """Returns ``YYYY-MM`` of months since 1970-01."""
    return f"{1970 + month // 12:04d}-{month % 12 + 1:02d}"
