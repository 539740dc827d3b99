"""Tables with nothing wrong, to the columns of :class:`rating.subscribers.Subscribers`.

Distinct texts are looked at one by one, rows only as arrays. Anything wrong or unusual gives None,
and :mod:`rating.subscribers_build` says what and where; both give the same columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from mediation.edr import MISSING
from rating.subscribers import NO_LIMIT, ROLES
from rating.subscribers_clean import clean_table
from rating.subscribers_columns import names_table, with_none
from rating.subscribers_read import LAYOUTS, parse_amount, parse_instant
from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from rating.subscribers_clean import CleanTable
    from tariffs.compiled import CompiledBook, Int32, Int64


class _UncleanError(Exception):
    """Something is wrong or unusual; never leaves this module."""


def quick(files: Mapping[str, bytes], compiled: CompiledBook) -> dict[str, Any] | None:
    """Returns the columns of the table ``subscribers``, None if anything is wrong or unusual.

    Args:
        files: Bytes by file name.
        compiled: The tariff book.
    """
    name = next(name for name in files if name.startswith("subscribers."))
    table = clean_table(files[name], name[name.rfind(".") :], LAYOUTS["subscribers"])
    if table is None:
        return None
    try:
        return _subscriber_columns(table, compiled, ZoneInfo(compiled.time_zone))
    except _UncleanError:
        return None


def _subscriber_columns(
    table: CleanTable, compiled: CompiledBook, zone: ZoneInfo
) -> dict[str, Any]:
    names, subscriber = _names(table, "subscriber_id")
    accounts, account = _names(table, "account_id")
    groups, group = accounts, account
    if not table.empty("charge_group"):
        groups, group = _names(table, "charge_group", "account_id")
    vpmn_groups, vpmn = _sorted_texts(table, "vpmn_group")
    home_zones, home_zone = _home_zones(table, compiled)
    roles = ("", *ROLES)
    columns = {
        "subscriber": subscriber,
        "account": account,
        "group": group,
        "plan": _looked_up(table, "plan", _places(compiled.plans).get),
        "role": np.maximum(_looked_up(table, "role", _places(roles).get) - 1, 0).astype(np.int8),
        "vpmn": vpmn,
        "area": _looked_up(table, "home_area", _places(compiled.areas).get),
        "tier": _looked_up(table, "tier", _places(compiled.tiers).get),
        "credit_limit": _looked_up(
            table, "credit_limit", lambda text: parse_amount(text, NO_LIMIT), np.int64
        ),
        "home_zone": home_zone,
        "msisdn": _digits(table, "msisdn"),
        "imsi": _digits(table, "imsi"),
        "valid_from": _instants(table, "valid_from", zone, None),
        "valid_to": _instants(table, "valid_to", zone, FOREVER),
    }
    _require(not np.any((columns["msisdn"] == MISSING) & (columns["imsi"] == MISSING)))
    columns = _in_order(columns)
    return columns | {
        "names": names,
        "accounts": accounts,
        "groups": groups,
        "vpmn_groups": names_table(vpmn_groups),
        "home_zones": home_zones,
    }


def _in_order(columns: dict[str, Any]) -> dict[str, Any]:
    """Returns the periods sorted by (subscriber, valid_from); none of a subscriber overlap."""
    key, begin, end = columns["subscriber"], columns["valid_from"], columns["valid_to"]
    _require(bool(np.all(end > begin)))
    same = key[1:] == key[:-1]
    if not np.all((key[1:] > key[:-1]) | (same & (begin[1:] >= begin[:-1]))):
        order = np.lexsort((begin, key))
        columns = {name: column[order] for name, column in columns.items()}
        key, begin, end = columns["subscriber"], columns["valid_from"], columns["valid_to"]
        same = key[1:] == key[:-1]
    _require(not np.any(same & (begin[1:] < end[:-1])))
    return {name: np.ascontiguousarray(column) for name, column in columns.items()}


def _require(fine: bool) -> None:  # noqa: FBT001  the condition itself
    if not fine:
        raise _UncleanError


def _places(names: Sequence[str]) -> dict[str, int]:
    """Returns the first index of each name."""
    return {name: index for index, name in reversed(list(enumerate(names)))}


def _coded(table: CleanTable, column: str) -> tuple[list[str], Int32]:
    found = table.coded(column)
    if found is None:
        raise _UncleanError
    return found


def _looked_up(
    table: CleanTable, column: str, parse: Callable[[str], int | None], dtype: type = np.int32
) -> Any:  # noqa: ANN401  an array of the type asked for
    """Returns what each row's text means; no text may mean nothing."""
    texts, code = _coded(table, column)
    used = np.zeros(len(texts), np.bool_)
    used[code] = True
    values = [parse(text) if there else 0 for text, there in zip(texts, used, strict=True)]
    _require(None not in values)
    meaning: Any = np.array(values, dtype)
    if len(texts) == 1:
        return np.full(len(code), meaning[0], dtype)
    return meaning[code]


def _instants(table: CleanTable, column: str, zone: ZoneInfo, empty: int | None) -> Int64:
    found: Int64 = _looked_up(
        table, column, lambda text: parse_instant(text, zone, empty), np.int64
    )
    return found


def _digits(table: CleanTable, column: str) -> Int64:
    found = table.digits(column)
    if found is None:
        raise _UncleanError
    return found


def _names(table: CleanTable, column: str, otherwise: str = "") -> tuple[pa.StringArray, Int32]:
    """Returns the names in order and the index of each row's; no name is empty."""
    found = table.names(column, otherwise)
    if found is None or found[0][:1].to_pylist() == [""]:
        raise _UncleanError
    return found


def _sorted_texts(table: CleanTable, column: str) -> tuple[pl.Series, Int32]:
    """Returns the texts that are used, in order behind the empty one, and the index of each row's."""
    texts, code = _coded(table, column)
    used = np.zeros(len(texts), np.bool_)
    used[code] = True
    there = pl.Series(texts, dtype=pl.String).filter(pl.Series(used))
    names, _ = with_none(there.unique().sort(), pl.Series([], dtype=pl.Int32))
    place = {text: index for index, text in enumerate(names.to_list())}
    of_text = np.array([place.get(text, 0) for text in texts], np.int32)
    return names, of_text[code]


def _home_zones(table: CleanTable, compiled: CompiledBook) -> tuple[tuple[str, ...], Int32]:
    """Returns home zones by index, of the book if it lists any, and the index of each row's."""
    if any(compiled.home_zones):
        place = _places(compiled.home_zones)
        return compiled.home_zones, _looked_up(table, "home_zone", (place | {"": 0}).get)
    names, code = _sorted_texts(table, "home_zone")
    return tuple(names.to_list()), code
