"""The part of pricing that has no state: where and at what price an event begins, and what it costs.

Three passes over a block of events, without a branch that is hard to foresee. One asks for the cache
lines that are read later; one finds the first stretch of each event, which is nearly always the whole
of it; one quotes what a *plain* event costs where no allowance covers it: a single stretch, at a price
that is plain (`rating.kernels.arrays`) or free. All helpers are compiled into the kernel, not called.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined
from rating.kernels.arrays import (
    ACCOUNT_WORDS,
    BAND,
    BLOCK,
    BLOCK_WORDS,
    BOOK_CLOCK,
    CUT,
    DAYS_BEFORE,
    FAR,
    FEE,
    FIRST_STEP,
    FREE_PIECE,
    INSTANCE_WORDS,
    KIND,
    NO_MODEL,
    PLAIN,
    PLAIN_BELOW,
    PRICE,
    PRICE_STEPS,
    QUOTE,
    QUOTED,
    RULE_HEAD,
    RUM_MASK,
    RUM_SHIFT,
    SPLIT_MASK,
    STEP_WORDS,
    TIME_MODEL_SHIFT,
    UNTIL,
)
from rating.kernels.guide import CONTINUES, EVENT_WORDS
from rating.kernels.machine import divided, prefetch, u

SECOND = 1_000_000
MINUTE = 60 * SECOND
CONSECUTIVE, ISOLATED, END = 1, 2, 3
_LOW = (1 << 32) - 1
NO_OFFSET = -2048
_BEFORE_US = DAYS_BEFORE * 1440 * MINUTE


@inlined
def stretch(book, rule, cuts, moment, offset, zone):
    """Returns (price, band, instant at which it ends, zone) of a rule at a moment.

    Args:
        book: PriceArrays.
        rule: Where its row begins.
        cuts: Whether the event is cut: where it is not, nobody asks for the end of the band.
        moment: UTC microseconds.
        offset: Minutes that the switch added to UTC, NO_OFFSET if it did not say.
        zone: Index in the book's offsets to search from.
    """
    word = np.int64(book.rule[u(rule)])
    until = np.int64(FAR)
    if word & BOOK_CLOCK or offset == NO_OFFSET:
        while zone > 0 and book.tz_utc_us[u(zone)] > moment:
            zone -= 1
        while book.tz_until_us[u(zone)] <= moment:
            zone += 1
        offset = np.int64(book.tz_offset_min[u(zone)])
        until = book.tz_until_us[u(zone)]
    # unsigned, because rounding towards the past costs as much as the division
    minutes = np.int64(u(moment + _BEFORE_US) // u(MINUTE)) + offset
    day = np.int64(u(minutes) // u(1440))
    minute = minutes - day * 1440
    known = day - book.sizes[2]
    if u(known) < u(book.day_type.shape[0]):
        kind = np.int64(book.day_type[u(known)])
    else:
        kind = (day + 3) % 7  # 1970-01-01 was a Thursday, and 0 is Monday
    slot = np.int64(book.day_row[u((word >> TIME_MODEL_SHIFT) * book.sizes[1] + kind)]) + minute
    band = np.int64(book.minute_band[u(slot)])
    if cuts:
        ends = (day - DAYS_BEFORE) * 1440 + book.minute_until[u(slot)] - offset
        until = min(until, ends * MINUTE)
    price = np.int64(book.rule[u(rule + RULE_HEAD + band)])
    return price, band, until, zone


@inlined
def later_rule(book, plan, class_id, rum, moment, epoch, rule):
    """Returns (epoch, rule) at a moment after the one at which ``rule`` was found; -1 no price.

    A rule that measures something else does not take over a running event.
    """
    words = RULE_HEAD + book.sizes[0]
    while epoch + 1 < book.epoch_end.shape[0] and book.epoch_end[u(epoch)] <= moment:
        epoch += 1
        table = book.rule_table[u(epoch * book.sizes[3] + plan)]
        later = np.int64(book.rule_of[u(table + class_id)])
        later_word = np.int64(book.rule[u(words * max(later, 0))])
        if later < 0 or (later_word >> RUM_SHIFT) & RUM_MASK == rum:
            rule = later
    return epoch, rule


@inlined
def _at_end(book, state, event, at):
    """Returns (beginning of an event's last second, word of the rule that holds then, or less)."""
    words = RULE_HEAD + book.sizes[0]
    moment = event[u(at)] + (event[u(at + 1)] - 1) * SECOND
    plan = np.int64(state.account[u(ACCOUNT_WORDS * (event[u(at + 2)] >> 32) + 6)])
    marks = event[u(at + 3)]
    rule = event[u(at + 2)] & _LOW
    epoch = (marks >> 16) & 0xFFFF
    # only an event that measures seconds has an end to look at
    _, rule = later_rule(book, plan, marks >> 32, 0, moment, epoch, rule)
    return moment, words * rule


@inlined
def ask_for(book, state, charge, first, count):
    """Asks for the lines of memory that pricing the block will read, and the rules of the next one."""
    event = charge.event
    rule_words = RULE_HEAD + book.sizes[0]
    last = EVENT_WORDS * (event.shape[0] // EVENT_WORDS - 1) + 2
    before = np.int64(-1)
    for k in range(count):
        at = EVENT_WORDS * (first + k) + 2
        ahead = event[u(min(at + EVENT_WORDS * BLOCK, last))]
        prefetch(state.account, ACCOUNT_WORDS * (ahead >> 32))
        prefetch(book.rule, rule_words * (ahead & _LOW))
        period = event[u(at)] >> 32
        if period != before:
            before = period
            account = ACCOUNT_WORDS * period
            own = np.int64(state.account[u(account)])
            if own == state.account[u(account + 1)]:
                own = np.int64(state.account[u(account + 2)])
            prefetch(state.instance, INSTANCE_WORDS * own)
            prefetch(state.used, own)
            prefetch(state.cap, np.int64(state.account[u(account + 4)]))
            prefetch(state.cap_spent, np.int64(state.account[u(account + 7)]))


@inlined
def first_stretches(book, state, charge, first, count, zone):
    """Fills the block's first stretches; returns the zone.

    What `quotes` needs is left where its quotes will be: at QUOTED the quantity, -1 if there are more
    stretches, and at FEE whether the event continues one that has paid its connect fee.
    """
    event = charge.event
    block = charge.block
    rule_words = RULE_HEAD + book.sizes[0]
    for k in range(count):
        at = EVENT_WORDS * (first + k)
        start = event[u(at)]
        quantity = event[u(at + 1)]
        rule = rule_words * (event[u(at + 2)] & _LOW)
        marks = event[u(at + 3)]
        offset = ((marks >> 4) & 0xFFF) + NO_OFFSET
        word = np.int64(book.rule[u(rule)])
        split = word & SPLIT_MASK
        cuts = (split == CONSECUTIVE) | (split == ISOLATED)
        moment = start
        if split == END and quantity > 0:
            moment, rule = _at_end(book, state, event, at)
        price, band, until, zone = stretch(book, max(rule, 0), cuts, moment, offset, zone)
        if rule < 0:
            price = np.int64(NO_MODEL)
        prefetch(book.price_line, price)
        cut = quantity
        if cuts:
            until = min(until, book.epoch_end[u((marks >> 16) & 0xFFFF)])
            # units that begin before `until`
            cut = min((until - start + SECOND - 1) // SECOND, quantity)
        rum = (word >> RUM_SHIFT) & RUM_MASK
        words = BLOCK_WORDS * k
        block[u(words + PRICE)] = price
        block[u(words + BAND)] = band
        block[u(words + CUT)] = cut
        block[u(words + UNTIL)] = until
        block[u(words + QUOTED)] = quantity if cut == quantity else np.int64(-1)
        block[u(words + FEE)] = marks & CONTINUES
        block[u(words + KIND)] = rum << 32 | np.int64(book.class_kind[u(marks >> 32)])
    return zone


@inlined
def quotes(book, charge, count):
    """Quotes the first ``count`` events of the block; at QUOTED stays -1 where there is no quote."""
    block = charge.block
    line = book.price_line
    divisor = book.divisor
    for k in range(count):
        words = BLOCK_WORDS * k
        price = block[u(words + PRICE)]
        quantity = block[u(words + QUOTED)]
        head = line[u(price + 1)]
        first = price + FIRST_STEP
        two = np.int64(head & PRICE_STEPS > 1)
        second = first + STEP_WORDS * two
        # up to the second step or the end, whichever comes first
        least = max(line[u(second)], PLAIN_BELOW - PLAIN_BELOW * two)
        place = line[u(first + 2)] & _LOW
        size = divisor[u(place)]
        beats = divided(min(quantity, least) + size - 1, divisor, place)
        units = beats * size
        usage = line[u(first + 1)] * beats
        place = line[u(second + 2)] & _LOW
        size = divisor[u(place)]
        beats = divided(max(quantity - units, np.int64(0)) + size - 1, divisor, place)
        usage += line[u(second + 1)] * beats
        units = (units + beats * size) * np.int64(price != FREE_PIECE)
        plain = (u(quantity - 1) < u(PLAIN_BELOW)) & (head & PLAIN != 0)
        block[u(words + QUOTED)] = units if plain else np.int64(-1)
        block[u(words + QUOTE)] = usage
        block[u(words + FEE)] = line[u(price)] if block[u(words + FEE)] == 0 else np.int64(0)
