"""What pricing does to one piece of an event and to its sum; compiled into the pricing kernel."""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined
from rating.kernels.arrays import (
    ALLOWANCE_WORDS,
    AMOUNT_OFF,
    CAP,
    CHARGE_WORDS,
    CHARGED,
    CONNECT,
    COVERED,
    DISCOUNT,
    DISCOUNT_WORDS,
    EXCLUSIVE,
    FIXED_PRICE,
    HIT_SHIFT,
    HITS,
    INSTANCE_WORDS,
    NET,
    OFFER_MARKS,
    ON_CONNECT,
    THROTTLED_SHIFT,
    USAGE,
)
from rating.kernels.counts import count_slot
from rating.kernels.limits import CAP_MASK, cap_counter, room, settle
from rating.kernels.machine import divided, lowest_bit, u
from rating.kernels.steps import LARGEST_AMOUNT

PPM = 1_000_000
HALF_EVEN = 1
FEW = 4
"""Of more instances than that each is looked at only if something is left."""
_LOW = (1 << 32) - 1


@inlined
def used_up(book, state, charge, passing, held, price_beat):
    """Returns (how many of the first instances held have less than a beat left, for which beat).

    Args:
        book: PriceArrays.
        state: StateArrays.
        charge: ChargeArrays, for ``held``.
        passing: What it returned for the account's event before.
        held: How many instances there are; of a few nothing is looked for.
        price_beat: Beat of the price, of allowances that have none of their own.
    """
    passed, passed_beat = passing
    if held > FEW:
        if price_beat != passed_beat:
            passed = np.int64(0)
            passed_beat = price_beat
        while passed < held:
            instance = charge.held[u(passed)]
            row = INSTANCE_WORDS * instance
            beat = book.allowance[u(ALLOWANCE_WORDS * (state.instance[u(row + 3)] & _LOW) + 3)]
            if beat < 0:
                beat = price_beat
            if state.instance[u(row)] - state.used[u(instance)] >= book.divisor[u(beat)]:
                break
            passed += 1
    return passed, passed_beat


@inlined
def cover(book, state, charge, kind, rum, event, piece, position, takes, lists, limited):
    """Takes what allowances cover of a piece; returns (position, takes, throttled, passed over).

    Args:
        book: PriceArrays.
        state: StateArrays, ``used`` changes.
        charge: ChargeArrays, for ``held``.
        kind: Kind of the event's class.
        rum: Metric of its rule.
        event: (start, period).
        piece: (first unit after the piece, band, beat of its price, instances held that are passed
            over, instances held).
        position: First unit that is neither covered nor priced.
        takes: (first, end) of the event's entries in the lists.
        lists: (counters, units) taken.
        limited: None if no instance has a row in ``state.extra``: compiled without.
    """
    cut, band, price_beat, passed, held = piece
    start, _ = event
    throttled = False
    first_take, last_take = takes
    take_instance, take_units = lists
    for k in range(passed, held):
        instance = charge.held[u(k)]
        row = INSTANCE_WORDS * instance
        left = state.instance[u(row)] - state.used[u(instance)]
        if left <= 0:
            # only what fails gives back, and then all are asked again
            passed += np.int64(k == passed)
            continue
        allowance = state.instance[u(row + 3)]
        extra = allowance >> 32
        allowance &= _LOW
        words = ALLOWANCE_WORDS * allowance
        # one branch that is hard to foresee, not six
        if not (
            (book.allowance_match[u(allowance * book.sizes[4] + kind)] != 0)
            & (book.allowance[u(words + 1)] == rum)
            & ((book.allowance[u(words + 2)] >> band) & 1 != 0)
            & (state.instance[u(row + 1)] <= start)
            & (state.instance[u(row + 2)] > start)
        ):
            continue
        counter = np.int64(instance)
        if limited is not None and extra != 0:
            counter, left = room(book, state, extra, kind, event, instance, left)
            if left <= 0:
                continue
        beat = book.allowance[u(words + 3)]
        if beat < 0:
            beat = price_beat
        size = book.divisor[u(beat)]
        taken = divided(cut - position + size - 1, book.divisor, beat) * size
        if taken > left:
            # less than a quantity, so the division is exact whatever was given
            taken = divided(left, book.divisor, beat) * size
            if taken == 0:
                continue
        state.used[u(counter)] += taken
        if limited is not None and extra != 0:
            throttled |= settle(book, state, extra, kind, event, counter, taken)
        position += taken
        entry = first_take
        while entry < last_take and take_instance[u(entry)] != counter:
            entry += 1
        if entry == last_take:
            take_instance[u(entry)] = counter
            take_units[u(entry)] = 0
            last_take += 1
        take_units[u(entry)] += taken
        if position >= cut:
            break
    return position, last_take, throttled, passed


@inlined
def _share(amount, ppm):
    """Returns a share of an amount, rounded half up; in parts, so that no product can overflow."""
    whole = np.int64(u(amount) // u(PPM))
    rest = (amount - whole * PPM) * ppm + PPM // 2
    return whole * ppm + np.int64(u(rest) // u(PPM))


@inlined
def offered(book, state, plan, period):
    """Returns (first entry, row of matches, bits of what its tiers may have) of a plan's discounts."""
    one = np.int64(book.plan_offer[u(plan)])
    first = np.int64(book.offer_first[u(one)])
    fits = np.int64(-1)
    tiered = book.offer_tiers[u(one)]
    while tiered != 0:
        d = np.int64(book.offer[u(first + lowest_bit(tiered))])
        if book.discount[u(DISCOUNT_WORDS * d + 6)] & state.tier[u(period)] == 0:
            fits ^= tiered & -tiered
        tiered &= tiered - 1
    return first, one * book.sizes[4], fits


@inlined
def discounts(book, state, account, kind, event, band, marks, connect, usage, counting):
    """Returns (discount, bits of the plan's discounts that took something).

    Args:
        book: PriceArrays.
        state: StateArrays.
        account: (its discounts, first cap, first count, end of the counts).
        kind: Kind of the event's class.
        event: (start, period).
        band: Of its first piece.
        marks: Its flags.
        connect: Connect fee.
        usage: Usage charge.
        counting: None if the book counts nothing: compiled without thresholds.
    """
    start, _ = event
    (first, matches, fits), _, counts, counts_end = account
    excluded = np.int64(0)
    discount = np.int64(0)
    hits = np.int64(0)
    row = OFFER_MARKS * (matches + kind) + (marks & (OFFER_MARKS - 1))
    left = book.offer_match[u(row)] & fits
    while left != 0:
        k = lowest_bit(left)
        left &= left - 1
        d = np.int64(book.offer[u(first + k)])
        words = DISCOUNT_WORDS * d
        if (
            (book.discount[u(words + 2)] >> band) & 1 == 0
            or start < book.discount[u(words)]
            or start >= book.discount[u(words + 1)]
            or book.discount[u(words + 7)] & excluded != 0
        ):
            continue
        if counting is not None:
            definition = book.discount_after[u(2 * d)]
            if definition >= 0:
                slot = count_slot(state, counts, counts_end, definition, start)
                if state.cap_spent[u(slot)] < book.discount_after[u(2 * d + 1)]:
                    continue
        excluded |= book.discount[u(words + 7)]
        value = book.discount[u(words + 4)]
        options = book.discount[u(words + 5)]
        if options & (AMOUNT_OFF | FIXED_PRICE):
            base = usage
            if options & ON_CONNECT:
                base += connect
            taken = min(base, value)
            if options & FIXED_PRICE:
                taken = max(base - value, 0)
            part = min(usage, taken)
            usage -= part
            connect -= taken - part
        else:
            taken = _share(usage, value)
            usage -= taken
            if options & ON_CONNECT:
                part = _share(connect, value)
                connect -= part
                taken += part
        discount += taken
        hits |= np.int64(taken > 0) << k
        if options & EXCLUSIVE:
            break
    return discount, hits


@inlined
def rounded(book, amount, room):
    """Returns the amount in whole rounding units, never lifted above the room under the caps."""
    unit = book.divisor[0]
    units = divided(amount, book.divisor, 0)
    net = units * unit
    least = book.sizes[7]
    if book.sizes[5] == HALF_EVEN:
        least = (unit >> 1) + 1 - (unit & 1 == 0 and units & 1 == 1)
    # no branch, it would be a coin toss
    return net + unit * np.int64((amount - net >= least) & (net + unit <= room))


@inlined
def conclude(book, state, charge, at, owner, sort, event, amounts, counting):
    """Takes discounts, caps and rounding off an event's charge, writes its line, returns the net.

    Args:
        book: PriceArrays.
        state: StateArrays, ``cap_spent`` changes.
        charge: ChargeArrays.
        at: Place of the event.
        owner: (its discounts, first cap, first count, end of the counts).
        sort: (kind, band of the first piece, marks).
        event: (start, period).
        amounts: (units charged, units covered, connect fee, usage charge, whether throttled).
        counting: None if the book counts nothing: compiled without thresholds.
    """
    _, caps, caps_end, _ = owner
    kind, band, marks = sort
    start, _ = event
    charged, covered, connect, usage, throttled = amounts
    discount = np.int64(0)
    hits = np.int64(0)
    reduction = np.int64(0)
    net = np.int64(0)
    gross = connect + usage
    if gross > 0:
        discount, hits = discounts(
            book, state, owner, kind, event, band, marks, connect, usage, counting
        )
        room = np.int64(LARGEST_AMOUNT)
        meant = np.int64(0)
        counter = np.int64(0)
        for k in range(caps, caps_end):
            cap = state.cap[u(k)]
            most = (cap >> 32) & CAP_MASK
            if book.cap_match[u(most * book.sizes[4] + kind)] != 0:
                meant += 1
                counter = cap_counter(state, cap, start)
                spent = state.cap_spent[u(counter)]
                room = min(room, max(0, book.cap_amount[u(most)] - spent))
        exact = gross - discount
        reduction = max(exact - room, 0)
        net = rounded(book, exact - reduction, room)
        if meant == 1:
            state.cap_spent[u(counter)] += net
        elif meant > 1:
            for k in range(caps, caps_end):
                cap = state.cap[u(k)]
                if book.cap_match[u(((cap >> 32) & CAP_MASK) * book.sizes[4] + kind)] != 0:
                    state.cap_spent[u(cap_counter(state, cap, start))] += net
    line = charge.line
    words = CHARGE_WORDS * at
    line[u(words + CHARGED)] = charged
    line[u(words + COVERED)] = covered
    line[u(words + CONNECT)] = connect
    line[u(words + USAGE)] = usage
    line[u(words + DISCOUNT)] = discount
    line[u(words + CAP)] = reduction
    line[u(words + NET)] = net
    line[u(words + HITS)] = hits << HIT_SHIFT | np.int64(throttled) << THROTTLED_SHIFT | band
    return net
