"""Closing bills: line rounding, tax by class, bill rounding, and the order of lines.

For each account, tax class and rate, the exact sum of its lines is rounded once, to the book's line
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
from rating.billing.rounding import apportion, floor_share, round_to, share_of
from rating.billing.schema import KINDS, ROUNDING, TAX
from rating.billing.taxes import TaxClass, tax_classes
from tariffs.compiled import CALL_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.billing.cycle import Cycle
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

    Int32 = NDArray[np.int32]
    Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a book rounds and taxes bills.

    Attributes:
        line_unit: 10^-6 units to which each tax class of a bill is rounded, 1 is exact.
        line_mode: Index in ROUNDING_MODES.
        bill_unit: The same for the total.
        bill_mode: Index in ROUNDING_MODES.
        taxes: Tax classes by name.
        line_gl: G/L code of what rounding a class adds, empty: none.
        bill_gl: The same of what rounding the total adds.
    """

    line_unit: int
    line_mode: int
    bill_unit: int
    bill_mode: int
    taxes: dict[str, TaxClass]
    line_gl: str = ""
    bill_gl: str = ""

    @property
    def tax_rounding(self) -> tuple[int, int]:
        """Unit and mode of tax amounts: the lines', else the bill's, if that is the finer one."""
        if self.line_unit > 1:
            return self.line_unit, self.line_mode
        return self.bill_unit, self.bill_mode


def closing_rules(compiled: CompiledBook, book: Book, cycle: Cycle) -> Rules:
    """Returns how the book closes bills of a cycle."""
    return Rules(
        compiled.line_round_unit,
        compiled.line_round_mode,
        compiled.bill_round_unit,
        compiled.bill_round_mode,
        tax_classes(book, cycle),
        book.line_rounding.gl,
        book.bill_rounding.gl,
    )


def close(charges: Charges, rules: Rules, cycle: Cycle) -> Charges:
    """Adds rounding and tax lines, and fills ``amount`` and ``tax_amount``.

    Args:
        charges: Usage, fee and discount lines with exact ``net`` and their ``tax_rate``.
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
    known, rate = np.unique(charges.numbers["tax_rate"], return_inverse=True)
    key = account.codes.astype(np.int64) * (len(tax.texts) + 1) + tax.codes + 1
    key = key * len(known) + rate
    _, example, segment = np.unique(key, return_index=True, return_inverse=True)
    heads = charges.take(example)
    net = charges.numbers["net"]
    exact = _sums(net, segment, len(example))
    rounded = round_to(exact, rules.line_unit, rules.line_mode)
    floors, remainders = np.divmod(net, np.int64(rules.line_unit))
    amount = apportion(floors, remainders, segment, rounded // rules.line_unit) * rules.line_unit
    share = np.zeros(len(net), np.int64)
    due = np.zeros(len(example), np.int64)
    pairs = np.stack([heads.texts["tax"].codes, heads.numbers["tax_rate"]], axis=1)
    for code, ppm in np.unique(pairs, axis=0).tolist():
        if code < 0:
            continue
        classes = (pairs == (code, ppm)).all(axis=1)
        lines = classes[segment]
        due[classes], share[lines] = _tax(
            rounded[classes],
            amount[lines],
            np.unique(segment[lines], return_inverse=True)[1],
            (ppm, rules.taxes[tax.texts[code]].whole(ppm)),
            rules.tax_rounding,
        )
    added = np.where(_on_top(heads, rules), due, 0)
    changed = np.flatnonzero(rounded != exact)
    taxed = np.flatnonzero((due != 0) | (heads.numbers["tax_rate"] > 0))
    rounds, taxes = heads.take(changed), heads.take(taxed)
    return (
        charges.replace(amount=amount, tax_amount=share),
        _class_lines(
            rounds,
            ROUNDING,
            Names.same(rules.line_gl or None, len(changed)),
            cycle,
            rounding=(rounded - exact)[changed],
            net=(rounded - exact)[changed],
        ),
        _class_lines(
            taxes,
            TAX,
            _posted(taxes.texts["tax"], rules),
            _days(taxes, rules, cycle),
            gross=added[taxed],
            net=added[taxed],
            amount=added[taxed],
            tax_amount=due[taxed],
        ),
    )


def _tax(
    totals: Int64, amounts: Int64, segment: Int64, tax: tuple[int, int], rounding: tuple[int, int]
) -> tuple[Int64, Int64]:
    """Returns the tax of each class total, and each line's share of it."""
    (rate, whole), (unit, mode) = tax, rounding
    due = share_of(totals, rate, whole, unit, mode)
    floors, remainders = floor_share(amounts, rate, whole * unit)
    return due, apportion(floors, remainders, segment, due // unit) * unit


def _on_top(heads: Charges, rules: Rules) -> NDArray[np.bool_]:
    """Tells for each class whether its tax is added to the prices."""
    tax = heads.texts["tax"]
    table = [not rules.taxes[name].included for name in tax.texts]
    return np.asarray([*table, False])[tax.codes]


def _posted(tax: Names, rules: Rules) -> Names:
    """Returns the G/L code of each tax class."""
    codes = sorted({rules.taxes[name].gl for name in tax.texts} - {""})
    rank = {"": -1} | {code: at for at, code in enumerate(codes)}
    table = np.asarray([*(rank[rules.taxes[name].gl] for name in tax.texts), -1], np.int32)
    return Names.of(table[tax.codes], codes)


def _days(heads: Charges, rules: Rules, cycle: Cycle) -> tuple[Int64, Int64]:
    """Returns the days from the first to the last of each class's rate in the cycle."""
    first = np.full(len(heads), cycle.first_number, np.int64)
    after = np.full(len(heads), cycle.next_number, np.int64)
    tax, rate = heads.texts["tax"], heads.numbers["tax_rate"]
    for code, name in enumerate(tax.texts):
        if not rules.taxes[name].changes:
            continue
        spans = rules.taxes[name].spans(cycle)
        for ppm in {span[2] for span in spans}:
            mine = (tax.codes == code) & (rate == ppm)
            first[mine] = min(span[0] for span in spans if span[2] == ppm)
            after[mine] = max(span[1] for span in spans if span[2] == ppm)
    return first, np.maximum(after, first + 1)


def _class_lines(
    heads: Charges, kind: str, gl: Names, days: Cycle | tuple[Int64, Int64], **numbers: Int64
) -> Charges:
    """Returns lines of a kind for the tax classes of accounts; heads are lines of these."""
    tax = heads.texts["tax"]
    first, after = days if isinstance(days, tuple) else (days.first_number, days.next_number)
    return make_charges(
        len(heads),
        {
            "account_id": heads.texts["account_id"],
            "tax": tax,
            "item": tax if kind == TAX else kind,
            "kind": kind,
            "gl_code": gl,
        },
        {
            "service_from": first,
            "service_to": after,
            "tax_rate": heads.numbers["tax_rate"],
            **numbers,
        },
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
    return make_charges(
        len(changed),
        {
            "account_id": Names(changed.astype(np.int32), account.texts),
            "kind": ROUNDING,
            "item": ROUNDING,
            "gl_code": rules.bill_gl or None,
        },
        {
            "service_from": cycle.first_number,
            "service_to": cycle.next_number,
            **dict.fromkeys(("rounding", "net", "amount"), added),
        },
    )


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
    for name in ("service_from", "tax_rate"):
        digits = numbers[name] - numbers[name].min()
        columns.append((digits, int(digits.max()) + 1))
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
