"""Reads subscriber tables: CSV or Parquet to typed columns, every mistake with its line.

All work is by column; only distinct dates are looked at one by one.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from mediation.edr import MISSING
from rating.errors import Problem, nearest
from tariffs.scalars import amount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

LONGEST_NUMBER = 15
"""Digits of an E.164 number or an IMSI at most."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table."""

    columns: tuple[str, ...]
    """Those it must have."""
    optional: tuple[str, ...] = ()
    """Those it may have; without them all their values are empty."""
    digits: tuple[str, ...] = ()
    """Those that hold numbers."""
    names: tuple[str, ...] = ()
    """Those whose texts are nearly all different; the rest repeats."""

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column that may be there."""
        return (*self.columns, *self.optional)


DATES: Final = ("valid_from", "valid_to")
LAYOUTS: Final = {
    "subscribers": Layout(
        columns=(
            "subscriber_id",
            "account_id",
            "charge_group",
            "msisdn",
            "imsi",
            "plan",
            "role",
            "vpmn_group",
            "home_area",
            *DATES,
        ),
        optional=("tier", "credit_limit", "home_zone"),
        digits=("msisdn", "imsi"),
        names=("subscriber_id", "account_id", "charge_group"),
    ),
    "friends": Layout(("subscriber_id", "number", *DATES), (), ("number",), ("subscriber_id",)),
    "options": Layout(("subscriber_id", "option", *DATES), names=("subscriber_id",)),
    "groups": Layout(("group", "tier", "contract", *DATES)),
    "payers": Layout(
        ("subscriber_id", "payment", "account_id", *DATES), names=("subscriber_id", "account_id")
    ),
}
"""File name without ending → its columns. Only ``subscribers`` must be there."""

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


def read_sheet(files: Mapping[str, bytes], stem: str) -> Sheet:
    """Returns ``<stem>.csv`` or ``<stem>.parquet`` as text columns; without a file it is empty.

    Args:
        files: Bytes by file name.
        stem: File name without ending; a key of :data:`LAYOUTS`.
    """
    layout = LAYOUTS[stem]
    name = next((one for one in files if one.rpartition(".")[0] == stem), f"{stem}.csv")
    nothing = pl.DataFrame({one: pl.Series([], dtype=pl.String) for one in layout.all_columns})
    sheet = Sheet(name, nothing, 2 if name.endswith(".csv") else 1)
    if name not in files:
        return sheet
    if name.endswith(".csv") and not _well_formed(files[name], sheet):
        return sheet
    try:
        frame = _read(name, files[name])
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        first_line = str(error).strip().splitlines()[0]
        sheet.problems.append(Problem(name, 1, f"The table cannot be read: {first_line}."))
        return sheet
    for one in layout.columns:
        if one not in frame.columns:
            missing = f"column {one!r} is missing."
            sheet.problems.append(Problem(name, 1, missing, nearest(one, frame.columns)))
    for one in frame.columns:
        if one not in layout.all_columns:
            unknown = f"column {one!r} is not known."
            sheet.problems.append(Problem(name, 1, unknown, nearest(one, layout.all_columns)))
    if not sheet.problems:
        absent = [pl.lit(None, pl.String).alias(one) for one in layout.optional if one not in frame]
        sheet.frame = frame.with_columns(absent).select(layout.all_columns)
    return sheet


def _well_formed(data: bytes, sheet: Sheet) -> bool:
    """Returns whether the bytes are text in rows of equal width; notes where they are not."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = f"byte 0x{data[error.start]:02x} is not UTF-8."
        sheet.problems.append(Problem(sheet.file, line, wrong, "Save the file as UTF-8."))
        return False
    if _even(data):
        return True
    reader = csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), strict=True)
    before = 1
    try:
        width = len(next(reader, []))
        for row in reader:
            if reader.line_num != before + 1:
                sheet.add(before - 1, "a value goes on in the next line", "Close the quotes.")
            elif len(row) != width:
                few = "few" if len(row) < width else "many"
                what = (
                    f"too {few} values: {len(row)} in place of {width}" if row else "an empty line"
                )
                sheet.add(before - 1, what, "Write a value, which may be empty, for each column.")
            before = reader.line_num
            if len(sheet.problems) > SHOWN:
                break
    except csv.Error as error:
        sheet.problems.append(Problem(sheet.file, reader.line_num, f"not CSV: {error}."))
    return not sheet.problems


def _even(data: bytes) -> bool:
    """Returns whether there are neither quotes nor CRs, and all rows have as many commas."""
    if b'"' in data or b"\r" in data:
        return False
    octets = np.frombuffer(data.rstrip(b"\n"), np.uint8)
    commas = np.flatnonzero(octets == ord(","))
    ends = np.append(np.searchsorted(commas, np.flatnonzero(octets == ord("\n"))), len(commas))
    return len(commas) > 0 and bool(np.all(np.diff(ends, prepend=0) == ends[0]))


def _read(name: str, data: bytes) -> pl.DataFrame:
    """Returns the table with every column as text."""
    if name.endswith(".csv"):
        return pl.read_csv(data, infer_schema=False)
    return pl.read_parquet(io.BytesIO(data)).cast(pl.String)


def digits(sheet: Sheet, column: str) -> pl.Series:
    """Returns int64 numbers of ``+86...`` or plain digits; :data:`MISSING` where empty."""
    text = sheet.text(column)
    number = text.str.strip_prefix("+").cast(pl.Int64, strict=False)
    wrong = (number.is_null() | (number <= 0) | (number >= 10**LONGEST_NUMBER)) & (text != "")
    sheet.refuse(
        wrong.arg_true(),
        f"{column} {{}} is not a number of 1 to {LONGEST_NUMBER} digits",
        "Write digits, with or without a leading +, and no blanks.",
        column,
    )
    return number.fill_null(MISSING)


def amounts(sheet: Sheet, column: str, empty: int) -> pl.Series:
    """Returns int64 amounts in 10^-6 units; ``empty`` where nothing is written."""
    text = sheet.text(column)
    values = text.unique()
    found = pl.Series([parse_amount(value, empty) for value in values.to_list()], dtype=pl.Int64)
    out = text.replace_strict(values, found, return_dtype=pl.Int64)
    sheet.refuse(
        out.is_null().arg_true(),
        f"{column} {{}} is not an amount",
        "Write digits with a point and at most six decimals, such as 300.00, and no sign.",
        column,
    )
    return out.fill_null(empty)


def parse_amount(text: str, empty: int) -> int | None:
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
    parsed = [parse_instant(value, zone, empty) for value in values.to_list()]
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


def parse_instant(text: str, zone: ZoneInfo, empty: int | None) -> int | None:
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
    found = text.to_arrow().dictionary_encode()
    names = pl.Series(found.dictionary)
    order = names.arg_sort().to_numpy()
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return names.gather(order), pl.Series(place[found.indices.to_numpy()])


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
