"""Compiles a tariff book to the flat arrays that rating reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from tariffs.compile_numbers import build_trie
from tariffs.compile_rules import ClassSpace, RuleTables, compile_rules
from tariffs.compile_time import compile_calendar
from tariffs.compiled import CALL_CLASSES, NO_PRICE, CompiledBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tariffs.errors import Source
    from tariffs.model import Allowance, Book, Cap, Discount, Plan


def compile_book(book: Book) -> CompiledBook:
    """Returns the book as arrays; see :class:`~tariffs.compiled.CompiledBook` for each of them."""
    space = ClassSpace(book)
    tables = compile_rules(book, space)
    trie = build_trie(book.numbers)
    calendar = compile_calendar(book)
    return CompiledBook(
        digest=book.digest,
        currency=book.currency,
        time_zone=book.time_zone,
        home_country_code=book.country_code,
        plans=tuple(plan.id for plan in book.plans),
        zones=tuple(zone.name for zone in book.zones),
        call_classes=CALL_CLASSES,
        roaming_classes=book.roaming_classes,
        bands=book.bands,
        time_models=tuple(model.name for model in book.time_models),
        day_types=book.day_types,
        gl_codes=tuple(book.gl_codes),
        areas=book.areas,
        tiers=book.tiers,
        usages=tables.usages,
        lpm_direct=trie.direct,
        lpm_child=trie.child,
        lpm_value=trie.value,
        short_codes=dict(book.short_codes),
        zone_class=np.array([zone.call_class for zone in book.zones], np.int8),
        zone_area=np.array([zone.area for zone in book.zones], np.int32),
        networks=dict(book.networks),
        usage_index=tables.usage_index,
        n_classes=tables.n_classes,
        epoch_start_us=tables.epochs,
        rule_table=tables.rule_table,
        rule_of=tables.rule_of,
        tm_band=calendar.tm_band,
        tm_until=calendar.tm_until,
        day0=calendar.day0,
        day_type=calendar.day_type,
        tz_utc_us=calendar.tz_utc_us,
        tz_offset_min=calendar.tz_offset_min,
        round_unit=book.event_rounding.unit,
        round_mode=book.event_rounding.mode,
        line_round_unit=book.line_rounding.unit,
        line_round_mode=book.line_rounding.mode,
        bill_round_unit=book.bill_rounding.unit,
        bill_round_mode=book.bill_rounding.mode,
        lines=_lines(book),
        **_rule_arrays(tables, len(book.bands)),
        **_price_arrays(tables),
        **_allowance_arrays(book, space),
        **_discount_arrays(book, space),
        **_cap_arrays(book, space),
        **_tax_arrays(book),
    )


def _rule_arrays(tables: RuleTables, bands: int) -> dict[str, Any]:
    rules = list(tables.rules)
    band_price = np.full((len(rules), bands), NO_PRICE, np.int32)
    for index, rule in enumerate(rules):
        for band, price in rule.prices:
            band_price[index, band] = price
    return {
        "rules": tuple(rule.name for rule in rules),
        "rule_sources": tuple(rule.source for rule in rules),
        "rule_time_model": np.array([rule.time_model for rule in rules], np.int16),
        "rule_split": np.array([rule.split for rule in rules], np.int8),
        "rule_rum": np.array([rule.rum for rule in rules], np.int8),
        "rule_tax": np.array([rule.tax for rule in rules], np.int16),
        "rule_gl": np.array([rule.gl for rule in rules], np.int16),
        "rule_clock": np.array([rule.clock for rule in rules], np.int8),
        "rule_minimum": np.array([rule.minimum for rule in rules], np.int64),
        "rule_free": np.array([rule.free for rule in rules], np.int8),
        "rule_zero_duration": np.array([rule.zero_duration for rule in rules], np.int8),
        "rule_band_price": band_price.reshape(-1),
    }


def _price_arrays(tables: RuleTables) -> dict[str, Any]:
    prices = list(tables.prices)
    steps = [step for price in prices for step in price.steps]
    return {
        "price_models": tuple(price.name for price in prices),
        "pm_connect": np.array([price.connect for price in prices], np.int64),
        "pm_min": np.array([price.minimum for price in prices], np.int64),
        "pm_max": np.array([price.maximum for price in prices], np.int64),
        "pm_step_first": _firsts(len(price.steps) for price in prices),
        "step_from": np.array([step.start for step in steps], np.int64),
        "step_price": np.array([step.price for step in steps], np.int64),
        "step_per": np.array([step.per for step in steps], np.int64),
        "step_beat": np.array([step.beat for step in steps], np.int64),
    }


@dataclass(slots=True)
class _Spans:
    """Definitions with their validity: one entry for each stretch of a dated value."""

    items: list[Any] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    of: dict[int, list[int]] = field(default_factory=dict)

    def add(self, item: Any, spans: Iterable[tuple[int, int, int]]) -> list[int]:  # noqa: ANN401
        """Returns the indexes of an item's entries, which are made when it is first seen."""
        if id(item) not in self.of:
            self.of[id(item)] = []
            for start, end, value in spans:
                self.of[id(item)].append(len(self.items))
                self.items.append(item)
                self.values.append(value)
                self.starts.append(start)
                self.ends.append(end)
        return self.of[id(item)]


def _spread(
    plans: Sequence[Plan], indexes: Callable[[Plan], list[int]]
) -> tuple[list[int], np.ndarray]:
    """Returns every plan's list end to end, and where each begins."""
    lists = [indexes(plan) for plan in plans]
    return [index for one in lists for index in one], _firsts(len(one) for one in lists)


def _firsts(lengths: Iterable[int]) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(list(lengths), dtype=np.int64))).astype(np.int32)


def _stack(rows: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(rows) if rows else np.empty(0, np.uint8)


def _band_mask(bands: frozenset[int] | None) -> int:
    return -1 if bands is None else sum(1 << band for band in bands)


def owned(source: Source, name: str) -> str:
    """Returns ``<plan>/<id>``: the name of what a plan's file defines."""
    return f"{PurePosixPath(source.file).stem}/{name}"


def _allowance_arrays(book: Book, space: ClassSpace) -> dict[str, Any]:
    spans = _Spans()

    def of(plan: Plan) -> list[int]:
        ordered = sorted(plan.allowances, key=lambda one: one.priority)
        return [index for one in ordered for index in spans.add(one, one.quantity.spans())]

    plan_list, firsts = _spread(book.plans, of)
    items: list[Allowance] = spans.items
    return {
        "allowances": tuple(owned(one.source, one.id) for one in items),
        "alw_quantity": np.array(spans.values, np.int64),
        "alw_rum": np.array([one.rum for one in items], np.int8),
        "alw_priority": np.array([one.priority for one in items], np.int32),
        "alw_match": _stack([space.match(one.when) for one in items]),
        "alw_bands": np.array([_band_mask(one.bands) for one in items], np.int64),
        "alw_shared": np.array([one.shared for one in items], np.int8),
        "alw_prorate": np.array([one.prorate for one in items], np.int8),
        "alw_beat": np.array([one.beat for one in items], np.int64),
        "alw_from_us": np.array(spans.starts, np.int64),
        "alw_to_us": np.array(spans.ends, np.int64),
        "plan_alw_first": firsts,
        "plan_alw": np.array(plan_list, np.int32),
    }


def _discount_arrays(book: Book, space: ClassSpace) -> dict[str, Any]:
    spans = _Spans()

    def of(plan: Plan) -> list[int]:
        defined = [book.discounts[name] for name in plan.discounts]
        return [index for one in defined for index in spans.add(one, one.percent.spans())]

    plan_list, firsts = _spread(book.plans, of)
    items: list[Discount] = spans.items
    return {
        "discounts": tuple(one.name for one in items),
        "disc_ppm": np.array(spans.values, np.int64),
        "disc_match": _stack([space.match(one.when) for one in items]),
        "disc_bands": np.array([_band_mask(one.bands) for one in items], np.int64),
        "disc_friends": np.array([one.audience == "friends" for one in items], np.int8),
        "disc_group": np.array([one.audience == "group" for one in items], np.int8),
        "disc_on_connect": np.array([one.on_connect for one in items], np.int8),
        "disc_exclusive": np.array([one.exclusive for one in items], np.int8),
        "disc_from_us": np.array(spans.starts, np.int64),
        "disc_to_us": np.array(spans.ends, np.int64),
        "plan_disc_first": firsts,
        "plan_disc": np.array(plan_list, np.int32),
    }


def _cap_arrays(book: Book, space: ClassSpace) -> dict[str, Any]:
    spans = _Spans()

    def of(plan: Plan) -> list[int]:
        return [index for one in plan.caps for index in spans.add(one, one.amount.spans())]

    plan_list, firsts = _spread(book.plans, of)
    items: list[Cap] = spans.items
    return {
        "caps": tuple(owned(one.source, one.id) for one in items),
        "cap_amount": np.array(spans.values, np.int64),
        "cap_match": _stack([space.match(one.when) for one in items]),
        "cap_scope": np.array([one.scope for one in items], np.int8),
        "cap_from_us": np.array(spans.starts, np.int64),
        "cap_to_us": np.array(spans.ends, np.int64),
        "plan_cap_first": firsts,
        "plan_cap": np.array(plan_list, np.int32),
    }


def _tax_arrays(book: Book) -> dict[str, Any]:
    rates = [(tax, value or 0) for tax in book.taxes for value in tax.rate.values]
    return {
        "taxes": tuple(tax.name for tax, _ in rates),
        "tax_ppm": np.array([value for _, value in rates], np.int64),
        "tax_included": np.array([tax.included for tax, _ in rates], np.int8),
    }


def _lines(book: Book) -> dict[str, str]:
    found = {f"plan:{plan.id}": str(plan.source) for plan in book.plans}
    found |= {f"zone:{zone.name}": str(zone.source) for zone in book.zones}
    for plan in book.plans:
        found |= {f"price:{name}": str(price.source) for name, price in plan.prices.items()}
    found |= {f"price:{name}": str(price.source) for name, price in book.prices.items()}
    found |= {f"discount:{name}": str(one.source) for name, one in book.discounts.items()}
    return found
