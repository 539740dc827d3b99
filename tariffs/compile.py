"""Compiles a tariff book to the flat arrays that rating reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tariffs.compile_counts import book_counts, count_arrays
from tariffs.compile_definitions import allowance_arrays, cap_arrays, discount_arrays, firsts
from tariffs.compile_numbers import build_trie
from tariffs.compile_rules import ClassSpace, RuleTables, compile_rules
from tariffs.compile_time import compile_calendar
from tariffs.compiled import CALL_CLASSES, NO_PRICE, CompiledBook

if TYPE_CHECKING:
    from tariffs.model import Book, Count


def compile_book(book: Book) -> CompiledBook:
    """Returns the book as arrays; see :class:`~tariffs.compiled.CompiledBook` for each of them."""
    space = ClassSpace(book)
    tables = compile_rules(book, space)
    trie = build_trie(book.numbers)
    calendar = compile_calendar(book)
    counts = book_counts(book)
    return CompiledBook(
        digest=book.digest,
        currency=book.currency,
        exchange=dict(book.exchange),
        time_zone=book.time_zone,
        home_country_code=book.country_code,
        plans=tuple(plan.id for plan in book.plans),
        options=tuple(option.name for option in book.options),
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
        places=book.places,
        wholesale=book.wholesale,
        home_zones=book.places.home_zones,
        payments=tuple(one.id for one in book.payments),
        **_rule_arrays(tables, len(book.bands)),
        **_price_arrays(tables, counts),
        **allowance_arrays(book, space),
        **discount_arrays(book, space, counts),
        **cap_arrays(book, space),
        **count_arrays(book, space, counts),
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


def _price_arrays(tables: RuleTables, counts: dict[str, Count]) -> dict[str, Any]:
    prices = list(tables.prices)
    index = {name: at for at, name in enumerate(counts)}
    steps = [step for price in prices for step in price.steps]
    return {
        "price_models": tuple(price.name for price in prices),
        "pm_connect": np.array([price.connect for price in prices], np.int64),
        "pm_min": np.array([price.minimum for price in prices], np.int64),
        "pm_max": np.array([price.maximum for price in prices], np.int64),
        "pm_kind": np.array([price.kind for price in prices], np.int8),
        "pm_count": np.array([index.get(price.counted, -1) for price in prices], np.int32),
        "pm_step_first": firsts(len(price.steps) for price in prices),
        "step_from": np.array([step.start for step in steps], np.int64),
        "step_price": np.array([step.price for step in steps], np.int64),
        "step_per": np.array([step.per for step in steps], np.int64),
        "step_beat": np.array([step.beat for step in steps], np.int64),
        "step_flat": np.array([step.flat for step in steps], np.int8),
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
    prices = {name: price for plan in book.plans for name, price in plan.prices.items()}
    found |= {f"price:{name}": str(price.source) for name, price in prices.items()}
    found |= {f"price:{name}": str(price.source) for name, price in book.prices.items()}
    found |= {f"discount:{name}": str(one.source) for name, one in book.discounts.items()}
    return found
