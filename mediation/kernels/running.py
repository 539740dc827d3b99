"""Running numbers of records: which a chunk holds, as runs, then as ranges.

Twin: `mediation.reference.running`.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import kernel

MISSING = -(2**63)
ix = np.uint64  # unsigned indexes spare the test for negative ones


@kernel
def note_runs(numbers, nodes, codes, row_record, rows, firsts, lasts, runs):
    """Notes the numbers of rows; a run ends where a node's next number is not the next one.

    Args:
        numbers: int64[room], running number of each row, negative where there is none.
        nodes: int64[room], text of each row's node, `MISSING` where it names none.
        codes: int32[texts], place of the node's name by text, -1 for none.
        row_record: int32[room], record of each row; its rows stand together and count once.
        rows: Rows to read.
        firsts: int64[nodes + 1], in and out: first number of the run that each node is in, -1
            before its first; node 0 has no name, the others stand at their place plus one.
        lasts: int64[nodes + 1], in and out: last number of that run.
        runs: int64[rows * 3], out: node, first and last number of each run that ended.

    Returns:
        How many runs ended.
    """
    ended = 0
    record = np.int64(-1)
    before = np.int64(-1)
    for row in range(rows):
        number = numbers[ix(row)]
        if number < 0 or (number == before and row_record[ix(row)] == record):
            continue
        before = number
        record = np.int64(row_record[ix(row)])
        text = nodes[ix(row)]
        node = np.int64(0) if text == MISSING else np.int64(codes[ix(text)]) + 1
        if firsts[ix(node)] >= 0:
            if number == lasts[ix(node)] + 1:
                lasts[ix(node)] = number
                continue
            runs[ix(ended * 3)] = node
            runs[ix(ended * 3 + 1)] = firsts[ix(node)]
            runs[ix(ended * 3 + 2)] = lasts[ix(node)]
            ended += 1
        firsts[ix(node)] = number
        lasts[ix(node)] = number
    return ended


@kernel
def join_runs(runs, again):
    """Joins the runs of one node to ranges that neither touch nor overlap, in their place.

    Args:
        runs: int64[n, 2], first and last, by first; the ranges stand at its beginning afterwards.
        again: int64[3], in and out: how many numbers came again, the lowest and the highest; the
            lowest is -1 before there is one.

    Returns:
        How many ranges there are.
    """
    count = 0
    for run in range(runs.shape[0]):
        first = runs[run, 0]
        last = runs[run, 1]
        if count and first <= runs[count - 1, 1] + 1:
            high = runs[count - 1, 1]
            if first <= high:
                end = min(last, high)
                again[0] += end - first + 1
                if again[1] < 0 or first < again[1]:
                    again[1] = first
                again[2] = max(again[2], end)
            runs[count - 1, 1] = max(last, high)
        else:
            runs[count, 0] = first
            runs[count, 1] = last
            count += 1
    return count
