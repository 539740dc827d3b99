"""Reads ``book.yaml``: currency, zone, rounding, taxes, G/L codes, areas, roaming classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from tariffs.compiled import CLOCKS, ROUNDING_MODES, SERVICES, SPLIT_MODES
from tariffs.dated import Dated
from tariffs.errors import nearest
from tariffs.model import Rounding, ServiceDefaults, Tax
from tariffs.scalars import amount, instant, percent, yes_no

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context, Head

REQUIRED = ("currency", "time_zone", "country_code", "taxes", "gl_codes", "services")
OPTIONAL = ("name", "valid_from", "clock", "split", "rounding", "areas", "tiers", "roaming_classes")
MAX_TIERS = 62
"""With none: a discount's tiers are bits of one word."""
RESERVED_ROAMING = ("home", "unknown")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def read_head(cell: Cell, context: Context) -> None:
    """Reads ``book.yaml`` into ``context.head``."""
    table = cell.table("book.yaml", REQUIRED, OPTIONAL)
    head = context.head
    _read_plain(table, head)
    if "gl_codes" in table:
        for code, _, label in table["gl_codes"].entries("gl_codes"):
            head.gl_codes[code] = label.text("G/L code") or ""
    if "rounding" in table:
        _read_rounding(table["rounding"], head)
    if "areas" in table:
        head.areas += _fresh_names(table["areas"], "area", ())
    if "tiers" in table:
        head.tiers += _fresh_names(table["tiers"], "tier", (), _TIER)
        if len(head.tiers) > MAX_TIERS:
            table["tiers"].fail(f"{len(head.tiers) - 1} tiers.", f"At most {MAX_TIERS - 1}.")
    if "roaming_classes" in table:
        fresh = _fresh_names(table["roaming_classes"], "roaming class", RESERVED_ROAMING)
        head.roaming_classes += fresh
    if "taxes" in table:
        _read_taxes(table["taxes"], head)
    if "services" in table:
        _read_services(table["services"], head)


def _read_plain(table: dict[str, Cell], head: Head) -> None:
    if "name" in table:
        head.name = table["name"].text("name") or ""
    if "time_zone" in table:
        head.zone = table["time_zone"].value("time_zone", _zone) or head.zone
    if "valid_from" in table:
        start = table["valid_from"].value("valid_from", lambda text: instant(text, head.zone))
        head.valid_from_us = head.valid_from_us if start is None else start
    if "currency" in table:
        head.currency = table["currency"].value("currency", _currency) or ""
    if "country_code" in table:
        head.country_code = table["country_code"].value("country_code", _country_code) or ""
    if "clock" in table:
        head.clock = CLOCKS.index(table["clock"].name("clock", CLOCKS) or CLOCKS[0])
    if "split" in table:
        head.split = read_splits(table["split"])


def read_splits(cell: Cell) -> dict[int, int]:
    """Returns service → split mode, of ``start`` or of ``{voice: consecutive, data: start}``."""
    if not cell.is_mapping:
        mode = cell.name("split", SPLIT_MODES)
        return (
            dict.fromkeys(range(len(SERVICES)), SPLIT_MODES.index(mode))
            if mode in SPLIT_MODES
            else {}
        )
    found: dict[int, int] = {}
    for name, key, value in cell.entries("split"):
        if name not in SERVICES:
            key.fail(f"Unknown service {name!r}.", nearest(name, SERVICES))
            continue
        mode = value.name("split", SPLIT_MODES)
        if mode in SPLIT_MODES:
            found[SERVICES.index(name)] = SPLIT_MODES.index(mode)
    return found


def _zone(text: str) -> ZoneInfo:
    if text not in available_timezones():
        near = nearest(text, sorted(available_timezones())).rpartition("Did you mean ")[2]
        hint = f" Did you mean {near}" if near.endswith("?") else ""
        msg = f"{text!r} is not a zone of the IANA database, such as Asia/Shanghai.{hint}"
        raise ValueError(msg)
    return ZoneInfo(text)


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        msg = f"{text!r} is not an ISO 4217 code, such as CNY."
        raise ValueError(msg)
    return text


def _country_code(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,2}", text):
        msg = f"{text!r} is not a country code: 1 to 3 digits, such as 86, without + or zeros."
        raise ValueError(msg)
    return text


def _read_rounding(cell: Cell, head: Head) -> None:
    table = cell.table("rounding", (), ("event", "line", "bill"))
    if "event" in table:
        head.event_rounding = _rounding(table["event"], "rounding.event")
    if "line" in table:
        head.line_rounding = _rounding(table["line"], "rounding.line", head.gl_codes)
    if "bill" in table:
        head.bill_rounding = _rounding(table["bill"], "rounding.bill", head.gl_codes)


def _rounding(cell: Cell, what: str, gl_codes: dict[str, str] | None = None) -> Rounding:
    """Reads a stage of rounding; with a G/L code where it makes lines of its own."""
    optional = ("mode",) if gl_codes is None else ("mode", "gl_code")
    table = cell.table(what, ("to",), optional)
    unit = table["to"].value(f"{what}.to", amount) if "to" in table else 1
    mode = table["mode"].name("rounding mode", ROUNDING_MODES) if "mode" in table else None
    if unit == 0:
        table["to"].fail(f"{what}.to is 0.", "Write the smallest step, such as 0.01.")
    code = table["gl_code"].name("G/L code", gl_codes or ()) if "gl_code" in table else None
    return Rounding(unit or 1, ROUNDING_MODES.index(mode or "half_up"), code or "")


def _fresh_names(
    cell: Cell, what: str, taken: tuple[str, ...], pattern: re.Pattern[str] = _NAME
) -> list[str]:
    found: list[str] = []
    for item in cell.items(what):
        name = item.text(what)
        if name is None:
            continue
        if name in found or name in taken:
            why = "is always there" if name in taken else "is written twice"
            item.fail(f"The {what} {name!r} {why}.", "Remove it from the list.")
        elif not pattern.fullmatch(name):
            letters = "small letters" if pattern is _NAME else "letters"
            item.fail(f"{name!r} is no name for a {what}.", f"Use {letters}, digits and _.")
        else:
            found.append(name)
    return found


def _read_taxes(cell: Cell, head: Head) -> None:
    for name, key, entry in cell.entries("taxes"):
        table = entry.table(f"tax {name}", ("rate",), ("included", "gl_code"))
        rate: Dated[int] = Dated.always(0)
        if "rate" in table:
            rate = table["rate"].dated(head.zone, "rate", lambda c: c.value("rate", percent))
        included = table["included"].value("included", yes_no) if "included" in table else False
        code = table["gl_code"].name("G/L code", head.gl_codes) if "gl_code" in table else None
        head.taxes[name] = Tax(name, key.source, rate, bool(included), code or "")


def _read_services(cell: Cell, head: Head) -> None:
    for name, key, entry in cell.entries("services"):
        if name not in SERVICES:
            key.fail(f"Unknown service {name!r}.", nearest(name, SERVICES))
            continue
        table = entry.table(f"service {name}", ("tax", "gl_code"))
        tax = table["tax"].name("tax", head.taxes) if "tax" in table else None
        gl_code = table["gl_code"].name("G/L code", head.gl_codes) if "gl_code" in table else None
        head.services[SERVICES.index(name)] = ServiceDefaults(tax or "", gl_code or "")
