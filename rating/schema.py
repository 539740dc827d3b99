"""Arrow schemas of what rating writes: rated records, bill lines, bills and balances.

Units and meanings live in the field metadata; the data dictionary is generated from it. Money is
``decimal128(18, 6)`` in the book's currency, made from the int64 millionths that the kernel uses.
"""

from __future__ import annotations

import pyarrow as pa

from mediation.edr import CODE, DICTIONARY, IDENTITY, field

MONEY = pa.decimal128(18, 6)
"""Money in Parquet; exact to 0.000001 of the currency unit."""

MONEY_LIMIT = 10**18 - 1
"""Largest amount in millionths that fits :data:`MONEY`; anything above is an overflow."""

TIME = pa.timestamp("us", tz="UTC")

RUMS = (
    "seconds",
    "total_bytes",
    "uplink_bytes",
    "downlink_bytes",
    "events",
    "partner_charge",
)
"""Ratable usage metrics by code; the dictionary of ``rum``."""

RUM_UNITS = ("s", "byte", "byte", "byte", "event", "10^-6")
"""Unit of one :data:`RUMS` entry."""

ALLOWANCE_TAKEN = pa.list_(
    pa.field(
        "item",
        pa.struct(
            [
                field("allowance", pa.string(), "name", "Allowance that covered", nullable=False),
                field("units", pa.int64(), "rum", "Units taken from it", nullable=False),
            ]
        ),
        nullable=False,
    )
)
"""Which allowances an event was covered by, in the order in which they were asked."""


def _name(name: str, description: str, *, nullable: bool = False) -> pa.Field:
    """Returns a dictionary column of names."""
    return field(name, DICTIONARY, "name", description, nullable=nullable)


def _code(name: str, description: str) -> pa.Field:
    """Returns a dictionary column of a small fixed vocabulary."""
    return field(name, CODE, "name", description, nullable=False)


def _money(name: str, description: str) -> pa.Field:
    """Returns a money column, never null."""
    return field(name, MONEY, "currency", description, nullable=False)


def _units(name: str, description: str) -> pa.Field:
    """Returns a column of usage units, never null."""
    return field(name, pa.int64(), "rum", description, nullable=False)


RATED_SCHEMA = pa.schema(
    [
        *IDENTITY,
        _name("subscriber_id", "Subscriber who owns the event"),
        _name("account_id", "Account that pays"),
        _name("charge_group", "Group whose members share allowances or pay for each other"),
        field("served_msisdn", pa.int64(), "E.164", "The subscriber's number at that time"),
        _name("plan", "Plan of the subscriber at the event's start"),
        _code("service", "What was used"),
        _code("direction", "Which leg, seen from the subscriber"),
        _code("call_class", "Emergency, free, group, on_net, local, ... (none: no other party)"),
        _name("zone", "Zone of the other party (none: no other party)"),
        _name("roaming", "Roaming class of the visited network"),
        _name("band", "Time band at the event's start"),
        field("other_number", pa.int64(), "E.164", "The other party, normalized"),
        field("start_time", TIME, "us UTC", "Start of the event", nullable=False),
        field("utc_offset", pa.int16(), "minute", "Offset from UTC that the switch wrote"),
        field("cycle", DICTIONARY, "YYYY-MM", "Bill cycle the event was rated in", nullable=False),
        _code("rum", "What was measured: one of RUMS"),
        _units("quantity", "Measured quantity"),
        _units("charged_units", "Units priced, rounded up to whole beats"),
        _units("allowance_units", "Units covered by allowances, in all"),
        field("allowances", ALLOWANCE_TAKEN, "rum", "Allowances taken from", nullable=False),
        field(
            "throttled", pa.bool_(), "flag", "Taken beyond an allowance's throttle", nullable=False
        ),
        _name("rule", "Rule of the plan that set the price"),
        _money("connect_fee", "Once per event"),
        _money("usage_charge", "Price of charged_units, with minimum and maximum applied"),
        _money("gross", "connect_fee + usage_charge"),
        _name("discount", "Discounts that applied, joined by +; null if none", nullable=True),
        _money("discount_amount", "Taken off by discounts, not negative"),
        _money("cap_reduction", "Taken off by the cycle's caps, not negative"),
        _money("rounding", "Added by rounding the event, may be negative"),
        _money("net", "gross - discount_amount - cap_reduction + rounding"),
        field(
            "wholesale_cost",
            MONEY,
            "currency",
            "What the event costs us, in the book's currency: a roaming partner's charge, else the "
            "book's wholesale rate; null if neither",
        ),
        _name("tax", "Tax class"),
        _name("gl_code", "Account of the general ledger"),
        field("book_digest", DICTIONARY, "hex", "Tariff book that was used", nullable=False),
    ]
)
"""One rated event. Law, on each row: net == gross - discount_amount - cap_reduction + rounding."""

LINE_KINDS = ("usage", "fee", "discount", "tax", "rounding", "transfer", "adjustment")
"""What a bill line is for; the dictionary of ``kind``."""

BILL_LINE_SCHEMA = pa.schema(
    [
        field("bill_number", pa.string(), "text", "Bill the line is on", nullable=False),
        field("line", pa.int32(), "index", "Position on the bill, 1 first", nullable=False),
        field("cycle", DICTIONARY, "YYYY-MM", "Bill cycle", nullable=False),
        _name("account_id", "Account that pays"),
        _name("charge_group", "Charge group of the usage", nullable=True),
        _name("subscriber_id", "Subscriber; null on lines of the whole account", nullable=True),
        _code("kind", "One of LINE_KINDS"),
        _name("item", "What is charged: rule of usage, name of a fee, tax class"),
        _name("plan", "Plan", nullable=True),
        field("service", CODE, "name", "Service of usage; null on other lines"),
        _name("call_class", "Call class of usage", nullable=True),
        _name("zone", "Zone of usage", nullable=True),
        _name("roaming", "Roaming class of usage", nullable=True),
        field("service_from", pa.date32(), "day", "First day the line is for", nullable=False),
        field("service_to", pa.date32(), "day", "First day the line is not for", nullable=False),
        field("events", pa.int64(), "count", "Rated events in the line", nullable=False),
        field("rum", CODE, "name", "What was measured; null on lines that are not usage"),
        _units("quantity", "Measured quantity"),
        _units("charged_units", "Units priced"),
        _units("allowance_units", "Units covered by allowances"),
        _money("gross", "Before discounts"),
        _money("discount_amount", "Taken off by discounts"),
        _money("cap_reduction", "Taken off by caps"),
        _money("rounding", "Added by rounding of events and line"),
        _money("net", "gross - discount_amount - cap_reduction + rounding, before added tax"),
        _name("tax", "Tax class", nullable=True),
        field("tax_rate", pa.int32(), "ppm", "Rate of the tax; null without a tax class"),
        _money("tax_amount", "Tax in or on net"),
        _name("gl_code", "Account of the general ledger", nullable=True),
    ]
)
"""One line of a bill; the lines of a bill add up to it."""

BILL_SCHEMA = pa.schema(
    [
        field("bill_number", pa.string(), "text", "Deterministic number", nullable=False),
        field("cycle", DICTIONARY, "YYYY-MM", "Bill cycle", nullable=False),
        _name("account_id", "Account that pays"),
        field("currency", DICTIONARY, "ISO 4217", "Currency of the amounts", nullable=False),
        field("lines", pa.int32(), "count", "Lines on the bill", nullable=False),
        field("events", pa.int64(), "count", "Rated events in the bill", nullable=False),
        _money("usage", "Net of usage lines"),
        _money("fees", "Net of fee lines"),
        _money("rounding", "Added by rounding the bill"),
        _money("net", "Without tax"),
        _money("tax_amount", "Tax of all classes"),
        _money("total", "What is to be paid"),
        field("book_digest", DICTIONARY, "hex", "Tariff book that was used", nullable=False),
        field("subscribers_digest", DICTIONARY, "hex", "Subscriber data used", nullable=False),
    ]
)
"""One bill per account and cycle."""

BALANCE_SCHEMA = pa.schema(
    [
        field("cycle", DICTIONARY, "YYYY-MM", "Bill cycle", nullable=False),
        _name("charge_group", "Charge group that owns the allowance"),
        _name("subscriber_id", "Subscriber; of a shared allowance the one who brings it"),
        _name("plan", "Plan or option that grants it"),
        _name("allowance", "Name in the tariff book"),
        field("shared", pa.bool_(), "flag", "Whole charge group may use it", nullable=False),
        _code("rum", "What is measured"),
        field(
            "granted_at",
            TIME,
            "us UTC",
            "When it was given, maybe in an earlier cycle",
            nullable=False,
        ),
        field("valid_from", TIME, "us UTC", "First instant it may be used", nullable=False),
        field("valid_to", TIME, "us UTC", "First instant it may not be used", nullable=False),
        _units("given", "Granted, prorated if the plan says so"),
        _units("used", "Taken by events"),
        _units("left", "given - used"),
    ]
)
"""One allowance of one subscriber and cycle."""
