"""The table-driven BER walk: records to int64 columns.

One flat kernel follows the tables of a `mediation.plan.Plan` through the TLVs of each record and
lets codecs write the slots of a row. Rows are made one by one in `block` (they fit the L1 cache)
and move to the columns 64 at a time. Twin: `mediation.reference.ber`.
"""

from __future__ import annotations

import numpy as np

from mediation.kernels.ascii import AS_TEXT, ascii_value, gather, hex_octet
from mediation.kernels.codecs import (
    MISSING,
    digits_value,
    e164,
    leading_zeros,
    network_status,
    signed_value,
    timestamp,
    unsigned_value,
    user_location,
)
from mediation.kernels.intern import intern_octets, same_octets
from mediation.kernels.jit import kernel

# isort: off
# fmt: off
from mediation.kernels.ops import (
    ACTION_WIDTH, ACT_CODEC, ACT_HIGH, ACT_LOW, ACT_NEXT, ACT_PARAM, ACT_SLOT, ACT_SLOT2,
    BAD_LENGTH, BAD_TAG, BOOLEAN, DIALLED, ENTRY_WIDTH, ENT_ACTION, ENT_CHILD, ENT_GROUP,
    ENT_KIND, ENT_PICK, ENT_PICK_END, ENT_POSITION, ENT_TYPE, FIRST, FLUSH_ROWS, IMEI, INTEGER,
    INVALID_DIGITS, INVALID_INTEGER, INVALID_LENGTH, INVALID_NETWORK, INVALID_TIMESTAMP, LEAF,
    LOCATION, LOOKUP, LOOKUP_ASCII, MAX_DEPTH, MAX_ROWS, NUMBER, OCTETS, OK, PICK, PLMN,
    PRESENCE, RECORD, ROW, SAME, SET_E164_MIN, SET_REPAIR_INTEGERS, SUM, TBCD, TEXT, TIMESTAMP, TOO_DEEP,
    TOO_MANY_ROWS, TRAILING_BYTES, TRUNCATED, UNEXPECTED_END, UNEXPECTED_FORM,
    UNKNOWN_RECORD_TYPE, UNSIGNED, URI, VALUE_OUT_OF_RANGE,
)
# fmt: on
# isort: on
from mediation.kernels.rare import rare_value
from mediation.kernels.rows import apply_picks, apply_steps, close_rows, empty_picks, flush_rows
from mediation.kernels.texts import uri_number

NEED_ROOM = -1
ix = np.uint64  # unsigned indexes spare the test for negative ones


@kernel
def decode_rows(
    data, offsets, lengths, first, stop,
    edges, long_base, long_size, long_edges, entries, actions, templates, width, steps, spans,
    merge, quantities, lookups, active, settings, tbcd, bcd, days, powers,
    block, stack, slots, interned, interned_count, last,
    columns, row_record, row_container, status, fault,
):  # fmt: skip
    """Decodes records `first` to `stop` until they end or an output is full.

    Args:
        data: uint8[n], the file.
        offsets: int64[records], where each record's first tag octet is.
        lengths: int64[records], octets of each record with its tag and length.
        first: First record to decode.
        stop: One behind the last record.
        edges: Of the plan, as all up to `spans`; see `mediation.plan.Plan`.
        long_base: Of the plan.
        long_size: Of the plan.
        long_edges: Of the plan.
        entries: Of the plan.
        actions: Of the plan.
        templates: Of the plan.
        width: Of the plan.
        steps: Of the plan.
        spans: Of the plan.
        merge: int32[pairs * 2], columns (second may be -1) that a row takes from its record.
        quantities: int32[...], columns that are 0 where missing.
        lookups: Of the plan.
        active: Of the plan.
        settings: int64[...], a number plan from `mediation.number_plan.NumberPlan.array`.
        tbcd: int16[256], as all up to `powers` from `mediation.kernels.tables`.
        bcd: int16[256].
        days: int32[51200].
        powers: int64[19].
        block: int64[(FLUSH_ROWS + MAX_ROWS + 1) * width], rows in the making; the last one holds
            what stands in the record of rows.
        stack: int64[(MAX_DEPTH + 1) * 3], open elements.
        slots: int32[power of two], hash table of `interned`, -1 free.
        interned: int64[capacity * 3], distinct texts: offset, length, action.
        interned_count: int64[1], how many there are.
        last: int32[actions], the text that the action saw last, -1 none.
        columns: int64[columns, capacity], out.
        row_record: int32[capacity], out: record of each row, counted from `first`.
        row_container: int32[capacity], out: container of each row, 0 first.
        status: int16[records], out: a status of `mediation.kernels.ops`; 0 where rows were made.
        fault: int64[records], zeros, out: where the fault was seen, else integers repaired.

    Returns:
        (next record, rows made, 1 if `interned` is full): call again from the next record.
    """
    capacity = columns.shape[1]
    scratch = (FLUSH_ROWS + MAX_ROWS) * width
    rows_out = 0
    used = 0
    full = 0
    record = first
    while record < stop:
        if rows_out + used + MAX_ROWS > capacity:
            break
        pos = offsets[ix(record)]
        limit = pos + lengths[ix(record)]
        code = OK
        at = pos
        if pos < 0 or limit > data.shape[0] or limit <= pos:
            code = TRUNCATED
            limit = pos
        depth = 0
        node = 0
        end = limit
        indefinite = 0
        is_row = 0
        kind_of = -1
        record_target = 0
        target = 0
        count = 0
        groups = 0
        action = -1
        close = pos
        length = 0
        entry = -1
        parsed = -1
        dialled = 0
        digits = 0
        while code == OK:
            if action < 0:
                at = pos
                closes = 0
                tag = 0
                if pos >= end:
                    if depth == 0:
                        break
                    if indefinite:
                        code = TRUNCATED
                        break
                    closes = 1
                elif depth == 0 and kind_of >= 0:
                    code = TRAILING_BYTES
                    break
                else:
                    tag = np.int64(data[ix(pos)])
                    pos += 1
                    if tag == 0:
                        if not indefinite or pos >= end or data[ix(pos)] != 0:
                            code = UNEXPECTED_END
                            break
                        pos += 1
                        closes = 1
                if closes:
                    if is_row == 1:
                        target = block[ix(target + width - 2)]
                    elif is_row:
                        base = (is_row - 2) * ENTRY_WIDTH
                        first_pick = entries[ix(base + ENT_PICK)]
                        apply_picks(
                            block, target, steps, first_pick, entries[ix(base + ENT_PICK_END)]
                        )
                    depth -= 1
                    end = stack[ix(depth * 3)]
                    node = stack[ix(depth * 3 + 1)]
                    indefinite = stack[ix(depth * 3 + 2)] & 1
                    is_row = stack[ix(depth * 3 + 2)] >> 1
                    continue
                if tag & 31 != 31:
                    entry = np.int64(edges[ix((node << 8) + tag)])
                else:
                    number = 0
                    octets = 0
                    more = 1
                    while more and octets < 4 and pos < end:
                        octet = np.int64(data[ix(pos)])
                        pos += 1
                        octets += 1
                        number = (number << 7) | (octet & 127)
                        more = octet >> 7
                    if more:
                        code = BAD_TAG if octets == 4 else TRUNCATED
                        break
                    kind_slot = (node << 2) + (tag >> 6)
                    entry = -1
                    if number < long_size[ix(kind_slot)]:
                        entry = np.int64(long_edges[ix(long_base[ix(kind_slot)] + number)])
                # Length.
                if pos >= end:
                    code = TRUNCATED
                    break
                length = np.int64(data[ix(pos)])
                pos += 1
                open_end = 0
                if length >= 128:
                    size = length & 127
                    if size == 0:
                        if tag & 32 == 0:
                            code = BAD_LENGTH
                            break
                        open_end = 1
                        length = 0
                    elif size > 4:
                        code = BAD_LENGTH
                        break
                    else:
                        if size > end - pos:
                            code = TRUNCATED
                            break
                        length = unsigned_value(data, pos, pos + size)
                        pos += size
                if length > end - pos:
                    code = TRUNCATED
                    break
                # What to do with it.
                if entry < 0:
                    if depth == 0:
                        code = UNKNOWN_RECORD_TYPE
                        break
                    if open_end == 0:
                        pos += length
                        continue
                    kind = -1
                    child = 1
                else:
                    kind = entries[ix(entry * ENTRY_WIDTH + ENT_KIND)]
                    child = entries[ix(entry * ENTRY_WIDTH + ENT_CHILD)]
                    if (kind == LEAF) == (tag & 32 != 0):
                        code = UNEXPECTED_FORM
                        break
                if kind != LEAF:
                    if depth >= MAX_DEPTH:
                        code = TOO_DEEP
                        break
                    stack[ix(depth * 3)] = end
                    stack[ix(depth * 3 + 1)] = node
                    stack[ix(depth * 3 + 2)] = indefinite | (is_row << 1)
                    depth += 1
                    node = child
                    indefinite = open_end
                    if open_end == 0:
                        end = pos + length
                    is_row = 0
                    if kind == ROW:
                        if count == MAX_ROWS:
                            code = TOO_MANY_ROWS
                            break
                        is_row = 1
                        around = target
                        target = (used + count) * width
                        count += 1
                        groups += entries[ix(entry * ENTRY_WIDTH + ENT_GROUP)]
                        source = entries[ix(entry * ENTRY_WIDTH + ENT_TYPE)] * width
                        for index in range(width):
                            block[ix(target + index)] = templates[ix(source + index)]
                        slot = entries[ix(entry * ENTRY_WIDTH + ENT_POSITION)]
                        if slot >= 0:
                            block[ix(target + slot)] = count - groups
                        block[ix(target + width - 2)] = around
                    elif kind == RECORD:
                        kind_of = entries[ix(entry * ENTRY_WIDTH + ENT_TYPE)]
                        record_target = scratch if spans[ix(kind_of * 7 + 6)] else used * width
                        target = record_target
                        source = kind_of * width
                        for index in range(width):
                            block[ix(target + index)] = templates[ix(source + index)]
                    elif kind == PICK:
                        is_row = entry + 2
                        base = entry * ENTRY_WIDTH
                        first_pick = entries[ix(base + ENT_PICK)]
                        empty_picks(
                            block, target, steps, first_pick, entries[ix(base + ENT_PICK_END)]
                        )
                    continue
                # A field: its codecs run one by one below. This is no loop of its own, because
                # the compiler would then prepare every codec's slow path ahead of it.
                close = pos + length
                action = entries[ix(entry * ENTRY_WIDTH + ENT_ACTION)]
                if action < 0:
                    pos = close
                    continue
            base = action * ACTION_WIDTH
            codec = actions[ix(base + ACT_CODEC)]
            slot = target + actions[ix(base + ACT_SLOT)]
            if codec in (INTEGER, UNSIGNED, OCTETS):
                if length == 0:
                    code = INVALID_INTEGER
                    break
                skip = 0
                if codec == INTEGER:
                    if length > 8:
                        code = INVALID_INTEGER
                        break
                    value = signed_value(data, pos, close)
                    if value < 0 and length < 8 and settings[ix(SET_REPAIR_INTEGERS)]:
                        value = unsigned_value(data, pos, close)
                        fault[ix(record)] += 1
                else:
                    while length - skip > 8 and data[ix(pos + skip)] == 0:
                        skip += 1
                    if length - skip > 8:
                        code = INVALID_INTEGER if codec == UNSIGNED else INVALID_LENGTH
                        break
                    value = unsigned_value(data, pos + skip, close)
                    if codec == UNSIGNED and value < 0:
                        code = VALUE_OUT_OF_RANGE
                        break
                    if codec == UNSIGNED and data[ix(pos)] > 127:
                        fault[ix(record)] += 1
                if value < actions[ix(base + ACT_LOW)] or value > actions[ix(base + ACT_HIGH)]:
                    code = VALUE_OUT_OF_RANGE
                    break
                block[ix(slot)] = value
            elif codec == TIMESTAMP:
                if length != 9:
                    code = INVALID_TIMESTAMP
                    break
                value, minutes = timestamp(data, pos, bcd, days)
                if value == MISSING:
                    code = INVALID_TIMESTAMP
                    break
                block[ix(slot)] = value
                block[ix(target + actions[ix(base + ACT_SLOT2)])] = minutes
            elif codec in (TBCD, IMEI):
                value, size = digits_value(data, pos, close, tbcd)
                if size < 0:
                    code = INVALID_DIGITS
                    break
                if codec == IMEI and size == 16:
                    value //= 100
                block[ix(slot)] = value if size > 0 else MISSING
            elif codec in (NUMBER, DIALLED, URI):
                second = actions[ix(base + ACT_SLOT2)]
                if codec == URI:
                    parsed = -1
                    digits = length
                elif parsed != pos:  # the same number often feeds two columns
                    parsed = pos
                    dialled = 0
                    digits = 0
                    body = pos + 1
                    if length > 0 and data[ix(pos)] < 128 and actions[ix(base + ACT_PARAM)] == 0:
                        body += 1  # octet 3a of TS 24.008
                    if body < close:
                        dialled, digits = digits_value(data, body, close, tbcd)
                value = dialled
                if codec == DIALLED:
                    if digits > 0 and (np.int64(data[ix(pos)]) >> 4) & 7 != 5:
                        block[ix(slot)] = value
                        block[ix(target + second)] = leading_zeros(value, digits, powers)
                    else:
                        block[ix(slot)] = MISSING
                        block[ix(target + second)] = MISSING
                else:
                    number = -1
                    if codec == URI:
                        number = uri_number(data, pos, close, settings[SET_E164_MIN])
                    elif digits > 0:
                        number = e164(value, digits, np.int64(data[ix(pos)]), settings, powers)
                    block[ix(slot)] = number if number >= 0 else MISSING
                    if second >= 0:
                        block[ix(target + second)] = MISSING
                        if number < 0 and digits != 0:
                            found = intern_octets(
                                data, pos, close, action, slots, interned, interned_count
                            )
                            if found < 0:
                                code = NEED_ROOM
                                break
                            block[ix(target + second)] = found
            elif codec in (TEXT, PLMN):
                if codec == PLMN:
                    network = network_status(data, pos, close)
                    if network == 1:
                        block[ix(slot)] = MISSING
                        action = actions[ix(base + ACT_NEXT)]
                        if action < 0:
                            pos = close
                        continue
                    if network == 2:
                        code = INVALID_NETWORK
                        break
                found = np.int64(last[ix(action)])
                if found < 0 or not same_octets(data, pos, close, interned, found):
                    found = intern_octets(data, pos, close, action, slots, interned, interned_count)
                    if found < 0:
                        code = NEED_ROOM
                        break
                    last[ix(action)] = found
                block[ix(slot)] = found if length > 0 else MISSING
            elif codec == LOCATION:
                value, cell = user_location(data, pos, close)
                block[ix(slot)] = value
                block[ix(target + actions[ix(base + ACT_SLOT2)])] = cell
            elif codec == LOOKUP:
                if length == 1:
                    value = lookups[
                        ix((actions[ix(base + ACT_PARAM)] << 8) + np.int64(data[ix(pos)]))
                    ]
                    if value != MISSING:
                        block[ix(slot)] = value
            elif codec == BOOLEAN:
                if length != 1:
                    code = INVALID_LENGTH
                    break
                block[ix(slot)] = 1 if data[ix(pos)] != 0 else 0
            elif codec == PRESENCE:
                block[ix(slot)] = 1
            elif codec in (FIRST, SAME, SUM):
                second = actions[ix(base + ACT_SLOT2)]
                refund = second >= 0 and block[ix(target + second)] == 1
                low, high = actions[ix(base + ACT_LOW)], actions[ix(base + ACT_HIGH)]
                value, code = gather(codec, data, pos, close, block[ix(slot)], refund, low, high)
                if code != OK:
                    break
                block[ix(slot)] = value
            elif codec == LOOKUP_ASCII:
                value = hex_octet(data, pos, close)
                if value >= 0:
                    value = lookups[ix((actions[ix(base + ACT_PARAM)] << 8) + value)]
                    if value != MISSING:
                        block[ix(slot)] = value
            elif codec > LOOKUP_ASCII:
                value, other, code = ascii_value(codec, data, pos, close, days, settings, powers)
                if code != OK:
                    break
                block[ix(slot)] = value
                second = actions[ix(base + ACT_SLOT2)]
                if second >= 0:
                    if other == AS_TEXT:
                        other = intern_octets(
                            data, pos, close, action, slots, interned, interned_count
                        )
                        if other < 0:
                            code = NEED_ROOM
                            break
                    block[ix(target + second)] = other
            else:
                code, value, other, repaired = rare_value(
                    data, pos, close, actions, base, settings, lookups, bcd, days
                )
                if code != OK:
                    break
                fault[ix(record)] += repaired
                block[ix(slot)] = value
                if actions[ix(base + ACT_SLOT2)] >= 0:
                    block[ix(target + actions[ix(base + ACT_SLOT2)])] = other
            action = actions[ix(base + ACT_NEXT)]
            if action < 0:
                pos = close
        if code == NEED_ROOM:
            full = 1
            fault[ix(record)] = 0  # this record comes again
            break
        if code == OK and count == 0 and spans[ix(kind_of * 7 + 6)] == 2:
            code = UNKNOWN_RECORD_TYPE  # none of its call modules is known
            at = offsets[ix(record)]
        if code == OK:
            span = kind_of * 7
            apply_steps(
                block, record_target, record_target, steps, spans[ix(span)], spans[ix(span + 1)]
            )
            if spans[ix(span + 6)]:
                count = close_rows(
                    block, used * width, record_target, count, width, steps, spans, span, merge
                )
            else:
                count = 1
            for index in range(count):
                row_record[ix(rows_out + used + index)] = record - first
                row_container[ix(rows_out + used + index)] = index
            used += count
            if used >= FLUSH_ROWS:
                flush_rows(block, used, width, columns, rows_out, active, quantities)
                rows_out += used
                used = 0
        else:
            status[ix(record)] = code
            fault[ix(record)] = at
        record += 1
    flush_rows(block, used, width, columns, rows_out, active, quantities)
    rows_out += used
    return record, rows_out, full
