"""What a discount on the bill takes off, shared among what was charged.

The lines of a cycle are put together to *cells*: a subscriber's sum of one kind, tax class, rate,
service and G/L code; what passes a payer's limit counts as the usage that it is of. A discount's amount is its share of the sum over the cells that it is of, rounded
once; the cells carry it in proportion, by largest remainder, so that their parts add up to it
exactly. No cell gives more than it has left; what it cannot give, the next ones that can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rating.billing.charges import Names
from rating.billing.columns import combine
from rating.billing.kernels.group import sum_groups
from rating.billing.rounding import PPM, apportion, floor_share, share_of
from rating.billing.schema import TRANSFER, USAGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.billing.charges import Charges

    Int64 = NDArray[np.int64]

SPENDER = ("account_id", "charge_group", "subscriber_id")
CELL = ("tax", "service", "gl_code")


class Cells:
    """Charges by spender and by what they are posted to.

    Args:
        charges: Usage and fee lines.

    Attributes:
        charges: The lines.
        heads: int64[spenders] a line of each subscriber who spends.
        example: int64[cells] a line of each cell.
        spender: int64[cells] whose it is, index in ``heads``.
        net: int64[cells] as charged.
        left: int64[cells] what discounts have left of it.
    """

    def __init__(self, charges: Charges) -> None:
        self.charges = charges
        texts = charges.texts
        owner = combine([_digits(charges, name) for name in SPENDER])
        _, self.heads, of = np.unique(owner, return_index=True, return_inverse=True)
        rates, rate = np.unique(charges.numbers["tax_rate"], return_inverse=True)
        kind = _as_usage(texts["kind"])
        key = combine(
            [
                (of.astype(np.int64), len(self.heads)),
                (kind.codes.astype(np.int64) + 1, len(kind.texts) + 1),
                *(_digits(charges, name) for name in CELL),
                (rate.astype(np.int64), len(rates)),
            ]
        )
        _, self.example, cell = np.unique(key, return_index=True, return_inverse=True)
        self.spender: Int64 = of[self.example].astype(np.int64)
        self.net = sums(charges.numbers["net"], cell, len(self.example))
        self.left = self.net.copy()
        self._kind = np.asarray(kind.texts)[kind.codes[self.example]]
        account = texts["account_id"].codes[self.heads]
        self.account: Int64 = account.astype(np.int64)

    def of(self, kinds: tuple[str, ...], spenders: NDArray[np.bool_]) -> Int64:
        """Returns the cells of these kinds and spenders."""
        return np.flatnonzero(np.isin(self._kind, kinds) & spenders[self.spender])

    def take_off(self, rows: Int64, payer: Int64, percent: int, least: int) -> Int64:
        """Takes a share off some cells; returns what each of them gives.

        Args:
            rows: The cells, ascending.
            payer: int64[rows] whose sums count together.
            percent: The share, in parts per million.
            least: From which sum of a payer on.
        """
        known, who = np.unique(payer, return_inverse=True)
        net = self.net[rows]
        total = sums(net, who, len(known))
        rich = (total >= least)[who]
        rows, who, net = rows[rich], who[rich], net[rich]
        off = np.zeros(len(rich), np.int64)
        if not len(rows):
            return off
        kept, who = np.unique(who, return_inverse=True)
        wanted = share_of(total[kept], percent, PPM, 1, 0)
        floors, remainders = floor_share(net, percent, PPM)
        off[rich] = within(apportion(floors, remainders, who, wanted), self.left[rows], who)
        self.left[rows] -= off[rich]
        return off


def within(shares: Int64, most: Int64, segment: Int64) -> Int64:
    """Returns shares of which none is more than there is.

    Args:
        shares: int64[n], not negative.
        most: int64[n] what each can give, not negative.
        segment: int64[n] whose they are, from 0.

    Returns:
        int64[n]. What a share has too much goes to the first others of its segment that can give
        more, as far as they can; so the sum stays as long as there is enough.
    """
    given = np.minimum(shares, most)
    n = int(segment.max()) + 1 if len(segment) else 0
    missing = sums(shares - given, segment, n)
    if not missing.any():
        return given
    order = np.argsort(segment, kind="stable")
    room, of = (most - given)[order], segment[order]
    before = np.cumsum(room) - room
    first = np.searchsorted(of, np.arange(n))
    before -= before[first[of]]
    given[order] += np.clip(missing[of] - before, 0, room)
    return given


def sums(amounts: Int64, segment: Int64, segments: int) -> Int64:
    """Returns the sums of amounts by segment."""
    found = np.zeros(segments, np.int64)
    sum_groups(segment.astype(np.int32), np.ascontiguousarray(amounts), found)
    return found


def _as_usage(kind: Names) -> Names:
    """Returns kinds of lines with transfers as the usage that they are of."""
    if TRANSFER not in kind.texts:
        return kind
    names = [USAGE if text == TRANSFER else text for text in kind.texts]
    return Names.of(kind.codes, names)


def _digits(charges: Charges, name: str) -> tuple[Int64, int]:
    """Returns the codes of a column of names, from 0, and how many there are."""
    names = charges.texts[name]
    return names.codes.astype(np.int64) + 1, len(names.texts) + 1
