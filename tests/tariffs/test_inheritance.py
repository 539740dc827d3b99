"""Plans that inherit and are laid over one another, resolved by hand from the files as drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tariffs.compiled import CALL_CLASSES, DIRECTIONS, SERVICES
from tariffs.reference.lookup import find_price
from tests.rating.strategies_written import load, written
from tests.tariffs.test_lookup import compiled_price, compiled_rule

if TYPE_CHECKING:
    from tariffs.model import Book

Files = dict[str, Any]
SOME = 60
"""Classes of a book that are looked up in each plan."""


@dataclass
class Parts:
    """What a plan has, each part with the plan that wrote it."""

    rules: list[str] = field(default_factory=list)
    prices: dict[str, str] = field(default_factory=dict)
    allowances: dict[str, str] = field(default_factory=dict)
    caps: dict[str, str] = field(default_factory=dict)
    discounts: list[str] = field(default_factory=list)


def lay(over: Parts, base: Parts) -> Parts:
    """Lays parts over others: rules before theirs, parts in place of theirs, discounts behind."""
    return Parts(
        list(dict.fromkeys([*over.rules, *base.rules])),
        base.prices | over.prices,
        base.allowances | over.allowances,
        base.caps | over.caps,
        list(dict.fromkeys([*base.discounts, *over.discounts])),
    )


def resolved(files: Files, name: str) -> Parts:
    """Returns what a plan has: its own over its overlays, the first uppermost, over its base."""
    table = files[f"plans/{name}.yaml"]
    own = Parts(
        [f"{name}/{rule['id']}" for rule in table.get("rules", ())],
        dict.fromkeys(table.get("prices", ()), name),
        {part["id"]: name for part in table["allowances"]},
        {part["id"]: name for part in table["caps"]},
        list(table.get("discounts", ())),
    )
    base = resolved(files, table["inherits"]) if "inherits" in table else Parts()
    for laid in reversed(table.get("overlays", ())):
        base = lay(resolved(files, laid), base)
    without = table.get("without", ())
    base.rules = [rule for rule in base.rules if rule.split("/")[1] not in without]
    base.discounts = [one for one in base.discounts if one not in without]
    for parts in (base.allowances, base.caps):
        for dropped in without:
            parts.pop(dropped, None)
    return lay(own, base)


def with_gaps(files: Files, number: int) -> Files:
    """Lets the plans that inherit drop some of what they would have."""
    rng = np.random.default_rng(number)
    for name in ("one", "two"):
        table = files[f"plans/{name}.yaml"]
        whole = resolved({**files, f"plans/{name}.yaml": {**table, "rules": []}}, name)
        base = resolved(files, table["inherits"])
        inherited = {*base.allowances, *base.caps, *base.discounts} & {
            *whole.allowances,
            *whole.caps,
            *whole.discounts,
        }
        drop = [one for one in sorted(inherited) if rng.random() < 0.3]
        if drop:
            files[f"plans/{name}.yaml"] = {**table, "without": drop}
    return files


def check(book: Book, files: Files) -> None:
    """Compares the loaded plans with those resolved by hand."""
    for plan in book.plans:
        parts = resolved(files, plan.id)
        assert [rule.name for rule in plan.rules] == parts.rules
        assert {one.id: one.source.file for one in plan.allowances} == {
            part: f"plans/{whose}.yaml" for part, whose in parts.allowances.items()
        }
        assert {one.id: one.source.file for one in plan.caps} == {
            part: f"plans/{whose}.yaml" for part, whose in parts.caps.items()
        }
        assert list(plan.discounts) == parts.discounts
        for name, price in plan.prices.items():
            if name in parts.prices:
                assert price.source.file == f"plans/{parts.prices[name]}.yaml"
            elif name != "free":
                assert price.source.file == "prices.yaml"


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(written(), st.integers(0, 2**32))
def test_drawn_plans_have_what_is_inherited_and_laid_over(files: Files, number: int) -> None:
    files = with_gaps(files, number)
    book, compiled = load(files)
    check(book, files)
    rng = np.random.default_rng(number)
    sizes = (len(SERVICES), len(DIRECTIONS), len(CALL_CLASSES), len(book.zones), 5)
    for _ in range(SOME):
        service, direction, call_class, zone, roaming = (
            int(rng.integers(0, size)) for size in sizes
        )
        when_us = int(rng.integers(1_788_000_000_000_000, 1_795_000_000_000_000))
        event_class = (service, direction % 2, call_class, zone, roaming)
        for at, plan in enumerate(book.plans):
            found = find_price(book, plan.id, event_class, when_us)
            rule = compiled_rule(compiled, at, event_class, when_us)
            assert (rule < 0) == (found is None)
            if found is None:
                continue
            assert compiled.rules[rule] == found.rule.name
            row = compiled.rule_band_price.reshape(-1, len(compiled.bands))[rule]
            assert {
                compiled.bands[band]: compiled_price(compiled, int(model))[:2]
                for band, model in enumerate(row)
                if model >= 0
            } == {band: (price.name, price.connect) for band, price in found.bands.items()}
