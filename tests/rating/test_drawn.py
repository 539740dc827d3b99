"""Every feature of a book is drawn: what is new and not drawn is compared with no twin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, seed, settings

from rating.subscribers import Subscribers
from tariffs import model
from tariffs.compiled import CompiledBook
from tariffs.dated import Dated
from tariffs.places import Places
from tests.rating import strategies, strategies_subscribers, strategies_written

if TYPE_CHECKING:
    from hypothesis import strategies as st

Seen = dict[str, set[str]]

OF_BILLS = {"Fee", "BillDiscount", "Commitment", "Payment", "PaidUsage"}
"""Classes that rating does not look at: `tests/rating/test_fees.py`, `test_billing_*.py`."""
FIXED = {
    "CompiledBook": """digest currency time_zone home_country_code zones call_classes roaming_classes
        bands time_models day_types counts taxes gl_codes areas usages lines tiers options home_zones
        exchange networks usage_index n_classes short_codes zone_class zone_area day0 day_type
        lpm_direct lpm_child lpm_value tz_utc_us tz_offset_min
        line_round_unit line_round_mode bill_round_unit bill_round_mode tax_ppm tax_included payments""",
    "Places": "home_zones",
    "Subscribers": "digest names accounts groups vpmn_groups home_zones payers",
}
"""Names and tables that are the same in every drawn book, so that events meet them; what only bills
look at. Other tests draw prefixes, time zones and taxes."""
FIXED_AS_WRITTEN = {
    "Allowance": "fee",
    "Option": "fees source",
    "Plan": "fees",
    "Book": """name currency exchange time_zone country_code valid_from_us areas tiers roaming_classes
        taxes line_rounding bill_rounding gl_codes day_types special_days bands time_models zones
        numbers short_codes networks bill_discounts commitments wholesale payments""",
    "NumberDeck": "prefix digits zone line",
    "Rounding": "gl",
    "Tax": "source gl",
    "Discount": "source",
    "Window": "source",
}


def fixed(listed: Mapping[str, str]) -> set[str]:
    """Returns ``class.field`` of each that is listed."""
    return {f"{kind}.{name}" for kind, names in listed.items() for name in names.split()}


def note(seen: Seen, thing: object) -> None:
    """Notes the values of a dataclass's fields."""
    for one in fields(thing):  # type: ignore[arg-type]
        value = getattr(thing, one.name)
        if isinstance(value, np.ndarray):
            value = value.tobytes()
        elif isinstance(value, pa.Array):
            value = value.to_pylist()
        seen[f"{type(thing).__name__}.{one.name}"].add(repr(value))


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Returns so many of what a strategy draws, always the same ones."""
    found: list[Any] = []

    @seed(1)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def take(one: object) -> None:
        found.append(one)

    take()
    return found


def test_every_array_of_a_book_is_drawn() -> None:
    seen: Seen = defaultdict(set)
    for book in drawn(strategies.books(), 30):
        note(seen, book)
        note(seen, book.places)
    for data in drawn(strategies_subscribers.subscribers(3), 15):
        note(seen, data)
    every = {
        f"{kind.__name__}.{one.name}"
        for kind in (CompiledBook, Places, Subscribers)
        for one in fields(kind)
    }
    same = {name for name in every if len(seen[name]) < 2}
    assert sorted(same - fixed(FIXED)) == []


def parts(value: object) -> Iterator[object]:
    """Yields the dataclasses inside a value."""
    if isinstance(value, Dated):
        value = value.values
    if is_dataclass(value) and not isinstance(value, type):
        yield value
        for one in fields(value):
            yield from parts(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from parts(inner)


def test_every_part_of_a_written_book_is_drawn() -> None:
    seen: Seen = defaultdict(set)
    for files in drawn(strategies_written.written(), 8):
        for part in parts(strategies_written.load(files)[0]):
            if type(part).__module__ == model.__name__:
                note(seen, part)
    kinds = [kind for kind in vars(model).values() if isinstance(kind, type) and is_dataclass(kind)]
    every = {
        f"{kind.__name__}.{one.name}"
        for kind in kinds
        if kind.__module__ == model.__name__ and kind.__name__ not in OF_BILLS
        for one in fields(kind)
    }
    same = {name for name in every if len(seen[name]) < 2}
    assert sorted(same - fixed(FIXED_AS_WRITTEN)) == []
