"""The decoder of flat records: splits or places the fields, runs the codecs, fills the columns.

One record makes one row. Nothing is allocated and nothing raises; a record that fails leaves a
status and the offset of the fault. Twin: `mediation.reference.flat`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined, kernel
from mediation.kernels.codecs import e164, leading_zeros
from mediation.kernels.field_codecs import (
    MISSING,
    MOST,
    char,
    decimal_number,
    digits,
    expand,
    form_number,
    hex_number,
    is_blank,
    is_network,
    is_text,
    last_at_or_below,
    scaled,
)
from mediation.kernels.field_times import (
    NO_OFFSET,
    SECOND_US,
    local_seconds,
    match_pattern,
    start_clock,
)
from mediation.kernels.flat_ops import (
    ACT_CODEC,
    ACT_DIFFERS,
    ACT_FALLBACK,
    ACT_FIELD,
    ACT_HIGH,
    ACT_LOW,
    ACT_PARAM,
    ACT_SLOT,
    ACT_SLOT2,
    ACT_WHEN,
    ACT_WORD,
    ACTION_WIDTH,
    BAD_QUOTE,
    BETWEEN,
    CHARSET,
    CLK_MICRO,
    CLK_OFFSET,
    CONSTANT_NUMBER,
    CONSTANT_WORDS,
    DECIMAL,
    DECIMAL_NUMBER,
    DIALLED,
    DIGITS,
    EPOCH,
    FAULT_BITS,
    FIELD_COUNT,
    FIELD_WIDTH,
    FIRST_TYPE,
    FLD_AT,
    FLD_FORM,
    FLD_OCTETS,
    HEX_NUMBER,
    IMEI,
    INVALID_DIGITS,
    INVALID_NETWORK,
    INVALID_NUMBER,
    INVALID_TEXT,
    INVALID_TIMESTAMP,
    LOOKUP,
    NEAREST,
    NETWORK,
    NUMBER,
    OK,
    QUOTE,
    RECORD_LENGTH,
    SEPARATOR,
    TEXT,
    THOUSANDS,
    TIME,
    TYP_FIRST,
    TYP_LEAST,
    TYP_MOST,
    TYP_STOP,
    TYPE_FIELD,
    TYPE_WIDTH,
    UNKNOWN_RECORD_TYPE,
    VALUE_OUT_OF_RANGE,
    WORDS,
)
from mediation.kernels.intern import intern_octets, same_octets
from mediation.kernels.lines import closing_quote, kind_of_word, trimmed

ix = np.uint64  # unsigned indexes spare the test for negative ones
NEED_ROOM = -1
LATEST = 4_102_444_800  # 2100-01-01


@inlined
def split(data, pos, end, separator, quote, starts, ends, doubled):
    """Splits a line; returns how many fields it has, -1 - position of a quote that is wrong.

    `starts`, `ends` int64[n] get the places without quotes, `doubled` uint8[n] 1 where a quoted
    field holds quotes; fields behind the n-th are counted only.
    """
    count = 0
    room = starts.shape[0]
    while True:
        first = pos
        twice = 0
        if quote >= 0 and pos < end and char(data, pos) == quote:
            close = closing_quote(data, pos + 1, end, quote)
            if close >= end or (close + 1 < end and char(data, close + 1) != separator):
                return -1 - pos
            first = pos + 1
            last = close
            for index in range(first, last):
                if char(data, index) == quote:
                    twice = 1
            pos = close + 1
        else:
            while pos < end and char(data, pos) != separator:
                pos += 1
            last = pos
        if count < room:
            starts[ix(count)] = first
            ends[ix(count)] = last
            doubled[ix(count)] = twice
        count += 1
        if pos >= end:
            return count
        pos += 1


@inlined
def place(pos, end, fields, number, starts, ends, doubled, count):
    """Returns (first, end, doubled, form) of a field; (0, 0, 0, form) where the record lacks it."""
    at = np.int64(fields[ix(number * FIELD_WIDTH + FLD_AT)])
    octets = np.int64(fields[ix(number * FIELD_WIDTH + FLD_OCTETS)])
    form = np.int64(fields[ix(number * FIELD_WIDTH + FLD_FORM)])
    if octets < 0:
        if at < 0 or at >= count or at >= starts.shape[0]:
            return np.int64(0), np.int64(0), np.int64(0), form
        return starts[ix(at)], ends[ix(at)], np.int64(doubled[ix(at)]), form
    first = pos + at
    last = min(first + octets, end)
    if first >= end or (form != TEXT and last < first + octets):
        return np.int64(0), np.int64(0), np.int64(0), form
    return first, last, np.int64(0), form


@inlined
def says(
    data, pos, end, fields, number, starts, ends, doubled, count, blob, empties, scratch, expanded
):  # fmt: skip
    """Returns (buffer, first, end) of what a field says in ASCII; first is the end if nothing."""
    here, close, _, form = place(pos, end, fields, number, starts, ends, doubled, count)
    buf = data
    if form == TEXT:
        here, close = trimmed(data, here, close)
        if kind_of_word(data, here, close, blob, empties, 0, empties.shape[0] // 3) >= 0:
            close = here
    elif here < close and is_blank(data, here, close, form):
        close = here
    elif here < close:
        close = expand(data, here, close, form, expanded)
        here = np.int64(0)
        buf = scratch
    return buf, here, close


@inlined
def moment(buf, pos, end, patterns, pattern, clock, days, zone_steps, zone_offsets):
    """Returns UTC microseconds of a time in one piece, MISSING if it is none."""
    start_clock(clock)
    seconds = np.int64(MISSING)
    if match_pattern(buf, pos, end, patterns, pattern, clock):
        seconds = local_seconds(clock, days)
    if seconds == MISSING:
        return seconds
    offset = clock[CLK_OFFSET]
    if offset == NO_OFFSET:
        offset = zone_offsets[ix(last_at_or_below(zone_steps, seconds))]
    return (seconds - offset * 60) * SECOND_US + clock[CLK_MICRO]


@kernel
def decode_fields(
    data, offsets, lengths, first, stop, rules, types, fields, actions, templates, width,
    type_blob, type_words, blob, words, word_values, empties, patterns, zone_steps, zone_offsets,
    settings, days, powers, tbcd, active, quantities, scratch, expanded, clock, row, starts, ends,
    doubled, slots, interned, interned_count, last_text, columns, row_record, row_container,
    status, fault,
):  # fmt: skip
    """Decodes records `first` to `stop`; returns (next record, rows, 1 if texts are full).

    Args:
        data: uint8[n], the file.
        offsets: int64[records]; likewise `lengths`.
        lengths: Octets of each record.
        first: Record to begin with.
        stop: Record to stop before; at most as many records as the columns have rows.
        rules: Of the plan, as all up to `zone_offsets`; see `mediation.flat.plan.FlatPlan`.
        types: int64[types * TYPE_WIDTH].
        fields: int32[fields * FIELD_WIDTH], places as in this file.
        actions: int64[actions * ACTION_WIDTH].
        templates: int64[types * width].
        width: Slots of a row.
        type_blob: uint8[...], values of the type field.
        type_words: int32[n * 3]: first octet, end, kind.
        blob: uint8[...], words of tables.
        words: int32[n * 3]: first octet, end, number in `word_values`.
        word_values: int64[n].
        empties: int32[n * 3], words in `blob` that mean nothing.
        patterns: int16[...], tokens of times.
        zone_steps: int64[n], local seconds from which an offset holds.
        zone_offsets: int64[n], minutes.
        settings: int64[...] from `NormalizationSettings.array`.
        days: int32[100 * 512] and `powers` int64[19] of `mediation.kernels.tables`.
        powers: Powers of ten.
        tbcd: int16[256] of `mediation.kernels.tables`.
        active: int32[...], columns that the format can fill.
        quantities: int32[...], columns that are 0 where they are missing.
        scratch: uint8[256], read-only view of `expanded`: one compiled codec for both buffers.
        expanded: uint8[256], where binary fields are written in ASCII.
        clock: int64[CLOCK_CELLS].
        row: int64[width].
        starts: int64[fields of a line]; likewise `ends`, and `doubled` uint8.
        ends: Ends of fields.
        doubled: Whether quotes stand twice in them.
        slots: int32[...], the texts as `mediation.kernels.intern` has them.
        interned: int64[...].
        interned_count: int64[1].
        last_text: int32[2 * actions], text seen last by an action.
        columns: int64[columns, room], out.
        row_record: int32[room], out, record of each row, from `first` on.
        row_container: int32[room], out.
        status: int16[records], out, see `mediation.kernels.flat_ops`.
        fault: int64[records], out, offset of the fault and, from bit FAULT_BITS on, the number
            of its field + 1, 0 for none.
    """
    rows = 0
    full = 0
    record = first
    separator, quote = rules[SEPARATOR], rules[QUOTE]
    text_actions = actions.shape[0] // ACTION_WIDTH
    while record < stop:
        pos = offsets[ix(record)]
        end = pos + lengths[ix(record)]
        code = OK
        at = pos
        count = np.int64(0)
        if separator >= 0:
            count = split(data, pos, end, separator, quote, starts, ends, doubled)
            if count < 0:
                code = BAD_QUOTE
                at = -1 - count
        failing = np.int64(-1)
        kind = np.int64(0)
        if code == OK and rules[TYPE_FIELD] >= 0:
            here, close, _, form = place(
                pos, end, fields, rules[TYPE_FIELD], starts, ends, doubled, count
            )
            if form == TEXT:
                here, close = trimmed(data, here, close)
            kind = (
                kind_of_word(data, here, close, type_blob, type_words, 0, type_words.shape[0] // 3)
                - FIRST_TYPE
            )
            if kind < 0:
                code = UNKNOWN_RECORD_TYPE
                failing = rules[TYPE_FIELD]
        action = np.int64(0)
        last_action = np.int64(0)
        if code == OK:
            base = kind * TYPE_WIDTH
            action = types[ix(base + TYP_FIRST)]
            last_action = types[ix(base + TYP_STOP)]
            size = count if separator >= 0 else end - pos
            least, most = types[ix(base + TYP_LEAST)], types[ix(base + TYP_MOST)]
            if size < least or (most >= 0 and size > most):
                code = FIELD_COUNT if separator >= 0 else RECORD_LENGTH
            for slot in range(width):
                row[ix(slot)] = templates[ix(kind * width + slot)]
        while action < last_action and code == OK:
            base = action * ACTION_WIDTH
            codec = actions[ix(base + ACT_CODEC)]
            slot = actions[ix(base + ACT_SLOT)]
            second = actions[ix(base + ACT_SLOT2)]
            number = actions[ix(base + ACT_FIELD)]
            param = actions[ix(base + ACT_PARAM)]
            failing = number
            action += 1
            if actions[ix(base + ACT_FALLBACK)] and (
                row[ix(slot)] != MISSING or (second >= 0 and row[ix(second)] != MISSING)
            ):
                continue
            if actions[ix(base + ACT_WHEN)] >= 0:
                buf, here, close = says(
                    data, pos, end, fields, actions[ix(base + ACT_WHEN)], starts, ends, doubled,
                    count, blob, empties, scratch, expanded,
                )  # fmt: skip
                word = actions[ix(base + ACT_WORD)]
                differs = actions[ix(base + ACT_DIFFERS)] != 0
                if word < 0:
                    agrees = (here < close) == differs
                else:
                    alike = kind_of_word(buf, here, close, blob, words, word, word + 1) >= 0
                    agrees = alike != differs
                if not agrees:
                    continue
            if codec == CONSTANT_NUMBER:
                row[ix(slot)] = param
                continue
            if codec == CONSTANT_WORDS:
                found = intern_octets(data, pos, pos, action - 1, slots, interned, interned_count)
                if found < 0:
                    code = NEED_ROOM
                else:
                    row[ix(slot)] = found
                continue
            here, close, twice, form = place(pos, end, fields, number, starts, ends, doubled, count)
            raw, raw_end = here, close
            buf = data
            at = here
            if form == TEXT:
                here, close = trimmed(data, here, close)
                raw, raw_end = here, close
                if kind_of_word(data, here, close, blob, empties, 0, empties.shape[0] // 3) >= 0:
                    continue
            if here >= close or (form != TEXT and is_blank(data, here, close, form)):
                continue
            value = np.int64(MISSING)
            parsed, found = np.int64(0), np.int64(-1)
            if form != TEXT and codec != WORDS:
                parsed, found = form_number(data, here, close, form, codec, tbcd)
                if found < 0:
                    close = expand(data, here, close, form, expanded)
                    here = np.int64(0)
                    buf = scratch
            if codec == DECIMAL_NUMBER:
                scale = np.int64(0)
                if found < 0:
                    parsed, scale = decimal_number(
                        buf, here, close, rules[DECIMAL], rules[THOUSANDS]
                    )
                if scale >= 0:
                    value = scaled(
                        parsed, scale, param, actions[ix(base + ACT_PARAM + 1)],
                        actions[ix(base + ACT_PARAM + 2)], powers,
                    )  # fmt: skip
                if scale < 0 or value == MISSING:
                    code = INVALID_NUMBER
            elif codec == TIME:
                start_clock(clock)
                fits = match_pattern(buf, here, close, patterns, param, clock)
                for piece in range(1, 3):
                    number = actions[ix(base + ACT_FIELD + piece)]
                    if number < 0 or not fits:
                        break
                    here, close, twice, form = place(
                        pos, end, fields, number, starts, ends, doubled, count
                    )
                    at = here
                    buf = data
                    if form == TEXT:
                        here, close = trimmed(data, here, close)
                    elif close > here:
                        close = expand(data, here, close, form, expanded)
                        here = np.int64(0)
                        buf = scratch
                    fits = match_pattern(
                        buf, here, close, patterns, actions[ix(base + ACT_PARAM + piece)], clock
                    )
                seconds = local_seconds(clock, days) if fits else np.int64(MISSING)
                if seconds == MISSING:
                    code = INVALID_TIMESTAMP
                else:
                    offset = clock[CLK_OFFSET]
                    if offset == NO_OFFSET:
                        offset = zone_offsets[ix(last_at_or_below(zone_steps, seconds))]
                    value = (seconds - offset * 60) * SECOND_US + clock[CLK_MICRO]
                    row[ix(second)] = offset
            elif codec == BETWEEN:
                begin = moment(
                    buf, here, close, patterns, param, clock, days, zone_steps, zone_offsets
                )
                buf, here, close = says(
                    data, pos, end, fields, actions[ix(base + ACT_FIELD + 1)], starts, ends,
                    doubled, count, blob, empties, scratch, expanded,
                )  # fmt: skip
                if here >= close:
                    continue
                until = moment(
                    buf, here, close, patterns, param, clock, days, zone_steps, zone_offsets
                )
                if MISSING in (begin, until):
                    code = INVALID_TIMESTAMP
                else:
                    value = scaled(
                        until - begin, np.int64(6), np.int64(1), np.int64(1), np.int64(NEAREST),
                        powers,
                    )  # fmt: skip
            elif codec == EPOCH:
                value, found = digits(buf, here, close)
                if found < 0 or value // (SECOND_US // param) >= LATEST:
                    code = INVALID_TIMESTAMP
                else:
                    value *= param
                    row[ix(second)] = 0
            elif codec in (DIGITS, IMEI):
                if found < 0:
                    parsed, found = digits(buf, here, close)
                value = parsed
                if found < 0:
                    code = INVALID_DIGITS
                elif codec == IMEI and found == 16:
                    value //= 100
            elif codec in (NUMBER, DIALLED):
                ton = param
                if found < 0:
                    if char(buf, here) == 0x2B and close > here + 1:
                        here += 1
                        ton = np.int64(1)
                    parsed, found = digits(buf, here, close)
                if codec == DIALLED:
                    if found > 0:
                        value = parsed
                        row[ix(second)] = leading_zeros(parsed, found, powers)
                else:
                    if found > 0:
                        value = e164(parsed, found, (ton << 4) | 1, settings, powers)
                        if value < 0:
                            value = np.int64(MISSING)
                    if value == MISSING and second >= 0:
                        codec = np.int64(WORDS)
                        slot = second
                    elif found < 0:
                        code = INVALID_DIGITS
            elif codec == HEX_NUMBER:
                value = parsed if found >= 0 else hex_number(buf, here, close)
                if value < 0:
                    code = INVALID_NUMBER
            elif codec == LOOKUP:
                word = kind_of_word(
                    buf, here, close, blob, words, param, actions[ix(base + ACT_PARAM + 1)]
                )
                value = word_values[ix(word)] if word >= 0 else row[ix(slot)]
            if codec in (WORDS, NETWORK) and code == OK:
                # What has been seen before has been found good before.
                name = action - 1 + (text_actions if twice else 0)
                value = np.int64(last_text[ix(name)])
                if value < 0 or not same_octets(data, raw, raw_end, interned, value):
                    if codec == NETWORK and not is_network(buf, here, close):
                        code = INVALID_NETWORK
                    elif form == TEXT and not is_text(data, raw, raw_end, rules[CHARSET]):
                        code = INVALID_TEXT
                    else:
                        value = intern_octets(
                            data, raw, raw_end, name, slots, interned, interned_count
                        )
                        if value < 0:
                            code = NEED_ROOM
                        else:
                            last_text[ix(name)] = value
            elif (
                value != MISSING
                and code == OK
                and (
                    value < actions[ix(base + ACT_LOW)]
                    or value > actions[ix(base + ACT_HIGH)]
                    or value == MOST
                )
            ):
                code = VALUE_OUT_OF_RANGE
            row[ix(slot)] = value
        if code == NEED_ROOM:
            full = 1
            break
        if code == OK:
            for index in range(active.shape[0]):
                column = np.int64(active[ix(index)])
                columns[ix(column), ix(rows)] = row[ix(column)]
            for index in range(quantities.shape[0]):
                column = np.int64(quantities[ix(index)])
                if row[ix(column)] == MISSING:
                    columns[ix(column), ix(rows)] = 0
            row_record[ix(rows)] = record - first
            row_container[ix(rows)] = 0
            rows += 1
        else:
            status[ix(record)] = code
            fault[ix(record)] = at | ((failing + 1) << FAULT_BITS)
        record += 1
    return record, rows, full
