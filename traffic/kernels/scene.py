"""Drawing what a switch records: who, when, where, with whom; one row at a time.

Randomness is a function of (seed, event, field), so the two legs of a call agree because they
draw from the same event, and nothing depends on order. 64-bit hashes are np.uint64 throughout:
mixed with int64 they would become floats. Divisors are constants and sizes above 0, so the checks
for division by zero are left out (`error_model="numpy"`), which makes the kernel a third faster.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit

# Kinds, as in traffic.table.KINDS.
MO_CALL, MT_CALL, FORWARDED, GATEWAY_IN, GATEWAY_OUT, TRANSIT, MO_SMS, MT_SMS, ACTION = range(9)

# Sets of kinds, one bit each: a set literal would be built anew for each row.
ROAMS = 1 << MO_CALL | 1 << MT_CALL | 1 << MO_SMS | 1 << MT_SMS
INWARD = 1 << MT_CALL | 1 << FORWARDED | 1 << GATEWAY_IN
HAS_PARTY = (
    1 << MO_CALL | 1 << MT_CALL | 1 << FORWARDED | 1 << GATEWAY_IN | 1 << GATEWAY_OUT | 1 << MO_SMS
)
ANSWERED = 1 << MT_CALL | 1 << GATEWAY_IN
GATEWAY = 1 << GATEWAY_IN | 1 << GATEWAY_OUT
FROM_OUTSIDE = 1 << FORWARDED | 1 << TRANSIT
UNSERVED = 1 << GATEWAY_IN | 1 << GATEWAY_OUT | 1 << TRANSIT
WITHOUT_CELL = 1 << FORWARDED | 1 << GATEWAY_IN | 1 << GATEWAY_OUT | 1 << TRANSIT
SENT = 1 << MO_CALL | 1 << MO_SMS
OUTWARD = 1 << MO_CALL | 1 << FORWARDED | 1 << GATEWAY_OUT

# Columns, as in traffic.table.COLUMNS.
(
    IMSI, IMEI, MSISDN, CALLING, CALLED, SEIZURE, ANSWER, RELEASE, OFFSET, DURATION, CAUSE,
    REFERENCE, ENTITY, TRUNK_IN, TRUNK_OUT, PLMN, LAC, CELL, SERVICE_CODE, ACTION_CODE,
) = range(20)  # fmt: skip

# Who is called, or calls.
ON_NET, MOBILE, FIXED, FOREIGN, SHORT = range(5)

# Fields of an event's randomness.
(
    WHEN, WHO, NEAR, PARTY, FAVOURITE, COLLEAGUE, FORM, NUMBER, COUNTRY, RING, LENGTH, PLACE, OTHER,
) = range(13)  # fmt: skip

# Rows of the table of cumulative shares, in thousandths.
CALLED_SHARES, CALLING_SHARES, MESSAGE_SHARES, TARGET_SHARES = range(4)

INTERNATIONAL = 0x91
NATIONAL = 0xA1
UNKNOWN = 0x81
DAY = 86_400

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32 = (np.uint64(bits) for bits in (27, 30, 31, 32))


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def mix(x):
    """Returns a well-mixed 64-bit hash; twin: `traffic.population.mix`."""
    x = (x ^ (x >> _30)) * _FIRST
    x = (x ^ (x >> _27)) * _SECOND
    return x ^ (x >> _31)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def draw(seed, event, field):
    """Returns the random uint64 of one field of one event."""
    return mix(seed + np.uint64(event * 16 + field + 1) * _GOLDEN)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def below(luck, n):
    """Returns an int64 from 0 to n - 1, n < 2**32, from a random uint64."""
    return np.int64(((luck >> _32) * np.uint64(n)) >> _32)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def pack(value, count, octet):
    """Returns a packed number; see `traffic.digits`."""
    return value << 12 | count << 8 | octet


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def pack_home(number, count, form):
    """Returns a packed number of the home country; twin: `traffic.people.written`."""
    if form <= 1:
        return pack(number, count, INTERNATIONAL)
    national = number - (8_600_000_000_000 if count == 13 else 860_000_000_000)
    if form == 2:
        return pack(national, count - 2, UNKNOWN)
    if form == 3:
        return pack(national, count - 1, UNKNOWN)
    return pack(national, count - 2, NATIONAL)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def draw_second(luck, edges, summed):
    """Returns a second of the span whose hours begin at `edges` and weigh `summed` in total."""
    wanted = np.float64(luck >> np.uint64(11)) / 9_007_199_254_740_992.0 * summed[-1]
    low = 0
    high = summed.shape[0] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if summed[middle] <= wanted:
            low = middle
        else:
            high = middle
    share = (wanted - summed[low]) / (summed[low + 1] - summed[low])
    second = edges[low] + np.int64(share * (edges[low + 1] - edges[low]))
    return min(second, edges[-1] - 1)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def active(row, second, people, steady):
    """Returns the row, or one that is valid all month where the row is not valid at the time."""
    if people[row, 2] <= second < people[row, 3]:
        return row
    return steady[np.searchsorted(steady, row) % steady.shape[0]]


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def draw_served(seed, event, second, area, people, by_area, area_start, steady):
    """Returns the served subscriber's row: four of five come from the switch's area."""
    luck = draw(seed, event, WHO)
    row = below(luck, people.shape[0])
    if area >= 0 and below(draw(seed, event, NEAR), 5) > 0:
        size = area_start[area + 1] - area_start[area]
        if size > 0:
            row = by_area[area_start[area] + below(luck, size)]
    return active(row, second, people, steady)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def draw_contact(seed, event, row, second, people, by_area, area_start, grouped, steady):
    """Returns the row of the on-net person that `row` calls: a colleague or a contact."""
    if people[row, 6] > 1 and draw(seed, event, COLLEAGUE) & np.uint64(1) > np.uint64(0):
        place = people[row, 5] + below(draw(seed, event, FAVOURITE), people[row, 6])
        return active(grouped[place], second, people, steady)
    first = below(draw(seed, event, FAVOURITE), 12)
    # The square prefers the first contacts; twin of what follows: Population.contact.
    luck = mix(np.uint64(people[row, 1] * 64 + first * first // 12))
    low = np.int64(0)
    size = np.int64(people.shape[0])
    if luck % np.uint64(4) > np.uint64(0):
        low = area_start[people[row, 4]]
        size = area_start[people[row, 4] + 1] - low
    place = low + np.int64((luck >> np.uint64(8)) % np.uint64(size))
    return active(by_area[place], second, people, steady)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def draw_stranger(seed, event, party, form, countries, shorts):
    """Returns the packed number of somebody who is not of the home network."""
    luck = draw(seed, event, NUMBER)
    which = below(draw(seed, event, COUNTRY), 1_000)
    if party == MOBILE:
        area = 10 + (which % 3 > 0) * 9 + which % 3
        return pack_home(8_618_800_000_000 + area * 1_000_000 + below(luck, 1_000_000), 13, form)
    if party == FIXED:
        area = 10 + (which % 3 > 0) * 9 + which % 3
        line = 20_000_000 + below(luck, 70_000_000)
        return pack_home((8_600 + area) * 100_000_000 + line, 12, 3 if form == 2 else form)
    if party == FOREIGN:
        i = 0
        while which >= countries[2, i]:
            i += 1
        scale = countries[1, i]
        number = countries[0, i] * scale + scale // 5 + below(luck, scale // 2_000) * 1_000
        number += np.int64(luck & np.uint64(511))
        count = countries[3, i]
        if form >= 2:
            return pack(number, count + 2, UNKNOWN)
        return pack(number, count, INTERNATIONAL)
    i = which % shorts.shape[1]
    number = shorts[0, i]
    if shorts[1, i] >= 10:
        number += below(luck, 1_000)
    return pack(number, shorts[1, i], UNKNOWN)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def draw_party(seed, event, shares):
    """Returns who the other party is, by cumulative shares in thousandths."""
    luck = below(draw(seed, event, PARTY), 1_000)
    party = 0
    while luck >= shares[party]:
        party += 1
    return party


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def network_of(row, second, people, month_start):
    """Returns the index of the network that serves a subscriber at a time; 0 is home."""
    day = (second - month_start) // DAY - people[row, 8]
    if 0 <= day < people[row, 9]:
        return people[row, 7]
    return np.int64(0)


@njit(nogil=True, cache=True, error_model="numpy")
def draw_ends(seed, kind, event, edges, summed, durations, ends):
    """Fills when each row's event ends (int64[n], UTC seconds), by which the rows are ordered."""
    for i in range(kind.shape[0]):
        end = draw_second(draw(seed, event[i], WHEN), edges, summed)
        if kind[i] <= TRANSIT:
            end += 2 + below(draw(seed, event[i], RING), 28)
            end += durations[below(draw(seed, event[i], LENGTH), durations.shape[0])]
        ends[i] = end


@njit(nogil=True, cache=True, error_model="numpy")
def link_calls(seed, calls, shares, linked):
    """Fills the first events of on-net calls (int64[m]) among `calls`; returns how many there are."""
    found = 0
    for event in range(calls):
        if found == linked.shape[0]:
            break
        if draw_party(seed, event, shares) == ON_NET:
            linked[found] = event
            found += 1
    return found


@njit(nogil=True, cache=True, error_model="numpy")
def fill_rows(
    seed, kind, event, second_leg, area, month_start, edges, summed, durations, shares,
    people, by_area, area_start, grouped, steady, countries, shorts, networks, trunks, codes, values,
):  # fmt: skip
    """Fills the event table of a switch.

    Args:
        seed: uint64, randomness of the piece.
        kind: int8[n], kind of each row.
        event: int64[n], event that the row is a leg of.
        second_leg: uint8[n], 1 where the row is the answering side of an on-net call.
        area: Area of the switch, -1 for none.
        month_start: UTC seconds.
        edges: int64[h + 1], hours of the span, UTC seconds.
        summed: float64[h + 1], cumulative weight of the hours.
        durations: int64[d], quantiles of call durations, seconds.
        shares: int64[4, 5], cumulative shares of parties in thousandths.
        people: int64[rows, 10]: imsi, msisdn, active from and to, area, group first and size,
            visited network, trip day and days.
        by_area: int64[rows].
        area_start: int64[areas + 1].
        grouped: int64[rows].
        steady: int64[s].
        countries: int64[4, c]: country code, 10 to the digits behind it, cumulative share in
            thousandths, digits of both.
        shorts: int64[2, s]: short number and its digits.
        networks: int64[4, m]: PLMN octets, offset before and after its change, when it changes.
        trunks: int64[5], name of the trunk group by party.
        codes: int64[c], supplementary services.
        values: int64[columns, n], out; missing values are there already.
    """
    for i in range(kind.shape[0]):
        what = kind[i]
        one = event[i]
        seizure = draw_second(draw(seed, one, WHEN), edges, summed)
        values[SEIZURE, i] = seizure
        form = below(draw(seed, one, FORM), 8)
        # 0 to 2 international, 3 and 4 marked as national, 5 with trunk prefix, the rest bare.
        form = 0 if form < 3 else (4 if form < 5 else (3 if form == 5 else 2))
        row = np.int64(-1)
        if what != TRANSIT:
            row = draw_served(seed, one, seizure, area, people, by_area, area_start, steady)
        visited = np.int64(0)
        if ROAMS >> what & 1:
            visited = network_of(row, seizure, people, month_start)
        if visited > 0 or INWARD >> what & 1:
            form = 0
        if what <= TRANSIT:
            answer = seizure + 2 + below(draw(seed, one, RING), 28)
            duration = durations[below(draw(seed, one, LENGTH), durations.shape[0])]
            values[ANSWER, i] = answer
            values[RELEASE, i] = answer + duration
            values[DURATION, i] = duration
            values[CAUSE, i] = 4 if answer - seizure == 13 else 0
        party = ON_NET
        number = np.int64(0)
        if HAS_PARTY >> what & 1:
            which = CALLED_SHARES
            if what == MO_SMS:
                which = MESSAGE_SHARES
            elif what == FORWARDED:
                which = TARGET_SHARES
            elif ANSWERED >> what & 1 and second_leg[i] == 0:
                which = CALLING_SHARES
            party = draw_party(seed, one, shares[which])
            if GATEWAY >> what & 1 and party % SHORT == ON_NET:
                party = MOBILE
            if party == ON_NET:
                other = draw_contact(
                    seed, one, row, seizure, people, by_area, area_start, grouped, steady
                )
                if second_leg[i] == 1:
                    row, other = other, row
                    visited = network_of(row, seizure, people, month_start)
                number = pack_home(people[other, 1], 13, form)
            else:
                number = draw_stranger(seed, one, party, form, countries, shorts)
        stranger = np.int64(0)
        if FROM_OUTSIDE >> what & 1:
            stranger = draw_stranger(seed, one + (1 << 40), MOBILE, 0, countries, shorts)
        msisdn = np.int64(0)
        if row >= 0:
            msisdn = pack(people[row, 1], 13, INTERNATIONAL)
        offset = networks[1, visited]
        if seizure >= networks[3, visited]:
            offset = networks[2, visited]
        values[OFFSET, i] = offset
        if not UNSERVED >> what & 1:
            values[IMSI, i] = people[row, 0]
            values[MSISDN, i] = msisdn
        if not WITHOUT_CELL >> what & 1:
            luck = np.int64(draw(seed, one, PLACE) & np.uint64(0xFF_FFFF))
            # The handset belongs to the card, so it follows from the IMSI.
            values[IMEI, i] = 350_000_000_000_007 + people[row, 0] % 100_000_000 * 10
            values[PLMN, i] = networks[0, visited]
            values[LAC, i] = 0x1000 * (1 + people[row, 4]) + (luck & 15)
            values[CELL, i] = 1 + (luck >> 4 & 0x3FFF)
        if SENT >> what & 1:
            values[CALLED, i] = number
        elif what == MT_CALL:
            values[CALLING, i] = number
        elif what == FORWARDED:
            values[CALLING, i] = stranger
            values[CALLED, i] = number
        elif what == GATEWAY_IN:
            values[CALLING, i] = number
            values[CALLED, i] = msisdn
        elif what == GATEWAY_OUT:
            values[CALLING, i] = msisdn
            values[CALLED, i] = number
        elif what == TRANSIT:
            values[CALLING, i] = stranger
            values[CALLED, i] = draw_stranger(seed, one, FIXED, 0, countries, shorts)
        elif what == ACTION:
            luck = draw(seed, one, OTHER)
            values[SERVICE_CODE, i] = codes[below(luck, codes.shape[0])]
            values[ACTION_CODE, i] = below(luck << np.uint64(32), 5)
        if OUTWARD >> what & 1:
            values[TRUNK_OUT, i] = trunks[party]
        if ANSWERED >> what & 1:
            values[TRUNK_IN, i] = trunks[party]
        if FROM_OUTSIDE >> what & 1:
            values[TRUNK_IN, i] = trunks[MOBILE]
        if what == GATEWAY_OUT:
            values[TRUNK_IN, i] = trunks[ON_NET]
        if what == GATEWAY_IN:
            values[TRUNK_OUT, i] = trunks[ON_NET]
        if what == TRANSIT:
            values[TRUNK_OUT, i] = trunks[FIXED]
