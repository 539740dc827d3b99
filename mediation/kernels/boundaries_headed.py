"""Finding record boundaries where a header with its length stands before each record.

The headers are those of TS 32.297, or nothing but a length of 2 or 4 octets (``LENGTH_OCTETS``,
``LITTLE_ENDIAN``; ``LENGTH_INCLUDED``: it counts the header as well). The length is trusted where
what follows is such a header again, filler or the end. In TS 32.297 the octets of release and
format (``rules[MARK]``; -1: any) are the same for most files' records and tell a real header from
chance.
Arrays as in :mod:`mediation.kernels.boundaries`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit
from mediation.kernels.boundaries import (
    BLOCK,
    BUDGET,
    FILLED,
    FILLER,
    FLOOR,
    GAPS,
    HEADER_LENGTH,
    HEADERS,
    HELPER,
    INSIDE_INCONSISTENT,
    KERNEL,
    LENGTH_INCLUDED,
    LENGTH_OCTETS,
    LITTLE_ENDIAN,
    MARK,
    MIN_CHILDREN,
    NO_RECORD_START,
    PAST_END,
    POSITION,
    RECORDS,
    SEARCH_EXHAUSTED,
    UNTIL,
    only_filler,
    read_header,
    walk,
)

LOOK_AHEAD = 4096
"""Octets of a filler run that are followed before the run is believed."""


@njit(**HELPER)
def declared_length(buf, pos, rules):
    """Returns the octets of the record behind the header at ``pos``, as the header declares."""
    count = rules[LENGTH_OCTETS]
    length = np.int64(0)
    for place in range(count):
        at = pos + (count - 1 - place if rules[LITTLE_ENDIAN] else place)
        length = length << 8 | np.int64(buf[at])
    return length - rules[LENGTH_INCLUDED] * rules[HEADER_LENGTH]


@njit(**HELPER)
def read_cdr_header(buf, pos, rules, kinds, classes):
    """Reads the CDR header at ``pos`` and checks that it can be one.

    Returns:
        (record, length): where the record begins and the length that the header declares; on a
        fault record is the negative reason.
    """
    size = np.int64(len(buf))
    record = pos + rules[HEADER_LENGTH]
    if record + 2 > size:
        return np.int64(-PAST_END), np.int64(0)
    length = declared_length(buf, pos, rules)
    if length < 2:
        return np.int64(-NO_RECORD_START), np.int64(0)
    if rules[MARK] >= 0 and np.int64(buf[pos + 2]) << 8 | np.int64(buf[pos + 3]) != rules[MARK]:
        return np.int64(-NO_RECORD_START), np.int64(0)
    octet = buf[record]
    if classes[octet] == 0 or kinds[octet] == FILLER:
        return np.int64(-NO_RECORD_START), np.int64(0)
    limit = size
    if rules[BLOCK] > 0:
        limit = min(size, (pos // rules[BLOCK] + 1) * rules[BLOCK])
    if record + length > limit:
        return np.int64(-PAST_END), np.int64(0)
    return record, length


@njit(**HELPER)
def filler_run(buf, pos, cap, rules, kinds, classes):
    """Returns how many octets from ``pos`` are filler, 0 where the octet is none.

    Only a run that leads to a header or to the end of the file counts: filler octets are also data,
    and 00 begins the length of a short record. A run is followed for ``cap`` octets.
    """
    size = np.int64(len(buf))
    stop = min(size, pos + cap)
    at = pos
    if kinds[buf[pos]] != FILLER:
        return np.int64(0)
    while at < stop and kinds[buf[at]] == FILLER:
        at += 1
    if at == stop:
        return at - pos
    head = max(pos + 1, at - rules[LENGTH_OCTETS] + 1)
    while head <= at:
        record, _ = read_cdr_header(buf, head, rules, kinds, classes)
        if record > 0:
            return head - pos
        head += 1
    # A whole length may look like filler: 00 FF is 255.
    head = at - rules[LENGTH_OCTETS]
    if head > pos:
        record, _ = read_cdr_header(buf, head, rules, kinds, classes)
        if record > 0:
            return head - pos
    return np.int64(0)


@njit(**HELPER)
def may_follow_headed(buf, pos, rules, kinds, classes):
    """Returns True where a record may end at ``pos``: end of file, a CDR header, or filler.

    Two octets are soon taken for a length, so without the mark of release and format the record
    behind them must say the same length.
    """
    if pos >= len(buf):
        return True
    record, length = read_cdr_header(buf, pos, rules, kinds, classes)
    if record > 0:
        if rules[MARK] >= 0:
            return True
        content, inner = read_header(buf, record, record + length)
        return content > 0 and (inner < 0 or content + inner == record + length)
    return filler_run(buf, pos, LOOK_AHEAD, rules, kinds, classes) > 0


@njit(**HELPER)
def find_headed(buf, pos, stop, rules, kinds, classes, stack, state):
    """Finds the next CDR header in [pos, stop) with a whole, consistent record behind it.

    Returns:
        (start of the header, end of the record), or (-1, -1).
    """
    at = pos
    while at < stop:
        record, length = read_cdr_header(buf, at, rules, kinds, classes)
        if record > 0:
            end, children = walk(buf, record, record + length, stack, state)
            if (
                end == record + length
                and children >= rules[MIN_CHILDREN]
                and may_follow_headed(buf, end, rules, kinds, classes)
            ):
                return at, end
        at += 1
        if at & 7 == 0:
            state[BUDGET] -= 1
        if state[BUDGET] < 0:
            break
    return np.int64(-1), np.int64(-1)


@njit(**HELPER)
def is_cut_headed(buf, record, end, rules, kinds, classes, stack, state):
    """Returns True where a whole record behind its header begins inside [record, end) and crosses it."""
    _, crossing = find_headed(buf, record + 1, end, rules, kinds, classes, stack, state)
    return crossing > end


@njit(**HELPER)
def mend_headed(buf, offsets, lengths, gaps, rules, kinds, classes, stack, state):
    """Goes on where the fast loop could not; as ``mend_bare``, for records with CDR headers."""
    size = np.int64(len(buf))
    pos = state[POSITION]
    record, length = read_cdr_header(buf, pos, rules, kinds, classes)
    reason = -record
    if record > 0:
        end, _ = walk(buf, record, record + length, stack, state)
        if end == record + length and not is_cut_headed(
            buf, record, end, rules, kinds, classes, stack, state
        ):
            offsets[state[RECORDS]] = record
            lengths[state[RECORDS]] = length
            state[RECORDS] += 1
            state[HEADERS] += record - pos
            state[POSITION] = end
            return
        reason = INSIDE_INCONSISTENT
    last = state[RECORDS] - 1
    if last >= state[FLOOR] and is_cut_headed(
        buf, offsets[last], offsets[last] + lengths[last], rules, kinds, classes, stack, state
    ):
        state[FILLED] -= pos - offsets[last] - lengths[last]
        state[HEADERS] -= rules[HEADER_LENGTH]
        state[RECORDS] = last
        pos = offsets[last] - rules[HEADER_LENGTH]
        reason = INSIDE_INCONSISTENT
    found, _ = find_headed(buf, pos + 1, size, rules, kinds, classes, stack, state)
    if found < 0:
        found = size
        if state[BUDGET] < 0:
            reason = SEARCH_EXHAUSTED
    gap = state[GAPS]
    gaps[0, gap] = pos
    gaps[1, gap] = found - pos
    gaps[2, gap] = reason
    state[GAPS] += 1
    state[FLOOR] = state[RECORDS]
    state[POSITION] = found


@njit(**HELPER)
def frame_one_headed(buf, pos, rules, kinds, classes, stack, state):
    """Reads one CDR of any form.

    Returns:
        (record, stop, end): the record's first octet, the octet behind its TLV and the octet
        behind its CDR (filler between them); record is negative where this is no CDR, or where
        neither CDR, filler nor end of file follows. A length alone, without the mark of release
        and format, counts only where the record's own length agrees.
    """
    none = np.int64(-1)
    record, length = read_cdr_header(buf, pos, rules, kinds, classes)
    if record < 0:
        return none, none, none
    end = record + length
    if not may_follow_headed(buf, end, rules, kinds, classes):
        return none, none, none
    content, inner = read_header(buf, record, end)
    stop = end
    if content > 0:
        if inner >= 0:
            stop = content + inner
        else:
            stop, _ = walk(buf, record, end, stack, state)
        if stop < 0 or stop > end or not only_filler(buf, stop, end, kinds):
            if rules[MARK] < 0:
                return none, none, none
            # The header is trusted; the decoder says what is wrong inside.
            stop = end
    elif rules[MARK] < 0:
        return none, none, none
    return record, stop, end


@njit(**KERNEL)
def frame_headed(buf, offsets, lengths, gaps, rules, kinds, classes, stack, state):
    """Frames records behind headers from ``state[POSITION]``, where a file header has ended.

    Output and continuation as in ``frame_bare``; ``state[HEADERS]`` sums the headers.
    """
    size = np.int64(len(buf))
    until = min(size, state[UNTIL])
    room = min(len(offsets), len(lengths))
    head = rules[HEADER_LENGTH]
    mark = rules[MARK]
    pos = state[POSITION]
    count = state[RECORDS]
    # What must be left in the file for the fast path: a CDR header, a tag and a length.
    margin = head + 6
    if rules[BLOCK] > 0 or mark < 0:
        margin = size + 1  # no fast path
    while pos < until and count < room:
        # The common form in line, as in `frame_bare`.
        if pos + margin <= size and np.int64(buf[pos + 2]) << 8 | np.int64(buf[pos + 3]) == mark:
            record = pos + head
            end = record + (np.int64(buf[pos]) << 8 | np.int64(buf[pos + 1]))
            at = record + 1
            if buf[record] & 31 == 31:
                at += 1
            known = classes[buf[record]] == 1 and (at == record + 1 or buf[at - 1] < 128)
            first = np.int64(buf[at])
            stop = np.int64(-1)
            if first < 128:
                stop = at + 1 + first
            elif first == 129:
                stop = at + 2 + np.int64(buf[at + 1])
            elif first == 130:
                stop = at + 3 + (np.int64(buf[at + 1]) << 8 | np.int64(buf[at + 2]))
            follows = end == size
            if end + margin <= size:
                following = np.int64(buf[end]) << 8 | np.int64(buf[end + 1])
                follows = (
                    np.int64(buf[end + 2]) << 8 | np.int64(buf[end + 3]) == mark
                    and classes[buf[end + head]] == 1
                    and following >= 2
                    and end + head + following <= size
                )
            if known and follows and stop == end:
                offsets[count] = record
                lengths[count] = end - record
                count += 1
                pos = end
                continue
        record, stop, end = frame_one_headed(buf, pos, rules, kinds, classes, stack, state)
        if record > 0:
            offsets[count] = record
            lengths[count] = stop - record
            count += 1
            state[FILLED] += end - stop
            pos = end
            continue
        record, _ = read_cdr_header(buf, pos, rules, kinds, classes)
        if record < 0:
            run = filler_run(buf, pos, size, rules, kinds, classes)
            if run > 0:
                state[FILLED] += run
                pos += run
                continue
        state[POSITION] = pos
        state[HEADERS] += (count - state[RECORDS]) * head
        state[RECORDS] = count
        if state[GAPS] >= gaps.shape[1]:
            return
        mend_headed(buf, offsets, lengths, gaps, rules, kinds, classes, stack, state)
        pos = state[POSITION]
        count = state[RECORDS]
    state[POSITION] = pos
    state[HEADERS] += (count - state[RECORDS]) * head
    state[RECORDS] = count
