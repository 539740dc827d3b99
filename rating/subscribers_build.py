"""From subscriber tables to the columns of :class:`rating.subscribers.Subscribers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa

from mediation.edr import MISSING
from rating.errors import Problem, nearest
from rating.kernels.probe import first_overlap
from rating.subscribers import ROLES, chain_by_key
from rating.subscribers_read import (
    FRIEND_COLUMNS,
    SHOWN,
    SUBSCRIBER_COLUMNS,
    Sheet,
    codes,
    digits,
    instants,
    known,
    read_sheet,
)
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.compiled import CompiledBook, Int64

LONGEST_NUMBER = 15
"""Digits of an E.164 number or an IMSI at most."""


def build(folder: Path, compiled: CompiledBook) -> tuple[dict[str, Any], list[Problem]]:
    """Returns the columns (without digest) and every problem found; with problems no columns."""
    zone = ZoneInfo(compiled.time_zone)
    sheet = read_sheet(folder, "subscribers", SUBSCRIBER_COLUMNS, required=True)
    friends = read_sheet(folder, "friends", FRIEND_COLUMNS, required=False)
    if sheet.problems:
        return {}, sheet.problems + friends.problems
    columns = _subscriber_columns(sheet, compiled, zone)
    columns |= _friend_columns(friends, columns["names"], zone)
    return columns, sheet.problems + friends.problems


def _required(sheet: Sheet, column: str) -> pl.Series:
    """Returns a text column whose empty values are problems."""
    text = sheet.text(column)
    sheet.refuse((text == "").arg_true(), f"{column} is empty", "Every row needs one.")
    return text


def _validity(sheet: Sheet, zone: ZoneInfo) -> tuple[Int64, Int64]:
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


def _subscriber_columns(sheet: Sheet, compiled: CompiledBook, zone: ZoneInfo) -> dict[str, Any]:
    """Returns the columns of the periods, sorted by (subscriber, valid_from)."""
    names, subscriber = codes(_required(sheet, "subscriber_id"))
    account_text = _required(sheet, "account_id")
    accounts, account = codes(account_text)
    group_text = sheet.text("charge_group")
    groups, group = codes(
        pl.select(pl.when(group_text == "").then(account_text).otherwise(group_text)).to_series()
    )
    vpmn_groups, vpmn = codes(sheet.text("vpmn_group"))
    if vpmn_groups.head(1).to_list() != [""]:
        vpmn_groups, vpmn = pl.concat([pl.Series([""]), vpmn_groups]), vpmn + 1
    begin, end = _validity(sheet, zone)
    columns = {
        "subscriber": subscriber.to_numpy(),
        "account": account.to_numpy(),
        "group": group.to_numpy(),
        "plan": known(sheet, "plan", compiled.plans, "plan").to_numpy(),
        "role": _roles(sheet).to_numpy(),
        "vpmn": vpmn.to_numpy(),
        "area": known(sheet, "home_area", compiled.areas, "area").to_numpy(),
        "msisdn": digits(sheet, "msisdn", LONGEST_NUMBER).to_numpy(),
        "imsi": digits(sheet, "imsi", LONGEST_NUMBER).to_numpy(),
        "valid_from": begin,
        "valid_to": end,
    }
    _check_periods(sheet, columns)
    order = np.arange(len(begin))
    key = columns["subscriber"]
    ahead = key[1:] > key[:-1]
    if not np.all(ahead | ((key[1:] == key[:-1]) & (begin[1:] >= begin[:-1]))):
        order = np.lexsort((begin, key))
        columns = {name: column[order] for name, column in columns.items()}
    columns = {name: np.ascontiguousarray(column) for name, column in columns.items()}
    texts = {"names": names, "accounts": accounts, "groups": groups, "vpmn_groups": vpmn_groups}
    return columns | {name: _names(values) for name, values in texts.items()}


def _names(values: pl.Series) -> pa.StringArray:
    """Returns a name table for Arrow columns."""
    table = values.to_arrow().cast(pa.string())
    return table.combine_chunks() if isinstance(table, pa.ChunkedArray) else table


def _roles(sheet: Sheet) -> pl.Series:
    """Returns the index in ROLES of each row (int8); empty is ``single``."""
    text = sheet.text("role")
    out = text.replace_strict(
        ["", *ROLES], [0, *range(len(ROLES))], default=None, return_dtype=pl.Int8
    )
    sheet.refuse(out.is_null().arg_true(), "role {} is not known", nearest("", ROLES), "role")
    return out.fill_null(0)


def _check_periods(sheet: Sheet, columns: dict[str, Any]) -> None:
    """Finds rows that nobody can be found by, and overlapping validity."""
    lost = pl.Series((columns["msisdn"] == MISSING) & (columns["imsi"] == MISSING))
    unreadable = (sheet.text("msisdn") != "") | (sheet.text("imsi") != "")
    sheet.refuse(
        (lost & ~unreadable).arg_true(), "msisdn and imsi are both empty", "Give at least one."
    )
    repeated = _overlaps(sheet, columns, "subscriber", "subscriber_id")
    # what overlaps as a subscriber overlaps in its number and IMSI too: say it once
    _overlaps(sheet, columns, "msisdn", "msisdn", told=repeated)
    _overlaps(sheet, columns, "imsi", "imsi", told=repeated)


def _overlaps(
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


def _friend_columns(sheet: Sheet, names: pa.StringArray, zone: ZoneInfo) -> dict[str, Any]:
    """Returns the friends' columns; subscriber ids must be known."""
    text = sheet.text("subscriber_id")
    table = pl.Series(names) if len(sheet.frame) else pl.Series([], dtype=pl.String)
    codes_of = pl.Series(np.arange(len(table), dtype=np.int32))
    who = text.replace_strict(table, codes_of, default=None, return_dtype=pl.Int32)
    wrong = who.is_null().arg_true()
    for row in wrong.head(SHOWN).to_list():
        named = f"subscriber_id {text[row]!r} is not in the subscribers' table"
        sheet.add(row, named, nearest(text[row], table.to_list()))
    if len(wrong) > SHOWN:
        sheet.add(int(wrong[SHOWN]), f"and {len(wrong) - SHOWN} more unknown subscribers")
    number = digits(sheet, "number", LONGEST_NUMBER)
    sheet.refuse((sheet.text("number") == "").arg_true(), "number is empty", "Every row needs one.")
    begin, end = _validity(sheet, zone)
    if len(sheet.frame):
        first = sheet.frame.select(pl.struct(pl.all()).is_first_distinct()).to_series()
        sheet.refuse((~first).arg_true(), "the row repeats an earlier one", "Remove one of them.")
    # a table without rows has columns without a type
    owner = who.fill_null(0).to_numpy().astype(np.int32)
    digits_ = number.to_numpy().astype(np.int64)
    order = np.lexsort((begin, digits_, owner))
    return {
        "friend_subscriber": np.ascontiguousarray(owner[order]),
        "friend_number": np.ascontiguousarray(digits_[order]),
        "friend_from": np.ascontiguousarray(begin[order]),
        "friend_to": np.ascontiguousarray(end[order]),
    }
