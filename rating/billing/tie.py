"""Checks that rated records, bill lines and bills say the same, to 0.000001."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from rating.billing.columns import codes, guard_sum, micros
from rating.billing.kernels.group import sum_groups
from rating.billing.schema import ADJUSTMENT, DISCOUNT, FEE, ROUNDING, TAX, TRANSFER, USAGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]

_SHOWN = 5
"""Bills named in a message about several."""


@dataclass(frozen=True, slots=True)
class TieReport:
    """What the three tables add up to, and where they do not agree.

    Attributes:
        records: Rated records.
        rated: Sum of their net.
        usage: Sum of the net of usage lines.
        fees: Sum of the net of fee lines.
        discounts: Sum of the net of discount lines, not positive.
        adjustments: Sum of the net of credit and debit notes.
        rounding: Sum of the net of rounding lines.
        tax_added: Sum of the net of tax lines: tax on top of prices, not tax that they include.
        lines: Sum of the net of all lines.
        bills: Sum of the totals of the bills.
        tax: Sum of the tax on the bills.
        problems: One sentence for each law that does not hold; empty if all tie.
    """

    records: int
    rated: Decimal
    usage: Decimal
    fees: Decimal
    discounts: Decimal
    adjustments: Decimal
    rounding: Decimal
    tax_added: Decimal
    lines: Decimal
    bills: Decimal
    tax: Decimal
    problems: tuple[str, ...]

    @property
    def closes(self) -> bool:
        """Whether everything ties."""
        return not self.problems


def tie(rated: pa.Table, lines: pa.Table, bills: pa.Table) -> TieReport:
    """Checks the laws between rated records, lines and bills.

    Args:
        rated: RATED_SCHEMA, the records of one or more partitions of a cycle.
        lines: BILL_LINE_SCHEMA, of the same partitions.
        bills: BILL_SCHEMA, of the same partitions.

    Returns:
        The sums and what does not hold:

        - each rated record and each line: net = gross - discount - cap + rounding;
        - by account: rated net and count = net and events of the usage lines;
        - by bill: net of the lines = amounts printed = total; tax shares = tax lines = tax;
        - each bill: net + tax = total, and its line and event counts;
        - by subscriber: transfers between accounts add up to nothing.
    """
    records = _Columns(rated, ("gross", "discount_amount", "cap_reduction", "rounding", "net"))
    line = _Columns(
        lines,
        (
            "gross",
            "discount_amount",
            "cap_reduction",
            "rounding",
            "net",
            "amount",
            "tax_amount",
        ),
    )
    bill = _Columns(bills, ("net", "tax_amount", "total"))
    problems = [
        *_row_law("rated record", records),
        *_row_law("bill line", line),
        *_accounts_tie(rated, records, lines, line),
        *_bills_tie(lines, line, bills, bill),
        *_transfers_tie(lines, line),
    ]
    kind, kinds = codes(lines.column("kind"))

    def net(name: str | None) -> Decimal:
        chosen = np.ones(len(kind), np.bool_) if name is None else _is(kind, kinds, name)
        return _decimal(line["net"][chosen])

    return TieReport(
        records=rated.num_rows,
        rated=_decimal(records["net"]),
        usage=net(USAGE),
        fees=net(FEE),
        discounts=net(DISCOUNT),
        adjustments=net(ADJUSTMENT),
        rounding=net(ROUNDING),
        tax_added=net(TAX),
        lines=net(None),
        bills=_decimal(bill["total"]),
        tax=_decimal(bill["tax_amount"]),
        problems=tuple(problems),
    )


class _Columns(dict[str, "Int64"]):
    """Money columns of a table as int64 millionths, checked against overflow of sums."""

    def __init__(self, table: pa.Table, names: tuple[str, ...]) -> None:
        super().__init__((name, micros(table.column(name))) for name in names)
        for name, amounts in self.items():
            guard_sum(name, amounts)


def _row_law(what: str, columns: _Columns) -> list[str]:
    """Checks net = gross - discount - cap + rounding on each row."""
    derived = columns["gross"] - columns["discount_amount"] - columns["cap_reduction"]
    wrong = np.flatnonzero(derived + columns["rounding"] != columns["net"])
    if not len(wrong):
        return []
    law = "gross - discount - cap + rounding"
    return [f"{len(wrong)} times, the net of a {what} is not {law}; first in row {int(wrong[0])}"]


def _accounts_tie(rated: pa.Table, records: _Columns, lines: pa.Table, line: _Columns) -> list[str]:
    """Checks rated records against usage lines, account by account."""
    kind, kinds = codes(lines.column("kind"))
    usage = _is(kind, kinds, USAGE)
    events = lines.column("events").to_numpy()
    rated_by = _by_name(rated, "account_id", records["net"], np.ones(rated.num_rows, np.int64))
    lines_by = _by_name(lines, "account_id", line["net"] * usage, events * usage)
    wrong = sorted(
        name
        for name in rated_by.keys() | lines_by.keys()
        if rated_by.get(name, (0, 0)) != lines_by.get(name, (0, 0))
    )
    return _named(wrong, "usage lines differ from rated records for account")


def _bills_tie(lines: pa.Table, line: _Columns, bills: pa.Table, bill: _Columns) -> list[str]:
    """Checks the lines of each bill against the bill."""
    kind, kinds = codes(lines.column("kind"))
    taxes = _is(kind, kinds, TAX)
    events = lines.column("events").to_numpy()
    of_lines = _by_name(
        lines,
        "bill_number",
        line["net"],
        line["amount"],
        line["tax_amount"] * taxes,
        line["tax_amount"] * ~taxes,
        np.ones(len(taxes), np.int64),
        events,
    )
    of_bills = _by_name(
        bills,
        "bill_number",
        bill["total"],
        bill["total"],
        bill["tax_amount"],
        bill["tax_amount"],
        bills.column("lines").to_numpy().astype(np.int64),
        bills.column("events").to_numpy(),
    )
    missing = sorted(of_lines.keys() ^ of_bills.keys())
    wrong = sorted(
        name for name in of_lines.keys() & of_bills.keys() if of_lines[name] != of_bills[name]
    )
    numbers, texts = codes(bills.column("bill_number"))
    again = np.flatnonzero(np.bincount(numbers, minlength=len(texts)) > 1)
    sums = np.flatnonzero(bill["net"] + bill["tax_amount"] != bill["total"])
    return [
        *_named(missing, "lines without a bill, or a bill without lines, for number"),
        *_named(wrong, "lines do not add up to the bill of number"),
        *_named([texts[code] for code in again], "more than one bill has the number"),
        *_named([texts[numbers[row]] for row in sums], "net + tax is not the total of bill"),
    ]


def _transfers_tie(lines: pa.Table, line: _Columns) -> list[str]:
    """Checks that what one account gives another takes."""
    kind, kinds = codes(lines.column("kind"))
    moved = _is(kind, kinds, TRANSFER)
    if not moved.any():
        return []
    some = lines.filter(pa.array(moved))
    sums = _by_name(some, "subscriber_id", line["net"][moved])
    wrong = sorted(name for name, (net,) in sums.items() if net)
    return _named(wrong, "transfers do not add up to nothing for subscriber")


def _is(kind: Int32, kinds: tuple[str, ...], name: str) -> NDArray[np.bool_]:
    """Tells which lines are of a kind."""
    return kind == kinds.index(name) if name in kinds else np.zeros(len(kind), np.bool_)


def _by_name(table: pa.Table, key: str, *columns: Int64) -> dict[str, tuple[int, ...]]:
    """Returns the sums of int64 columns by a column of names."""
    index, names = codes(table.column(key))
    sums = [np.zeros(len(names), np.int64) for _ in columns]
    for total, column in zip(sums, columns, strict=True):
        sum_groups(index, np.ascontiguousarray(column, np.int64), total)
    rows = zip(*(total.tolist() for total in sums), strict=True)
    return dict(zip(names, rows, strict=True))


def _named(names: list[str], what: str) -> list[str]:
    """Returns one sentence that names the first few."""
    if not names:
        return []
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"{what} {', '.join(names[:_SHOWN])}{more}"]


def _decimal(amounts: Int64) -> Decimal:
    """Returns the sum of millionths as a Decimal with six places."""
    return Decimal(int(amounts.sum())).scaleb(-6)
