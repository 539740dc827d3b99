"""Lines of text: where they end, which of them are records, headers, trailers, comments.

`data` is uint8[n]. Quotes count only at the beginning of a field; a quoted field may hold line
ends. A line whose quotes do not close ends at its first line end, so that one stray quote costs
one record. Twin: `mediation.reference.flat_lines`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.flat_ops import (
    FILLED,
    FIRST_TYPE,
    FLD_AT,
    FLD_OCTETS,
    GAPS,
    HEADER,
    HEADER_LINES,
    HEADERS,
    LINES,
    LONGEST,
    POSITION,
    QUOTE,
    RECORDS,
    SEPARATOR,
    SPECIALS,
    TOO_LONG,
)
from mediation.kernels.words import load_little

LF = 0x0A
CR = 0x0D
SPACE = 0x20
TAB = 0x09
ix = np.uint64  # unsigned indexes spare the test for negative ones
EVERY = np.uint64(0x0101010101010101)
HIGH = np.uint64(0x8080808080808080)


@inlined
def holds(word, pattern):
    """Returns whether an octet of `word` is that of `pattern`, both uint64, all octets alike."""
    zeros = word ^ pattern
    return ((zeros - EVERY) & ~zeros & HIGH) != np.uint64(0)


@kernel
def find_either(data, pos, end, one, other):
    """Returns where the first of two octets stands from `pos` on, `end` if there is none."""
    first = EVERY * np.uint64(one)
    second = EVERY * np.uint64(other)
    while pos + 8 <= end:
        word = load_little(data, pos)
        if holds(word, first) or holds(word, second):
            break
        pos += 8
    while pos < end:
        octet = np.int64(data[ix(pos)])
        if octet in (one, other):
            return pos
        pos += 1
    return end


@inlined
def closing_quote(data, pos, end, quote):
    """Returns where a quoted field closes that was opened before `pos`, `end` if it does not."""
    while pos < end:
        pos = find_either(data, pos, end, quote, quote)
        if pos + 1 < end and np.int64(data[ix(pos + 1)]) == quote:
            pos += 2
        else:
            return pos
    return end


@inlined
def ends_field(data, pos, end, separator):
    """Returns whether a field may end at `pos`: at a separator, at a line end, at the end."""
    if pos >= end:
        return True
    octet = np.int64(data[ix(pos)])
    if octet == CR and pos + 1 < end:
        return np.int64(data[ix(pos + 1)]) == LF
    return octet in (separator, LF, CR)


@kernel
def line_end(data, pos, size, separator, quote, longest):
    """Returns where the line from `pos` ends: its line feed, or `size`."""
    if quote < 0:
        return find_either(data, pos, size, LF, LF)
    limit = min(size, pos + longest)
    at = pos
    while True:
        at = find_either(data, at, size, LF, quote)
        if at >= size or np.int64(data[ix(at)]) == LF:
            return at
        if at > pos and np.int64(data[ix(at - 1)]) != separator:
            at += 1  # a quote inside an unquoted field is a character like any other
            continue
        close = closing_quote(data, at + 1, limit, quote)
        if close >= limit or not ends_field(data, close + 1, size, separator):
            return find_either(data, pos, size, LF, LF)
        at = close + 1


@kernel
def starts_with(data, pos, end, blob, begin, stop):
    """Returns whether the octets from `pos` on begin with those of uint8 `blob`."""
    if end - pos < stop - begin:
        return False
    for index in range(stop - begin):  # noqa: SIM110 - numba has no generators in `all`
        if data[ix(pos + index)] != blob[ix(begin + index)]:
            return False
    return True


@inlined
def trimmed(data, pos, end):
    """Returns (first, end) of what stands between blanks; they are rare, so two looks come first."""
    if pos < end and (data[ix(pos)] <= SPACE or data[ix(end - 1)] <= SPACE):
        pos, end = without_blanks(data, pos, end)
    return pos, end


@kernel
def without_blanks(data, pos, end):
    """Returns (first, end) of what stands between blanks."""
    while pos < end and data[ix(pos)] in (SPACE, TAB):
        pos += 1
    while end > pos and data[ix(end - 1)] in (SPACE, TAB):
        end -= 1
    return pos, end


@kernel
def nth_field(data, pos, end, separator, quote, number):
    """Returns (first, end) of field `number` of a line, without its quotes; (end, end) if none."""
    while pos <= end:
        close = pos
        first = pos
        if quote >= 0 and pos < end and np.int64(data[ix(pos)]) == quote:
            close = closing_quote(data, pos + 1, end, quote)
            first = pos + 1
            stop = close
            close = min(close + 1, end)
        else:
            close = find_either(data, pos, end, separator, separator)
            stop = close
        if number == 0:
            return first, stop
        number -= 1
        close = find_either(data, close, end, separator, separator)
        pos = close + 1
    return end, end


@inlined
def kind_of_word(data, pos, end, blob, words, low, high):
    """Returns what a word means, -1 if it is none of those wanted.

    Args:
        data: uint8[n].
        pos: Where the value begins.
        end: Where it ends.
        blob: uint8[...], all words behind one another.
        words: int32[n * 3], of each word first octet, end, meaning.
        low: First word to compare with.
        high: Word to stop before.
    """
    for word in range(low, high):
        begin = np.int64(words[ix(word * 3)])
        stop = np.int64(words[ix(word * 3 + 1)])
        if stop - begin == end - pos and starts_with(data, pos, end, blob, begin, stop):
            return np.int64(words[ix(word * 3 + 2)])
    return -1


@kernel
def frame_lines(
    data, rules, selector, comment, blob, words, offsets, lengths, specials, gaps, state
):
    """Finds the lines from `state` on until the end, or until an output is full.

    Octets of records, header and trailer lines and gaps are without their line ends; those,
    blank lines and comments count as filler.

    Args:
        data: uint8[n].
        rules: int64[RULE_CELLS], see `mediation.kernels.flat_ops`.
        selector: int32[FIELD_WIDTH], the type field; its place is -1 if there is none.
        comment: uint8[...], what a line begins with that is skipped.
        blob: uint8[...], the words of types.
        words: int32[n * 3], see `kind_of_word`.
        offsets: int64[n], out, first octet of each record.
        lengths: int64[n], out, octets of each record.
        specials: int64[3, n], out: offset, length, HEADER or TRAILER.
        gaps: int64[3, n], out: offset, length, reason.
        state: int64[STATE_CELLS], in and out.
    """
    size = data.shape[0]
    pos = state[POSITION]
    separator, quote = rules[SEPARATOR], rules[QUOTE]
    longest = rules[LONGEST]
    while (
        pos < size
        and state[RECORDS] < offsets.shape[0]
        and state[SPECIALS] < specials.shape[1]
        and state[GAPS] < gaps.shape[1]
    ):
        stop = line_end(data, pos, size, separator, quote, longest)
        following = min(stop + 1, size)
        end = stop
        if end > pos and np.int64(data[ix(end - 1)]) == CR:
            end -= 1
        first, last = trimmed(data, pos, end)
        skipped = comment.shape[0] > 0 and starts_with(data, pos, end, comment, 0, comment.shape[0])
        if skipped or first == last:
            state[FILLED] += following - pos
            pos = following
            continue
        state[FILLED] += following - end
        state[LINES] += 1
        kind = np.int64(FIRST_TYPE)
        if state[LINES] <= rules[HEADER_LINES]:
            kind = np.int64(HEADER)
        elif selector[FLD_AT] >= 0:
            if selector[FLD_OCTETS] >= 0:
                first = min(pos + selector[FLD_AT], end)
                last = min(first + selector[FLD_OCTETS], end)
            else:
                first, last = nth_field(data, pos, end, separator, quote, selector[FLD_AT])
            first, last = trimmed(data, first, last)
            kind = kind_of_word(data, first, last, blob, words, 0, words.shape[0] // 3)
        if end - pos > longest:
            gaps[0, state[GAPS]] = pos
            gaps[1, state[GAPS]] = end - pos
            gaps[2, state[GAPS]] = TOO_LONG
            state[GAPS] += 1
        elif 0 <= kind < FIRST_TYPE:
            specials[0, state[SPECIALS]] = pos
            specials[1, state[SPECIALS]] = end - pos
            specials[2, state[SPECIALS]] = kind
            state[SPECIALS] += 1
            state[HEADERS] += end - pos
        else:
            offsets[state[RECORDS]] = pos
            lengths[state[RECORDS]] = end - pos
            state[RECORDS] += 1
        pos = following
    state[POSITION] = pos
