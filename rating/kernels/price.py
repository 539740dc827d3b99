"""The pricing kernel: events in event order in, charges and takes out.

Amounts are int64 in 10^-6 of the currency unit, quantities int64 in the unit of the rule's metric,
times int64 UTC microseconds. One event is cut into *pieces* (time band or price date), a piece is
covered by allowances and priced through the steps in *lines*. Nothing loops over beats: a line is
one division, so 100 GB in beats of 1 byte cost as much as one minute.

The kernel is one flat function on purpose: helpers that take many arrays made it five times slower.
Division uses the C error model; every divisor is at least 1.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from rating.kernels.guide import (
    CONTINUES,
    EVENT_WORDS,
    FRIEND,
    GROUP,
    NO_PRICE,
    OVERFLOW,
    PERIOD_WORDS,
)
from rating.kernels.prefetch import prefetch

LARGEST_AMOUNT = 10**18 - 1
FAR = 2**62
"""An instant (UTC microseconds) after every event."""
AHEAD = 8
"""Events whose words are asked for ahead of pricing."""
SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE
PPM = 1_000_000
SMALL = 1 << 29
"""Two factors below it make a product below LARGEST_AMOUNT."""
NO_MODEL = -1
FREE_PIECE = -2
LAST_PIECE = -9
_LOW = (1 << 32) - 1
_CONSECUTIVE, _ISOLATED = 1, 2


@njit(nogil=True, cache=True, error_model="numpy")
def price_events(order, event, period, book, state, charge, take_instance, take_units):
    """Prices events in event order from ``charge.cursor`` on.

    Stops early when the take lists might not hold the next event; call again with longer ones.

    Args:
        order: int64[m], rows in event order.
        event: int64[4 n], packed words of :mod:`rating.kernels.guide`.
        period: int64[P * 8], validity periods.
        book: PriceArrays of :mod:`rating.kernels.arrays`.
        state: StateArrays; ``used`` and ``cap_spent`` are changed.
        charge: ChargeArrays, filled.
        take_instance: int32[t], filled with instances in event order.
        take_units: int64[t], filled with the units taken.

    Returns:
        How many events of ``order`` are done.
    """
    # unpacked once: reading an array out of a tuple counts a reference each time
    sizes = book.sizes
    epoch_start = book.epoch_start
    day_type = book.day_type
    tz_utc_us = book.tz_utc_us
    rule_of = book.rule_of
    rule_table = book.rule_table
    tz_offset_min = book.tz_offset_min
    tm_band = book.tm_band
    tm_until = book.tm_until
    rule_line = book.rule_line
    rule_band_price = book.rule_band_price
    price_line = book.price_line
    alw_priority = book.alw_priority
    alw_rum = book.alw_rum
    alw_match = book.alw_match
    alw_bands = book.alw_bands
    alw_beat = book.alw_beat
    plan_disc_first = book.plan_disc_first
    plan_disc = book.plan_disc
    disc_match = book.disc_match
    disc_bands = book.disc_bands
    disc_friends = book.disc_friends
    disc_group = book.disc_group
    disc_from_us = book.disc_from_us
    disc_to_us = book.disc_to_us
    disc_ppm = book.disc_ppm
    disc_on_connect = book.disc_on_connect
    disc_exclusive = book.disc_exclusive
    cap_match = book.cap_match
    cap_amount = book.cap_amount
    own_first = state.own_first
    shared_first = state.shared_first
    inst_allowance = state.allowance
    inst_given = state.given
    inst_used = state.used
    inst_from = state.valid_from
    inst_to = state.valid_to
    held_first = state.cap_first
    held_cap = state.cap
    spent = state.cap_spent
    held_slot = state.cap_slot
    out_cursor = charge.cursor
    out_failed_row = charge.failed_row
    out_failed_status = charge.failed_status
    out_row = charge.row
    out_period = charge.period
    out_rule = charge.rule
    out_class = charge.class_id
    out_quantity = charge.quantity
    out_band = charge.band
    out_discounts = charge.discounts
    out_charged = charge.charged
    out_covered = charge.covered
    out_connect = charge.connect
    out_usage = charge.usage
    out_discount = charge.discount
    out_cap = charge.cap
    out_net = charge.net
    out_take_first = charge.take_first
    n_bands = sizes[0]
    n_day_types = sizes[1]
    day0 = sizes[2]
    n_classes = sizes[3]
    n_plans = sizes[4]
    round_unit = sizes[5]
    round_mode = sizes[6]
    epochs = epoch_start.shape[0]
    days = day_type.shape[0]
    transitions = tz_utc_us.shape[0]
    room_for_takes = take_instance.shape[0]
    zone_at = np.int64(0)
    at = out_cursor[0]
    rows = out_cursor[1]
    takes = out_cursor[2]
    failed = out_cursor[3]
    last = order.shape[0] - 1
    while at <= last:
        prefetch(event, EVENT_WORDS * order[min(at + 2 * AHEAD, last)])
        word = event[EVENT_WORDS * order[min(at + AHEAD, last)] + 2]
        prefetch(rule_line, 8 * (word & _LOW))
        prefetch(rule_band_price, n_bands * (word & _LOW))
        prefetch(period, PERIOD_WORDS * (word >> 32))
        word = event[EVENT_WORDS * order[min(at + AHEAD // 2, last)] + 2]
        prefetch(price_line, np.int64(rule_band_price[n_bands * (word & _LOW)]))
        row = order[at]
        start = event[EVENT_WORDS * row]
        quantity = event[EVENT_WORDS * row + 1]
        word = event[EVENT_WORDS * row + 2]
        period_at = word >> 32
        rule = word & _LOW
        word = event[EVENT_WORDS * row + 3]
        class_id = word >> 32
        epoch = (word >> 16) & 0xFFFF
        switch_offset = ((word >> 4) & 0xFFF) - 2048
        flags = word & 0xF
        period_word = PERIOD_WORDS * period_at
        subscriber = period[period_word + 2] >> 32
        group = period[period_word + 2] & _LOW
        plan = period[period_word + 3] >> 32
        own = np.int64(own_first[subscriber])
        own_end = np.int64(own_first[subscriber + 1])
        shared_begin = np.int64(shared_first[group])
        shared_end = np.int64(shared_first[group + 1])
        own_begin = own
        # every instance gives at most one entry in an event's list
        if takes + (own_end - own_begin) + (shared_end - shared_begin) > room_for_takes:
            break
        rum = rule_line[8 * rule + 2]
        zero_rated = quantity == 0 and rule_line[8 * rule + 5] != 0
        split = rule_line[8 * rule + 1]
        if rum != 0:
            split = np.int64(0)

        status = np.int64(0)
        first_take = takes
        usage = np.int64(0)
        charged = np.int64(0)
        covered = np.int64(0)
        first_band = np.int64(-1)
        first_model = np.int64(FREE_PIECE)
        model = np.int64(-1)
        band = np.int64(-1)
        begin = np.int64(0)  # first unit of the piece
        cut = np.int64(0)  # first unit after the piece
        paid = np.int64(0)  # units up to here are covered or priced (beats run on)
        priced = np.int64(0)  # units priced so far: where the steps stand
        moment = start
        price_rule = rule
        while True:
            # the next stretch of time in which nothing changes
            next_model = np.int64(LAST_PIECE)
            next_band = np.int64(-1)
            next_cut = quantity
            if first_band < 0 or cut < quantity:
                until = np.int64(FAR)
                if split != 0:
                    while epoch + 1 < epochs and epoch_start[epoch + 1] <= moment:
                        epoch += 1
                        later = np.int64(rule_of[rule_table[epoch * n_plans + plan] + class_id])
                        if later < 0 or rule_line[8 * later + 2] == rum:
                            price_rule = later
                    if epoch + 1 < epochs:
                        until = epoch_start[epoch + 1]
                next_model = np.int64(NO_MODEL)
                if price_rule >= 0:
                    offset = switch_offset
                    if rule_line[8 * price_rule + 3] != 0 or switch_offset == -2048:
                        while zone_at > 0 and tz_utc_us[zone_at] > moment:
                            zone_at -= 1
                        while zone_at + 1 < transitions and tz_utc_us[zone_at + 1] <= moment:
                            zone_at += 1
                        offset = np.int64(tz_offset_min[zone_at])
                        if zone_at + 1 < transitions:
                            until = min(until, tz_utc_us[zone_at + 1])
                    local = moment + offset * MINUTE
                    day = local // DAY
                    minute = (local - day * DAY) // MINUTE
                    if day0 <= day < day0 + days:
                        kind = np.int64(day_type[day - day0])
                    else:
                        kind = (day + 3) % 7  # 1970-01-01 was a Thursday, and 0 is Monday
                    slot = (rule_line[8 * price_rule] * n_day_types + kind) * 1440
                    slot += minute
                    next_band = np.int64(tm_band[slot])
                    ends = day * DAY + np.int64(tm_until[slot]) * MINUTE - offset * MINUTE
                    until = min(until, ends)
                    if rule_line[8 * price_rule + 4] != 0:
                        next_model = np.int64(FREE_PIECE)
                    else:
                        next_model = np.int64(rule_band_price[price_rule * n_bands + next_band])
                if split != 0:
                    # units that begin before `until`
                    next_cut = min((until - start + SECOND - 1) // SECOND, quantity)
                moment = until
                if first_band >= 0 and next_cut <= cut:
                    continue
                if next_model == NO_MODEL:
                    status = np.int64(NO_PRICE)
                    break
                if first_band < 0:
                    first_band = next_band
                    first_model = next_model
                    model = next_model
                    band = next_band
                    cut = next_cut
                    continue
                if next_model == model and next_band == band:
                    cut = next_cut
                    continue
            # the piece [begin, cut) is complete
            position = begin
            if split == _CONSECUTIVE:
                position = max(begin, paid)
            if model == FREE_PIECE:
                position = max(position, cut)
            elif position < cut and not zero_rated:
                if split == _ISOLATED:
                    priced = np.int64(0)
                step = model + 4
                step_end = step + 4 * price_line[model + 3]
                own = own_begin
                shared = shared_begin
                while own < own_end or shared < shared_end:
                    # two lists, each in priority order; the own one first where equal
                    if own < own_end and (
                        shared >= shared_end
                        or alw_priority[inst_allowance[own]] <= alw_priority[inst_allowance[shared]]
                    ):
                        instance = own
                        own += 1
                    else:
                        instance = shared
                        shared += 1
                    left = inst_given[instance] - inst_used[instance]
                    if left <= 0:
                        continue
                    allowance = np.int64(inst_allowance[instance])
                    if (
                        alw_rum[allowance] != rum
                        or alw_match[allowance * n_classes + class_id] == 0
                        or (alw_bands[allowance] >> band) & 1 == 0
                        or inst_from[instance] > start
                        or inst_to[instance] <= start
                    ):
                        continue
                    beat = alw_beat[allowance]
                    if beat == 0:
                        beat = price_line[model + 7]
                    taken = min((cut - position + beat - 1) // beat * beat, left // beat * beat)
                    if taken <= 0:
                        continue
                    inst_used[instance] += taken
                    covered += taken
                    position += taken
                    entry = first_take
                    while entry < takes and take_instance[entry] != instance:
                        entry += 1
                    if entry == takes:
                        take_instance[entry] = instance
                        take_units[entry] = 0
                        takes += 1
                    take_units[entry] += taken
                    if position >= cut:
                        break
                while step + 4 < step_end and price_line[step + 4] <= priced:
                    step += 4
                while position < cut:
                    beat = price_line[step + 3]
                    beats = (cut - position + beat - 1) // beat
                    if step + 4 < step_end:
                        beats = min(beats, (price_line[step + 4] - priced + beat - 1) // beat)
                    units = beats * beat
                    per = price_line[step + 2]
                    price = price_line[step + 1]
                    whole = beats if beat == per else units // per
                    if (price >= SMALL or whole >= SMALL) and (
                        whole > 0 and price > LARGEST_AMOUNT // whole
                    ):
                        status = np.int64(OVERFLOW)
                        break
                    amount = price * whole
                    part = units - whole * per
                    if part > 0:
                        part *= price
                        whole = part // per
                        part -= whole * per
                        if part >= per - part:
                            whole += 1
                        amount += whole
                    usage += amount
                    if amount > LARGEST_AMOUNT or usage > LARGEST_AMOUNT:
                        status = np.int64(OVERFLOW)
                        break
                    charged += units
                    priced += units
                    position += units
                    while step + 4 < step_end and price_line[step + 4] <= priced:
                        step += 4
                if status != 0:
                    break
            paid = position
            if next_model == LAST_PIECE:
                break
            begin = cut
            model = next_model
            band = next_band
            cut = next_cut

        connect = np.int64(0)
        discount = np.int64(0)
        discounts = np.int64(0)
        reduction = np.int64(0)
        gross = np.int64(0)
        net = np.int64(0)
        caps = np.int64(held_first[period_at])
        caps_end = np.int64(held_first[period_at + 1])
        if status == 0:
            if first_model != FREE_PIECE and not zero_rated and (charged > 0 or quantity == 0):
                if flags & CONTINUES == 0:
                    connect = price_line[first_model]
                    usage = max(usage, price_line[first_model + 1], rule_line[8 * rule + 6])
                most = price_line[first_model + 2]
                if 0 <= most < usage:
                    usage = most
            gross = connect + usage
            if connect > LARGEST_AMOUNT or usage > LARGEST_AMOUNT or gross > LARGEST_AMOUNT:
                status = np.int64(OVERFLOW)
        if status != 0:
            # nothing of a failed event stays in the balances
            for entry in range(first_take, takes):
                inst_used[take_instance[entry]] -= take_units[entry]
            takes = first_take
            out_failed_row[failed] = row
            out_failed_status[failed] = status
            failed += 1
            at += 1
            continue
        if gross > 0:
            usage_left = usage
            connect_left = connect
            list_first = np.int64(plan_disc_first[plan])
            for k in range(list_first, np.int64(plan_disc_first[plan + 1])):
                d = np.int64(plan_disc[k])
                if (
                    disc_match[d * n_classes + class_id] == 0
                    or (disc_bands[d] >> first_band) & 1 == 0
                    or (disc_friends[d] != 0 and flags & FRIEND == 0)
                    or (disc_group[d] != 0 and flags & GROUP == 0)
                    or start < disc_from_us[d]
                    or start >= disc_to_us[d]
                ):
                    continue
                ppm = disc_ppm[d]
                # part by part, so that amount x ppm cannot overflow
                whole = usage_left // PPM
                cut_off = whole * ppm + ((usage_left - whole * PPM) * ppm + PPM // 2) // PPM
                usage_left -= cut_off
                if disc_on_connect[d] != 0:
                    whole = connect_left // PPM
                    part = whole * ppm + ((connect_left - whole * PPM) * ppm + PPM // 2) // PPM
                    connect_left -= part
                    cut_off += part
                if cut_off > 0:
                    discount += cut_off
                    discounts |= np.int64(1) << (k - list_first)
                if disc_exclusive[d] != 0:
                    break
            room = np.int64(LARGEST_AMOUNT)
            for k in range(caps, caps_end):
                c = np.int64(held_cap[k])
                if cap_match[c * n_classes + class_id] != 0:
                    room = min(room, max(0, cap_amount[c] - spent[held_slot[k]]))
            exact = gross - discount
            if exact > room:
                reduction = exact - room
                exact = room
            net = exact // round_unit * round_unit
            rest = exact - net
            # the smallest rest that rounds up; half even moves it where the last place is even
            least = round_unit - round_unit // 2
            if round_mode == 1:
                least = round_unit // 2 + 1 - (round_unit % 2 == 0 and net // round_unit & 1 == 1)
            elif round_mode == 2:
                least = np.int64(1)
            elif round_mode == 3:
                least = round_unit
            # rounding never lifts the cycle's sum over a cap; no branch, it would be a coin toss
            net += round_unit * np.int64((rest >= least) & (net + round_unit <= room))
            for k in range(caps, caps_end):
                if cap_match[np.int64(held_cap[k]) * n_classes + class_id] != 0:
                    spent[held_slot[k]] += net

        out_row[rows] = row
        out_period[rows] = period_at
        out_rule[rows] = rule
        out_class[rows] = class_id
        out_quantity[rows] = quantity
        out_band[rows] = first_band
        out_discounts[rows] = discounts
        out_charged[rows] = charged
        out_covered[rows] = covered
        out_connect[rows] = connect
        out_usage[rows] = usage
        out_discount[rows] = discount
        out_cap[rows] = reduction
        out_net[rows] = net
        rows += 1
        out_take_first[rows] = takes
        at += 1
    out_cursor[0] = at
    out_cursor[1] = rows
    out_cursor[2] = takes
    out_cursor[3] = failed
    return at
