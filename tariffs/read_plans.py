"""Reads plans: the table of rules, what a plan inherits and what it overrides.

A plan's own rules come before those of the plan it inherits, so that a row that matches
overrides the base; a price of the same name, and a fee, allowance or cap of the same id, replaces
the base's; ``without`` drops one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tariffs.compiled import CLOCKS, RUMS, SERVICES, SPLIT_MODES
from tariffs.context import ALWAYS
from tariffs.dated import Dated
from tariffs.errors import nearest
from tariffs.model import FREE, Plan, Price, Rule
from tariffs.read_allowances import read_allowance
from tariffs.read_fees import read_fee
from tariffs.read_head import read_splits
from tariffs.read_parts import (
    dated_amount,
    explain_unit,
    flag,
    read_cap,
    read_conditions,
    read_parts,
    unit_fits,
    word,
)
from tariffs.read_prices import PRICE_KEYS, read_prices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tariffs.cells import Cell
    from tariffs.context import Context
    from tariffs.read_parts import AnyPart, Part

PLAN_KEYS = (
    "id",
    "name",
    "inherits",
    "overlays",
    "split",
    "template",
    "fees",
    "prices",
    "rules",
    "allowances",
    "discounts",
    "caps",
    "without",
)
CONSECUTIVE = SPLIT_MODES.index("consecutive")
RULE_OPTIONS = ("id", "time", "split", "clock", "minimum", "zero_duration", "tax", "gl_code")


def read_plans(cells: dict[str, Cell], context: Context) -> list[Plan]:
    """Returns all plans of the book; ``cells`` maps plan id (the file's name) to its file."""
    done: dict[str, Plan] = {}
    tables = {
        name: cell.table(f"plan {name}", ("name",), PLAN_KEYS) for name, cell in cells.items()
    }
    for name in sorted(cells):
        _read_with_base(name, (), cells, tables, done, context)
    return [done[name] for name in sorted(done)]


def _read_with_base(
    name: str,
    path: tuple[str, ...],
    cells: dict[str, Cell],
    tables: dict[str, dict[str, Cell]],
    done: dict[str, Plan],
    context: Context,
) -> None:
    if name in done:
        return
    table = tables[name]
    base: Plan | None = None
    for key in ("inherits", "overlays"):
        for wanted in reversed(_wanted(table, key, name, cells)):
            if wanted in {*path, name}:
                chain = " → ".join([*path, name, wanted])
                table[key].fail(f"The plan inherits itself: {chain}.", "Break the circle.")
                continue
            _read_with_base(wanted, (*path, name), cells, tables, done, context)
            if wanted in done:
                base = overlaid(done[wanted], base, context) if base else done[wanted]
    if name not in done:
        done[name] = _read_plan(name, cells[name], table, base, context)


def _wanted(table: dict[str, Cell], key: str, name: str, cells: dict[str, Cell]) -> list[str]:
    """Returns the plans that a plan names as its base or as what is laid over it."""
    if key not in table:
        return []
    whole = [] if table[key].is_mapping else table[key].items("plan")
    written = {str(one.node.value).strip() for one in whole}
    others = [one for one in cells if one != name or one in written]  # itself: told as a circle
    if key == "inherits":
        one = table[key].name("plan", others)
        return [one] if one in cells else []
    return [one for one in table[key].names("plan", others) if one in cells]


def overlaid(over: Plan, base: Plan, context: Context) -> Plan:
    """Returns a plan over another: its rules first, its parts in place of those of the same id."""
    own = {n: price for n, price in over.prices.items() if context.prices.get(n) is not price}
    fees = {one.id: one for one in (*base.fees, *over.fees)}
    allowances = {one.id: one for one in (*base.allowances, *over.allowances)}
    caps = {one.id: one for one in (*base.caps, *over.caps)}
    return replace(
        base,
        fees=tuple(fees.values()),
        prices={**base.prices, **own},
        rules=tuple({id(rule): rule for rule in (*over.rules, *base.rules)}.values()),
        allowances=tuple(allowances.values()),
        discounts=tuple(dict.fromkeys((*base.discounts, *over.discounts))),
        caps=tuple(caps.values()),
    )


def _read_plan(
    name: str, cell: Cell, table: dict[str, Cell], base: Plan | None, context: Context
) -> Plan:
    if "id" in table and table["id"].text("id") not in {name, None}:
        table["id"].fail("The plan's id is not the file's name.", f"Write {name}, or rename it.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        cell.fail(f"{name!r} is no name for a plan.", "Small letters, digits and _.")
    dropped = _dropped(table, base)
    own = read_prices(table["prices"], context, "prices", {}) if "prices" in table else {}
    prices = {**context.prices, **(base.prices if base else {}), **own}
    own_splits = read_splits(table["split"]) if "split" in table else {}
    context.plan_split = {**context.head.split, **own_splits}
    own_rules = _read_rules(table["rules"], name, prices, context) if "rules" in table else []
    base_rules = [r for r in base.rules if r.name.split("/")[1] not in dropped] if base else []
    plan = Plan(
        id=name,
        name=(table["name"].text("name") if "name" in table else None) or name,
        source=cell.source,
        inherits=base.id if base else None,
        template=flag(table, "template"),
        fees=_merge(base.fees if base else (), table, "fees", read_fee, dropped, context),
        prices=prices,
        rules=(*own_rules, *base_rules),
        allowances=_merge(
            base.allowances if base else (), table, "allowances", read_allowance, dropped, context
        ),
        discounts=_discounts(table, base, dropped, context),
        caps=_merge(base.caps if base else (), table, "caps", read_cap, dropped, context),
        overlays=tuple(one.text("plan") or "" for one in table["overlays"].items("plan"))
        if "overlays" in table
        else (),
    )
    if not plan.rules:
        cell.fail("The plan has no rules.", "Write rules, or inherit a plan that has some.")
    _note_units(plan, own, context)
    return plan


def _dropped(table: dict[str, Cell], base: Plan | None) -> set[str]:
    if "without" not in table:
        return set()
    allowed: list[str] = []
    if base is not None:
        allowed += [rule.name.split("/")[1] for rule in base.rules]
        parts: list[Part] = [*base.fees, *base.allowances, *base.caps]
        allowed += [one.id for one in parts]
        allowed += base.discounts
    return set(table["without"].names("part of the inherited plan", allowed))


def _merge(
    inherited: tuple[AnyPart, ...],
    table: dict[str, Cell],
    key: str,
    read: Callable[[Cell, Context], AnyPart | None],
    dropped: set[str],
    context: Context,
) -> tuple[AnyPart, ...]:
    """Returns the inherited parts with the plan's own in place of those of the same id."""
    own = read_parts(table, key, read, context)
    kept = [own.pop(part.id, part) for part in inherited if part.id not in dropped]
    return (*kept, *own.values())


def _discounts(
    table: dict[str, Cell], base: Plan | None, dropped: set[str], context: Context
) -> tuple[str, ...]:
    inherited = [one for one in base.discounts if one not in dropped] if base else []
    if "discounts" in table:
        for name in table["discounts"].names("discount", context.discounts):
            if name not in inherited:
                inherited.append(name)
    return tuple(inherited)


def _read_rules(cell: Cell, plan: str, prices: dict[str, Price], context: Context) -> list[Rule]:
    rules: list[Rule] = []
    taken: dict[str, int] = {}
    for item in cell.items("rules"):
        table = item.table("rule", ("when", "price"), RULE_OPTIONS)
        rule = _read_rule(item, table, plan, prices, context)
        if rule is None:
            continue
        short = rule.name.split("/")[1]
        if "id" not in table:
            number = 2
            while rule.name.split("/")[1] in taken:
                rule = _renamed(rule, f"{plan}/{short}_{number}")
                number += 1
        elif short in taken:
            item.fail(f"The rule id {short!r} is also in line {taken[short]}.")
        taken[rule.name.split("/")[1]] = item.source.line
        rules.append(rule)
    return rules


def _renamed(rule: Rule, name: str) -> Rule:
    return replace(rule, name=name)


def _read_rule(
    cell: Cell, table: dict[str, Cell], plan: str, prices: dict[str, Price], context: Context
) -> Rule | None:
    if not table.keys() >= {"when", "price"}:
        return None
    head = context.head
    model_name = table["time"].name("time model", context.time_models) if "time" in table else None
    model = context.time_models[model_name if model_name in context.time_models else ALWAYS]
    price = table["price"].dated(
        head.zone, "price", lambda c: _price_of_bands(c, model.bands, prices, context)
    )
    when = read_conditions(table["when"], context)
    short = table["id"].text("id") if "id" in table else None
    if short is not None and not re.fullmatch(r"[a-z][a-z0-9_]*", short):
        table["id"].fail(f"{short!r} is no id for a rule.", "Small letters, digits and _.")
    first = next((value[0][1] for _, _, value in price.spans() if value), FREE)
    tax = table["tax"].name("tax", head.taxes) if "tax" in table else None
    gl_code = table["gl_code"].name("G/L code", head.gl_codes) if "gl_code" in table else None
    return Rule(
        name=f"{plan}/{short or first}",
        source=cell.source,
        when=when,
        price=price,
        time_model=list(context.time_models).index(model.name),
        split=_split(cell, table, when.services, context),
        clock=_index(table, "clock", CLOCKS, head.clock),
        minimum=dated_amount(table, "minimum", context) or Dated.always(0),
        zero_duration_free=word(table, "zero_duration", ("free", "charged")) == "free",
        tax=tax,
        gl_code=gl_code,
    )


def _split(cell: Cell, table: dict[str, Cell], services: frozenset[int], context: Context) -> int:
    """Returns how a rule's events are cut: as it says, else as the plan or the book does."""
    modes = {context.plan_split.get(service, CONSECUTIVE) for service in services}
    if "split" not in table and len(modes) > 1:
        cell.fail("The rule's services are cut in different ways.", "Write split in the rule.")
    return _index(table, "split", SPLIT_MODES, min(modes, default=CONSECUTIVE))


def _index(table: dict[str, Cell], key: str, allowed: tuple[str, ...], default: int) -> int:
    name = table[key].name(key, allowed) if key in table else None
    return allowed.index(name) if name in allowed else default


def _price_of_bands(
    cell: Cell, bands: tuple[int, ...], prices: dict[str, Price], context: Context
) -> tuple[tuple[int, str], ...] | None:
    allowed = [FREE, *prices]
    names = {context.bands[band]: band for band in bands}
    if not cell.is_mapping or _is_written_here(cell, names):
        name = _price_name(cell, allowed)
        return tuple((band, name) for band in bands) if name else None
    found: list[tuple[int, str]] = []
    for key, key_cell, one in cell.entries("price"):
        if key not in names:
            key_cell.fail(f"The rule's time model has no band {key!r}.", nearest(key, names))
            continue
        name = _price_name(one, allowed)
        if name:
            found.append((names[key], name))
    missing = [name for name, band in names.items() if band not in dict(found)]
    if missing and len(found) == len(cell.entries("price")):
        cell.fail(f"No price for band {', '.join(missing)}.", "Price every band of the time model.")
    return tuple(sorted(found)) or None


def _is_written_here(cell: Cell, bands: Iterable[str] = ()) -> bool:
    """Tells whether a price itself stands where its name belongs: an amount, or its keys."""
    if not cell.is_mapping:
        return str(cell.node.value)[:1].isdigit()
    keys = {key for key, _, _ in cell.entries("price")}
    return not keys.isdisjoint(PRICE_KEYS) and keys.isdisjoint(bands)


def _price_name(cell: Cell, allowed: list[str]) -> str | None:
    if _is_written_here(cell):
        hint = "Write it in prices.yaml, or under prices of the plan, and its name here."
        cell.fail("The price is written in the rule.", hint)
        return None
    name = cell.name("price", allowed)
    return name if name in allowed else None


def _note_units(plan: Plan, own: dict[str, Price], context: Context) -> None:
    """Notes rules whose prices count differently, or what the service does not have."""
    inherited_from = {rule.name for rule in plan.rules if not rule.name.startswith(f"{plan.id}/")}
    for rule in plan.rules:
        if rule.name in inherited_from and own.keys().isdisjoint(context.names_of(rule)):
            continue  # its own plan's file has been looked at
        _note_defaults(rule, context)
        for _, _, value in rule.price.spans():
            rums = {plan.prices[name].rum for _, name in value if name in plan.prices}
            if len(rums) > 1:
                counted = " and ".join(sorted(RUMS[rum] for rum in rums))
                context.problems.add(
                    rule.source, f"The bands' prices count {counted}.", "Use one unit in a rule."
                )
            services = sorted(rule.when.services)
            wrong = [(r, s) for s in services for r in sorted(rums) if not unit_fits(r, s)]
            if wrong:
                rum, service = wrong[0]
                context.problems.add(
                    rule.source,
                    f"The price of rule {rule.name} does not fit {SERVICES[service]}.",
                    explain_unit(rum, service),
                )


def _note_defaults(rule: Rule, context: Context) -> None:
    """Notes a rule for a service whose tax class and G/L code nobody gives."""
    for service in sorted(rule.when.services - context.head.services.keys()):
        if rule.tax is None or rule.gl_code is None:
            context.problems.add(
                rule.source,
                f"No tax and G/L code for {SERVICES[service]}.",
                "Add the service to `services` in book.yaml, or write both in the rule.",
            )
