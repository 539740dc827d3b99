"""Binary records of fixed or declared length, bare or in blocks with header, trailer and filler.

`data` is uint8[n]; `rules` and `fields` are those of `mediation.kernels.flat_ops`. A record whose
length cannot be is skipped to the next place where a record of a known type leads to another one,
to filler or to the end; a block whose header makes no sense to the next multiple of the block
size.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.flat_ops import (
    BAD_BLOCK,
    BAD_LENGTH,
    BCD_LITTLE,
    BLOCK_HEADER,
    BLOCK_OCTETS,
    BLOCK_TRAILER,
    FIELD_WIDTH,
    FILLED,
    FILLER,
    FIRST_TYPE,
    FLD_AT,
    FLD_FORM,
    FLD_OCTETS,
    GAPS,
    HEADER,
    HEADER_LENGTH_FIELD,
    HEADERS,
    LENGTH_FIELD,
    LINES,
    LONGEST,
    NOT_FILLER,
    POSITION,
    RECORD_OCTETS,
    RECORDS,
    SHORTEST,
    SPECIALS,
    TIMES_FIELD,
    TRAILER,
    TRUNCATED,
    TYPE_FIELD,
    UNSIGNED_BIG,
    UNSIGNED_LITTLE,
    USED_FIELD,
)
from mediation.kernels.lines import kind_of_word

CHAIN = 4
LENGTH_OCTETS = 8
ix = np.uint64  # unsigned indexes spare the test for negative ones


@inlined
def field_number(data, start, end, fields, number):
    """Returns the number in a field of the record at `start`, -1 if there is none.

    It reads the forms unsigned, unsigned_little, bcd and bcd_little.
    """
    base = number * FIELD_WIDTH
    pos = start + np.int64(fields[ix(base + FLD_AT)])
    octets = np.int64(fields[ix(base + FLD_OCTETS)])
    form = np.int64(fields[ix(base + FLD_FORM)])
    if pos + octets > end:
        return np.int64(-1)
    value = np.int64(0)
    for index in range(octets):
        place = pos + octets - 1 - index if form in (UNSIGNED_LITTLE, BCD_LITTLE) else pos + index
        octet = np.int64(data[ix(place)])
        if form in (UNSIGNED_LITTLE, UNSIGNED_BIG):
            value = (value << 8) | octet
        elif octet & 15 > 9 or octet >> 4 > 9:
            return np.int64(-1)
        else:
            value = value * 100 + (octet >> 4) * 10 + (octet & 15)
    return value


@inlined
def record_length(data, pos, end, rules, fields):
    """Returns the octets of the record at `pos`, -1 if it cannot be one that ends by `end`."""
    length = rules[RECORD_OCTETS]
    if length == 0:
        length = field_number(data, pos, end, fields, rules[LENGTH_FIELD])
    if length < rules[SHORTEST] or length > rules[LONGEST] or pos + length > end:
        return np.int64(-1)
    return length


@inlined
def kind_at(data, pos, end, rules, fields, blob, words):
    """Returns the kind of the record at `pos`, FIRST_TYPE where no field says, -1 if unknown."""
    if rules[TYPE_FIELD] < 0:
        return np.int64(FIRST_TYPE)
    base = rules[TYPE_FIELD] * FIELD_WIDTH
    first = pos + np.int64(fields[ix(base + FLD_AT)])
    stop = first + np.int64(fields[ix(base + FLD_OCTETS)])
    if stop > end:
        return np.int64(-1)
    return kind_of_word(data, first, stop, blob, words, 0, words.shape[0] // 3)


@inlined
def is_filler(data, pos, rules):
    """Returns whether the octet at `pos` fills room between records."""
    return np.int64(data[ix(pos)]) == rules[FILLER]


@kernel
def past_filler(data, pos, end, rules, fields, blob, words):
    """Returns where the filler at `pos` ends: where it does, or where a record of a known type begins.

    The first octets of a length may look like filler, so where types are known they are asked for.
    """
    while pos < end and is_filler(data, pos, rules):
        if (
            rules[TYPE_FIELD] >= 0
            and record_length(data, pos, end, rules, fields) > 0
            and kind_at(data, pos, end, rules, fields, blob, words) >= 0
        ):
            break
        pos += 1
    return pos


@kernel
def sensible(data, pos, end, rules, fields, blob, words):
    """Returns whether behind filler, if any, the run ends or a record of a known type begins."""
    pos = past_filler(data, pos, end, rules, fields, blob, words)
    return pos == end or (
        record_length(data, pos, end, rules, fields) > 0
        and kind_at(data, pos, end, rules, fields, blob, words) >= 0
    )


@kernel
def plausible(data, pos, end, rules, fields, blob, words):
    """Returns whether a record of a known type begins at `pos`, and sensible ones follow.

    Digits look much like lengths and types, so a chain of `CHAIN` is asked for, or the end.
    """
    for _ in range(CHAIN):
        length = record_length(data, pos, end, rules, fields)
        if length < 0 or kind_at(data, pos, end, rules, fields, blob, words) < 0:
            return False
        pos = past_filler(data, pos + length, end, rules, fields, blob, words)
        if pos == end:
            return True
    return True


@kernel
def add_gap(gaps, state, pos, end, reason):
    """Notes octets that belong to no record; two with the same reason that touch become one."""
    if end <= pos:
        return
    last = state[GAPS] - 1
    if last >= 0 and gaps[0, last] + gaps[1, last] == pos and gaps[2, last] == reason:
        gaps[1, last] += end - pos
        return
    gaps[0, last + 1] = pos
    gaps[1, last + 1] = end - pos
    gaps[2, last + 1] = reason
    state[GAPS] += 1


@kernel
def add_special(specials, state, pos, length, kind):
    """Notes a header or trailer."""
    specials[0, state[SPECIALS]] = pos
    specials[1, state[SPECIALS]] = length
    specials[2, state[SPECIALS]] = kind
    state[SPECIALS] += 1
    state[HEADERS] += length


@kernel
def filler_end(data, pos, length, end, rules, fields, blob, words):
    """Returns where the filler at `pos` ends, `pos` itself if a record of `length` begins so.

    What would be a record of nothing but filler is none. Between records of one size only whole
    sizes are filler: the next record stays in step, though its first octets may look like filler.
    Of other records the first octets of a length may, so a few places are tried.
    """
    after = pos
    while after < end and is_filler(data, after, rules):
        after += 1
    if after == end:
        return after
    if rules[RECORD_OCTETS] > 0:
        return after - (after - pos) % rules[RECORD_OCTETS]
    if after - pos < length:
        return pos
    for place in range(after, max(pos, after - LENGTH_OCTETS), -1):
        if plausible(data, place, end, rules, fields, blob, words):
            return place
    return after if length > 0 else pos


@kernel
def filler_to(data, pos, end, rules, gaps, state):
    """Counts filler from `pos` on; from the first octet that is none it is a gap to `end`."""
    start = pos
    while pos < end and is_filler(data, pos, rules):
        pos += 1
    state[FILLED] += pos - start
    add_gap(gaps, state, pos, end, NOT_FILLER)


@kernel
def hidden_record(data, pos, after, end, rules, fields, blob, words):
    """Returns where a record begins inside the one that claims `pos` to `after`, -1 if nowhere.

    It is asked only where the claimed record or what follows it makes no sense.
    """
    for inside in range(pos + 1, after):
        if plausible(data, inside, end, rules, fields, blob, words):
            return inside
    return -1


@kernel
def frame_run(data, pos, end, rules, fields, blob, words, offsets, lengths, specials, gaps, state):
    """Finds the records from `pos` to `end`; returns where it stopped, `end` unless one is full."""
    while (
        pos < end
        and state[RECORDS] < offsets.shape[0]
        and state[SPECIALS] + 2 < specials.shape[1]
        and state[GAPS] + 2 < gaps.shape[1]
    ):
        length = record_length(data, pos, end, rules, fields)
        if is_filler(data, pos, rules):
            after = filler_end(data, pos, length, end, rules, fields, blob, words)
            if after > pos:
                state[FILLED] += after - pos
                pos = after
                continue
        if length < 0:
            start = pos
            if rules[RECORD_OCTETS] > 0 or end - pos < rules[SHORTEST]:
                add_gap(gaps, state, start, end, TRUNCATED)
                return end
            pos += 1
            while pos < end and not plausible(data, pos, end, rules, fields, blob, words):
                pos += 1
            add_gap(gaps, state, start, pos, BAD_LENGTH)
            continue
        kind = kind_at(data, pos, end, rules, fields, blob, words)
        after = pos + length
        if (
            rules[RECORD_OCTETS] == 0
            and (kind < 0 or record_length(data, after, end, rules, fields) < 0)
            and not sensible(data, after, end, rules, fields, blob, words)
        ):
            inside = hidden_record(data, pos, after, end, rules, fields, blob, words)
            if inside >= 0:
                add_gap(gaps, state, pos, inside, BAD_LENGTH)
                pos = inside
                continue
        if 0 <= kind < FIRST_TYPE:
            add_special(specials, state, pos, length, kind)
        else:
            offsets[state[RECORDS]] = pos
            lengths[state[RECORDS]] = length
            state[RECORDS] += 1
        pos += length
    return pos


@inlined
def block_octets(data, pos, rules, fields):
    """Returns (octets of the block at `pos`, octets in use), (0, 0) if its header cannot be."""
    size = data.shape[0]
    if pos + rules[BLOCK_HEADER] > size:
        return np.int64(0), np.int64(0)
    header_end = pos + rules[BLOCK_HEADER]
    if (
        rules[HEADER_LENGTH_FIELD] >= 0
        and field_number(data, pos, header_end, fields, rules[HEADER_LENGTH_FIELD])
        != rules[BLOCK_HEADER]
    ):
        return np.int64(0), np.int64(0)
    times = np.int64(1)
    if rules[TIMES_FIELD] >= 0:
        times = field_number(data, pos, header_end, fields, rules[TIMES_FIELD])
        if times < 0:
            return np.int64(0), np.int64(0)
        times = max(times, 1)
    octets = min(rules[BLOCK_OCTETS] * times, size - pos)
    used = octets
    if rules[USED_FIELD] >= 0:
        used = field_number(data, pos, header_end, fields, rules[USED_FIELD])
    if used < rules[BLOCK_HEADER] + rules[BLOCK_TRAILER]:
        return np.int64(0), np.int64(0)
    return octets, used


@kernel
def frame_records(data, rules, fields, blob, words, offsets, lengths, specials, gaps, state):
    """Finds the records from `state` on until the end, or until an output is full.

    Args:
        data: uint8[n].
        rules: int64[RULE_CELLS].
        fields: int32[n * FIELD_WIDTH].
        blob: uint8[...], the type values as octets.
        words: int32[n * 3], see `mediation.kernels.lines.kind_of_word`.
        offsets: int64[n], out, first octet of each record.
        lengths: int64[n], out, octets of each record.
        specials: int64[3, n], out: offset, length, HEADER or TRAILER.
        gaps: int64[3, n], out: offset, length, reason.
        state: int64[STATE_CELLS], in and out; LINES holds the end of the block in work.
    """
    size = data.shape[0]
    pos = state[POSITION]
    while (
        pos < size
        and state[RECORDS] < offsets.shape[0]
        and state[SPECIALS] + 2 < specials.shape[1]
        and state[GAPS] + 2 < gaps.shape[1]
    ):
        if rules[BLOCK_OCTETS] == 0:
            pos = frame_run(
                data, pos, size, rules, fields, blob, words, offsets, lengths, specials, gaps, state
            )
            continue
        begin = state[LINES]
        octets, used = block_octets(data, begin, rules, fields)
        if octets == 0:
            following = min(begin + rules[BLOCK_OCTETS], size)
            start = begin
            while start < following and is_filler(data, start, rules):
                start += 1
            if start == following:
                state[FILLED] += following - begin
            else:
                add_gap(gaps, state, begin, following, BAD_BLOCK)
            pos = following
            state[LINES] = pos
            continue
        if pos == begin:
            add_special(specials, state, pos, rules[BLOCK_HEADER], HEADER)
            pos += rules[BLOCK_HEADER]
        whole = used <= octets
        end = begin + used - rules[BLOCK_TRAILER] if whole else begin + octets
        if pos < end:
            pos = frame_run(
                data, pos, end, rules, fields, blob, words, offsets, lengths, specials, gaps, state
            )
            if pos < end:
                break
        if whole and rules[BLOCK_TRAILER] > 0:
            add_special(specials, state, pos, rules[BLOCK_TRAILER], TRAILER)
            pos += rules[BLOCK_TRAILER]
        filler_to(data, pos, begin + octets, rules, gaps, state)
        pos = begin + octets
        state[LINES] = pos
    state[POSITION] = pos
