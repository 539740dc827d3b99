"""Drawn books as people write them: files with plans that inherit and are laid over one another.

The arrays of :mod:`tests.rating.strategies` meet what no author writes; these meet what no array
says: bases, overlays, parts that are dropped, dates, currencies, conditions by name. They have the
zones, networks and day of :mod:`tests.rating.strategies`, so that its subscribers and events fit.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

Table = dict[str, Any]

PLANS = ("one", "three", "two")
TEMPLATES = ("base", "over", "top")
SECONDS, EVENTS, BYTES = ("m0", "m1"), ("e0",), ("v0", "v1")
UNIT = {
    **dict.fromkeys(SECONDS, "s"),
    **dict.fromkeys(EVENTS, "event"),
    **dict.fromkeys(BYTES, "B"),
}
PRICED = {"voice": (*SECONDS, *EVENTS), "sms": EVENTS, "data": BYTES}
QUANTITIES = {"voice": ("100 s", "20 min", "2 h"), "sms": ("3 messages",), "data": ("5 kB", "1 GB")}
BEATS = {"voice": ("1 s", "45 s"), "sms": ("1 message",), "data": ("1 B", "1 kB")}
DATES = ("2026-10-05", "2026-10-13", "2026-10-25")
HEAD: dict[str, Table | str] = {
    "zones.csv": "zone,call_class,area\nnorth,local,north\nabroad,international,\n"
    "help,emergency,\n",
    "numbers.csv": "prefix,zone\n86199,north\n8618,abroad\n49,abroad\n4,abroad\n",
    "short_codes.csv": "code,zone\n110,help\n",
    "data_classes.csv": "data_class,apn,rating_group,service_id,rat\nstream,internet,,,\n",
    "networks.csv": "network,roaming\n262-01,home\n440-10,asia\n",
    "exchange_rates.csv": "currency,valid_from,rate\nUSD,,0.912345679\nUSD,2026-10-10,1.1\n",
    "time_models.yaml": {
        "day": {
            "bands": [{"band": "peak", "days": "weekdays", "from": "08:00", "to": "20:00"}],
            "otherwise": "off_peak",
        },
        "late": {
            "bands": [{"band": "night", "from": "23:00", "to": "07:30"}],
            "otherwise": "peak",
        },
    },
    "calendar.yaml": {"day_types": {"holiday": {"days": ["2026-10-03"], "like": "sunday"}}},
}
BANDS = {"day": ("peak", "off_peak"), "late": ("night", "peak")}


@st.composite
def written(draw: st.DrawFn) -> dict[str, Table | str]:
    """Files of a book: text, or what stands in YAML."""
    # one number for a whole book: hypothesis would take four times as long to draw its values
    rng = Random(draw(st.integers(0, 2**32)))
    discounts = {f"d{k}": _discount(rng) for k in range(rng.randint(1, 4))}
    files = HEAD | {
        "book.yaml": _head(rng),
        "prices.yaml": {name: _price(rng, name) for name in UNIT},
        "discounts/all.yaml": discounts,
        "options/all.yaml": {
            name: {"allowances": _parts(rng, _allowance, f"{name}_")} for name in ("pack", "pass")
        },
    }
    for name in (*TEMPLATES, *PLANS):
        files[f"plans/{name}.yaml"] = _plan(rng, name, tuple(discounts))
    if rng.random() < 0.5:
        files["cells.csv"] = (
            "location_area,cell,area,border_of,home_zone\n"
            "100,,north,,uptown\n100,5,south,north,\n200,,south,,campus\n"
        )
    if rng.random() < 0.3:
        files["routes.csv"] = "origin,zone,charged_as\nnorth,abroad,north\nasia,north,abroad\n"
    return files


def _maybe(rng: Random, table: Table, key: str, value: object, chance: float = 0.3) -> None:
    """Writes a key, or leaves it out."""
    if rng.random() < chance:
        table[key] = value


def _dated(rng: Random, values: list[str]) -> object:
    """Returns one value, or several with the dates from which they hold."""
    if rng.random() < 0.7:
        return values[0]
    first = rng.choice(("2020-01-01", DATES[0]))
    return {first: values[0], rng.choice(DATES[1:]): values[-1]}


def _money(rng: Random) -> str:
    return f"{rng.choice((0, 1, 3, 10, 15, 250)) / 100 + rng.choice((0, 0.000001, 0.005)):.6f}"


def _amounts(rng: Random) -> object:
    return _dated(rng, [_money(rng), _money(rng)])


def _head(rng: Random) -> Table:
    modes = ("half_up", "half_even", "up", "down")
    head: Table = {
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "country_code": "49",
        "taxes": {
            "vat": {"rate": _dated(rng, ["19 %", "16 %"]), "included": "yes"},
            "none": {"rate": "0 %", "included": "no"},
        },
        "gl_codes": {"4000": "Usage", "4100": "Data"},
        "services": {
            name: {"tax": rng.choice(("vat", "none")), "gl_code": rng.choice(("4000", "4100"))}
            for name in PRICED
        },
        "areas": ["north", "south"],
        "tiers": ["gold", "silver"],
        "roaming_classes": ["asia", "domestic", "home_zone"],
    }
    event = {"to": rng.choice(("0.01", "0.1", "0.000003")), "mode": rng.choice(modes)}
    _maybe(rng, head, "rounding", {"event": event}, 0.7)
    _maybe(rng, head, "clock", rng.choice(("switch", "book")))
    _maybe(rng, head, "split", {"voice": rng.choice(("start", "isolated", "end"))})
    return head


def _price(rng: Random, name: str, plan: str = "") -> Table:
    unit = UNIT[name]
    measures = {"B": ("total", "uplink", "downlink"), "s": ("seconds",), "event": ("events",)}
    table: Table = {"measure": rng.choice(measures[unit])}
    if rng.random() < 0.1 and not plan and unit == "B":
        return {"partner": {"markup": "15 %"}}
    if rng.random() < 0.4:
        # a step begins at a whole number of the beats before it
        table["steps"] = [_step(rng, unit)]
        for start in sorted(rng.sample(range(420, 2000, 420), rng.randint(1, 2))):
            table["steps"].append({"from": f"{start} {unit}", **_step(rng, unit)})
        kind = rng.choice(("volume", "graduated"))
        table["kind"] = kind
    else:
        table |= _step(rng, unit)
    if table.get("kind") == "graduated" and rng.random() < 0.5:
        count = {"per": rng.choice(("day", "cycle")), "name": f"{name}{plan}"}
        _maybe(rng, count, "scope", "charge_group")
        table["count"] = count
    _maybe(rng, table, "connect", _amounts(rng))
    _maybe(rng, table, "minimum", _amounts(rng))
    _maybe(rng, table, "maximum", "3.00", 0.2)
    _maybe(rng, table, "currency", "USD", 0.2)
    return table


def _step(rng: Random, unit: str) -> Table:
    if rng.random() < 0.2:
        return {"flat": _amounts(rng)}
    step: Table = {"price": _amounts(rng), "per": f"{rng.choice((1, 7, 60))} {unit}"}
    _maybe(rng, step, "beat", f"{rng.choice((1, 6, 30))} {unit}")
    return step


def _when(rng: Random, service: str) -> Table:
    when: Table = {"service": service}
    _maybe(rng, when, "direction", "originating")
    if service == "data":
        _maybe(rng, when, "data_class", "stream")
    else:
        _maybe(rng, when, "zone", rng.choice(("north", ["north", "abroad"], {"not": "help"})))
        _maybe(rng, when, "class", rng.choice(("international", ["on_net", "group"], "local")), 0.2)
    _maybe(rng, when, "roaming", rng.choice(("home", {"not": "home"}, ["asia", "domestic"])))
    return when


def _rule(rng: Random, number: int, service: str, *, wide: bool = False) -> Table:
    price = rng.choice(PRICED[service])
    rule: Table = {
        "id": f"r{number}",
        "when": {"service": service} if wide else _when(rng, service),
    }
    rule["price"] = _dated(rng, [price, rng.choice((price, "free"))])
    if service == "voice" and rng.random() < 0.6:
        model = rng.choice(tuple(BANDS))
        same = SECONDS if price in SECONDS else EVENTS
        rule |= {"time": model, "price": {band: rng.choice(same) for band in BANDS[model]}}
    if service == "voice":
        _maybe(rng, rule, "split", rng.choice(("start", "consecutive", "isolated", "end")), 0.5)
    _maybe(rng, rule, "clock", rng.choice(("switch", "book")))
    _maybe(rng, rule, "minimum", _amounts(rng), 0.2)
    _maybe(rng, rule, "zero_duration", "charged")
    _maybe(rng, rule, "tax", "none")
    _maybe(rng, rule, "gl_code", "4100")
    return rule


def _allowance(rng: Random, name: str) -> Table:
    service = rng.choice(("voice", "voice", "sms", "data"))
    part: Table = {"id": name, "when": _when(rng, service)}
    quantity = rng.choice(QUANTITIES[service])
    part["quantity"] = _dated(rng, [quantity, rng.choice(QUANTITIES[service])])
    _maybe(rng, part, "priority", str(rng.randint(0, 2)))
    _maybe(rng, part, "shared", "yes")
    _maybe(rng, part, "beat", rng.choice(BEATS[service]))
    _maybe(rng, part, "bands", [rng.choice(("peak", "off_peak", "night", "any"))], 0.2)
    validity = rng.choice((None, None, "day", "8 days"))
    if validity is None:
        use = rng.choice(("first", "last"))
        _maybe(rng, part, "prorate", "yes")
        _maybe(rng, part, "rollover", {"cycles": str(rng.randint(1, 3)), "use": use})
    else:
        part["validity"] = validity
    _maybe(rng, part, "throttle", rng.choice(QUANTITIES[service]), 0.2)
    limits = [{"quantity": rng.choice(QUANTITIES[service]), "when": _when(rng, service)}]
    if "shared" in part:
        limits.append({"quantity": rng.choice(QUANTITIES[service]), "per": "member"})
    for one in (part, *limits):
        _maybe(rng, one, "roles", rng.choice((["main", "sub"], ["single"], ["sub"])), 0.2)
    _maybe(rng, part, "limits", limits[-rng.randint(1, 2) :])
    return part


def _cap(rng: Random, name: str) -> Table:
    part: Table = {"id": name, "amount": _dated(rng, ["1.50", "20.00"])}
    part["when"] = _when(rng, rng.choice(tuple(PRICED)))
    _maybe(rng, part, "scope", "charge_group")
    _maybe(rng, part, "per", "day")
    return part


def _parts(rng: Random, make: Any, prefix: str) -> list[Table]:  # noqa: ANN401
    """Returns parts of some of three ids: laid over one another they meet and miss each other."""
    return [make(rng, f"{prefix}{k}") for k in range(3) if rng.random() < 0.4]


def _discount(rng: Random) -> Table:
    kind = rng.choice(({"percent": "33 %"}, {"amount": "0.10"}, {"price": "0.08"}))
    table: Table = {name: _dated(rng, [value, value]) for name, value in kind.items()}
    _maybe(rng, table, "for", rng.choice(("friends", "group")), 0.2)
    _maybe(rng, table, "tiers", ["gold"], 0.2)
    _maybe(rng, table, "bands", ["peak"], 0.2)
    _maybe(rng, table, "when", _when(rng, "voice"))
    _maybe(rng, table, "one_of", "either", 0.2)
    _maybe(rng, table, "on_connect_fee", "yes")
    _maybe(rng, table, "exclusive", "yes", 0.2)
    after: Table = dict(
        (rng.choice((("spend", "0.50"), ("usage", "6 min"), ("usage", "2 events"))),)
    )
    _maybe(rng, after, "per", "day")
    _maybe(rng, after, "scope", "charge_group")
    _maybe(rng, after, "when", _when(rng, "voice"))
    _maybe(rng, table, "after", after)
    return table


def _plan(rng: Random, name: str, discounts: tuple[str, ...]) -> Table:
    """A plan; those of TEMPLATES are only inherited and laid over, the first by all."""
    plan: Table = {"name": name}
    at = (*TEMPLATES, *PLANS).index(name)
    if name in TEMPLATES:
        plan["template"] = "yes"
    if at:
        plan["inherits"] = rng.choice(("base", "base", *TEMPLATES[: min(at, 3)]))
    if at > 1:
        others = [one for one in TEMPLATES[1 : min(at, 3)] if one != plan["inherits"]]
        laid = rng.sample(others, rng.randint(min(1, len(others)), len(others)))
        if laid:
            plan["overlays"] = laid
    services = [rng.choice(tuple(PRICED)) for _ in range(rng.randint(0, 3))]
    if at == 0:
        plan["rules"] = [
            _rule(rng, k, service, wide=rng.random() < 0.8) for k, service in enumerate(PRICED)
        ]
    elif services:
        plan["rules"] = [_rule(rng, 10 + k, service) for k, service in enumerate(services)]
    own = {one: _price(rng, one, name) for one in UNIT if rng.random() < 0.2}
    if own:
        plan["prices"] = own
    plan |= {"allowances": _parts(rng, _allowance, "a"), "caps": _parts(rng, _cap, "c")}
    _maybe(rng, plan, "discounts", rng.sample(discounts, rng.randint(0, len(discounts))), 0.7)
    _maybe(rng, plan, "split", {"voice": rng.choice(("start", "isolated"))}, 0.2)
    return plan


def load(files: dict[str, Table | str]) -> tuple[Book, CompiledBook]:
    """Writes, loads and compiles a drawn book. JSON is YAML."""
    with tempfile.TemporaryDirectory() as name:
        for path, content in files.items():
            file = Path(name) / path
            file.parent.mkdir(exist_ok=True)
            text = content if isinstance(content, str) else json.dumps(content)
            file.write_text(text, encoding="utf-8")
        book = load_book(Path(name))
        return book, compile_book(book)
