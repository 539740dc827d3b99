"""The tariff book as people wrote it: references resolved, values dated, nothing compiled.

Amounts are integers of 10^-6 currency units, quantities integers of seconds, bytes or events.
Every named thing keeps its :class:`~tariffs.errors.Source`, so that whoever uses it can say where
it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tariffs.scalars import exchanged

if TYPE_CHECKING:
    from tariffs.compiled import Int8, Int32, Int64
    from tariffs.dated import Dated
    from tariffs.errors import Source
    from tariffs.payments import Payment
    from tariffs.places import Places
    from tariffs.wholesale import WholesaleRate

FREE = "free"
"""The price name that is always there: nothing is charged."""

ROLES = ("single", "main", "sub")
"""What a subscriber is in its charge group."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """To which unit (10^-6 currency units, 1 is exact) and how (index in ROUNDING_MODES).

    ``gl``: G/L code of what rounding adds on a bill, empty: none.
    """

    unit: int
    mode: int
    gl: str = ""


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax class; ``rate`` in ppm, ``included`` where prices contain it, ``gl`` of the tax itself."""

    name: str
    source: Source
    rate: Dated[int]
    included: bool
    gl: str = ""


@dataclass(frozen=True, slots=True)
class ServiceDefaults:
    """Tax class and G/L code of a service's charges where a rule does not say otherwise."""

    tax: str
    gl_code: str


@dataclass(frozen=True, slots=True)
class Zone:
    """A place to call; ``call_class`` and ``area`` are indexes, area 0 is none.

    ``data``: a class of data, which has no number; it stands where calls have their zone.
    """

    name: str
    source: Source
    call_class: int
    area: int
    data: bool = False


@dataclass(frozen=True, slots=True)
class NumberDeck:
    """Prefixes of E.164 numbers, parallel arrays in file order.

    ``zone`` -1 means that numbers below this prefix belong nowhere, whatever a shorter one says.
    """

    prefix: Int64
    digits: Int8
    zone: Int32
    line: Int32


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a day (minutes, half-open) on some day types that belongs to a band."""

    source: Source
    band: int
    days: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TimeModel:
    """Bands over the day; what no window covers is ``otherwise``. Bands are book-wide indexes."""

    name: str
    source: Source
    windows: tuple[Window, ...]
    otherwise: int

    @property
    def bands(self) -> tuple[int, ...]:
        """The bands that can occur, ascending."""
        return tuple(sorted({self.otherwise, *(window.band for window in self.windows)}))


@dataclass(frozen=True, slots=True)
class Step:
    """From ``start`` on, ``price`` for every ``per``, counted in whole beats.

    ``flat``: ``price`` is for the whole step, however much of it is used.
    """

    source: Source
    start: int
    price: Dated[int]
    per: int
    beat: int
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted over a day or a cycle, and kept over a change of plan by its name.

    ``rum`` is an index in RUMS or SPEND, ``scope`` one in CAP_SCOPES. ``when``: which events are
    counted; None: the units that a price prices.
    """

    name: str
    source: Source
    rum: int
    daily: bool
    scope: int
    when: Conditions | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """A price model; ``rum`` is an index in RUMS, ``kind`` in STEP_KINDS."""

    name: str
    source: Source
    rum: int
    connect: Dated[int]
    steps: Dated[tuple[Step, ...]]
    minimum: Dated[int]
    maximum: Dated[int]
    kind: int = 0
    currency: str = ""
    """Of its amounts; empty: the book's."""
    exchange: Dated[int] | None = None
    """10^-9 of the book's currency for one of ``currency``; None: 1."""
    count: Count | None = None
    """Where its steps stand; None: each event begins at the first."""

    def micros(self, amount: int, when_us: int) -> int | None:
        """Returns one of its amounts in the book's currency at an instant, None without a rate."""
        if self.exchange is None:
            return amount
        rate = self.exchange.at(when_us)
        return None if rate is None else exchanged(amount, rate)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Sets of indexes that an event's class must be in; None: no condition."""

    services: frozenset[int]
    directions: frozenset[int]
    call_classes: frozenset[int] | None
    zones: frozenset[int] | None
    roaming: frozenset[int] | None

    def holds(self, service: int, direction: int, call_class: int, zone: int, roaming: int) -> bool:
        """Tells whether an event of this class is meant."""
        return (
            service in self.services
            and direction in self.directions
            and (self.call_classes is None or call_class in self.call_classes)
            and (self.zones is None or zone in self.zones)
            and (self.roaming is None or roaming in self.roaming)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of a plan's table: these conditions, this price; the first match wins.

    ``price`` maps each band of the time model to a price name.
    """

    name: str
    source: Source
    when: Conditions
    price: Dated[tuple[tuple[int, str], ...]]
    time_model: int
    split: int
    clock: int
    minimum: Dated[int]
    zero_duration_free: bool
    tax: str | None
    gl_code: str | None


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee: of each cycle, or once.

    ``proration`` is ``none`` or ``daily``, ``charged`` is ``advance``, ``arrears`` or ``once``,
    ``roles`` are those of ROLES who pay it. The first ``trial_days`` cost nothing, the first cycle
    that is paid costs ``first_cycle`` where that is not None. ``leaving`` is what the cycle costs in
    which plan or option end: ``as_usual``, ``whole``, ``daily`` or ``free``.
    """

    id: str
    name: str
    source: Source
    amount: Dated[int]
    proration: str
    charged: str
    tax: str
    gl: str
    roles: tuple[str, ...]
    trial_days: int = 0
    first_cycle: Dated[int] | None = None
    leaving: str = "as_usual"

    def amount_at(self, when_us: int) -> int:
        """Returns the amount in 10^-6 units that holds at an instant, 0 where there is none."""
        return self.amount.at(when_us) or 0


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that events under its conditions take from an allowance, or each member of a group.

    ``when`` None: all events that the allowance covers. ``roles``: whose events, of ROLES.
    """

    source: Source
    quantity: int
    when: Conditions | None
    per_member: bool
    roles: tuple[str, ...] = ROLES


@dataclass(frozen=True, slots=True)
class Allowance:
    """Free units of a cycle, or of each day, for events that meet the conditions.

    ``throttle``: units after which records are marked, FOREVER never. ``days``: valid so many days
    from activation, 0: a cycle. ``rollover``: cycles that what is left lives on, taken before the
    new grant or, ``rolled_last``, after it. ``fee``: paid for each cycle, day or time for which it is given, if it is used.
    ``roles``: who may use it, of ROLES; one that is not shared is given to nobody else.
    """

    id: str
    name: str
    source: Source
    when: Conditions
    bands: frozenset[int] | None
    rum: int
    quantity: Dated[int]
    priority: int
    shared: bool
    prorate: bool
    beat: int
    daily: bool
    throttle: int
    limits: tuple[Limit, ...]
    days: int
    rollover: int
    rolled_last: bool
    fee: Fee | None
    roles: tuple[str, ...] = ROLES


@dataclass(frozen=True, slots=True)
class Option:
    """What subscribers buy beside their plan: a pack or a subscription."""

    name: str
    title: str
    source: Source
    fees: tuple[Fee, ...]
    allowances: tuple[Allowance, ...]

    @property
    def key(self) -> str:
        """The name on lines and balances, as a plan's."""
        return self.name


@dataclass(frozen=True, slots=True)
class Discount:
    """What is taken off an event; ``audience`` is ``everyone``, ``friends`` or ``group``.

    ``kind`` is an index in DISCOUNT_KINDS, ``value`` ppm or an amount. ``tiers`` None: all;
    ``one_of``: exclusion group, 0 none, by number and as written. ``after``: holds for events before which so much was
    counted by ``count``.
    """

    name: str
    title: str
    source: Source
    when: Conditions
    bands: frozenset[int] | None
    kind: int
    value: Dated[int]
    audience: str
    tiers: frozenset[int] | None
    one_of: int
    on_connect: bool
    exclusive: bool
    after: int = 0
    count: Count | None = None
    one_of_name: str = ""


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that matching events cost in a cycle; ``scope`` is an index in CAP_SCOPES."""

    id: str
    name: str
    source: Source
    when: Conditions
    amount: Dated[int]
    scope: int
    daily: bool


@dataclass(frozen=True, slots=True)
class BillDiscount:
    """A share off the lines of a cycle, of those who spend at least ``least``.

    ``of`` are kinds of lines; ``tiers``, ``plans``, ``contracts`` and ``accounts`` None: all.
    ``gl`` empty: the cost goes to the G/L codes of what it is taken off. ``per_account``: its
    subscribers who are meant are looked at together, not each alone.
    """

    id: str
    name: str
    source: Source
    percent: Dated[int]
    least: Dated[int]
    of: tuple[str, ...]
    tiers: tuple[str, ...] | None
    plans: tuple[str, ...] | None
    contracts: tuple[str, ...] | None
    gl: str
    accounts: tuple[str, ...] | None = None
    per_account: bool = False


@dataclass(frozen=True, slots=True)
class Commitment:
    """The least that a subscriber or account pays for a cycle; what is missing is charged."""

    id: str
    name: str
    source: Source
    amount: Dated[int]
    tiers: tuple[str, ...] | None
    plans: tuple[str, ...] | None
    contracts: tuple[str, ...] | None
    tax: str
    gl: str
    accounts: tuple[str, ...] | None = None
    per_account: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with what it inherits already in place: own rules first, then the base plan's."""

    id: str
    name: str
    source: Source
    inherits: str | None
    template: bool
    fees: tuple[Fee, ...]
    prices: dict[str, Price]
    rules: tuple[Rule, ...]
    allowances: tuple[Allowance, ...]
    discounts: tuple[str, ...]
    caps: tuple[Cap, ...]
    overlays: tuple[str, ...] = ()
    """Plans laid over the base, the first uppermost."""

    @property
    def key(self) -> str:
        """The name on lines and balances, as an option's."""
        return self.id


@dataclass(frozen=True, slots=True)
class Book:
    """A tariff book; made by :func:`tariffs.load_book`, valid in itself."""

    folder: str
    digest: str
    name: str
    currency: str
    exchange: dict[str, Dated[int]]
    time_zone: str
    country_code: str
    valid_from_us: int
    """UTC µs from which the book is meant to price; the check looks from there on."""
    areas: tuple[str, ...]
    tiers: tuple[str, ...]
    """Customer and group tiers; ``tiers[0]`` is the empty text: none."""
    roaming_classes: tuple[str, ...]
    event_rounding: Rounding
    line_rounding: Rounding
    bill_rounding: Rounding
    taxes: tuple[Tax, ...]
    gl_codes: dict[str, str]
    services: dict[int, ServiceDefaults]
    day_types: tuple[str, ...]
    special_days: dict[int, int]
    """Days since 1970-01-01 → day type."""
    bands: tuple[str, ...]
    time_models: tuple[TimeModel, ...]
    zones: tuple[Zone, ...]
    numbers: NumberDeck
    short_codes: dict[str, int]
    networks: dict[str, int]
    places: Places
    prices: dict[str, Price]
    discounts: dict[str, Discount]
    plans: tuple[Plan, ...]
    """In the order of their ids, templates left out: index = index in the compiled book."""
    templates: tuple[Plan, ...]
    options: tuple[Option, ...]
    """In the order of their names: index = index in the compiled book."""
    bill_discounts: tuple[BillDiscount, ...]
    commitments: tuple[Commitment, ...]
    wholesale: tuple[WholesaleRate, ...] = ()
    """What partners charge us; the first that fits an event counts."""
    payments: tuple[Payment, ...] = ()
    """What others pay; the first that fits an event counts."""

    def plan(self, plan_id: str) -> Plan:
        """Returns the plan of that id.

        Raises:
            KeyError: There is no such plan.
        """
        for plan in self.plans:
            if plan.id == plan_id:
                return plan
        raise KeyError(plan_id)


def empty_deck() -> NumberDeck:
    """Returns a deck without a prefix."""
    return NumberDeck(
        np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int32), np.empty(0, np.int32)
    )
