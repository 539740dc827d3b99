"""Finding record boundaries in concatenated BER, with or without filler between the records.

The fast loop reads one tag and one length per record and looks at the octet that follows. Only
where that octet cannot begin a record does it look inside records (``mend_bare``), so clean files
run at the speed of memory and a broken record costs its neighbours nothing.

Array dtypes: ``buf`` uint8[n]; ``kinds`` uint8[256] (``ILLEGAL``, ``SHORT``, ``LONG``, ``FILLER``
per octet); ``stack`` int64[2, MAX_DEPTH] is scratch; ``long_numbers`` uint8[16384] (1 = a long tag number that begins a record);
``classes`` uint8[256] (1 = constructed and of a class that records use); every other array int64.
All positions are octets from the start of ``buf``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compiled.jit import njit

# Without reference counting, calls between helpers cost nothing and compile in half the time; it
# forbids making arrays inside. Nothing but kernels is called from Python, so helpers need no wrapper.
KERNEL: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}
HELPER: dict[str, Any] = KERNEL | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

ILLEGAL = 0
SHORT = 1
LONG = 2
FILLER = 3

MAX_DEPTH = 32
"""Nesting that a record may have; deeper structures count as broken."""

STRIDE = 256
"""Octets of filler that are compared at a time."""

UNDECLARED_VALUES = 4
"""Values that a record of a type that nobody declared holds at least, whatever declared ones do."""

LOOK_BACK = 16
"""Records inspected before a break: a cut record swallows the head of its successor."""

# Reasons, as negative results of the helpers; framing.FRAME_REASONS gives them names.
NO_RECORD_START = 1
PAST_END = 2
BAD_HEADER = 3
INSIDE_INCONSISTENT = 4
TOO_LONG = 5
NO_END_OF_CONTENTS = 6
SEARCH_EXHAUSTED = 7
FILLER_IN_BLOCK = 8

# Cells of ``state``, which carries a scan over calls.
POSITION = 0
RECORDS = 1
GAPS = 2
FLOOR = 3
FILLED = 4
BUDGET = 5
HEADERS = 6
UNTIL = 7
STATE_CELLS = 8

# Cells of ``rules``.
BLOCK = 0
MAX_RECORD = 1
MIN_CHILDREN = 2
HEADER_LENGTH = 3
MARK = 4
LENGTH_OCTETS = 5
LITTLE_ENDIAN = 6
LENGTH_INCLUDED = 7
OWN_TAGS = 8
RULE_CELLS = 9


@njit(**HELPER)
def read_header(buf, pos, limit):  # noqa: PLR0911 - one return per fault
    """Reads one tag and length at ``pos``.

    Returns:
        (content, length): where the content begins and its length, -1 for indefinite; on a fault
        content is the negative reason.
    """
    octet = np.int64(buf[pos])
    at = pos + 1
    if octet & 31 == 31:
        more = 1
        while True:
            if at >= limit:
                return np.int64(-PAST_END), np.int64(0)
            number = np.int64(buf[at])
            at += 1
            if number < 128:
                break
            more += 1
            if more > 5:
                return np.int64(-BAD_HEADER), np.int64(0)
    if at >= limit:
        return np.int64(-PAST_END), np.int64(0)
    length = np.int64(buf[at])
    at += 1
    if length >= 128:
        if length == 128:
            if octet & 32 == 0:
                return np.int64(-BAD_HEADER), np.int64(0)
            return at, np.int64(-1)
        count = length - 128
        if count > 4:
            return np.int64(-BAD_HEADER), np.int64(0)
        if count > limit - at:
            return np.int64(-PAST_END), np.int64(0)
        length = np.int64(0)
        for _ in range(count):
            length = length << 8 | np.int64(buf[at])
            at += 1
    if length > limit - at:
        return np.int64(-PAST_END), np.int64(0)
    return at, length


@njit(**HELPER)
def starts_record(buf, pos, size, kinds, long_numbers):
    """Returns True where the tag at ``pos`` (< ``size``) may begin a record."""
    kind = kinds[buf[pos]]
    if kind != LONG:
        return kind == SHORT
    if pos + 1 >= size:
        return False
    number = np.int64(buf[pos + 1])
    if number >= 128:
        if pos + 2 >= size or buf[pos + 2] >= 128:
            return False
        number = (number & 127) << 7 | np.int64(buf[pos + 2])
    return long_numbers[number] == 1


@njit(**HELPER)
def may_follow(buf, pos, size, kinds, long_numbers):
    """Returns True where a record may end at ``pos``: end of file, filler or a record's tag."""
    if pos >= size:
        return True
    return kinds[buf[pos]] == FILLER or starts_record(buf, pos, size, kinds, long_numbers)


@njit(**HELPER)
def walk(buf, pos, limit, stack, state):  # noqa: PLR0911 - one return per fault
    """Walks one whole TLV, nested values included, and checks that all lengths agree.

    ``stack`` int64[2, MAX_DEPTH] is scratch; ``state[BUDGET]`` falls by one per TLV.

    Returns:
        (end, children): where the TLV ends and how many values it holds directly; on a fault end
        is the negative reason.
    """
    depth = 0
    children = np.int64(0)
    at = pos
    bound = limit
    while True:
        while depth > 0:
            if stack[0, depth - 1] == at:
                depth -= 1
            elif stack[0, depth - 1] < 0 and at + 1 < bound and buf[at] == 0 and buf[at + 1] == 0:
                at += 2
                depth -= 1
            else:
                break
            bound = stack[1, depth]
            if depth == 0:
                return at, children
        if at >= bound:
            reason = -NO_END_OF_CONTENTS if depth > 0 else -PAST_END
            return np.int64(reason), children
        if buf[at] == 0:
            # No value has the tag 00: it is filler or an end-of-contents that nobody opened.
            return np.int64(-INSIDE_INCONSISTENT), children
        state[BUDGET] -= 1
        if state[BUDGET] < 0:
            return np.int64(-SEARCH_EXHAUSTED), children
        content, length = read_header(buf, at, bound)
        if content < 0:
            if depth > 0:
                content = np.int64(-INSIDE_INCONSISTENT)
            return content, children
        if depth == 1:
            children += 1
        if buf[at] & 32 == 0:
            at = content + length
            if depth == 0:
                return at, children
            continue
        if depth == MAX_DEPTH:
            return np.int64(-INSIDE_INCONSISTENT), children
        stack[1, depth] = bound
        if length >= 0:
            stack[0, depth] = content + length
            bound = content + length
        else:
            stack[0, depth] = -1
        depth += 1
        at = content


@njit(**HELPER)
def record_inside(buf, start, end, rules, kinds, long_numbers):
    """Returns where a record's tag stands directly inside the whole value [start, end), or -1.

    Only where types of record have tags of their own (``OWN_TAGS``) does it tell anything.
    """
    if rules[OWN_TAGS] == 0:
        return np.int64(-1)
    at, _ = read_header(buf, start, end)
    while 0 < at < end:
        if starts_record(buf, at, end, kinds, long_numbers):
            return at
        content, length = read_header(buf, at, end)
        if content < 0 or length < 0:
            break
        at = content + length
    return np.int64(-1)


@njit(**HELPER)
def find_record(buf, pos, stop, limit, rules, kinds, long_numbers, stack, state):
    """Finds the next position in [pos, stop) where a whole, consistent record begins.

    A candidate has a legal tag, nested lengths that agree, at least ``MIN_CHILDREN`` values (which
    tells a record from a field that carries the same tag) and a record, filler or the end behind
    it. With a block size the candidate may not cross a block, and with ``OWN_TAGS`` it holds no record.

    Returns:
        (start, end) of the candidate, or (-1, -1).
    """
    size = np.int64(len(buf))
    block = rules[BLOCK]
    at = pos
    while at < stop:
        if starts_record(buf, at, size, kinds, long_numbers):
            bound = limit
            if block > 0:
                bound = min(limit, (at // block + 1) * block)
            content, length = read_header(buf, at, bound)
            if content >= 0:
                end = content + length
                if length < 0 or (
                    end - at <= rules[MAX_RECORD]
                    and may_follow(buf, end, size, kinds, long_numbers)
                ):
                    end, children = walk(buf, at, bound, stack, state)
                    if (
                        end > 0
                        and children >= rules[MIN_CHILDREN]
                        and end - at <= rules[MAX_RECORD]
                        and may_follow(buf, end, size, kinds, long_numbers)
                        and record_inside(buf, at, end, rules, kinds, long_numbers) < 0
                    ):
                        return at, end
                    if end == -SEARCH_EXHAUSTED:
                        return np.int64(-1), np.int64(-1)
        at += 1
        if at & 7 == 0:
            state[BUDGET] -= 1
            if state[BUDGET] < 0:
                return np.int64(-1), np.int64(-1)
    return np.int64(-1), np.int64(-1)


@njit(**HELPER)
def skip_filler(buf, pos, size):
    """Returns a place behind ``pos`` up to which all octets are like the one there.

    Up to ``STRIDE`` of them may follow. Octets are compared by strides, without a way out in between,
    so that the compiler compares many at once: a disk of zeros goes by at the speed of memory.
    """
    octet = buf[pos]
    at = pos + 1
    while at + STRIDE <= size:
        different = np.uint8(0)
        for place in range(at, at + STRIDE):
            different |= buf[place] ^ octet
        if different != 0:
            break
        at += STRIDE
    return at


@njit(**HELPER)
def only_filler(buf, start, stop, kinds):
    """Returns True where [start, stop) holds nothing but filler."""
    for at in range(start, stop):  # noqa: SIM110 - numba has no generators in all()
        if kinds[buf[at]] != FILLER:
            return False
    return True


@njit(**HELPER)
def is_cut(buf, start, end, rules, kinds, long_numbers, stack, state):
    """Returns True where the record [start, end) was cut and covers the head of its successor.

    The mark of a cut: a whole record begins inside it and ends behind it, or at its end (filler
    between them) if the cut record is inconsistent inside or of a type that nobody declared.
    """
    size = np.int64(len(buf))
    at = start + 1
    crossing = np.int64(0)
    while 0 <= crossing < end:
        _, crossing = find_record(buf, at, end, size, rules, kinds, long_numbers, stack, state)
        if crossing > 0:
            at = crossing
    if crossing > end or at == start + 1:
        return crossing > end
    if not only_filler(buf, at, end, kinds):
        return False
    if not starts_record(buf, start, size, kinds, long_numbers):
        return True
    reached, _ = walk(buf, start, end, stack, state)
    return reached != end


@njit(**HELPER)
def look_back(buf, offsets, lengths, rules, kinds, long_numbers, stack, state):
    """Returns the index of a cut record among the last ones before a break, or -1.

    A record that is whole inside and that a whole one follows is none, whatever its fields look like.
    """
    size = np.int64(len(buf))
    last = max(state[FLOOR], state[RECORDS] - LOOK_BACK)
    index = state[RECORDS] - 1
    follower = np.int64(-1)
    while index >= last:
        end = offsets[index] + lengths[index]
        reached, _ = walk(buf, offsets[index], end, stack, state)
        whole = reached == end and starts_record(buf, offsets[index], size, kinds, long_numbers)
        sound = whole and follower == end
        follower = offsets[index] if whole else np.int64(-1)
        if not sound and is_cut(buf, offsets[index], end, rules, kinds, long_numbers, stack, state):
            return index
        index -= 1
    return np.int64(-1)


@njit(**HELPER)
def mend_bare(
    buf, limit, offsets, lengths, gaps, rules, kinds, long_numbers, classes, stack, state
):
    """Goes on where the fast loop could not: takes a whole record, or names the unframed octets.

    ``gaps`` int64[3, m] receives offset, length and reason. ``state`` moves on.
    """
    size = np.int64(len(buf))
    pos = state[POSITION]
    legal = starts_record(buf, pos, size, kinds, long_numbers)
    reason = NO_RECORD_START
    if legal or classes[buf[pos]] == 1:
        # Whole in itself: a record before something odd, or a record type that nobody declared.
        end, children = walk(buf, pos, limit, stack, state)
        least = max(rules[MIN_CHILDREN], UNDECLARED_VALUES)
        if end > 0 and (legal or children >= least):
            if end - pos > rules[MAX_RECORD]:
                reason = TOO_LONG
            elif is_cut(buf, pos, end, rules, kinds, long_numbers, stack, state):
                reason = INSIDE_INCONSISTENT
            else:
                offsets[state[RECORDS]] = pos
                lengths[state[RECORDS]] = end - pos
                state[RECORDS] += 1
                state[POSITION] = end
                return
        elif legal:
            reason = -end
    cut = look_back(buf, offsets, lengths, rules, kinds, long_numbers, stack, state)
    if cut >= 0:
        start = offsets[cut]
        framed = np.int64(0)
        for index in range(cut, state[RECORDS]):
            framed += lengths[index]
        state[FILLED] -= pos - start - framed
        state[RECORDS] = cut
        pos = start
        reason = INSIDE_INCONSISTENT
    found, _ = find_record(buf, pos + 1, size, size, rules, kinds, long_numbers, stack, state)
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
def frame_one(  # noqa: PLR0911 - one return per fault
    buf, pos, limit, rules, kinds, long_numbers, stack, state
):
    """Returns the end of the record at ``pos``, of any form, or a negative number.

    The end counts only where a record follows, or filler or the end of the file: these prove less
    (00 is also data), so then a record that shows the mark of a cut does not count.
    """
    size = np.int64(len(buf))
    if not starts_record(buf, pos, size, kinds, long_numbers):
        return np.int64(-1)
    content, length = read_header(buf, pos, limit)
    if content < 0:
        return np.int64(-1)
    end = content + length
    if length < 0:
        end, _ = walk(buf, pos, limit, stack, state)
    if end < 0 or end - pos > rules[MAX_RECORD]:
        return np.int64(-1)
    if end < size and starts_record(buf, end, size, kinds, long_numbers):
        return end
    if not may_follow(buf, end, size, kinds, long_numbers):
        return np.int64(-1)
    if is_cut(buf, pos, end, rules, kinds, long_numbers, stack, state):
        return np.int64(-1)
    return end


@njit(**KERNEL)
def frame_bare(buf, offsets, lengths, gaps, rules, kinds, long_numbers, classes, stack, state):
    """Frames concatenated records until ``state[UNTIL]`` or until an output array is full.

    Writes ``offsets`` and ``lengths`` (whole TLV) of the records and ``gaps`` (offset, length,
    reason) of what is none; filler is counted in ``state[FILLED]``. The caller enlarges the arrays
    and calls again while ``state[POSITION] < len(buf)``.
    """
    size = np.int64(len(buf))
    stop = min(size, state[UNTIL])
    room = min(len(offsets), len(lengths))
    block = rules[BLOCK]
    longest = rules[MAX_RECORD]
    limit = size
    pos = state[POSITION]
    count = state[RECORDS]
    filled = state[FILLED]
    while pos < stop and count < room:
        kind = kinds[buf[pos]]
        if kind == FILLER:
            begun = pos
            if pos + STRIDE <= stop and buf[pos + STRIDE - 1] == buf[pos]:
                pos = skip_filler(buf, pos, stop)
            else:
                pos += 1
            filled += pos - begun
            continue
        if block > 0:
            limit = min(size, (pos // block + 1) * block)
        # The common forms are read here, in line: each helper that takes arrays costs more than
        # the whole of this (reference counts). What this does not take, `frame_one` looks at.
        end = np.int64(-1)
        at = pos + 1
        if kind == LONG and pos + 1 < limit and buf[pos + 1] < 128:
            kind = np.uint8(SHORT * long_numbers[buf[pos + 1]])
            at = pos + 2
        if kind == SHORT and at + 3 <= limit:
            first = np.int64(buf[at])
            if first < 128:
                end = at + 1 + first
            elif first == 129:
                end = at + 2 + np.int64(buf[at + 1])
            elif first == 130:
                end = at + 3 + (np.int64(buf[at + 1]) << 8 | np.int64(buf[at + 2]))
            if end > 0 and end - pos <= longest and end <= limit:
                follower = np.uint8(FILLER) if end == size else kinds[buf[end]]
                if follower == LONG and end + 1 < size and buf[end + 1] < 128:
                    follower = np.uint8(SHORT * long_numbers[buf[end + 1]])
                if follower == SHORT:
                    offsets[count] = pos
                    lengths[count] = end - pos
                    count += 1
                    pos = end
                    continue
        end = frame_one(buf, pos, limit, rules, kinds, long_numbers, stack, state)
        if end > 0:
            offsets[count] = pos
            lengths[count] = end - pos
            count += 1
            pos = end
            continue
        state[POSITION] = pos
        state[RECORDS] = count
        state[FILLED] = filled
        if state[GAPS] >= gaps.shape[1]:
            return
        mend_bare(
            buf, limit, offsets, lengths, gaps, rules, kinds, long_numbers, classes, stack, state
        )
        pos = state[POSITION]
        count = state[RECORDS]
        filled = state[FILLED]
    state[POSITION] = pos
    state[RECORDS] = count
    state[FILLED] = filled
