"""What traffic needs to know of the subscribers: flat arrays, one row per validity period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from traffic.network import AREAS, NETWORKS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FOREVER = 2**40
DAY = 86_400


def mix(value: Ints | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns well-mixed 64-bit hashes (the finalizer of splitmix64)."""
    x = np.asarray(value).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed


@dataclass(frozen=True, slots=True)
class Population:
    """Subscribers as arrays of equal length, one row per validity period.

    Attributes:
        imsi: IMSI, 15 digits.
        msisdn: E.164 digits.
        active_from: First second of validity, seconds of UTC.
        active_to: First second after it.
        area: Index into AREAS.
        group_first: Where the row's VPMN group begins in `grouped`, -1 for none.
        group_size: How many rows the group has.
        grouped: Rows ordered by VPMN group.
        by_area: Rows ordered by area; `area_start` says where each area begins (one more entry).
        area_start: See `by_area`.
        visited: Index into NETWORKS of the network a roamer visits, 0 for none.
        trip_day: Day of the month on which the roamer leaves, 0 first.
        trip_days: How many days the trip takes.
        table: The arrays from `imsi` to `trip_days` that kernels read, int64[rows, 10]:
            a subscriber's values lie side by side, so a random one costs two cache lines.
        steady: Rows that are valid for the whole of the time that `during` was asked for.
    """

    imsi: Ints
    msisdn: Ints
    active_from: Ints
    active_to: Ints
    area: Ints
    group_first: Ints
    group_size: Ints
    grouped: Ints
    by_area: Ints
    area_start: Ints
    visited: Ints
    trip_day: Ints
    trip_days: Ints
    steady: Ints
    table: Ints

    def __len__(self) -> int:
        return len(self.imsi)

    @classmethod
    def from_folder(cls, folder: Path) -> Population:
        """Returns the subscribers of a folder that holds `subscribers.csv`."""
        return cls.from_frame(pl.read_csv(folder / "subscribers.csv", infer_schema=False))

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Population:
        """Returns the arrays of a subscriber table with text columns."""
        msisdn = frame["msisdn"].str.strip_chars_start("+").cast(pl.Int64).to_numpy()
        area = np.zeros(frame.height, np.int64)
        for index, name in enumerate(AREAS):
            area[(frame["home_area"] == name).to_numpy()] = index
        by_area = np.argsort(area, kind="stable")
        start = np.searchsorted(area[by_area], np.arange(len(AREAS) + 1))
        first, size, grouped = _groups(frame["vpmn_group"])
        luck = mix(msisdn)
        roams = (frame["plan"] == "globe_298").to_numpy() | (luck % np.uint64(40) == 0)
        away = np.uint64(len(NETWORKS) - 1)
        columns = {
            "imsi": frame["imsi"].cast(pl.Int64).to_numpy(),
            "msisdn": msisdn,
            "active_from": _seconds(frame["valid_from"], -FOREVER),
            "active_to": _seconds(frame["valid_to"], FOREVER),
            "area": area,
            "group_first": first,
            "group_size": size,
            "visited": np.where(roams, 1 + (luck >> np.uint64(8)) % away, 0).astype(np.int64),
            "trip_day": ((luck >> np.uint64(20)) % np.uint64(22)).astype(np.int64),
            "trip_days": (3 + (luck >> np.uint64(30)) % np.uint64(9)).astype(np.int64),
        }
        return cls(
            **columns,
            grouped=grouped,
            by_area=by_area,
            area_start=start.astype(np.int64),
            steady=np.arange(frame.height),
            table=np.stack(list(columns.values()), axis=1),
        )

    def during(self, start: int, end: int) -> Population:
        """Returns the same subscribers, with `steady` for a time in UTC seconds.

        Raises:
            ValueError: If nobody is valid for the whole time.
        """
        steady = np.flatnonzero((self.active_from <= start) & (self.active_to >= end))
        if not len(steady):
            message = (
                f"none of the {len(self):,} subscriber rows is valid for the whole month of the"
                " traffic; choose another month or other subscribers"
            )
            raise ValueError(message)
        return replace(self, steady=steady)

    def contact(self, rows: Ints, k: Ints) -> Ints:
        """Returns the row of each row's k-th contact: mostly people of the same area."""
        luck = mix(self.msisdn[rows] * 64 + k)
        area = self.area[rows]
        local = luck % np.uint64(4) > 0
        low = np.where(local, self.area_start[area], 0)
        size = np.where(local, self.area_start[area + 1] - low, len(self))
        place = low + ((luck >> np.uint64(8)) % size.astype(np.uint64)).astype(np.int64)
        found: Ints = self.by_area[place]
        return found

    def network(self, rows: Ints, seconds: Ints, month_start: int) -> Ints:
        """Returns the index of the network that serves each row at a time; 0 is home."""
        day = (seconds - month_start) // DAY - self.trip_day[rows]
        away = (day >= 0) & (day < self.trip_days[rows])
        return np.where(away, self.visited[rows], 0)


def _groups(names: pl.Series) -> tuple[Ints, Ints, Ints]:
    """Returns where each row's group begins in the grouped order, its size, and that order."""
    text = names.fill_null("")
    member = (text.str.len_bytes() > 0).to_numpy()
    code = text.rank("dense").cast(pl.Int64).to_numpy()
    grouped = np.argsort(code, kind="stable")
    ordered = code[grouped]
    first = np.searchsorted(ordered, code, side="left")
    last = np.searchsorted(ordered, code, side="right")
    return (
        np.where(member, first, -1).astype(np.int64),
        np.where(member, last - first, 0).astype(np.int64),
        grouped,
    )


def _seconds(column: pl.Series, missing: int) -> Ints:
    """Returns UTC seconds of days (midnight of the operator's clock) or full ISO timestamps."""
    frame = pl.select(text=column.fill_null(""))
    length = pl.col("text").str.len_chars()
    whole = (
        pl.when(length == 10)
        .then(pl.col("text") + "T00:00:00+08:00")
        .otherwise(pl.when(length > 10).then(pl.col("text")))
    )
    parsed = frame.select(
        whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="ms", time_zone="UTC", strict=True)
        .dt.epoch("s")
        .fill_null(missing)
    )
    return parsed.to_series().cast(pl.Int64).to_numpy()
