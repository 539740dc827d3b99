"""Lines and bills as Arrow tables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.edr import SERVICES
from rating.billing.columns import money, names_array
from rating.billing.schema import (
    ADJUSTMENT,
    BILL_LINE_SCHEMA,
    BILL_SCHEMA,
    DISCOUNT,
    FEE,
    ROUNDING,
    TAX,
    TRANSFER,
    USAGE,
)
from rating.schema import LINE_KINDS, MONEY, RUMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rating.billing.charges import Charges, Names
    from rating.billing.cycle import Cycle

    Int64 = NDArray[np.int64]

_VOCABULARIES = {"kind": LINE_KINDS, "service": SERVICES, "rum": RUMS}
"""Columns of small fixed vocabularies, where the index is the code."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What a bill was made from; enters its number.

    Attributes:
        cycle: The bill cycle.
        currency: ISO 4217.
        book_digest: Digest of the tariff book.
        subscribers_digest: Digest of the subscriber data.
    """

    cycle: Cycle
    currency: str
    book_digest: str
    subscribers_digest: str


def bill_number(account: str, issue: Issue) -> str:
    """Returns the number of an account's bill, such as ``202610-A000123-5F3A9C04``.

    Deterministic: the cycle, the account, and eight hex digits of the SHA-256 over these and the
    digests of tariff book and subscriber data, each ended by a line feed. So the same bill keeps
    its number, and one made from other data gets another.
    """
    parts = (issue.cycle.name, account, issue.book_digest, issue.subscribers_digest)
    digest = hashlib.sha256("".join(f"{part}\n" for part in parts).encode()).hexdigest()
    return f"{issue.cycle.name.replace('-', '')}-{account}-{digest[:8].upper()}"


def line_table(lines: Charges, issue: Issue) -> pa.Table:
    """Returns closed lines, in the order of the bills, as a table of BILL_LINE_SCHEMA."""
    account = lines.texts["account_id"]
    numbers = pa.array([bill_number(name, issue) for name in account.texts], pa.string())
    first = np.searchsorted(account.codes, np.arange(len(account.texts)))
    position = np.arange(len(lines)) - first[account.codes] + 1
    columns: dict[str, pa.Array] = {
        "bill_number": numbers.take(pa.array(account.codes)),
        "line": pa.array(position, pa.int32()),
        "cycle": _constant(issue.cycle.name, len(lines)),
    }
    for field in BILL_LINE_SCHEMA:
        if field.name in lines.texts:
            columns[field.name] = _names(field, lines.texts[field.name])
        elif field.name == "tax_rate":
            untaxed = lines.texts["tax"].codes < 0
            columns[field.name] = pa.array(lines.numbers["tax_rate"], field.type, mask=untaxed)
        elif field.name in lines.numbers:
            columns[field.name] = _numbers(field, lines.numbers[field.name])
    arrays = [columns[name] for name in BILL_LINE_SCHEMA.names]
    return pa.Table.from_arrays(arrays, schema=BILL_LINE_SCHEMA)


def bill_table(lines: Charges, issue: Issue) -> pa.Table:
    """Returns one bill per account of the lines, as a table of BILL_SCHEMA."""
    account = lines.texts["account_id"]
    kind = lines.texts["kind"]
    n = len(account.texts)

    def total(column: str, *kinds: str) -> Int64:
        chosen = np.isin(
            kind.codes, [kind.texts.index(name) for name in kinds if name in kind.texts]
        )
        sums = np.zeros(n, np.int64)
        np.add.at(sums, account.codes[chosen], lines.numbers[column][chosen])
        return sums

    added, tax = total("net", TAX), total("tax_amount", TAX)
    usage, fees, discounts = total("net", USAGE), total("net", FEE), total("net", DISCOUNT)
    rounding, transfers = total("net", ROUNDING), total("net", TRANSFER)
    adjustments = total("net", ADJUSTMENT)
    payable = usage + transfers + fees + discounts + adjustments + rounding + added
    columns = {
        "bill_number": pa.array([bill_number(name, issue) for name in account.texts], pa.string()),
        "cycle": _constant(issue.cycle.name, n),
        "account_id": names_array(
            np.arange(n, dtype=np.int32), account.texts, BILL_SCHEMA.field("account_id").type
        ),
        "currency": _constant(issue.currency, n),
        "lines": pa.array(np.bincount(account.codes, minlength=n), pa.int32()),
        "events": pa.array(total("events", USAGE), pa.int64()),
        "usage": money(usage),
        "fees": money(fees),
        "discounts": money(discounts),
        "rounding": money(rounding),
        "net": money(payable - tax),
        "tax_amount": money(tax),
        "tax_added": money(added),
        "transfers": money(transfers),
        "adjustments": money(adjustments),
        "total": money(payable),
        "book_digest": _constant(issue.book_digest, n),
        "subscribers_digest": _constant(issue.subscribers_digest, n),
    }
    return pa.Table.from_arrays([columns[name] for name in BILL_SCHEMA.names], schema=BILL_SCHEMA)


def _constant(text: str, n: int) -> pa.Array:
    """Returns one text n times, as a dictionary column."""
    kind = BILL_SCHEMA.field("cycle").type
    return names_array(np.zeros(n, np.int32), (text,), kind)


def _names(field: pa.Field, names: Names) -> pa.Array:
    """Returns a column of names in the type and vocabulary that the schema asks for."""
    vocabulary: Sequence[str] = _VOCABULARIES.get(field.name, names.texts)
    codes = names.codes
    if field.name in _VOCABULARIES:
        table = np.asarray([*(vocabulary.index(text) for text in names.texts), -1], np.int32)
        codes = table[codes]
    return names_array(codes, vocabulary, field.type)


def _numbers(field: pa.Field, values: Int64) -> pa.Array:
    """Returns a column of money, days or counts."""
    if field.type == MONEY:
        return money(values)
    if field.type == pa.date32():
        return pa.array(values.astype(np.int32), pa.int32()).cast(pa.date32())
    return pa.array(values, field.type)
