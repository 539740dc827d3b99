"""The pricing kernel: events in event order in, charges and takes out.

Amounts are int64 in 10^-6 of the currency unit, quantities int64 in the unit of the rule's metric,
times int64 UTC microseconds. One event is cut into *stretches* in which neither price nor band
changes; equal neighbours are one *piece*. A piece is covered by allowances and priced through the
steps in *lines*. Nothing loops over beats: a line is one division, so 100 GB in beats of 1 byte cost
as much as one minute.

A block of events is gone over several times. The passes of `rating.kernels.stretches` have no state:
they find the first stretch of each event, which is nearly always the whole of it, and quote what it
costs. The last one goes event by event. What was quoted it charges as quoted, less what allowances
cover; everything else it takes apart into pieces. The helpers are compiled into the kernel, not called.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from rating.kernels.arrays import (
    ACCOUNT_WORDS,
    ALLOWANCE_WORDS,
    BAND,
    BLOCK,
    BLOCK_WORDS,
    COUNT_SHIFT,
    COUNTED,
    CUT,
    FAR,
    FEE,
    FIRST_STEP,
    FREE_PIECE,
    HAS_BOUNDS,
    HAS_MINIMUM,
    INSTANCE_WORDS,
    KIND,
    NO_MODEL,
    PRICE,
    PRICE_STEPS,
    QUOTE,
    QUOTED,
    RULE_HEAD,
    SPLIT_MASK,
    STEP_WORDS,
    UNTIL,
    ZERO_FREE,
)
from rating.kernels.counts import count_event, count_slot, first_count, log_units
from rating.kernels.guide import CONTINUES, EVENT_WORDS, NO_PRICE, OVERFLOW
from rating.kernels.limits import give_back
from rating.kernels.machine import u
from rating.kernels.pieces import conclude, cover, offered, used_up
from rating.kernels.steps import LARGEST_AMOUNT, walk
from rating.kernels.stretches import (
    CONSECUTIVE,
    ISOLATED,
    NO_OFFSET,
    SECOND,
    ask_for,
    first_stretches,
    later_rule,
    quotes,
    stretch,
)

_LOW = (1 << 32) - 1


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


@inlined
def _charge_quoted(book, state, charge, at, classed, event, owner, holding, lists, options):
    """Charges an event as quoted, less what allowances cover.

    Args:
        book: PriceArrays.
        state: StateArrays, ``used`` and ``cap_spent`` change.
        charge: ChargeArrays, ``line`` is filled.
        at: (place in the block, place of the event, takes).
        classed: (kind, metric).
        event: (start, quantity, period, marks).
        owner: (its discounts, first cap, first count, end of the counts).
        holding: (instances held, how many of the first are used up, for which beat).
        lists: (counters, units) taken.
        options: (counting, limited) of :func:`price_events`.

    Returns:
        (net, takes, how many of the first instances are used up, for which beat).
    """
    counting, limited = options
    in_block, place, takes = at
    kind, rum = classed
    start, quantity, period, marks = event
    held, passed, passed_beat = holding
    block = charge.block
    words = BLOCK_WORDS * in_block
    price = block[u(words + PRICE)]
    band = block[u(words + BAND)]
    charged = block[u(words + QUOTED)]
    usage = block[u(words + QUOTE)]
    connect = block[u(words + FEE)]
    covered = np.int64(0)
    throttled = False
    if held > 0 and charged > 0:
        beat = book.price_line[u(price + FIRST_STEP + 2)] & _LOW
        passed, passed_beat = used_up(book, state, charge, (passed, passed_beat), held, beat)
        covered, takes, throttled, passed = cover(
            book,
            state,
            charge,
            kind,
            rum,
            (start, period),
            (quantity, band, beat, passed, held),
            np.int64(0),
            (takes, takes),
            lists,
            limited,
        )
        if covered >= quantity:
            charged = np.int64(0)
            usage = np.int64(0)
            connect = np.int64(0)
        elif covered > 0:
            end, _, usage = walk(
                book,
                price,
                True,  # noqa: FBT003  compiled in, as every helper of the kernel
                (quantity, quantity),
                covered,
                np.int64(0),
                np.int64(0),
            )
            charged = end - covered
    net = conclude(
        book,
        state,
        charge,
        place,
        owner,
        (kind, band, marks),
        (start, period),
        (charged, covered, connect, usage, throttled),
        counting,
    )
    return net, takes, passed, passed_beat


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
    offer = (np.int64(0), np.int64(0), np.int64(0))
    counts = np.int64(0)
    counts_end = np.int64(0)
    fits = True
    while fits and at < events:
        first = at
        count = min(np.int64(BLOCK), events - at)
        ask_for(book, state, charge, first, count)
        first_zone = first_stretches(book, state, charge, first, count, first_zone)
        quotes(book, charge, count)
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
                offer = offered(book, state, plan, period)
                caps = np.int64(state.account[u(account + 4)])
                counts_end = np.int64(state.account[u(account + 5)])
                counts = counts_end
                if counting is not None:
                    counts = first_count(book, state, caps, counts_end)
                held = _hold(book, state, account, charge.held)
                passed = np.int64(0)
            # every instance gives at most one entry in an event's list
            if takes + held > take_instance.shape[0]:
                fits = False
                break
            words = BLOCK_WORDS * in_block
            kind = block[u(words + KIND)] & _LOW
            rum = block[u(words + KIND)] >> 32
            if block[u(words + QUOTED)] >= 0:
                net, takes, passed, passed_beat = _charge_quoted(
                    book,
                    state,
                    charge,
                    (in_block, at, takes),
                    (kind, rum),
                    (start, quantity, period, marks),
                    (offer, caps, counts, counts_end),
                    (held, passed, passed_beat),
                    (take_instance, take_units),
                    (counting, limited),
                )
                if counting is not None:
                    count_event(
                        book, state, (counts, counts_end), kind, (start, quantity, rum), net
                    )
                at += 1
                charge.take_first[u(at)] = takes
                continue
            word = np.int64(book.rule[u(rule_words * rule)])
            split = word & SPLIT_MASK
            zero_rated = quantity == 0 and word & ZERO_FREE != 0
            price = block[u(words + PRICE)]
            band = block[u(words + BAND)]
            cut = block[u(words + CUT)]
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
            moment = block[u(words + UNTIL)]
            epoch = (marks >> 16) & 0xFFFF
            zone = np.int64(0)
            price_rule = rule
            while status == 0:
                next_price = price
                next_band = band
                next_cut = cut
                # the stretches behind the first: rarely any
                while cut < quantity:
                    epoch, price_rule = later_rule(
                        book, plan, marks >> 32, rum, moment, epoch, price_rule
                    )
                    until = np.int64(FAR)
                    next_price = np.int64(NO_MODEL)
                    if price_rule >= 0:
                        next_price, next_band, until, zone = stretch(
                            book,
                            rule_words * price_rule,
                            True,  # noqa: FBT003  compiled in, as every helper of the kernel
                            moment,
                            ((marks >> 4) & 0xFFF) + NO_OFFSET,
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
                if split == CONSECUTIVE:
                    position = max(begin, paid)
                if price == FREE_PIECE:
                    position = max(position, cut)
                elif position < cut and not zero_rated:
                    if split == ISOLATED:
                        priced = np.int64(0)
                    if held > 0:
                        beat = book.price_line[u(price + FIRST_STEP + 2)] & _LOW
                        passed, passed_beat = used_up(
                            book, state, charge, (passed, passed_beat), held, beat
                        )
                        before = position
                        position, takes, beyond, passed = cover(
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
                    end = cut if split == ISOLATED else quantity
                    entering = price != last_price or split == ISOLATED
                    stand = priced
                    slot = np.int64(-1)
                    if counting is not None and book.price_line[u(price + 1)] & COUNTED != 0:
                        definition = book.price_line[u(price + 1)] >> COUNT_SHIFT
                        slot = count_slot(state, counts, counts_end, definition, start)
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

            if status == 0:
                net = conclude(
                    book,
                    state,
                    charge,
                    at,
                    (offer, caps, counts, counts_end),
                    (kind, first_band, marks),
                    (start, period),
                    (charged, covered, connect, usage, throttled),
                    counting,
                )
                if counting is not None:
                    count_event(
                        book, state, (counts, counts_end), kind, (start, quantity, rum), net
                    )

            at += 1
            charge.take_first[u(at)] = takes
    charge.cursor[0] = at
    charge.cursor[1] = takes
    charge.cursor[2] = failed
    return at
