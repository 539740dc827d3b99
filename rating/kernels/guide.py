"""Guiding and classification: who owns the event, of which class is it, which rule prices it.

One pass over flat columns; every row ends with a status (:mod:`rating.reasons` names them). What
pricing needs of a row is packed into four int64 words, so that the later random access by event
order costs half a cache line:

======  ==========================================================================
word 0  start, UTC microseconds
word 1  measured quantity in the unit of the rule's metric
word 2  ``period << 32 | rule``
word 3  ``class << 32 | epoch << 16 | (offset + 2048, 0 unknown) << 4 | flags``
======  ==========================================================================
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from compiled.jit import njit
from rating.kernels.machine import prefetch
from rating.kernels.probe import COUNT_BITS, COUNT_MASK, find_chain, pair_key, slot_of
from tariffs.kernels.prefix import zone_of

EVENT_WORDS = 4
PERIOD_WORDS = 8
"""Words of a validity period: valid_from, valid_to, subscriber << 32 | group,
plan << 32 | flags, vpmn << 32 | area, msisdn, home zone, spare (one cache line)."""

FRIEND = 1
"""Event flag: the other party is a friends & family number of the subscriber."""
GROUP = 2
"""Event flag: the other party is in the subscriber's VPMN group."""
CONTINUES = 4
"""Event flag: another record or container began it; connect fee and minimum are due there."""
HAS_FRIENDS = 1
"""Period flag: worth a look into the friends' table."""

RATED, UNKNOWN_SUBSCRIBER, NO_ZONE, NO_PRICE, UNKNOWN_NETWORK = 0, 1, 2, 3, 4
IMPLAUSIBLE_QUANTITY, OVERFLOW, NOT_CHARGED, NO_PARTNER_CHARGE = 5, 6, 7, 8
PARTNER_CHARGE = 5
"""The metric that is a roaming partner's charge."""

BLOCK = 64
"""Rows whose look-ups are asked for together."""

LARGEST_QUANTITY = 1 << 60
LONGEST_SECONDS = 366 * 86_400
_MISSING = -(2**63)
_LOW = (1 << 32) - 1
_LOCAL, _LONG_DISTANCE, _GROUP_CLASS, _ON_NET, _SAME_PLACE = 6, 7, 4, 5, 9
_ORIGINATING, _FORWARDED = 0, 2
_NO_NAME = -2
_OFFSET_BIAS = 2048
_LARGEST_OFFSET = 24 * 60


class EdrColumns(NamedTuple):
    """EDR columns as flat arrays of n rows; missing int64 values are ``-2**63``."""

    service: np.ndarray  # int8
    direction: np.ndarray  # int8
    imsi: np.ndarray  # int64
    msisdn: np.ndarray  # int64
    other: np.ndarray  # int64
    text: np.ndarray  # int32, index into text_zone, -1 none
    text_zone: np.ndarray  # int32, zone of each text, -1 none
    network: np.ndarray  # int32, index into network_class, -1 home
    network_class: np.ndarray  # int32, roaming class of each network
    cell: np.ndarray  # int32, row of the cells, -1 unknown; no rows where the book knows no cells
    named: np.ndarray  # int32, zone that no prefix says, -2 none; no rows where the book has none
    start: np.ndarray  # int64, UTC microseconds
    offset: np.ndarray  # int16, minutes, -32768 unknown
    duration: np.ndarray  # int64, s
    uplink: np.ndarray  # int64, byte
    downlink: np.ndarray  # int64, byte
    events: np.ndarray  # int32
    partner: np.ndarray  # int64, 10^-6 of the book's currency; no rows where no rule measures it


class GuideArrays(NamedTuple):
    """Subscribers as flat arrays; see :class:`rating.subscribers.Subscribers`."""

    period: np.ndarray  # int64[P * PERIOD_WORDS]
    imsi_slots: np.ndarray  # int64
    imsi_chain: np.ndarray  # int32
    msisdn_slots: np.ndarray  # int64
    msisdn_chain: np.ndarray  # int32
    friend_slots: np.ndarray  # int64
    friend_chain: np.ndarray  # int32
    friend_subscriber: np.ndarray  # int32
    friend_number: np.ndarray  # int64
    friend_from: np.ndarray  # int64
    friend_to: np.ndarray  # int64


class ClassArrays(NamedTuple):
    """The part of a compiled book that classification reads."""

    usage_index: np.ndarray  # int16[42]
    lpm_direct: np.ndarray  # int32
    lpm_child: np.ndarray  # int32
    lpm_value: np.ndarray  # int32
    zone_class: np.ndarray  # int8
    zone_area: np.ndarray  # int32
    epoch_start: np.ndarray  # int64
    rule_table: np.ndarray  # int64
    rule_of: np.ndarray  # int32
    rule_rum: np.ndarray  # int8
    cell_area: np.ndarray  # int32
    cell_home_zone: np.ndarray  # int32
    border_first: np.ndarray  # int32
    border_area: np.ndarray  # int32
    route: np.ndarray  # int32, see tariffs.places
    sizes: np.ndarray  # int64[7]: call classes, zones, roaming classes, plans, areas; then the
    # roaming classes `domestic` and `home_zone`, -1 where the book has none


@njit(nogil=True, cache=True)
def pick_valid(value, chain, period, at):
    """Returns the period of a chain (``first << 20 | count``) valid at ``at``.

    -1: none is valid then; -2: the chain is empty, the key is not known.
    """
    if value == 0:
        return -2
    first = value >> COUNT_BITS
    for i in range(first + (value & COUNT_MASK) - 1, first - 1, -1):
        p = chain[i]
        if period[p * PERIOD_WORDS] <= at:
            return p if at < period[p * PERIOD_WORDS + 1] else -1
    return -1


@njit(nogil=True, cache=True)
def valid_period(slots, chain, period, key, at):
    """Returns the period of ``key`` valid at ``at``; -1 none valid then, -2 key not known."""
    return pick_valid(find_chain(slots, key), chain, period, at)


@njit(nogil=True, cache=True)
def network_period(slots, chain, period, imsi, at):
    """Returns the period of a partner's network to which an IMSI belongs; below 0 as above.

    The data lists a partner under the first six or five digits of its subscribers' IMSIs (MCC and
    MNC).
    """
    for tail in (10**9, 10**10):
        found = np.int64(valid_period(slots, chain, period, imsi // tail, at))
        if found >= 0:
            return found
    return np.int64(-2)


@njit(nogil=True, cache=True)
def is_friend(slots, chain, owner, numbers, valid_from, valid_to, subscriber, number, at):
    """Returns whether ``number`` is a friends & family number of ``subscriber`` at ``at``.

    The arrays are the friends' of GuideArrays, in its order.
    """
    value = find_chain(slots, pair_key(subscriber, number))
    first = value >> COUNT_BITS
    for i in range(first, first + (value & COUNT_MASK)):
        f = chain[i]
        if owner[f] == subscriber and numbers[f] == number and valid_from[f] <= at < valid_to[f]:
            return True
    return False


@njit(nogil=True, cache=True)
def located(classes, cell, home, home_zone):
    """Returns (roaming class, area) of a subscriber in a cell of a home network.

    A cell that borders his home area is treated as one of it.

    Args:
        classes: ClassArrays.
        cell: Row of the cells.
        home: His home area, 0 none.
        home_zone: His home zone, 0 none.
    """
    visited = np.int64(classes.cell_area[cell])
    domestic = classes.sizes[5]
    in_zone = classes.sizes[6]
    if home not in (0, visited):
        for k in range(classes.border_first[cell], classes.border_first[cell + 1]):
            if classes.border_area[k] == home:
                visited = home
    if in_zone >= 0 and home_zone != 0 and classes.cell_home_zone[cell] == home_zone:
        return in_zone, visited
    if domestic >= 0 and visited != 0 and home not in (0, visited):
        return domestic, visited
    return np.int64(0), visited


@njit(nogil=True, cache=True)
def guide_and_classify(edr, guide, classes, event, group, status, place):
    """Guides and classifies each row.

    Args:
        edr: EdrColumns of n rows.
        guide: GuideArrays.
        classes: ClassArrays.
        event: int64[4 n], filled with the packed words where status is 0.
        group: int32[n], filled with the charge group, 0 where nobody was found.
        status: int8[n], filled; 0 is ready to be priced.
        place: int64[n], filled with ``period << 32 | class`` of rows whose status is not 0 (as far
            as known, period -1 where nobody was found): what a reason's sentence is made from.
    """
    # unpacked once: reading an array out of a tuple counts a reference each time
    col_start = edr.start
    col_service = edr.service
    col_direction = edr.direction
    col_imsi = edr.imsi
    col_msisdn = edr.msisdn
    col_other = edr.other
    col_text = edr.text
    col_text_zone = edr.text_zone
    col_network = edr.network
    col_network_class = edr.network_class
    col_cell = edr.cell
    col_partner = edr.partner
    col_named = edr.named
    has_cells = col_cell.shape[0] > 0
    has_names = col_named.shape[0] > 0
    has_routes = classes.route.shape[0] > 0
    col_uplink = edr.uplink
    col_downlink = edr.downlink
    col_duration = edr.duration
    col_events = edr.events
    col_offset = edr.offset
    imsi_slots = guide.imsi_slots
    imsi_chain = guide.imsi_chain
    period = guide.period
    msisdn_slots = guide.msisdn_slots
    msisdn_chain = guide.msisdn_chain
    friend_slots = guide.friend_slots
    friend_chain = guide.friend_chain
    friend_subscriber = guide.friend_subscriber
    friend_number = guide.friend_number
    friend_from = guide.friend_from
    friend_to = guide.friend_to
    sizes = classes.sizes
    epoch_start = classes.epoch_start
    usage_index = classes.usage_index
    lpm_direct = classes.lpm_direct
    lpm_child = classes.lpm_child
    lpm_value = classes.lpm_value
    zone_class = classes.zone_class
    zone_area = classes.zone_area
    rule_of = classes.rule_of
    rule_table = classes.rule_table
    rule_rum = classes.rule_rum
    call_classes = sizes[0]
    zones = sizes[1]
    roaming_classes = sizes[2]
    plans = sizes[3]
    last_epoch = epoch_start.shape[0] - 1
    epoch = np.int64(0)
    imsi_mask = imsi_slots.shape[0] // 2 - 1
    msisdn_mask = msisdn_slots.shape[0] // 2 - 1
    friend_mask = friend_slots.shape[0] // 2 - 1
    n = col_start.shape[0]
    served = np.empty(BLOCK, np.int64)
    called = np.empty(BLOCK, np.int64)
    called_zone = np.empty(BLOCK, np.int64)
    rule_at = np.empty(BLOCK, np.int64)
    price_date = np.empty(BLOCK, np.int64)
    marks = np.empty(BLOCK, np.int64)
    for block in range(0, n, BLOCK):
        end = min(block + BLOCK, n)
        # Short passes over a few rows: each asks for what the next one needs, so that the loads of
        # many rows overlap instead of stalling one row after the other.
        for i in range(block, end):
            prefetch(imsi_slots, 2 * slot_of(col_imsi[i], imsi_mask))
            prefetch(msisdn_slots, 2 * slot_of(col_other[i], msisdn_mask))
        for i in range(block, end):
            called_zone[i - block] = zone_of(col_other[i], lpm_direct, lpm_child, lpm_value)
        for i in range(block, end):
            value = find_chain(imsi_slots, col_imsi[i])
            served[i - block] = value
            if value != 0:
                prefetch(period, PERIOD_WORDS * imsi_chain[value >> COUNT_BITS])
            value = find_chain(msisdn_slots, col_other[i])
            called[i - block] = value
            if value != 0:
                prefetch(period, PERIOD_WORDS * msisdn_chain[value >> COUNT_BITS])
        for i in range(block, end):
            value = served[i - block]
            if value != 0 and col_other[i] != _MISSING:
                first = PERIOD_WORDS * imsi_chain[value >> COUNT_BITS]
                if period[first + 3] & HAS_FRIENDS:
                    key = pair_key(period[first + 2] >> 32, col_other[i])
                    prefetch(friend_slots, 2 * slot_of(key, friend_mask))
        for i in range(block, end):
            k = i - block
            rule_at[k] = -1
            group[i] = 0
            place[i] = np.int64(-1) << 32
            usage = np.int64(usage_index[np.int64(col_service[i]) * 6 + np.int64(col_direction[i])])
            if usage < 0:
                status[i] = NOT_CHARGED
                continue
            start = col_start[i]
            found = np.int64(-2)
            if col_imsi[i] != _MISSING:
                found = np.int64(pick_valid(served[k], imsi_chain, period, start))
            if found == -2 and col_msisdn[i] != _MISSING:
                found = np.int64(
                    valid_period(msisdn_slots, msisdn_chain, period, col_msisdn[i], start)
                )
            if found == -2 and col_imsi[i] != _MISSING:
                found = network_period(imsi_slots, imsi_chain, period, col_imsi[i], start)
            if found < 0:
                status[i] = UNKNOWN_SUBSCRIBER
                continue
            words = found * PERIOD_WORDS
            subscriber = period[words + 2] >> 32
            group[i] = np.int32(period[words + 2] & _LOW)
            plan = period[words + 3] >> 32
            flags = np.int64(0)
            other = col_other[i]
            zone = np.int64(0)
            if other != _MISSING:
                zone = called_zone[k]
            elif col_text[i] >= 0:
                zone = np.int64(col_text_zone[col_text[i]])
            if has_names and col_named[i] != _NO_NAME:
                zone = np.int64(col_named[i])
            roaming = np.int64(0)
            if col_network[i] >= 0:
                roaming = np.int64(col_network_class[col_network[i]])
            visited = np.int64(0)
            if has_cells and roaming == 0 and col_cell[i] >= 0:
                home = period[words + 4] & _LOW
                roaming, visited = located(classes, col_cell[i], home, period[words + 6])
            if has_routes and zone > 0 and col_direction[i] in (_ORIGINATING, _FORWARDED):
                origin = visited if visited != 0 else period[words + 4] & _LOW
                if visited == 0 and roaming != 0:
                    origin = classes.sizes[4] + roaming
                zone = np.int64(classes.route[origin * zones + zone])
            if zone < 0:
                status[i] = NO_ZONE
                place[i] = found << 32
                continue
            call_class = np.int64(zone_class[zone])
            if call_class in (_LOCAL, _LONG_DISTANCE):
                vpmn = period[words + 4] >> 32
                them = np.int64(-1)
                if other != _MISSING:
                    them = np.int64(pick_valid(called[k], msisdn_chain, period, start))
                if them >= 0:
                    if vpmn != 0 and period[them * PERIOD_WORDS + 4] >> 32 == vpmn:
                        call_class = np.int64(_GROUP_CLASS)
                        flags |= GROUP
                    else:
                        call_class = np.int64(_ON_NET)
                else:
                    area = np.int64(zone_area[zone])
                    home = period[words + 4] & _LOW
                    call_class = np.int64(_LOCAL if area != 0 and area == home else _LONG_DISTANCE)
                    if area != 0 and area == visited and area != home:
                        call_class = np.int64(_SAME_PLACE)
            if (
                period[words + 3] & HAS_FRIENDS
                and other != _MISSING
                and is_friend(
                    friend_slots,
                    friend_chain,
                    friend_subscriber,
                    friend_number,
                    friend_from,
                    friend_to,
                    subscriber,
                    other,
                    start,
                )
            ):
                flags |= FRIEND
            class_id = (
                (usage * call_classes + call_class) * zones + zone
            ) * roaming_classes + roaming
            place[i] = found << 32 | class_id
            while epoch > 0 and epoch_start[epoch] > start:
                epoch -= 1
            while epoch < last_epoch and epoch_start[epoch + 1] <= start:
                epoch += 1
            price_date[k] = epoch
            marks[k] = flags
            rule_at[k] = rule_table[epoch * plans + plan] + class_id
            prefetch(rule_of, rule_at[k])
        for i in range(block, end):
            k = i - block
            if rule_at[k] < 0:
                continue
            rule = np.int64(rule_of[rule_at[k]])
            if rule < 0:
                status[i] = (
                    UNKNOWN_NETWORK if (place[i] & _LOW) % roaming_classes == 1 else NO_PRICE
                )
                continue
            uplink = col_uplink[i]
            downlink = col_downlink[i]
            if (
                uplink < 0
                or uplink > LARGEST_QUANTITY // 2
                or downlink < 0
                or downlink > LARGEST_QUANTITY // 2
            ):
                status[i] = IMPLAUSIBLE_QUANTITY
                continue
            rum = rule_rum[rule]
            largest = np.int64(LARGEST_QUANTITY)
            if rum == 0:
                quantity = col_duration[i]
                largest = np.int64(LONGEST_SECONDS)
            elif rum == 1:
                quantity = uplink + downlink
            elif rum == 2:
                quantity = uplink
            elif rum == 3:
                quantity = downlink
            elif rum == PARTNER_CHARGE:
                quantity = col_partner[i]
                if quantity == _MISSING:
                    status[i] = NO_PARTNER_CHARGE
                    continue
            else:
                quantity = np.int64(col_events[i])
            if quantity < 0 or quantity > largest:
                status[i] = IMPLAUSIBLE_QUANTITY
                continue
            offset = np.int64(col_offset[i])
            offset = offset + _OFFSET_BIAS if -_LARGEST_OFFSET <= offset <= _LARGEST_OFFSET else 0
            event[EVENT_WORDS * i] = col_start[i]
            event[EVENT_WORDS * i + 1] = quantity
            event[EVENT_WORDS * i + 2] = (place[i] >> 32) << 32 | rule
            event[EVENT_WORDS * i + 3] = (
                (place[i] & _LOW) << 32 | price_date[k] << 16 | offset << 4 | marks[k]
            )
            status[i] = RATED
