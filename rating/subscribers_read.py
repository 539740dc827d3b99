"""Reads subscriber tables: CSV or Parquet to typed columns, every mistake with its line.

All work is by column; only distinct dates are looked at one by one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from mediation.edr import MISSING
from rating.errors import Problem, nearest
from tariffs.scalars import amount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

SUBSCRIBER_COLUMNS: Final = (
    "subscriber_id",
    "account_id",
    "charge_group",
    "msisdn",
    "imsi",
    "plan",
    "role",
    "vpmn_group",
    "home_area",
    "valid_from",
    "valid_to",
)
OPTIONAL_COLUMNS: Final = ("tier", "credit_limit", "home_zone")
"""Columns that ``subscribers`` may have; where they are missing, all their values are empty."""
FRIEND_COLUMNS: Final = ("subscriber_id", "number", "valid_from", "valid_to")
OPTION_COLUMNS: Final = ("subscriber_id", "option", "valid_from", "valid_to")
GROUP_COLUMNS: Final = ("group", "tier", "contract", "valid_from", "valid_to")

SHOWN = 50
"""Problems of one kind that are listed one by one; the rest are counted."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(slots=True)
class Sheet:
    """One table while it is read: its text columns and the problems found so far."""

    file: str
    frame: pl.DataFrame
    first_line: int
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, rows: pl.Series, message: str, hint: str = "", column: str = "") -> None:
        """Notes a problem on each row number of ``rows``; ``{}`` in the texts is the value."""
        for row in rows.head(SHOWN).to_list():
            value = self.frame[column][row] if column else ""
            self.add(row, message.replace("{}", repr(value)), hint)
        if len(rows) > SHOWN:
            self.add(int(rows[SHOWN]), f"and {len(rows) - SHOWN} more like it: {message}", hint)

    def add(self, row: int, message: str, hint: str = "") -> None:
        """Notes one problem on one row."""
        self.problems.append(Problem(self.file, row + self.first_line, f"{message}.", hint))

    def text(self, column: str) -> pl.Series:
        """Returns a text column without surrounding blanks; missing values are empty."""
        return self.frame[column].fill_null("")


def read_sheet(
    folder: Path,
    stem: str,
    columns: Sequence[str],
    optional: Sequence[str] = (),
    *,
    needed: bool = False,
) -> Sheet:
    """Reads ``<stem>.csv`` or ``<stem>.parquet`` as text columns.

    Args:
        folder: Folder with the tables.
        stem: File name without ending.
        columns: Columns that the table must have.
        optional: Columns that it may have; without them their values are missing.
        needed: Whether the table must exist; otherwise its absence is an empty table.
    """
    all_columns = (*columns, *optional)
    nothing = pl.DataFrame({name: pl.Series([], dtype=pl.String) for name in all_columns})
    csv, parquet = folder / f"{stem}.csv", folder / f"{stem}.parquet"
    path = csv if csv.exists() else parquet
    sheet = Sheet(path.name, nothing, 2 if path is csv else 1)
    if not path.exists():
        if needed:
            problem = Problem(csv.name, 1, "the file is missing.", f"Put it into {folder}.")
            sheet.problems.append(problem)
        return sheet
    try:
        frame = _read(path)
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        first_line = str(error).strip().splitlines()[0]
        sheet.problems.append(Problem(path.name, 1, f"the table cannot be read: {first_line}."))
        return sheet
    for name in columns:
        if name not in frame.columns:
            missing = f"column {name!r} is missing."
            sheet.problems.append(Problem(path.name, 1, missing, nearest(name, frame.columns)))
    for name in frame.columns:
        if name not in all_columns:
            unknown = f"column {name!r} is not known."
            sheet.problems.append(Problem(path.name, 1, unknown, nearest(name, all_columns)))
    if not sheet.problems:
        absent = [pl.lit(None, pl.String).alias(name) for name in optional if name not in frame]
        sheet.frame = frame.with_columns(absent).select(all_columns)
    return sheet


def _read(path: Path) -> pl.DataFrame:
    """Returns the table with every column as text."""
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False)
    return pl.read_parquet(path).cast(pl.String)


def digits(sheet: Sheet, column: str, longest: int) -> pl.Series:
    """Returns int64 numbers of ``+86...`` or plain digits; :data:`MISSING` where empty."""
    text = sheet.text(column)
    number = text.str.strip_prefix("+").cast(pl.Int64, strict=False)
    wrong = (number.is_null() | (number <= 0) | (number >= 10**longest)) & (text != "")
    sheet.refuse(
        wrong.arg_true(),
        f"{column} {{}} is not a number of 1 to {longest} digits",
        "Write digits, with or without a leading +, and no blanks.",
        column,
    )
    return number.fill_null(MISSING)


def amounts(sheet: Sheet, column: str, empty: int) -> pl.Series:
    """Returns int64 amounts in 10^-6 units; ``empty`` where nothing is written."""
    text = sheet.text(column)
    values = text.unique()
    found = pl.Series([_amount(value, empty) for value in values.to_list()], dtype=pl.Int64)
    out = text.replace_strict(values, found, return_dtype=pl.Int64)
    sheet.refuse(
        out.is_null().arg_true(),
        f"{column} {{}} is not an amount",
        "Write digits with a point and at most six decimals, such as 300.00, and no sign.",
        column,
    )
    return out.fill_null(empty)


def _amount(text: str, empty: int) -> int | None:
    """Returns an amount in 10^-6 units, None if it is none."""
    if not text:
        return empty
    try:
        return amount(text)
    except ValueError:
        return None


def instants(sheet: Sheet, column: str, zone: ZoneInfo, *, empty: int | None) -> pl.Series:
    """Returns UTC microseconds of dates (00:00 in ``zone``) or timestamps with an offset.

    Args:
        sheet: The table.
        column: Its column.
        zone: The book's time zone.
        empty: What an empty value means; None if it must not be empty.
    """
    text = sheet.text(column)
    values = text.unique()
    parsed = [_instant(value, zone, empty) for value in values.to_list()]
    found = pl.Series(parsed, dtype=pl.Int64)
    out = text.replace_strict(values, found, return_dtype=pl.Int64)
    sheet.refuse(
        out.is_null().arg_true(),
        f"{column} {{}} is not a date",
        "Write YYYY-MM-DD (00:00 in the book's zone) or a timestamp with its offset, such as "
        "2026-10-01T12:00:00+08:00.",
        column,
    )
    return out.fill_null(0)


def _instant(text: str, zone: ZoneInfo, empty: int | None) -> int | None:
    """Returns UTC microseconds of one date or timestamp, None if it is neither."""
    if not text:
        return empty
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) == len("YYYY-MM-DD"):
        when = when.replace(tzinfo=zone)
    elif when.tzinfo is None:
        return None
    return (when - _EPOCH) // _MICROSECOND


def codes(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Returns the distinct texts in order and, for each row, the index of its text (int32)."""
    if text.is_sorted():  # as exports nearly always are
        first = (text != text.shift(1)).fill_null(value=True)
        return text.filter(first), (first.cum_sum().cast(pl.Int32) - 1)
    names = text.unique().sort()
    return names, text.cast(pl.Enum(names)).to_physical().cast(pl.Int32)


def known(
    sheet: Sheet, column: str, allowed: Sequence[str], what: str, empty: int | None = None
) -> pl.Series:
    """Returns the index in ``allowed`` of each value (int32); unknown ones are problems.

    An empty value is looked up as any other, unless ``empty`` says which index it has.
    """
    text = sheet.text(column)
    table = {name: code for code, name in reversed(list(enumerate(allowed)))}
    if empty is not None:
        table[""] = empty
    out = text.replace_strict(
        list(table), list(table.values()), default=None, return_dtype=pl.Int32
    )
    wrong = out.is_null()
    if wrong.any():
        for value in text.filter(wrong).unique().sort().to_list():
            rows = (wrong & (text == value)).arg_true()
            named = f"{what} {value!r} is not in the tariff book"
            sheet.refuse(rows, named, nearest(value, [name for name in allowed if name]))
    return out.fill_null(0)
