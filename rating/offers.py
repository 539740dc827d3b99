"""Which discounts an event may have at all, worked out once for a book.

A plan offers a list of discounts. What decides by the event's class and marks alone is a table of
bits, so that the kernel looks only at those that are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rating.kernels.arrays import OFFER_MARKS

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook, Int32, Int64, UInt8

EVERY_TIER = -1


class Offers(NamedTuple):
    """The lists of discounts that plans offer; see PriceArrays of :mod:`rating.kernels.arrays`."""

    plan_offer: Int32
    offer_first: Int32
    offer: Int32
    offer_match: Int64
    offer_tiers: Int64


def offers(book: CompiledBook, match: UInt8, asked: Int64, kinds: int) -> Offers:
    """Returns the lists of discounts of the book's plans, each list once.

    Args:
        book: The book; no plan has more discounts than a charge can tell apart.
        match: uint8[D * kinds], whether a discount is for a kind of events.
        asked: int64[D], marks of the event that it asks for.
        kinds: How many kinds of events there are.
    """
    ends = zip(book.plan_disc_first[:-1], book.plan_disc_first[1:], strict=True)
    per_plan = [tuple(book.plan_disc[first:end].tolist()) for first, end in ends]
    places = {one: place for place, one in enumerate(dict.fromkeys(per_plan))}
    match = match.reshape(-1, kinds)
    marks = np.arange(OFFER_MARKS)
    table = np.zeros((len(places), kinds, OFFER_MARKS), np.int64)
    tiers = np.zeros(len(places), np.int64)
    for one, place in places.items():
        for k, discount in enumerate(one):
            meant = (marks & asked[discount]) == asked[discount]
            table[place] |= (match[discount, :, None] & meant).astype(np.int64) << k
            tiers[place] |= np.int64(book.disc_tiers[discount] != EVERY_TIER) << k
    return Offers(
        np.array([places[one] for one in per_plan], np.int32),
        np.cumsum([0, *map(len, places)], dtype=np.int32),
        np.array([discount for one in places for discount in one], np.int32),
        table.reshape(-1),
        tiers,
    )
