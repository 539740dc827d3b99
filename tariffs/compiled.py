"""The compiled tariff book: names and flat integer arrays, ready for the rating kernels.

Amounts are int64 in 10^-6 of the currency unit ("µ"). Times are UTC microseconds, intervals
half-open. Sizes: P plans, NZ zones, NC call classes, NR roaming classes, NB bands, NTM time
models, ND day types, E epochs, R rules, M price models, A allowances, L limits of allowances,
O options, D discounts, C caps, T counts. All arrays are C-contiguous; two-dimensional tables are stored flat, the last
index running fastest.

An event's class is one number::

    class_id = ((usage_index[service * 6 + direction] * NC + call_class) * NZ + zone) * NR + roaming
    rule     = rule_of[rule_table[epoch * P + plan] + class_id]          # -1: no price
    price    = rule_band_price[rule * NB + band]

"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tariffs.places import Places

if TYPE_CHECKING:
    from tariffs.dated import Dated
    from tariffs.wholesale import WholesaleRate

Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

SERVICES: Final = ("voice", "video", "sms", "mms", "data", "content", "supplementary")
"""What was used; an index is the code of the EDR column ``service``."""

DIRECTIONS: Final = (
    "originating",
    "terminating",
    "forwarded",
    "gateway_in",
    "gateway_out",
    "transit",
)
"""Which leg; an index is the code of the EDR column ``direction``."""

CALL_CLASSES: Final = (
    "none",
    "emergency",
    "free",
    "premium",
    "group",
    "on_net",
    "local",
    "long_distance",
    "international",
    "same_place",
)
"""Kind of the other party. ``group``, ``on_net`` and ``same_place`` replace ``local`` and
``long_distance`` only."""

DOMESTIC: Final = "domestic"
"""Roaming class of a home network's cell in another area than the subscriber's own."""
HOME_ZONE: Final = "home_zone"
"""Roaming class of a cell of the subscriber's home zone."""

SPLIT_MODES: Final = ("start", "consecutive", "isolated", "end")
STEP_KINDS: Final = ("graduated", "volume")
"""``graduated``: each unit at the step it stands in; ``volume``: all at the step they reach."""
RUMS: Final = (
    "seconds",
    "total_bytes",
    "uplink_bytes",
    "downlink_bytes",
    "events",
    "partner_charge",
)
"""Ratable usage metrics; ``partner_charge`` is what a roaming partner charges, in 10^-6 of the
book's currency."""
CLOCKS: Final = ("switch", "book")
ROUNDING_MODES: Final = ("half_up", "half_even", "up", "down")
DISCOUNT_KINDS: Final = ("percent", "amount", "price")
CAP_SCOPES: Final = ("subscriber", "charge_group")
SPEND: Final = -1
"""In place of an index in RUMS: what a count counts is the net of events, in 10^-6."""

NO_ZONE: Final = -1
NO_RULE: Final = -1
NO_PRICE: Final = -1
BEGINNING: Final = -(2**63)
"""Start of epoch 0, and of a validity without a beginning."""
FOREVER: Final = 2**63 - 1
"""End of a validity that does not end."""


@dataclass(frozen=True, slots=True)
class CompiledBook:
    """A tariff book as arrays; made by :func:`tariffs.compile_book`, never changed afterwards."""

    # Identity.
    digest: str
    """SHA-256 of the book's files (names and bytes), hex."""
    currency: str
    """ISO 4217."""
    time_zone: str
    """IANA name of the book's zone: cycles, dates and the clock ``book`` use it."""
    home_country_code: str
    """Digits, such as ``86``."""

    # Names: the index is the code used in the arrays.
    plans: tuple[str, ...]
    zones: tuple[str, ...]
    """``zones[0]`` is ``none``: no other party, such as data."""
    call_classes: tuple[str, ...]
    """Always :data:`CALL_CLASSES`."""
    roaming_classes: tuple[str, ...]
    """``home``, ``unknown`` (a network that the book does not list), then the book's own."""
    bands: tuple[str, ...]
    """``bands[0]`` is ``any``: the one band of time model 0. At most 62."""
    time_models: tuple[str, ...]
    """``time_models[0]`` is ``always``."""
    day_types: tuple[str, ...]
    """``monday`` … ``sunday``, then the calendar's special-day types."""
    rules: tuple[str, ...]
    """``<plan that wrote it>/<rule id>``. One name may stand at several indexes: one for each
    set of prices that it had in different epochs or in plans that override its price."""
    price_models: tuple[str, ...]
    """``price_models[0]`` is ``free``. As with rules, a name may repeat (dated values)."""
    allowances: tuple[str, ...]
    """``<plan that wrote it>/<allowance id>``; repeats where its quantity is dated."""
    discounts: tuple[str, ...]
    caps: tuple[str, ...]
    taxes: tuple[str, ...]
    gl_codes: tuple[str, ...]
    areas: tuple[str, ...]
    """``areas[0]`` is the empty text: no area."""
    usages: tuple[str, ...]
    """``<service>.<direction>`` of each compact usage index."""
    rule_sources: tuple[str, ...]
    """``file:line`` of each rule, for ``explain``."""

    # Numbers.
    lpm_direct: Int32
    """[100_000] first five digits of the number → entry. An entry is a trie node (0 and above)
    or, where nothing longer follows, the answer as -2-zone (-1: no zone)."""
    lpm_child: Int32
    """[n * 10] node x digit → entry. Node 0 is the root."""
    lpm_value: Int32
    """[n] zone of a number that ends at the node, -1 no zone."""
    short_codes: dict[str, int]
    """Short codes and other texts, as dialled → zone."""
    zone_class: Int8
    """[NZ] default call class of the zone."""
    zone_area: Int32
    """[NZ] area of the zone, 0 none."""
    networks: dict[str, int]
    """``460-00`` → roaming class; home networks → 0. Not listed: 1 (unknown)."""

    # Classes and epochs.
    usage_index: Int16
    """[7 * 6] service * 6 + direction → compact usage, -1: nothing in the book prices it."""
    n_classes: int
    epoch_start_us: Int64
    """[E] UTC µs, ascending; epoch 0 starts at BEGINNING."""
    rule_table: Int64
    """[E * P] epoch x plan → offset into ``rule_of``. Equal tables are shared."""
    rule_of: Int32
    """[tables * n_classes] class → rule, -1 no price."""

    # Rules.
    rule_time_model: Int16
    """[R]"""
    rule_split: Int8
    """[R] index in SPLIT_MODES."""
    rule_rum: Int8
    """[R] index in RUMS."""
    rule_tax: Int16
    """[R] index in ``taxes``."""
    rule_gl: Int16
    """[R] index in ``gl_codes``."""
    rule_clock: Int8
    """[R] index in CLOCKS: which local time the time model looks at."""
    rule_minimum: Int64
    """[R] µ, least usage charge of a priced event (on top of the price models' own), 0 none."""
    rule_free: Int8
    """[R] 1: zero rated by the rule."""
    rule_zero_duration: Int8
    """[R] 1: an event that measures zero is zero rated, connect fee included."""
    rule_band_price: Int32
    """[R * NB] rule x band → price model, -1 where the rule's time model lacks the band."""

    # Time.
    tm_band: Int8
    """[NTM * ND * 1440] (time model, day type, minute of day) → band."""
    tm_until: Int16
    """[NTM * ND * 1440] minute 1..1440 at which that band ends within the day."""
    day0: int
    """Days since 1970-01-01 of ``day_type[0]``."""
    day_type: Int8
    """[days] 0..6 Monday..Sunday, 7 and more special days. Outside: the weekday."""
    tz_utc_us: Int64
    """[K] UTC µs from which ``tz_offset_min`` holds, ascending; the first is BEGINNING."""
    tz_offset_min: Int32
    """[K] minutes to add to UTC for the book's local time."""

    # Price models.
    pm_connect: Int64
    """[M] µ, once per event."""
    pm_min: Int64
    """[M] µ, least usage charge of an event that this model prices, 0 none."""
    pm_max: Int64
    """[M] µ, most, -1 none."""
    pm_kind: Int8
    """[M] index in STEP_KINDS."""
    pm_count: Int32
    """[M] count at which its steps stand, -1: they begin anew with each event."""
    pm_step_first: Int32
    """[M + 1] steps of model m are step_*[pm_step_first[m] : pm_step_first[m + 1]]."""
    step_from: Int64
    """[S] RUM units at which the step begins, 0 for the first."""
    step_price: Int64
    """[S] µ per ``step_per`` units."""
    step_per: Int64
    """[S] RUM units, > 0."""
    step_beat: Int64
    """[S] RUM units, > 0: the quantity is rounded up to whole beats."""
    step_flat: Int8
    """[S] 1: ``step_price`` is for the whole step, however much of it is used."""

    # Allowances (definitions).
    alw_quantity: Int64
    """[A] RUM units per cycle, FOREVER for unlimited."""
    alw_rum: Int8
    """[A] index in RUMS."""
    alw_priority: Int32
    """[A] low first."""
    alw_match: UInt8
    """[A * n_classes] 1 where the allowance covers the class."""
    alw_bands: Int64
    """[A] bit b: covers band b; -1 all."""
    alw_shared: Int8
    """[A] 1: one instance for the charge group."""
    alw_prorate: Int8
    """[A] 1: the first and last cycle give the share of their days."""
    alw_beat: Int64
    """[A] RUM units, 0: the beat of the price's first step."""
    alw_daily: Int8
    """[A] 1: the quantity is given anew each day of the book's zone."""
    alw_throttle: Int64
    """[A] RUM units; what takes the use beyond them is marked as throttled, FOREVER never."""
    alw_limit_first: Int32
    """[A + 1] limits of allowance a are lim_*[alw_limit_first[a] : alw_limit_first[a + 1]]."""
    lim_quantity: Int64
    """[L] RUM units, the most that matching events take (on a day, if the allowance is daily)."""
    lim_match: UInt8
    """[L * n_classes]"""
    lim_member: Int8
    """[L] 1: for each member of the charge group on its own."""
    lim_roles: Int8
    """[L] bit r: for cards of role r (0 single, 1 main, 2 sub); 7 all."""
    alw_roles: Int8
    """[A] bit r: given to cards of role r, if it is not shared. Of a shared one whoever may not use it
    has a limit of 0."""
    alw_days: Int32
    """[A] valid so many days of 24 hours from activation, given once; 0: for a cycle."""
    alw_rollover: Int8
    """[A] following cycles in which what is left may be used, 0 none."""
    alw_rolled_last: Int8
    """[A] 1: what rolled over is taken after the new grant, 0: before it."""
    alw_from_us: Int64
    """[A] UTC µs: a plan's cycle takes the definition whose [from, to) holds the cycle's start; an
    option the one that holds at its own start in the cycle; what is given once that of then."""
    alw_to_us: Int64
    plan_alw_first: Int32
    """[P + O + 1] allowances of plan p are plan_alw[plan_alw_first[p] : plan_alw_first[p + 1]],
    those of option o the ones at P + o."""
    plan_alw: Int32
    """In priority order, then as written."""

    # Discounts.
    disc_kind: Int8
    """[D] index in DISCOUNT_KINDS: a share off, an amount off, or what is left to pay."""
    disc_value: Int64
    """[D] ppm (500_000 is 50 %) or µ."""
    disc_match: UInt8
    """[D * n_classes]"""
    disc_bands: Int64
    """[D] bit b: holds where the event starts in band b; -1 all."""
    disc_friends: Int8
    """[D] 1: only to the subscriber's friends & family numbers."""
    disc_group: Int8
    """[D] 1: only to members of the subscriber's VPMN group."""
    disc_tiers: Int64
    """[D] bit t: only for subscribers of tier t; -1 all."""
    disc_one_of: Int8
    """[D] exclusion group, 0 none: the first of a group that holds keeps the others away."""
    disc_on_connect: Int8
    """[D] 1: on the connect fee too, 0: on usage only."""
    disc_exclusive: Int8
    """[D] 1: no later discount after this one."""
    disc_count: Int32
    """[D] count that its threshold looks at, -1: it has none."""
    disc_after: Int64
    """[D] holds for events before which so much was counted."""
    disc_from_us: Int64
    """[D] UTC µs: holds for events that start in [from, to)."""
    disc_to_us: Int64
    plan_disc_first: Int32
    """[P + 1]"""
    plan_disc: Int32
    """In the order in which they are taken."""

    # Caps per cycle.
    cap_amount: Int64
    """[C] µ, the most that the net of matching events may sum to in a cycle."""
    cap_match: UInt8
    """[C * n_classes]"""
    cap_daily: Int8
    """[C] 1: the amount is for each day of the book's zone, not for the cycle."""
    cap_scope: Int8
    """[C] index in CAP_SCOPES."""
    cap_from_us: Int64
    """[C] UTC µs: a cycle takes the definition whose [from, to) holds the cycle's start."""
    cap_to_us: Int64
    plan_cap_first: Int32
    """[P + 1]"""
    plan_cap: Int32

    # Counts over a day or a cycle: where steps stand, what thresholds look at.
    counts: tuple[str, ...]
    """``price/<name>`` and ``discount/<name>``; no name twice."""
    cnt_rum: Int8
    """[T] index in RUMS, or SPEND."""
    cnt_match: UInt8
    """[T * n_classes] 1 where a rated event is counted as a whole; of a price, which counts the units
    that it prices, all 0."""
    cnt_daily: Int8
    """[T] 1: over the day of the book's zone on which events start, not over the cycle."""
    cnt_scope: Int8
    """[T] index in CAP_SCOPES."""
    plan_cnt_first: Int32
    """[P + 1] counts of plan p are plan_cnt[plan_cnt_first[p] : plan_cnt_first[p + 1]]."""
    plan_cnt: Int32

    # Rounding and tax.
    round_unit: int
    """µ, per event; 10_000 is 0.01, 1 is exact."""
    round_mode: int
    """Index in ROUNDING_MODES."""
    line_round_unit: int
    line_round_mode: int
    bill_round_unit: int
    bill_round_mode: int
    tax_ppm: Int64
    """[taxes] 90_000 is 9 %."""
    tax_included: Int8
    """[taxes] 1: amounts include the tax."""

    lines: dict[str, str] = field(default_factory=dict)
    """``file:line`` of plans, zones and price models by ``kind:name``, for ``explain``."""

    # Names that subscriber data may use.
    tiers: tuple[str, ...] = ("",)
    """Customer and group tiers; ``tiers[0]`` is the empty text: none."""
    options: tuple[str, ...] = ()
    """Add-on packs and subscriptions; empty where the book lists none."""
    exchange: dict[str, Dated[int]] = field(default_factory=dict)
    """Currency → 10^-9 of the book's currency for one of it; the book's own is not listed."""
    places: Places = field(default_factory=Places)
    """Cells, ported numbers, data classes and routes."""
    wholesale: tuple[WholesaleRate, ...] = ()
    """What partners charge us, as the book has it."""
    home_zones: tuple[str, ...] = ("",)
    """Home zones of the cells table; ``home_zones[0]`` is the empty text: none."""
    payments: tuple[str, ...] = ()
    """What other accounts may pay of a subscriber's usage; the bill run decides it after pricing."""

    @property
    def givers(self) -> tuple[str, ...]:
        """Who gives allowances: plans, then options."""
        return self.plans + self.options

    @property
    def n_rules(self) -> int:
        """Number of compiled rules."""
        return len(self.rules)
