"""The dated tables beside ``subscribers``: friends, options, groups, payers; checked, sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mediation.edr import MISSING
from rating.errors import nearest
from rating.subscribers_columns import (
    coded,
    names_table,
    overlaps,
    required,
    validity,
    with_none,
)
from rating.subscribers_read import SHOWN, Sheet, codes, digits, known
from rating.subscribers_terms import GroupTerms, Payers, Purchases

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import pyarrow as pa

    from tariffs.compiled import CompiledBook, Int32


def friend_columns(sheet: Sheet, names: pa.StringArray, zone: ZoneInfo) -> dict[str, Any]:
    """Returns the friends' columns; subscriber ids must be known."""
    owner, _ = _owners(sheet, "subscriber_id", names, "subscribers' table")
    number = digits(sheet, "number")
    required(sheet, "number")
    begin, end = validity(sheet, zone)
    _refuse_repeats(sheet)
    # a table without rows has columns without a type
    digits_ = number.to_numpy().astype(np.int64)
    order = np.lexsort((begin, digits_, owner))
    return {
        "friend_subscriber": owner[order],
        "friend_number": digits_[order],
        "friend_from": begin[order],
        "friend_to": end[order],
    }


def purchases(
    sheet: Sheet, names: pa.StringArray, compiled: CompiledBook, zone: ZoneInfo
) -> Purchases:
    """Returns the options that subscribers have; ids and, if the book lists any, options known."""
    owner, _ = _owners(sheet, "subscriber_id", names, "subscribers' table")
    required(sheet, "option")
    options, option = coded(sheet, "option", compiled.options, "option")
    begin, end = validity(sheet, zone)
    _refuse_repeats(sheet)
    order = np.lexsort((end, begin, option, owner))
    return Purchases(options, owner[order], option[order], begin[order], end[order])


def group_terms(
    sheet: Sheet, groups: pa.StringArray, compiled: CompiledBook, zone: ZoneInfo
) -> GroupTerms:
    """Returns tier and contract of VPMN groups; each group at most once at a time."""
    required(sheet, "group")
    group, _ = _owners(sheet, "group", groups, "column vpmn_group of the subscribers' table")
    contracts, contract = with_none(*codes(sheet.text("contract")))
    tier = known(sheet, "tier", compiled.tiers, "tier", empty=0)
    begin, end = validity(sheet, zone)
    columns = {"group": group, "valid_from": begin, "valid_to": end}
    overlaps(sheet, columns, "group", "group")
    order = np.lexsort((begin, group))
    return GroupTerms(
        names_table(contracts),
        group[order],
        tier.to_numpy().astype(np.int32)[order],
        contract.to_numpy().astype(np.int32)[order],
        begin[order],
        end[order],
    )


def payers(sheet: Sheet, names: pa.StringArray, compiled: CompiledBook, zone: ZoneInfo) -> Payers:
    """Returns who pays what for whom; payments must be the book's."""
    owner, known_owner = _owners(sheet, "subscriber_id", names, "subscribers' table")
    required(sheet, "payment")
    payment = known(sheet, "payment", compiled.payments, "payment", empty=0)
    accounts, account = codes(required(sheet, "account_id"))
    begin, end = validity(sheet, zone)
    which = payment.to_numpy().astype(np.int64)
    key = which << 32 | owner
    named = sheet.text("payment").is_in(list(compiled.payments)) & known_owner
    told = np.where(named.to_numpy(), key, MISSING)  # what is unknown overlaps with nothing
    columns = {"key": told, "valid_from": begin, "valid_to": end}
    overlaps(sheet, columns, "key", "payment")
    order = np.lexsort((begin, key))
    return Payers(
        names_table(accounts),
        owner[order],
        which.astype(np.int32)[order],
        account.to_numpy().astype(np.int32)[order],
        begin[order],
        end[order],
    )


def _owners(
    sheet: Sheet, column: str, names: pa.StringArray, where: str
) -> tuple[Int32, pl.Series]:
    """Returns the index in ``names`` of each row (int32, 0 if not there), and whether it is there.

    What is not there is a problem. Without rows the names, which are many, are not looked at.
    """
    text = sheet.text(column)
    table = (
        pl.Series(names, dtype=pl.String) if len(sheet.frame) else pl.Series([], dtype=pl.String)
    )
    places = pl.Series(np.arange(len(table), dtype=np.int32))
    who = text.replace_strict(table, places, default=None, return_dtype=pl.Int32)
    wrong = (who.is_null() & (text != "")).arg_true()
    for row in wrong.head(SHOWN).to_list():
        named = f"{column} {text[row]!r} is not in the {where}"
        sheet.add(row, named, nearest(text[row], [name for name in table.to_list() if name]))
    if len(wrong) > SHOWN:
        sheet.add(int(wrong[SHOWN]), f"and {len(wrong) - SHOWN} more that are not in the {where}")
    return who.fill_null(0).to_numpy().astype(np.int32), who.is_not_null()


def _refuse_repeats(sheet: Sheet) -> None:
    """Notes rows that are equal to an earlier one."""
    if len(sheet.frame):
        first = sheet.frame.select(pl.struct(pl.all()).is_first_distinct()).to_series()
        sheet.refuse((~first).arg_true(), "the row repeats an earlier one", "Remove one of them.")
