"""Reads price models: connect fee, steps with beats, minimum and maximum."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tariffs.compiled import RUMS, STEP_KINDS
from tariffs.dated import Dated
from tariffs.errors import Source
from tariffs.model import FREE, Price, Step
from tariffs.read_counts import count_of_price
from tariffs.scalars import MICRO, amount, percent, quantity

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

STEP_KEYS = ("price", "per")
FLAT = "flat"
ONE_STEP = (*STEP_KEYS, "beat", FLAT)
PRICE_KEYS = (
    *("connect", "kind", "steps", "minimum", "maximum", "measure", "currency", "partner", "count"),
    *ONE_STEP,
)
PARTNER = RUMS.index("partner_charge")
MEASURES = {
    "seconds": {"seconds": 0},
    "bytes": {"total": 1, "uplink": 2, "downlink": 3},
    "events": {"events": 4},
}
MAX_PRODUCT = 2**62
"""A price times its unit, and times its beat, stays below this, so that int64 cannot wrap."""


def free_price(rum: int) -> Price:
    """Returns the price ``free`` for a RUM."""
    source = Source("book.yaml", 1)
    step = Step(source, 0, Dated.always(0), 1, 1)
    none: Dated[int] = Dated.always(None)
    return Price(FREE, source, rum, Dated.always(0), Dated.always((step,)), none, none)


def read_prices(
    cell: Cell, context: Context, what: str, taken: dict[str, Price]
) -> dict[str, Price]:
    """Returns the named prices of a mapping; ``taken`` are names that may not come again."""
    found: dict[str, Price] = {}
    for name, key, entry in cell.entries(what):
        if name == FREE:
            key.fail("The price 'free' is always there.", "Choose another name.")
        elif not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            key.fail(f"{name!r} is no name for a price.", "Small letters, digits and _.")
        elif name in taken:
            key.fail(f"The price {name!r} is also in {taken[name].source}.", "Keep one of them.")
        else:
            price = read_price(name, key.source, entry, context)
            if price is not None:
                found[name] = price
    return found


def read_price(name: str, source: Source, cell: Cell, context: Context) -> Price | None:
    """Returns one price; a price of a single step may be written without ``steps``."""
    table = cell.table(f"price {name}", (), PRICE_KEYS)
    zone = context.head.zone

    def money(key: str, default: int | None) -> Dated[int]:
        if key not in table:
            return Dated.always(default)
        return table[key].dated(zone, key, lambda c: c.value(key, amount))

    kinds: set[str] = set()
    if "partner" in table:
        steps = _partner_steps(table, context)
    elif "steps" in table:
        for key in ONE_STEP:
            if key in table:
                table[key].fail(f"{key!r} stands beside steps.", "Write it inside the steps.")
        steps = table["steps"].dated(zone, "steps", lambda c: _read_steps(c, context, kinds))
    elif table.keys() >= set(STEP_KEYS) or FLAT in table:
        only = _read_step(cell, {k: table[k] for k in ONE_STEP if k in table}, context, kinds)
        steps = Dated.always((only,) if only else ())
    else:
        cell.fail(f"Price {name} has no steps.", "Write price and per, flat, or a list of steps.")
        return None
    rum = PARTNER if "partner" in table else _rum(cell, table, kinds)
    currency = _currency(table, context)
    kind = table["kind"].name("kind of steps", STEP_KINDS) if "kind" in table else None
    minimum, maximum = money("minimum", 0), money("maximum", None)
    _note_crossed(table, minimum, maximum)
    count = count_of_price(table["count"], name, rum, context) if "count" in table else None
    if count is not None and "partner" not in table:
        _note_counted(table, steps, kind)
    return Price(
        name,
        source,
        rum,
        money("connect", 0),
        steps,
        minimum,
        maximum,
        STEP_KINDS.index(kind) if kind in STEP_KINDS else 0,
        currency,
        context.exchange.get(currency),
        count,
    )


def _note_counted(table: dict[str, Cell], steps: Dated[tuple[Step, ...]], kind: str | None) -> None:
    """Notes a price whose steps cannot stand where a count stands."""
    cell = table["count"]
    if kind == "volume":
        cell.fail(
            "What was priced before would have to be priced anew: volume steps are not counted.",
            "Use graduated steps, or a discount with `after`.",
        )
    elif all(len(one) < 2 and not any(step.flat for step in one) for one in steps.values if one):
        cell.fail("The price has one step: nothing depends on the count.", "Add steps, or drop it.")


def _currency(table: dict[str, Cell], context: Context) -> str:
    """Returns the currency of a price's amounts, empty where it is the book's."""
    if "currency" not in table:
        return ""
    own = context.head.currency
    name = table["currency"].name("currency", [own, *context.exchange])
    if "partner" in table and name != own:
        table["currency"].fail("A partner's charge has its own currency.", "Leave currency out.")
    return name if name in context.exchange else ""


def _partner_steps(table: dict[str, Cell], context: Context) -> Dated[tuple[Step, ...]]:
    """Returns the step of a price that is a partner's charge with a markup."""
    for key in ("steps", "measure", "kind", "count", *ONE_STEP):
        if key in table:
            table[key].fail(f"{key!r} stands beside partner.", "The partner's charge is the price.")
    cell = table["partner"]
    part = cell.table("partner", (), ("markup",))
    markup: Dated[int] = Dated.always(0)
    if "markup" in part:
        zone = context.head.zone
        markup = part["markup"].dated(zone, "markup", lambda c: c.value("markup", percent))
    shares = tuple(None if share is None else MICRO + share for share in markup.values)
    step = Step(cell.source, 0, Dated(markup.starts, shares), MICRO, 1)
    return Dated.always((step,))


def _rum(cell: Cell, table: dict[str, Cell], kinds: set[str]) -> int:
    """Returns what a price counts: what ``measure`` says, else what fits its units."""
    if len(kinds) > 1:
        cell.fail(f"The price counts {' and '.join(sorted(kinds))}.", "Use one kind of unit.")
    measures = (
        MEASURES[min(kinds)] if kinds else {k: v for m in MEASURES.values() for k, v in m.items()}
    )
    measure = table["measure"].name("measure", measures) if "measure" in table else None
    if not kinds and "measure" not in table:
        cell.fail("Nothing says what the price counts.", "Add measure: seconds, events, total, …")
    return measures[measure] if measure in measures else min(measures.values())


def _note_crossed(table: dict[str, Cell], minimum: Dated[int], maximum: Dated[int]) -> None:
    for start, end, most in maximum.spans():
        least = max((value for a, b, value in minimum.spans() if a < end and start < b), default=0)
        if least > most:
            table["maximum"].fail("The maximum is below the minimum.", "Swap them or drop one.")
            return


def _read_steps(cell: Cell, context: Context, kinds: set[str]) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    for item in cell.items("steps"):
        step = _read_step(item, item.table("step", (), (*ONE_STEP, "from")), context, kinds)
        if step is None:
            continue
        if not steps and step.start != 0:
            item.fail("The first step does not begin at 0.", "Leave out its `from`.")
        elif steps and step.start <= steps[-1].start:
            item.fail(
                f"The step overlaps the one of line {steps[-1].source.line}.",
                "Each step begins (`from`) after the one before it.",
            )
        elif steps and (step.start - steps[-1].start) % steps[-1].beat:
            item.fail(
                "The step begins inside a beat of the step before it.",
                f"Begin at a multiple of {steps[-1].beat} units.",
            )
        steps.append(step)
    if not steps:
        cell.fail("No step.", "Write at least one: - {price: 0.10, per: 60 s}.")
        return None
    return tuple(steps)


def _read_step(
    cell: Cell, table: dict[str, Cell], context: Context, kinds: set[str]
) -> Step | None:
    flat = FLAT in table
    if not flat and not table.keys() >= set(STEP_KEYS):
        cell.fail("The step lacks a price.", "Write price and per, or flat.")
        return None
    if flat and (both := [key for key in ("price", "per", "beat") if key in table]):
        table[FLAT].fail(
            f"{both[0]!r} stands beside flat.", "flat is one price for the whole step."
        )
    key = FLAT if flat else "price"
    price = table[key].dated(context.head.zone, key, lambda c: c.value(key, amount))
    numbers = {"from": 0, "per": 1} if flat else {"from": 0}
    for unit in ("per", "beat", "from"):
        if unit not in table:
            continue
        pair = table[unit].value(unit, quantity)
        if pair is None:
            return None
        numbers[unit] = pair[1]
        kinds.add(pair[0])
        if pair[1] == 0 and unit != "from":
            table[unit].fail(f"{unit} is 0.", "A unit and a beat are at least 1.")
            return None
    beat = numbers.get("beat", numbers["per"])
    step = Step(cell.source, numbers["from"], price, numbers["per"], beat, flat)
    rates = [rate for one in context.exchange.values() for rate in one.values if rate]
    dearest = -(-max(rates, default=1) // 10**9)  # no exchange makes it too large
    for _, _, value in price.spans():
        if value * max(step.per, step.beat) * dearest >= MAX_PRODUCT:
            table[key].fail("The price times its unit is too large.", "Use a smaller unit.")
            return replace(step, price=Dated.always(0))
    return step
