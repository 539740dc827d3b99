"""Testing the rows of a block against validation rules.

A rule is a range on one or two columns. Most blocks have no hit at all, so each rule first asks
the whole column with a loop that compiles to vector instructions, and looks at single rows only
where something was found.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import njit

# Cells of a rule in `rules`.
COLUMN = 0
OTHER = 1
MODE = 2
SERVICES = 3
DIRECTIONS = 4
RECORDS = 5
RULE_CELLS = 6

EVERY_RECORD = -1

# Modes.
MODE_MISSING = 0
MODE_OUTSIDE = 1
MODE_BETWEEN = 2
MODE_ALWAYS = 3


@njit(nogil=True, cache=True)
def suspect(values, mode, low, high, missing):
    """Returns whether any of ``values`` int64[n] may be hit, conditions apart."""
    found = np.int64(0)
    if mode == MODE_MISSING:
        for row in range(len(values)):
            found |= np.int64(values[row] == missing)
    elif mode == MODE_OUTSIDE:
        for row in range(len(values)):
            value = values[row]
            found |= np.int64(((value < low) | (value > high)) & (value != missing))
    elif mode == MODE_BETWEEN:
        for row in range(len(values)):
            value = values[row]
            found |= np.int64((value >= low) & (value <= high) & (value != missing))
    else:
        found = np.int64(1)
    return found != 0


@njit(nogil=True, cache=True)
def concerned(records, mask):
    """Returns whether any of the record types ``records`` int64[n] is one of the bits of ``mask``."""
    found = np.int64(0)
    for row in range(len(records)):
        found |= mask >> (records[row] & 63)
    return found & 1 != 0


@njit(nogil=True, cache=True)
def hits(value, other, mode, low, high, missing):
    """Returns whether one row is hit; ``other`` is the second column of a missing rule."""
    if mode == MODE_MISSING:
        return value == missing and other == missing
    if mode == MODE_ALWAYS:
        return True
    if value == missing:
        return False
    if mode == MODE_OUTSIDE:
        return value < low or value > high
    return low <= value <= high


@njit(nogil=True, cache=True)
def check_rows(
    columns,
    rows,
    rules,
    low,
    high,
    record_column,
    service_column,
    direction_column,
    missing,
    status,
):
    """Writes for each row the first rule that hits it.

    Args:
        columns: int64[columns, room], ``missing`` where there is no value.
        rows: How many rows of ``columns`` count.
        rules: int64[rules, RULE_CELLS]; ``OTHER`` is -1 without a second column; ``SERVICES`` and
            ``DIRECTIONS`` are bit masks by code, ``RECORDS`` one of up to 62 record types, or
            ``EVERY_RECORD``.
        low: int64[rules] lower bounds, inclusive.
        high: int64[rules] upper bounds, inclusive.
        record_column: Row of ``columns`` with record types; none is missing where a rule asks.
        service_column: Row of ``columns`` with service codes.
        direction_column: The same for directions.
        missing: The sentinel.
        status: int16[rows], out: 0, or index of the rule + 1.

    Returns:
        How many rows were hit.
    """
    count = np.int64(0)
    for row in range(rows):
        status[row] = 0
    for rule in range(len(rules)):
        mode = rules[rule, MODE]
        column = rules[rule, COLUMN]
        mask = rules[rule, RECORDS]
        if mask == 0 or (
            mask != EVERY_RECORD and not concerned(columns[record_column, :rows], mask)
        ):
            continue
        if not suspect(columns[column, :rows], mode, low[rule], high[rule], missing):
            continue
        second = rules[rule, OTHER]
        for row in range(rows):
            if status[row] != 0:
                continue
            if mask != EVERY_RECORD and mask >> (columns[record_column, row] & 63) & 1 == 0:
                continue
            value = columns[column, row]
            other = missing
            if second >= 0:
                other = columns[second, row]
            if not hits(value, other, mode, low[rule], high[rule], missing):
                continue
            service = columns[service_column, row]
            direction = columns[direction_column, row]
            # A missing code is -2**63, whose bits would shift anywhere: it meets no condition.
            known = service >= 0 and direction >= 0
            if (
                known
                and rules[rule, SERVICES] >> service & rules[rule, DIRECTIONS] >> direction & 1
            ):
                status[row] = rule + 1
                count += 1
    return count


@njit(nogil=True, cache=True)
def sort_rows(
    status, start, missing, row_record, gone, discards, lengths, rows, kept, stopped, discarded
):
    """Sorts rows by what becomes of their record, which goes on whole or not at all.

    A row without a start time cannot be written, whatever the rules say; a row to suspend outweighs
    those to discard, and the last row to discard names the rule.

    Args:
        status: int16[rows], 0, or index of the rule that hit + 1.
        start: int64[rows], start times.
        missing: The sentinel.
        row_record: int32[rows], record of each row, ascending.
        gone: int32[n], records that something else has stopped, ascending.
        discards: bool[rules + 1], by status; a row that only has no start time is suspended.
        lengths: int64[records], octets of each record.
        rows: How many rows count.
        kept: int32[rows], out: rows that go on.
        stopped: int32[rows], out: rows that suspend their record, or discard it beside such a row.
        discarded: int64[rules + 2], out, added to: records by status of the rule that discards them,
            and behind them their octets.

    Returns:
        (how many rows are kept, how many stopped).
    """
    n_kept = np.int64(0)
    n_stopped = np.int64(0)
    left = np.int64(0)
    row = np.int64(0)
    while row < rows:
        record = np.int64(row_record[row])
        hit = np.int64(-1)
        suspended = False
        end = row
        while end < rows and row_record[end] == record:
            if start[end] == missing or status[end] != 0:
                hit = end
                suspended = suspended or not discards[status[end]]
            end += 1
        while left < gone.shape[0] and gone[left] < record:
            left += 1
        if left < gone.shape[0] and gone[left] == record:
            row = end
            continue
        if hit < 0:
            for one in range(row, end):
                kept[n_kept] = one
                n_kept += 1
        elif suspended:
            for one in range(row, end):
                if start[one] == missing or status[one] != 0:
                    stopped[n_stopped] = one
                    n_stopped += 1
        else:
            discarded[status[hit]] += 1
            discarded[-1] += lengths[record]
        row = end
    return n_kept, n_stopped
