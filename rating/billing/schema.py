"""Schemas of bill lines and bills, and the order in which things stand on a bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.edr import field
from rating.schema import BILL_LINE_SCHEMA as LINE_FIELDS
from rating.schema import BILL_SCHEMA as BILL_FIELDS
from rating.schema import MONEY

if TYPE_CHECKING:
    import pyarrow as pa


def _with_money(schema: pa.Schema, *columns: tuple[str, str]) -> pa.Schema:
    """Returns the schema with the money columns that it lacks appended."""
    for name, description in columns:
        if name not in schema.names:
            schema = schema.append(field(name, MONEY, "currency", description, nullable=False))
    return schema


BILL_LINE_SCHEMA = _with_money(
    LINE_FIELDS,
    ("amount", "As printed: net shown in the line's rounding unit, or added tax or rounding"),
)
"""One line of a bill. Laws, per bill: the sum of ``net`` and the sum of ``amount`` are each the
bill's total; the ``tax_amount`` of the tax lines is the sum over the other lines of its class."""

BILL_SCHEMA = _with_money(
    BILL_FIELDS,
    ("discounts", "Net of discount lines, not positive"),
    ("tax_added", "The part of tax_amount that comes on top of the prices"),
    ("transfers", "Net of transfer lines: what of a charge passes from one account to another"),
    ("adjustments", "Net of credit and debit notes for earlier cycles"),
)
"""One bill. Laws: net + tax_amount = total = usage + transfers + fees + discounts +
adjustments + rounding + tax_added; the transfers of all bills add up to nothing."""

USAGE, FEE, DISCOUNT, TAX, ROUNDING = "usage", "fee", "discount", "tax", "rounding"
TRANSFER = "transfer"
"""What an event costs above the limit of who pays it: taken off his bill, put on the own one."""

ADJUSTMENT = "adjustment"
"""A credit or debit note for an earlier cycle, with that cycle's period."""

KINDS = (FEE, USAGE, TRANSFER, DISCOUNT, ADJUSTMENT, ROUNDING, TAX)
"""Kinds of lines in the order of the bill; rounding of the whole bill stands after the tax."""

TEXTS = (
    "account_id",
    "charge_group",
    "subscriber_id",
    "kind",
    "item",
    "plan",
    "service",
    "call_class",
    "zone",
    "roaming",
    "rum",
    "tax",
    "gl_code",
)
"""Columns of names while lines are made."""

COUNTS = ("events", "quantity", "charged_units", "allowance_units")
AMOUNTS = ("gross", "discount_amount", "cap_reduction", "rounding", "net")
"""Columns that are summed over the rated records of a usage line."""

NUMBERS = ("service_from", "service_to", *COUNTS, *AMOUNTS, "tax_rate", "tax_amount", "amount")
"""int64 columns while lines are made: days since 1970-01-01, counts, amounts in 10^-6, ppm."""
