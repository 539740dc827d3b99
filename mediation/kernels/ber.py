"""The table-driven BER walk: records to int64 columns.

One flat kernel follows the tables of a `mediation.plan.Plan` through the TLVs of each record and
lets codecs write the slots of a row. Rows are made one by one in `block` (they fit the L1 cache)
and move to the columns 64 at a time. Twin: `mediation.reference.ber`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import kernel
from mediation.kernels.heads import read_head
from mediation.kernels.intern import intern_octets, only_zeros, same_octets

# isort: off
# fmt: off
from mediation.kernels.ascii import (
    AS_TEXT, PLAIN_CODECS, ascii_value, gather, hex_octet, plain_value,
)
from mediation.kernels.codecs import (
    MISSING, digits_value, e164, leading_zeros, network_status, timestamp, user_location, whole_number,
)
from mediation.kernels.ops import (
    ACTION_WIDTH, ACT_CODEC, ACT_EXTRA, ACT_HIGH, ACT_LOW, ACT_NEXT, ACT_PARAM, ACT_SLOT, ACT_SLOT2,
    BOOLEAN, DESCEND, DIALLED, ENTRY_WIDTH, ENT_ACTION, ENT_CHILD, ENT_GROUP,
    ENT_KIND, ENT_PICK, ENT_PICK_END, ENT_POSITION, ENT_TYPE, FIRST, FLUSH_ROWS, IMEI, INTEGER,
    INVALID_DIGITS, INVALID_LENGTH, INVALID_NETWORK, INVALID_TIMESTAMP, LEAF,
    LOCATION, LOOKUP, LOOKUP_ASCII, MAX_DEPTH, MAX_ROWS, NUMBER, OCTETS, OK, PICK, PLMN,
    PRESENCE, RECORD, ROW, SAME, SET_REPAIR_INTEGERS, SPAN_ROWS, SPAN_WIDTH, SUM, TBCD, TEXT, TIMESTAMP, TOO_DEEP,
    TOO_MANY_ROWS, TRAILING_BYTES, TRUNCATED, UNEXPECTED_END, UNEXPECTED_FORM,
    UNKNOWN_RECORD_TYPE, UNSIGNED, URI, VALUE_OUT_OF_RANGE,
)
from mediation.kernels.rows import (
    apply_picks, apply_steps, close_rows, copy_slots, empty_picks, flush_rows,
)
from mediation.kernels.shapes import (
    ABOUT, ABOUT_SHIFT, KIND, LEARNT, LENGTH_SHIFT, PLACE, STOP_CLOSE_PICK, STOP_CLOSE_ROW, STOP_END,
    STOP_FIELD, STOP_NONE, STOP_OPEN, STOPS, TAG_SHIFT, VALUE_SHIFT,
    begin_draft, has_shape, learn, mark, shape_of, stop_at,
)
# fmt: on
# isort: on
from mediation.kernels.rare import rare_value
from mediation.kernels.texts import uri_number

NEED_ROOM = -1
ix = np.uint64  # unsigned indexes spare the test for negative ones


@kernel
def decode_rows(
    data, offsets, lengths, first, stop,
    edges, long_base, long_size, long_edges, entries, actions, templates, width, steps, spans,
    merge, quantities, lookups, active, settings, tbcd, bcd, days, powers,
    shapes, block, stack, slots, interned, interned_count, last,
    columns, row_record, row_container, status, fault,
):  # fmt: skip
    """Decodes records `first` to `stop` until they end or an output is full.

    Args:
        data: uint8[n], the file.
        offsets: int64[records], where each record's first tag octet is.
        lengths: int64[records], octets of each record with its tag and length.
        first: First record to decode.
        stop: One behind the last record.
        edges: Of the plan, as all up to `merge`; see `mediation.plan.Plan`.
        long_base: Of the plan.
        long_size: Of the plan.
        long_edges: Of the plan.
        entries: Of the plan.
        actions: Of the plan.
        templates: Of the plan.
        width: Of the plan.
        steps: Of the plan.
        spans: Of the plan.
        merge: Of the plan.
        quantities: int32[...], columns that are 0 where missing.
        lookups: Of the plan.
        active: Of the plan.
        settings: int64[...], a number plan from `mediation.number_plan.NumberPlan.array`.
        tbcd: int16[256], as all up to `powers` from `mediation.kernels.tables`.
        bcd: int16[256].
        days: int32[51200].
        powers: int64[19].
        shapes: What is known of this plan's records, see `mediation.kernels.shapes`.
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
    rows_out = used = full = 0
    order, words, stops, draft, trust = shapes
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
        span = 0
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
        start = pos
        follow = -1
        learnt = -1
        first_stop = 0
        if code == OK and has_shape(data, pos, limit - pos, trust):
            shape = shape_of(data, pos, limit - pos, order, words, trust)
            if shape >= 0:
                follow = shape * STOPS
            elif trust[2] % LEARNT == 1:
                first_stop = begin_draft(draft, limit - pos, order) * STOPS
                learnt = first_stop
        while code == OK:
            if action < 0:
                if follow >= 0:
                    stop_here = stops[ix(follow)]
                    follow += 1
                    happens = stop_here & KIND
                    about = stop_here >> ABOUT_SHIFT & ABOUT
                    at = start + (stop_here >> TAG_SHIFT & PLACE)
                    pos = start + (stop_here >> VALUE_SHIFT & PLACE)
                    length = stop_here >> LENGTH_SHIFT
                else:
                    happens = STOP_NONE
                    about = 0
                    length = 0
                    at = pos
                    closes = 0
                    tag = 0
                    if pos >= end:
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
                            if learnt >= 0:
                                mark(draft, at - start, pos - start)
                    if closes:
                        if depth == 0:
                            happens = STOP_END
                        else:
                            if is_row == 1:
                                happens = STOP_CLOSE_ROW
                            elif is_row:
                                happens = STOP_CLOSE_PICK
                                about = is_row - 2
                            depth -= 1
                            end = stack[ix(depth * 3)]
                            node = stack[ix(depth * 3 + 1)]
                            indefinite = stack[ix(depth * 3 + 2)] & 1
                            is_row = stack[ix(depth * 3 + 2)] >> 1
                            if happens == STOP_NONE:
                                continue
                    else:
                        code, pos, entry, length, open_end = read_head(
                            data, pos, end, tag, node, edges, long_base, long_size, long_edges
                        )
                        if code != OK:
                            break
                        if learnt >= 0:
                            mark(draft, at - start, pos - start)
                        # What to do with it.
                        kind = -1
                        child = 1
                        if entry >= 0:
                            kind = entries[ix(entry * ENTRY_WIDTH + ENT_KIND)]
                            child = entries[ix(entry * ENTRY_WIDTH + ENT_CHILD)]
                            if (kind == LEAF) == (tag & 32 != 0):
                                code = UNEXPECTED_FORM
                                break
                            if kind == LEAF:
                                about = entries[ix(entry * ENTRY_WIDTH + ENT_ACTION)]
                                if about < 0:
                                    pos += length
                                    continue
                                happens = STOP_FIELD
                        elif depth == 0:
                            code = UNKNOWN_RECORD_TYPE
                            break
                        elif open_end == 0:
                            pos += length
                            continue
                        if happens == STOP_NONE:
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
                            if kind <= DESCEND:
                                continue
                            if kind == ROW:
                                is_row = 1
                            elif kind == PICK:
                                is_row = entry + 2
                            happens = STOP_OPEN
                            about = entry
                            length = 0
                    if learnt == first_stop + STOPS:
                        learnt = -1
                    elif learnt >= 0:
                        stops[ix(learnt)] = stop_at(happens, about, start, at, pos, length)
                        learnt += 1
                if happens == STOP_FIELD:
                    # Its codecs run one by one below. This is no loop of its own, because the
                    # compiler would then prepare every codec's slow path ahead of it.
                    close = pos + length
                    action = about
                elif happens == STOP_END:
                    break
                elif happens == STOP_CLOSE_ROW:
                    target = block[ix(target + width - 2)]
                    continue
                else:
                    base = about * ENTRY_WIDTH
                    kind = entries[ix(base + ENT_KIND)]
                    if kind == ROW:
                        if count == MAX_ROWS:
                            code = TOO_MANY_ROWS
                            break
                        around = target
                        target = (used + count) * width
                        count += 1
                        groups += entries[ix(base + ENT_GROUP)]
                        source = entries[ix(base + ENT_TYPE)] * width
                        copy_slots(templates, source, block, target, width)
                        slot = entries[ix(base + ENT_POSITION)]
                        if slot >= 0:
                            block[ix(target + slot)] = count - groups
                        block[ix(target + width - 2)] = around
                    elif kind == RECORD:
                        kind_of = entries[ix(base + ENT_TYPE)]
                        span = kind_of * SPAN_WIDTH
                        record_target = scratch if spans[ix(span + SPAN_ROWS)] else used * width
                        target = record_target
                        source = kind_of * width
                        copy_slots(templates, source, block, target, width)
                    else:
                        first_pick = entries[ix(base + ENT_PICK)]
                        last_pick = entries[ix(base + ENT_PICK_END)]
                        if happens == STOP_OPEN:
                            empty_picks(block, target, steps, first_pick, last_pick)
                        else:
                            apply_picks(block, target, steps, first_pick, last_pick)
                    continue
            base = action * ACTION_WIDTH
            codec = actions[ix(base + ACT_CODEC)]
            slot = target + actions[ix(base + ACT_SLOT)]
            if codec in (INTEGER, UNSIGNED, OCTETS):
                code, value, repaired = whole_number(
                    codec, data, pos, close, settings[ix(SET_REPAIR_INTEGERS)]
                )
                if repaired:
                    fault[ix(record)] += 1
                if code == OK and (
                    value < actions[ix(base + ACT_LOW)] or value > actions[ix(base + ACT_HIGH)]
                ):
                    code = VALUE_OUT_OF_RANGE
                if code != OK:
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
                        number = uri_number(
                            data, pos, close, actions[ix(base + ACT_PARAM)], settings, powers
                        )
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
                size = min(length, actions[ix(base + ACT_PARAM)])
                if found < 0 or not same_octets(data, pos, pos + size, interned, found):
                    found = intern_octets(
                        data, pos, pos + size, action, slots, interned, interned_count
                    )
                    if found < 0:
                        code = NEED_ROOM
                        break
                    last[ix(action)] = found
                nothing = length == 0
                if not nothing and data[ix(pos)] == 0 and actions[ix(base + ACT_EXTRA)] != 0:
                    nothing = only_zeros(data, pos, close)
                block[ix(slot)] = MISSING if nothing else found
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
            elif codec in PLAIN_CODECS:
                low, high = actions[ix(base + ACT_LOW)], actions[ix(base + ACT_HIGH)]
                param = actions[ix(base + ACT_PARAM)]
                code, block[ix(slot)] = plain_value(data, pos, close, codec, param, low, high)
                if code != OK:
                    break
                if actions[ix(base + ACT_SLOT2)] >= 0:
                    block[ix(target + actions[ix(base + ACT_SLOT2)])] = MISSING
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
        if code == OK and count == 0 and spans[ix(span + SPAN_ROWS)] == 2:
            code = UNKNOWN_RECORD_TYPE  # none of its call modules is known
            at = offsets[ix(record)]
        if code == OK:
            if learnt >= 0:
                learn(data, start, limit - start, order, words, draft)
            apply_steps(
                block, record_target, record_target, steps, spans[ix(span)], spans[ix(span + 1)]
            )
            if spans[ix(span + SPAN_ROWS)]:
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
