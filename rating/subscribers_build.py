"""From subscriber tables to the columns of :class:`rating.subscribers.Subscribers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from mediation.edr import MISSING
from rating.errors import Problem, nearest
from rating.subscribers import NO_LIMIT, ROLES
from rating.subscribers_columns import (
    LONGEST_NUMBER,
    coded,
    names_table,
    overlaps,
    required,
    validity,
    with_none,
)
from rating.subscribers_dated import friend_columns, group_terms, purchases
from rating.subscribers_read import (
    FRIEND_COLUMNS,
    GROUP_COLUMNS,
    OPTION_COLUMNS,
    OPTIONAL_COLUMNS,
    SUBSCRIBER_COLUMNS,
    Sheet,
    amounts,
    codes,
    digits,
    known,
    read_sheet,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.compiled import CompiledBook


def build(folder: Path, compiled: CompiledBook) -> tuple[dict[str, Any], list[Problem]]:
    """Returns the columns (without digest) and every problem found; with problems no columns."""
    zone = ZoneInfo(compiled.time_zone)
    sheet = read_sheet(folder, "subscribers", SUBSCRIBER_COLUMNS, OPTIONAL_COLUMNS, needed=True)
    friends = read_sheet(folder, "friends", FRIEND_COLUMNS)
    options = read_sheet(folder, "options", OPTION_COLUMNS)
    groups = read_sheet(folder, "groups", GROUP_COLUMNS)
    sheets = (sheet, friends, options, groups)
    if sheet.problems:
        return {}, [problem for one in sheets for problem in one.problems]
    columns = _subscriber_columns(sheet, compiled, zone)
    columns |= friend_columns(friends, columns["names"], zone)
    columns["purchases"] = purchases(options, columns["names"], compiled, zone)
    columns["group_terms"] = group_terms(groups, columns["vpmn_groups"], compiled, zone)
    return columns, [problem for one in sheets for problem in one.problems]


def _subscriber_columns(sheet: Sheet, compiled: CompiledBook, zone: ZoneInfo) -> dict[str, Any]:
    """Returns the columns of the periods, sorted by (subscriber, valid_from)."""
    names, subscriber = codes(required(sheet, "subscriber_id"))
    account_text = required(sheet, "account_id")
    accounts, account = codes(account_text)
    group_text = sheet.text("charge_group")
    groups, group = codes(
        pl.select(pl.when(group_text == "").then(account_text).otherwise(group_text)).to_series()
    )
    vpmn_groups, vpmn = with_none(*codes(sheet.text("vpmn_group")))
    home_zones, home_zone = coded(sheet, "home_zone", compiled.home_zones, "home zone")
    begin, end = validity(sheet, zone)
    columns = {
        "subscriber": subscriber.to_numpy(),
        "account": account.to_numpy(),
        "group": group.to_numpy(),
        "plan": known(sheet, "plan", compiled.plans, "plan").to_numpy(),
        "role": _roles(sheet).to_numpy(),
        "vpmn": vpmn.to_numpy(),
        "area": known(sheet, "home_area", compiled.areas, "area").to_numpy(),
        "tier": known(sheet, "tier", compiled.tiers, "tier", empty=0).to_numpy(),
        "credit_limit": amounts(sheet, "credit_limit", NO_LIMIT).to_numpy(),
        "home_zone": home_zone,
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
    tables = {name: names_table(values) for name, values in texts.items()}
    return columns | tables | {"home_zones": home_zones}


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
    repeated = overlaps(sheet, columns, "subscriber", "subscriber_id")
    # what overlaps as a subscriber overlaps in its number and IMSI too: say it once
    overlaps(sheet, columns, "msisdn", "msisdn", told=repeated)
    overlaps(sheet, columns, "imsi", "imsi", told=repeated)
