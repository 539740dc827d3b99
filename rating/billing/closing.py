"""Closing bills: line rounding, tax by class, bill rounding, and the order of lines.

For each account and tax class, the exact sum of its lines is rounded once, to the book's line
unit; what that adds is a line of its own, and the lines are printed by largest remainder, so that
what is printed adds up too. The tax of the class is taken from the rounded sum, and the lines
carry their share of it, again by largest remainder. Last, the bill's total is rounded to the bill
unit; that difference is a line as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mediation.edr import SERVICES
from rating.billing.charges import Charges, Names, join, make_charges
from rating.billing.columns import combine, guard_sum
from rating.billing.kernels.group import sum_groups
from rating.billing.rounding import PPM, apportion, floor_share, round_to, share_of
from rating.billing.schema import KINDS, ROUNDING, TAX
from tariffs.compiled import CALL_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.billing.cycle import Cycle
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TaxClass:
    """Rate in parts per million, and whether prices include the tax."""

    rate: int
    included: bool

    @property
    def whole(self) -> int:
        """What the rate is a part of: the price without tax, or the price that includes it."""
        return PPM + self.rate if self.included else PPM


@dataclass(frozen=True, slots=True)
class Rules:
    """How a book rounds and taxes bills.

    Attributes:
        line_unit: 10^-6 units to which each tax class of a bill is rounded, 1 is exact.
        line_mode: Index in ROUNDING_MODES.
        bill_unit: The same for the total.
        bill_mode: Index in ROUNDING_MODES.
        taxes: Tax classes by name.
    """

    line_unit: int
    line_mode: int
    bill_unit: int
    bill_mode: int
    taxes: dict[str, TaxClass]

    @property
    def tax_rounding(self) -> tuple[int, int]:
        """Unit and mode of tax amounts: the lines', else the bill's, if that is the finer one."""
        if self.line_unit > 1:
            return self.line_unit, self.line_mode
        return self.bill_unit, self.bill_mode


def closing_rules(compiled: CompiledBook, book: Book, cycle: Cycle) -> Rules:
    """Returns how the book closes bills of a cycle; tax rates are those of the cycle's start."""
    rates = {tax.name: tax.rate.at(cycle.start_us) for tax in book.taxes}
    taxes = {}
    for number, name in enumerate(compiled.taxes):
        rate = rates.get(name)
        known = int(compiled.tax_ppm[number]) if rate is None else rate
        taxes[name] = TaxClass(known, bool(compiled.tax_included[number]))
    return Rules(
        compiled.line_round_unit,
        compiled.line_round_mode,
        compiled.bill_round_unit,
        compiled.bill_round_mode,
        taxes,
    )


def close(charges: Charges, rules: Rules, cycle: Cycle) -> Charges:
    """Adds rounding and tax lines, and fills ``amount`` and ``tax_amount``.

    Args:
        charges: Usage, fee and discount lines with exact ``net``.
        rules: How to round and tax.
        cycle: The cycle, which the added lines are for.

    Returns:
        All lines in the order of the bills.
    """
    if not len(charges):
        return charges
    charges = ordered(charges)
    parts = [*_close_classes(charges, rules, cycle)]
    parts.append(_round_bills(parts, rules, cycle))
    return ordered(join(parts))


def _close_classes(
    charges: Charges, rules: Rules, cycle: Cycle
) -> tuple[Charges, Charges, Charges]:
    """Returns the lines with amounts and tax shares, the rounding lines and the tax lines."""
    account, tax = charges.texts["account_id"], charges.texts["tax"]
    key = account.codes.astype(np.int64) * (len(tax.texts) + 1) + tax.codes + 1
    _, example, segment = np.unique(key, return_index=True, return_inverse=True)
    heads = charges.take(example)
    net = charges.numbers["net"]
    exact = _sums(net, segment, len(example))
    rounded = round_to(exact, rules.line_unit, rules.line_mode)
    floors, remainders = np.divmod(net, np.int64(rules.line_unit))
    amount = apportion(floors, remainders, segment, rounded // rules.line_unit) * rules.line_unit
    share = np.zeros(len(net), np.int64)
    due = np.zeros(len(example), np.int64)
    for code, name in enumerate(tax.texts):
        lines, classes = tax.codes == code, heads.texts["tax"].codes == code
        due[classes], share[lines] = _tax(
            rounded[classes],
            amount[lines],
            np.unique(segment[lines], return_inverse=True)[1],
            rules.taxes[name],
            rules.tax_rounding,
        )
    added = np.where(_on_top(heads, rules), due, 0)
    changed = np.flatnonzero(rounded != exact)
    taxed = np.flatnonzero((due != 0) | _has_rate(heads, rules))
    return (
        charges.replace(amount=amount, tax_amount=share),
        _account_lines(
            account.take(example[changed]),
            tax.take(example[changed]),
            ROUNDING,
            cycle,
            rounding=(rounded - exact)[changed],
            net=(rounded - exact)[changed],
        ),
        _account_lines(
            account.take(example[taxed]),
            tax.take(example[taxed]),
            TAX,
            cycle,
            gross=added[taxed],
            net=added[taxed],
            amount=added[taxed],
            tax_amount=due[taxed],
        ),
    )


def _tax(
    totals: Int64, amounts: Int64, segment: Int64, tax: TaxClass, rounding: tuple[int, int]
) -> tuple[Int64, Int64]:
    """Returns the tax of each class total, and each line's share of it."""
    unit, mode = rounding
    due = share_of(totals, tax.rate, tax.whole, unit, mode)
    floors, remainders = floor_share(amounts, tax.rate, tax.whole * unit)
    return due, apportion(floors, remainders, segment, due // unit) * unit


def _on_top(heads: Charges, rules: Rules) -> NDArray[np.bool_]:
    """Tells for each class whether its tax is added to the prices."""
    tax = heads.texts["tax"]
    table = [not rules.taxes[name].included for name in tax.texts]
    return np.asarray([*table, False])[tax.codes]


def _has_rate(heads: Charges, rules: Rules) -> NDArray[np.bool_]:
    """Tells for each class whether it has a rate, so that its tax is shown even if it is zero."""
    tax = heads.texts["tax"]
    table = [rules.taxes[name].rate > 0 for name in tax.texts]
    return np.asarray([*table, False])[tax.codes]


def _account_lines(
    account: Names, tax: Names | None, kind: str, cycle: Cycle, **numbers: Int64
) -> Charges:
    """Returns lines of a kind for whole accounts, with a tax class or without."""
    return make_charges(
        len(account.codes),
        {
            "account_id": account,
            "tax": tax,
            "item": tax if kind == TAX else kind,
            "kind": kind,
        },
        {"service_from": cycle.first_number, "service_to": cycle.next_number, **numbers},
    )


def _round_bills(parts: list[Charges], rules: Rules, cycle: Cycle) -> Charges:
    """Returns the rounding lines of the bills' totals; all parts have the accounts of the first."""
    account = parts[0].texts["account_id"]
    totals = np.zeros(len(account.texts), np.int64)
    for part in parts:
        totals += _sums(part.numbers["net"], part.texts["account_id"].codes, len(totals))
    added = round_to(totals, rules.bill_unit, rules.bill_mode) - totals
    changed = np.flatnonzero(added)
    added = added[changed]
    names = Names(changed.astype(np.int32), account.texts)
    return _account_lines(names, None, ROUNDING, cycle, rounding=added, net=added, amount=added)


def _sums(amounts: Int64, segment: Int32 | Int64, segments: int) -> Int64:
    """Returns the sums by segment, checked against overflow."""
    guard_sum("net", amounts)
    sums = np.zeros(segments, np.int64)
    sum_groups(segment.astype(np.int32), np.ascontiguousarray(amounts), sums)
    return sums


def ordered(charges: Charges) -> Charges:
    """Returns lines in the order of the bill.

    By account; lines of subscribers before those of the account; fees, usage, discounts, line
    rounding, tax, bill rounding; then by plan, class and period. Depends on the lines only, not on
    the order in which they come.
    """
    texts, numbers = charges.texts, charges.numbers
    kind = texts["kind"]
    rank = np.asarray([2 * KINDS.index(name) for name in kind.texts], np.int64)[kind.codes]
    # Rounding without a tax class is the bill's, and the last line.
    rank += np.where((rank == 2 * KINDS.index(ROUNDING)) & (texts["tax"].codes < 0), 3, 0)
    columns: list[tuple[Int32 | Int64, int]] = [
        (texts["account_id"].codes, _size(texts["account_id"]))
    ]
    subscriber = texts["subscriber_id"]
    nobody = len(subscriber.texts)
    columns.append((np.where(subscriber.codes < 0, nobody, subscriber.codes), nobody + 1))
    columns.append((rank, 2 * len(KINDS)))
    columns += [_rank(name, texts[name]) for name in _MINOR]
    period = numbers["service_from"] - numbers["service_from"].min()
    columns.append((period, int(period.max()) + 1))
    return charges.take(np.argsort(combine(columns), kind="stable"))


_MINOR = (
    "plan",
    "service",
    "call_class",
    "roaming",
    "zone",
    "item",
    "rum",
    "tax",
    "gl_code",
    "charge_group",
)
"""What orders the lines of one subscriber and kind."""


def _rank(name: str, names: Names) -> tuple[Int32, int]:
    """Returns a column's codes in the order of its vocabulary, else of its texts; null first."""
    order = {"service": SERVICES, "call_class": CALL_CLASSES}.get(name)
    if order is None:
        return names.codes + 1, len(names.texts) + 1
    table = np.asarray([*(order.index(text) + 1 for text in names.texts), 0], np.int32)
    return table[names.codes], len(order) + 1


def _size(names: Names) -> int:
    """Returns the number of texts."""
    return len(names.texts)
