"""The pricing kernel: events in event order in, charges and takes out.

Amounts are int64 in 10^-6 of the currency unit, quantities int64 in the unit of the rule's metric,
times int64 UTC microseconds. One event is cut into *stretches* in which neither price nor band
changes; equal neighbours are one *piece*. A piece is covered by allowances and priced through the
steps in *lines*. Nothing loops over beats: a line is one division, so 100 GB in beats of 1 byte cost
as much as one minute.

Two passes over a block of events. The first has no state: it finds the first stretch of each event,
which is nearly always the whole of it, and asks for the cache lines that the second one, event by
event with all its branches, will read. The helpers are compiled into the kernel, not called.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from rating.kernels.arrays import (
    ACCOUNT_WORDS,
    ALLOWANCE_WORDS,
    BLOCK,
    BLOCK_WORDS,
    BOOK_CLOCK,
    CAP,
    CHARGE_WORDS,
    CHARGED,
    CONNECT,
    COUNT_SHIFT,
    COUNTED,
    COVERED,
    DISCOUNT,
    FAR,
    FIRST_STEP,
    HAS_BOUNDS,
    HAS_MINIMUM,
    HIT_SHIFT,
    HITS,
    INSTANCE_WORDS,
    NET,
    PRICE_STEPS,
    RULE_FREE,
    RULE_HEAD,
    RUM_MASK,
    RUM_SHIFT,
    SPLIT_MASK,
    STEP_WORDS,
    THROTTLED_SHIFT,
    TIME_MODEL_SHIFT,
    USAGE,
    ZERO_FREE,
)
from rating.kernels.counts import count_event, count_slot, log_units
from rating.kernels.guide import CONTINUES, EVENT_WORDS, NO_PRICE, OVERFLOW
from rating.kernels.limits import CAP_MASK, cap_counter, give_back
from rating.kernels.machine import prefetch, u
from rating.kernels.pieces import FEW, cover, discounts, rounded, used_up
from rating.kernels.steps import LARGEST_AMOUNT, walk

SECOND = 1_000_000
MINUTE = 60 * SECOND
NO_MODEL = -1
FREE_PIECE = -2
_LOW = (1 << 32) - 1
_NO_OFFSET = -2048
_CONSECUTIVE, _ISOLATED, _END = 1, 2, 3


@inlined
def _stretch(book, rule, cuts, moment, offset, zone):
    """Returns (price, band, instant at which it ends, zone) of a rule at a moment.

    Args:
        book: PriceArrays.
        rule: Where its row begins.
        cuts: Whether the event is cut: where it is not, nobody asks for the end of the band.
        moment: UTC microseconds.
        offset: Minutes that the switch added to UTC, _NO_OFFSET if it did not say.
        zone: Index in the book's offsets to search from.
    """
    word = np.int64(book.rule[u(rule)])
    until = np.int64(FAR)
    if word & BOOK_CLOCK or offset == _NO_OFFSET:
        while zone > 0 and book.tz_utc_us[u(zone)] > moment:
            zone -= 1
        while book.tz_until_us[u(zone)] <= moment:
            zone += 1
        offset = np.int64(book.tz_offset_min[u(zone)])
        until = book.tz_until_us[u(zone)]
    minutes = moment // MINUTE + offset
    day = minutes // 1440
    known = day - book.sizes[2]
    if u(known) < u(book.day_type.shape[0]):
        kind = np.int64(book.day_type[u(known)])
    else:
        kind = (day + 3) % 7  # 1970-01-01 was a Thursday, and 0 is Monday
    day *= 1440
    slot = ((word >> TIME_MODEL_SHIFT) * book.sizes[1] + kind) * 1440 + minutes - day
    band = np.int64(book.tm_band[u(slot)])
    if cuts:
        until = min(until, (day + book.tm_until[u(slot)] - offset) * MINUTE)
    price = np.int64(book.rule[u(rule + RULE_HEAD + band)])
    if word & RULE_FREE:
        price = np.int64(FREE_PIECE)
    return price, band, until, zone


@inlined
def _later_rule(book, plan, class_id, rum, moment, epoch, rule):
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
    _, rule = _later_rule(book, plan, marks >> 32, 0, moment, epoch, rule)
    return moment, words * rule


@inlined
def _first_stretches(book, state, charge, first, count, zone):
    """Fills the block's first stretches and asks for what pricing will read; returns the zone."""
    event = charge.event
    block = charge.block
    rule_words = RULE_HEAD + book.sizes[0]
    last = EVENT_WORDS * (event.shape[0] // EVENT_WORDS - 1)
    for k in range(count):
        at = EVENT_WORDS * (first + k)
        ahead = event[u(min(at + EVENT_WORDS * BLOCK, last) + 2)]
        prefetch(state.account, ACCOUNT_WORDS * (ahead >> 32))
        prefetch(book.rule, rule_words * (ahead & _LOW))
        start = event[u(at)]
        quantity = event[u(at + 1)]
        rule = rule_words * (event[u(at + 2)] & _LOW)
        account = ACCOUNT_WORDS * (event[u(at + 2)] >> 32)
        own = np.int64(state.account[u(account)])
        if own == state.account[u(account + 1)]:
            own = np.int64(state.account[u(account + 2)])
        prefetch(state.instance, INSTANCE_WORDS * own)
        prefetch(state.used, own)
        prefetch(state.cap, np.int64(state.account[u(account + 4)]))
        prefetch(state.cap_spent, np.int64(state.account[u(account + 7)]))
        marks = event[u(at + 3)]
        offset = ((marks >> 4) & 0xFFF) + _NO_OFFSET
        split = np.int64(book.rule[u(rule)]) & SPLIT_MASK
        cuts = (split == _CONSECUTIVE) | (split == _ISOLATED)
        moment = start
        if split == _END and quantity > 0:
            moment, rule = _at_end(book, state, event, at)
        price, band, until, zone = _stretch(book, max(rule, 0), cuts, moment, offset, zone)
        if rule < 0:
            price = np.int64(NO_MODEL)
        prefetch(book.price_line, price)
        prefetch(charge.line, CHARGE_WORDS * (first + k))
        until = min(until, book.epoch_end[u((marks >> 16) & 0xFFFF)])
        cut = quantity
        if cuts:
            # units that begin before `until`
            cut = min((until - start + SECOND - 1) // SECOND, quantity)
        block[u(BLOCK_WORDS * k)] = price
        block[u(BLOCK_WORDS * k + 1)] = band
        block[u(BLOCK_WORDS * k + 2)] = cut
        block[u(BLOCK_WORDS * k + 3)] = until
    return zone


@inlined
def _hold(book, state, account, held):
    """Lists an account's instances: by priority, the own one first where equal; returns how many."""
    own = np.int64(state.account[u(account)])
    own_end = state.account[u(account + 1)]
    shared = np.int64(state.account[u(account + 2)])
    shared_end = state.account[u(account + 3)]
    count = np.int64(0)
    while own < own_end or shared < shared_end:
        take_own = own < own_end
        if take_own and shared < shared_end:
            a = state.instance[u(INSTANCE_WORDS * own + 3)] & _LOW
            b = state.instance[u(INSTANCE_WORDS * shared + 3)] & _LOW
            b_priority = book.allowance[u(ALLOWANCE_WORDS * b)]
            take_own = book.allowance[u(ALLOWANCE_WORDS * a)] <= b_priority
        if take_own:
            held[u(count)] = own
            own += 1
        else:
            held[u(count)] = shared
            shared += 1
        count += 1
    return count


@kernel
def price_events(book, state, charge, take_instance, take_units, counting, limited):
    """Prices the events of ``charge`` from ``charge.cursor`` on.

    Stops early when the take lists might not hold the next event; call again with longer ones.

    Args:
        book: PriceArrays of :mod:`rating.kernels.arrays`.
        state: StateArrays; ``used`` and ``cap_spent`` are changed.
        charge: ChargeArrays; ``event`` is read, from ``line`` on it is filled.
        take_instance: int32[t], filled with counters in event order.
        take_units: int64[t], filled with the units taken.
        counting: None if the book counts nothing over days and cycles, else a number: a kernel of
            its own is compiled for each case, so that what a book does not use costs nothing.
        limited: None if no instance has a row in ``state.extra``, likewise.

    Returns:
        How many events are done.
    """
    event = charge.event
    line = charge.line
    block = charge.block
    rule_words = RULE_HEAD + book.sizes[0]
    events = event.shape[0] // EVENT_WORDS
    at = charge.cursor[0]
    takes = charge.cursor[1]
    failed = charge.cursor[2]
    first_zone = np.int64(0)
    last_period = np.int64(-1)
    account = np.int64(0)
    plan = np.int64(0)
    held = np.int64(0)
    passed = np.int64(0)  # the first so many instances held have less than a beat left
    passed_beat = np.int64(0)
    caps = np.int64(0)
    caps_end = np.int64(0)
    fits = True
    while fits and at < events:
        first = at
        count = min(np.int64(BLOCK), events - at)
        first_zone = _first_stretches(book, state, charge, first, count, first_zone)
        for in_block in range(count):
            words = EVENT_WORDS * at
            start = event[u(words)]
            quantity = event[u(words + 1)]
            period = event[u(words + 2)] >> 32
            rule = event[u(words + 2)] & _LOW
            marks = event[u(words + 3)]
            if period != last_period:
                last_period = period
                account = ACCOUNT_WORDS * period
                plan = np.int64(state.account[u(account + 6)])
                caps = np.int64(state.account[u(account + 4)])
                caps_end = np.int64(state.account[u(account + 5)])
                held = _hold(book, state, account, charge.held)
                passed = np.int64(0)
            # every instance gives at most one entry in an event's list
            if takes + held > take_instance.shape[0]:
                fits = False
                break
            kind = np.int64(book.class_kind[u(marks >> 32)])
            word = np.int64(book.rule[u(rule_words * rule)])
            rum = (word >> RUM_SHIFT) & RUM_MASK
            split = word & SPLIT_MASK
            zero_rated = quantity == 0 and word & ZERO_FREE != 0
            price = block[u(BLOCK_WORDS * in_block)]
            band = block[u(BLOCK_WORDS * in_block + 1)]
            cut = block[u(BLOCK_WORDS * in_block + 2)]
            first_price = price
            first_band = band
            first_take = takes
            status = np.int64(NO_PRICE if price == NO_MODEL else 0)
            usage = np.int64(0)
            charged = np.int64(0)
            covered = np.int64(0)
            throttled = False
            begin = np.int64(0)  # first unit of the piece
            paid = np.int64(0)  # units up to here are covered or priced (beats run on)
            priced = np.int64(0)  # units priced so far: where the steps stand
            counted = np.int64(0)  # counters to which its prices added
            last_price = np.int64(NO_MODEL)
            moment = block[u(BLOCK_WORDS * in_block + 3)]
            epoch = (marks >> 16) & 0xFFFF
            zone = np.int64(0)
            price_rule = rule
            while status == 0:
                next_price = price
                next_band = band
                next_cut = cut
                # the stretches behind the first: rarely any
                while cut < quantity:
                    epoch, price_rule = _later_rule(
                        book, plan, marks >> 32, rum, moment, epoch, price_rule
                    )
                    until = np.int64(FAR)
                    next_price = np.int64(NO_MODEL)
                    if price_rule >= 0:
                        next_price, next_band, until, zone = _stretch(
                            book,
                            rule_words * price_rule,
                            True,  # noqa: FBT003  compiled in, as every helper of the kernel
                            moment,
                            ((marks >> 4) & 0xFFF) + _NO_OFFSET,
                            zone,
                        )
                    moment = min(until, book.epoch_end[u(epoch)])
                    next_cut = min((moment - start + SECOND - 1) // SECOND, quantity)
                    if next_cut <= cut:
                        continue
                    if next_price != price or next_band != band:
                        break
                    cut = next_cut
                if next_price == NO_MODEL:
                    status = np.int64(NO_PRICE)
                    break
                # the piece [begin, cut) is complete
                position = begin
                if split == _CONSECUTIVE:
                    position = max(begin, paid)
                if price == FREE_PIECE:
                    position = max(position, cut)
                elif position < cut and not zero_rated:
                    if split == _ISOLATED:
                        priced = np.int64(0)
                    if held > 0:
                        beat = book.price_line[u(price + FIRST_STEP + 2)] & _LOW
                        if held > FEW:
                            if beat != passed_beat:
                                passed = np.int64(0)
                                passed_beat = beat
                            passed = used_up(book, state, charge, (passed, held), beat)
                        before = position
                        position, takes, beyond = cover(
                            book,
                            state,
                            charge,
                            kind,
                            rum,
                            (start, period),
                            (cut, band, beat, passed, held),
                            position,
                            (first_take, takes),
                            (take_instance, take_units),
                            limited,
                        )
                        covered += position - before
                        throttled |= beyond
                    before = position
                    end = cut if split == _ISOLATED else quantity
                    entering = price != last_price or split == _ISOLATED
                    stand = priced
                    slot = np.int64(-1)
                    if counting is not None and book.price_line[u(price + 1)] & COUNTED != 0:
                        definition = book.price_line[u(price + 1)] >> COUNT_SHIFT
                        slot = count_slot(state, caps, caps_end, definition, start)
                        stand = np.int64(state.cap_spent[u(slot)])
                        entering = False
                    position, reached, usage = walk(
                        book, price, entering, (cut, end), position, stand, usage
                    )
                    priced += reached - stand
                    if counting is not None and slot >= 0:
                        counted = log_units(state, charge, counted, slot, reached - stand)
                    if position > before:
                        last_price = price
                    charged += position - before
                    if usage > LARGEST_AMOUNT:
                        status = np.int64(OVERFLOW)
                        break
                paid = position
                if cut >= quantity:
                    break
                begin = cut
                price = next_price
                band = next_band
                cut = next_cut

            connect = np.int64(0)
            gross = np.int64(0)
            if (
                status == 0
                and first_price != FREE_PIECE
                and not zero_rated
                and (charged > 0 or quantity == 0)
            ):
                head = book.price_line[u(first_price + 1)]
                begins = marks & CONTINUES == 0
                if begins:
                    connect = book.price_line[u(first_price)]
                if begins and word & HAS_MINIMUM:
                    usage = max(usage, book.rule_minimum[u(rule)])
                if head & HAS_BOUNDS:
                    bounds = first_price + FIRST_STEP + STEP_WORDS * (head & PRICE_STEPS)
                    if begins:
                        usage = max(usage, book.price_line[u(bounds)])
                    most = book.price_line[u(bounds + 1)]
                    if 0 <= most < usage:
                        usage = most
            gross = connect + usage
            if max(connect, usage, gross) > LARGEST_AMOUNT:
                status = np.int64(OVERFLOW)
            if status != 0:
                # nothing of a failed event stays in the balances
                if limited is not None:
                    give_back(
                        book,
                        state,
                        charge,
                        held,
                        kind,
                        (start, period),
                        (first_take, takes),
                        (take_instance, take_units),
                    )
                if counting is not None:
                    for entry in range(counted):
                        slot = charge.counted[u(2 * entry)]
                        state.cap_spent[u(slot)] -= charge.counted[u(2 * entry + 1)]
                for entry in range(first_take, takes):
                    state.used[u(take_instance[u(entry)])] -= take_units[u(entry)]
                takes = first_take
                passed = np.int64(0)
                charge.failed[u(failed)] = at
                charge.failed_status[u(failed)] = status
                failed += 1

            discount = np.int64(0)
            hits = np.int64(0)
            reduction = np.int64(0)
            net = np.int64(0)
            if status == 0 and gross > 0:
                discount, hits = discounts(
                    book,
                    state,
                    (plan, caps, caps_end),
                    kind,
                    (start, period),
                    first_band,
                    marks,
                    connect,
                    usage,
                    counting,
                )
                room = np.int64(LARGEST_AMOUNT)
                for k in range(caps, caps_end):
                    cap = state.cap[u(k)]
                    most = (cap >> 32) & CAP_MASK
                    if book.cap_match[u(most * book.sizes[4] + kind)] != 0:
                        spent = state.cap_spent[u(cap_counter(state, cap, start))]
                        room = min(room, max(0, book.cap_amount[u(most)] - spent))
                exact = gross - discount
                reduction = max(exact - room, 0)
                net = rounded(book, exact - reduction, room)
                for k in range(caps, caps_end):
                    cap = state.cap[u(k)]
                    if book.cap_match[u(((cap >> 32) & CAP_MASK) * book.sizes[4] + kind)] != 0:
                        state.cap_spent[u(cap_counter(state, cap, start))] += net

            if counting is not None and status == 0:
                count_event(book, state, (caps, caps_end), kind, (start, quantity, rum), net)

            words = CHARGE_WORDS * at
            line[u(words + CHARGED)] = charged
            line[u(words + COVERED)] = covered
            line[u(words + CONNECT)] = connect
            line[u(words + USAGE)] = usage
            line[u(words + DISCOUNT)] = discount
            line[u(words + CAP)] = reduction
            line[u(words + NET)] = net
            line[u(words + HITS)] = (
                hits << HIT_SHIFT | np.int64(throttled) << THROTTLED_SHIFT | first_band
            )
            at += 1
            charge.take_first[u(at)] = takes
    charge.cursor[0] = at
    charge.cursor[1] = takes
    charge.cursor[2] = failed
    return at
