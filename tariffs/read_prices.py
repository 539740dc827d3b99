"""Reads price models: connect fee, steps with beats, minimum and maximum."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tariffs.compiled import RUMS
from tariffs.dated import Dated
from tariffs.errors import Source
from tariffs.model import FREE, Price, Step
from tariffs.scalars import amount, quantity

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

STEP_KEYS = ("price", "per")
STEP_OPTIONS = ("from", "beat")
PRICE_KEYS = ("connect", "steps", "minimum", "maximum", "measure", *STEP_KEYS, "beat")
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
    if "steps" in table:
        for key in (*STEP_KEYS, "beat"):
            if key in table:
                table[key].fail(f"{key!r} stands beside steps.", "Write it inside the steps.")
        steps = table["steps"].dated(zone, "steps", lambda c: _read_steps(c, context, kinds))
    elif table.keys() >= set(STEP_KEYS):
        only = _read_step(
            cell, {k: table[k] for k in table if k in {*STEP_KEYS, "beat"}}, context, kinds
        )
        steps = Dated.always((only,) if only else ())
    else:
        cell.fail(f"Price {name} has no steps.", "Write price and per, or a list of steps.")
        return None
    if len(kinds) > 1:
        cell.fail(f"Price {name} counts {' and '.join(sorted(kinds))}.", "Use one kind of unit.")
    kind = min(kinds, default="seconds")
    measures = MEASURES[kind]
    measure = table["measure"].name("measure", measures) if "measure" in table else None
    rum = measures[measure] if measure else min(measures.values())
    minimum, maximum = money("minimum", 0), money("maximum", None)
    _note_crossed(table, minimum, maximum)
    return Price(name, source, rum, money("connect", 0), steps, minimum, maximum)


def _note_crossed(table: dict[str, Cell], minimum: Dated[int], maximum: Dated[int]) -> None:
    for start, end, most in maximum.spans():
        least = max((value for a, b, value in minimum.spans() if a < end and start < b), default=0)
        if least > most:
            table["maximum"].fail("The maximum is below the minimum.", "Swap them or drop one.")
            return


def _read_steps(cell: Cell, context: Context, kinds: set[str]) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    for item in cell.items("steps"):
        step = _read_step(item, item.table("step", STEP_KEYS, STEP_OPTIONS), context, kinds)
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
    if not table.keys() >= set(STEP_KEYS):
        return None
    price = table["price"].dated(context.head.zone, "price", lambda c: c.value("price", amount))
    numbers = {"from": 0}
    for key in ("per", "beat", "from"):
        if key not in table:
            continue
        pair = table[key].value(key, quantity)
        if pair is None:
            return None
        numbers[key] = pair[1]
        kinds.add(pair[0])
        if pair[1] == 0 and key != "from":
            table[key].fail(f"{key} is 0.", "A unit and a beat are at least 1.")
            return None
    step = Step(
        cell.source, numbers["from"], price, numbers["per"], numbers.get("beat", numbers["per"])
    )
    for _, _, value in price.spans():
        if value * max(step.per, step.beat) >= MAX_PRODUCT:
            table["price"].fail("The price times its unit is too large.", "Use a smaller unit.")
            return replace(step, price=Dated.always(0))
    return step


def rum_name(price: Price) -> str:
    """Returns what a price measures, for messages."""
    return RUMS[price.rum]
