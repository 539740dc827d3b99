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
    coded,
    names_table,
    overlaps,
    required,
    validity,
    with_none,
)
from rating.subscribers_dated import friend_columns, group_terms, payers, purchases
from rating.subscribers_quick import quick
from rating.subscribers_read import (
    LAYOUTS,
    Sheet,
    amounts,
    codes,
    digits,
    known,
    read_sheet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tariffs.compiled import CompiledBook


def build(
    files: Mapping[str, bytes], compiled: CompiledBook, *, told: bool
) -> tuple[dict[str, Any], list[Problem]]:
    """Returns the columns (without digest) and every problem found; with problems no columns.

    Args:
        files: Bytes by file name; ``subscribers`` is there.
        compiled: The tariff book.
        told: Whether what is wrong with ``subscribers`` is looked for row by row; without it, that
            happens only if the quick way meets anything wrong.
    """
    zone = ZoneInfo(compiled.time_zone)
    problems: list[Problem] = []
    columns = None if told else quick(files, compiled)
    if columns is None:
        sheet = read_sheet(files, "subscribers")
        columns = {} if sheet.problems else _subscriber_columns(sheet, compiled, zone)
        problems += sheet.problems
    further = {stem: read_sheet(files, stem) for stem in LAYOUTS if stem != "subscribers"}
    if columns:
        columns |= friend_columns(further["friends"], columns["names"], zone)
        columns["purchases"] = purchases(further["options"], columns["names"], compiled, zone)
        columns["group_terms"] = group_terms(
            further["groups"], columns["vpmn_groups"], compiled, zone
        )
        columns["payers"] = payers(further["payers"], columns["names"], compiled, zone)
    problems += [problem for one in further.values() for problem in one.problems]
    return columns, problems


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
        "credit_limit": amounts(sheet, "credit_limit", NO_LIMIT).to_numpy().astype(np.int64),
        "home_zone": home_zone,
        "msisdn": digits(sheet, "msisdn").to_numpy(),
        "imsi": digits(sheet, "imsi").to_numpy(),
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
