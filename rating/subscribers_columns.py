"""Columns that several subscriber tables have: names, validity, and what may not overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from rating.kernels.probe import first_overlap
from rating.subscribers import chain_by_key
from rating.subscribers_read import SHOWN, Sheet, codes, instants, known
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from tariffs.compiled import Int32, Int64


def required(sheet: Sheet, column: str) -> pl.Series:
    """Returns a text column whose empty values are problems."""
    text = sheet.text(column)
    sheet.refuse((text == "").arg_true(), f"{column} is empty", "Every row needs one.")
    return text


def validity(sheet: Sheet, zone: ZoneInfo) -> tuple[Int64, Int64]:
    """Returns valid_from and valid_to as UTC microseconds, and checks their order."""
    begin = instants(sheet, "valid_from", zone, empty=None)
    end = instants(sheet, "valid_to", zone, empty=FOREVER)
    sheet.refuse(
        ((end <= begin) & (end != 0) & (begin != 0)).arg_true(),
        "valid_to {} is not after valid_from",
        "valid_to is the first day that is not valid any more.",
        "valid_to",
    )
    return begin.to_numpy().astype(np.int64), end.to_numpy().astype(np.int64)


def with_none(names: pl.Series, code: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Returns names and codes such that index 0 is the empty text: none."""
    if names.head(1).to_list() == [""]:
        return names, code
    return pl.concat([pl.Series([""], dtype=pl.String), names]), code + 1


def coded(
    sheet: Sheet, column: str, allowed: Sequence[str], what: str
) -> tuple[tuple[str, ...], Int32]:
    """Returns names and the index of each row: the book's names, or the data's where it has none."""
    if any(allowed):
        return tuple(allowed), known(sheet, column, allowed, what, empty=0).to_numpy().astype(
            np.int32
        )
    names, code = with_none(*codes(sheet.text(column)))
    return tuple(names.to_list()), code.to_numpy().astype(np.int32)


def names_table(values: pl.Series) -> pa.StringArray:
    """Returns a name table for Arrow columns."""
    table = values.to_arrow().cast(pa.string())
    return table.combine_chunks() if isinstance(table, pa.ChunkedArray) else table


def overlaps(
    sheet: Sheet, columns: dict[str, Any], key: str, column: str, told: Int64 | None = None
) -> Int64:
    """Notes rows whose validity overlaps an earlier row of the same key; returns these rows."""
    chain, keys = chain_by_key(columns[key].astype(np.int64), columns["valid_from"])
    out = np.empty(len(chain), np.int32)
    count = first_overlap(keys, chain, columns["valid_from"], columns["valid_to"], out)
    pairs = {int(chain[at]): int(chain[at - 1]) for at in out[:count]}
    rows = np.array(sorted(set(pairs) - set(() if told is None else told.tolist())), np.int64)
    for row in rows[:SHOWN].tolist():
        sheet.add(
            row,
            f"{column} {sheet.frame[column][row]!r} is valid twice at the same time",
            f"The other row is line {pairs[row] + sheet.first_line}: one must end where the "
            "other begins.",
        )
    if len(rows) > SHOWN:
        sheet.add(int(rows[SHOWN]), f"and {len(rows) - SHOWN} more {column} that are valid twice")
    return rows
