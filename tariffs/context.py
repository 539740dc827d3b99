"""What the readers of a book share while it is read: names known so far, and the problems."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tariffs.compiled import BEGINNING, CALL_CLASSES, DIRECTIONS, ROUNDING_MODES, SERVICES
from tariffs.errors import Problems, Source
from tariffs.model import FREE, Rounding, TimeModel

if TYPE_CHECKING:
    from tariffs.dated import Dated
    from tariffs.model import Count, Discount, Option, Price, Rule, ServiceDefaults, Tax, Zone
    from tariffs.places import DataClass

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS = "always"
ANY_BAND = "any"
EXACT = Rounding(1, ROUNDING_MODES.index("half_up"))
EPOCH_DAY = dt.date(1970, 1, 1)


@dataclass(slots=True)
class Head:
    """What ``book.yaml`` says."""

    name: str = ""
    currency: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    country_code: str = ""
    valid_from_us: int = BEGINNING
    clock: int = 0
    split: dict[int, int] = field(default_factory=dict)
    """Service → index in SPLIT_MODES, of rules that do not say; 1 where it is not written."""
    event_rounding: Rounding = EXACT
    line_rounding: Rounding = EXACT
    bill_rounding: Rounding = EXACT
    areas: list[str] = field(default_factory=lambda: [""])
    roaming_classes: list[str] = field(default_factory=lambda: ["home", "unknown"])
    tiers: list[str] = field(default_factory=lambda: [""])
    taxes: dict[str, Tax] = field(default_factory=dict)
    gl_codes: dict[str, str] = field(default_factory=dict)
    services: dict[int, ServiceDefaults] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """Everything named so far; readers add to it in the order in which names are needed."""

    problems: Problems = field(default_factory=Problems)
    head: Head = field(default_factory=Head)
    day_types: list[str] = field(default_factory=lambda: list(WEEKDAYS))
    special_days: dict[int, int] = field(default_factory=dict)
    bands: list[str] = field(default_factory=lambda: [ANY_BAND])
    time_models: dict[str, TimeModel] = field(
        default_factory=lambda: {ALWAYS: TimeModel(ALWAYS, Source("book.yaml", 1), (), 0)}
    )
    zones: dict[str, Zone] = field(default_factory=dict)
    data_classes: tuple[DataClass, ...] = ()
    plan_split: dict[int, int] = field(default_factory=dict)
    """As ``head.split``, of the plan that is read."""
    exchange: dict[str, Dated[int]] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=dict)
    discounts: dict[str, Discount] = field(default_factory=dict)
    exclusions: dict[str, int] = field(default_factory=dict)
    """Exclusion groups of discounts by name, from 1."""
    options: dict[str, Option] = field(default_factory=dict)
    counts: dict[str, Count] = field(default_factory=dict)

    _positions: dict[str, dict[str, int]] = field(default_factory=dict)
    _names: dict[int, tuple[Rule, frozenset[str]]] = field(default_factory=dict)

    def names_of(self, rule: Rule) -> frozenset[str]:
        """Returns the names of the prices of a rule; remembered, as many plans may inherit it."""
        if id(rule) not in self._names:
            names = {name for value in rule.price.values if value for _, name in value}
            self._names[id(rule)] = rule, frozenset(names - {FREE})
        return self._names[id(rule)][1]

    def positions(self, condition: str) -> dict[str, int]:
        """Returns name → index of what a condition may name; zones must have been read."""
        if not self._positions:
            names = {
                "service": SERVICES,
                "direction": DIRECTIONS,
                "class": CALL_CLASSES,
                "zone": tuple(self.zones),
                "roaming": tuple(self.head.roaming_classes),
            }
            for key, allowed in names.items():
                self._positions[key] = {name: index for index, name in enumerate(allowed)}
            zones = self._positions["zone"]
            data = {name: at for name, at in zones.items() if self.zones[name].data}
            self._positions["zone"] = {name: at for name, at in zones.items() if name not in data}
            self._positions["data_class"] = {"none": 0, **data}
        return self._positions[condition]
