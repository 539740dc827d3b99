"""Parts of calls to calls: a pure function of the set of parts.

Neither the order of the rows nor how they came to be here can be seen in what comes out. Rows
without a number, or of types without a rule, never get this far: for them the cost is one look at
the null count of one column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.edr import MISSING
from mediation.partials.rules import REFERENCES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mediation.partials.rules import PartialRule, PartialRules

    Int64 = NDArray[np.int64]
    Mask = NDArray[np.bool_]

SECOND: Final = 1_000_000
SUMMED: Final = ("duration", "uplink", "downlink")
"""Quantities of a call that are the sums of its parts'; its events are the most of any part."""
MOST: Final = 1 << 53
"""A part's quantity counts up to here, so that no sum wraps: beyond, it is absurd and stays so."""
LONGEST: Final = 1 << 40
"""Seconds that a part lasts at most where its end is computed; the same for instants."""
TOLD_AGAIN: Final = -1
"""Place of a part that another record tells at greater length."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What parts make together.

    Attributes:
        events: One row per call, by name; columns as those of the parts. A call has the name and
            the attributes of its first part, the sum of the parts' quantities, and the cause of the
            last. `partial_sequence` counts from 1: more than 1 says that the beginning is missing.
        call: int64[parts], row of `events` that each part belongs to.
        place: int64[parts], 0 for the part that names the call, then 1, 2 …; TOLD_AGAIN for one
            whose number another part of the same call has as well, for longer.
        complete: bool[calls], the numbers have no hole and the last part closed the call.
        begin: int64[calls], UTC microseconds.
        end: int64[calls], UTC microseconds: where the latest part ends.
    """

    events: pa.Table
    call: Int64
    place: Int64
    complete: Mask
    begin: Int64
    end: Int64


def part_rows(edr: pa.RecordBatch, rules: PartialRules) -> Int64:
    """Returns the rows that are parts of calls, int64, ascending.

    A part has a number and a reference, and either its cause says that more follows or its number
    says that something came before. A record of a call that was never cut is none, even where the
    switch numbers it 1. Rows that share their record with others are none: a record goes to one
    place, and its other rows wait for nothing.

    Args:
        edr: Rows of EDR_SCHEMA.
        rules: Which record types come in parts.
    """
    number = edr.column("partial_sequence")
    if number.null_count == len(number):
        return np.zeros(0, np.int64)
    types = edr.column("record_type")
    of_entry = [rules.of_type.get(text) for text in types.dictionary.to_pylist()]
    if not any(of_entry):
        return np.zeros(0, np.int64)
    parts = np.zeros(edr.num_rows, np.bool_)
    entry = _values(types.indices, -1)
    sequence = _values(number, MISSING)
    for rule in dict.fromkeys(rule for rule in of_entry if rule is not None):
        mine = np.isin(entry, [at for at, one in enumerate(of_entry) if one == rule])
        mine &= sequence != MISSING
        for name in set(rule.key) & set(REFERENCES):
            mine &= edr.column(name).is_valid().to_numpy(zero_copy_only=False)
        parts |= mine & (_more_follows(edr.column("cause"), rule) | (sequence > rule.first))
    found = np.flatnonzero(parts)
    return found[_alone(edr, found)] if len(found) else found


def assemble(parts: pa.Table, rules: PartialRules) -> Calls:
    """Puts parts together.

    Args:
        parts: Rows that :func:`part_rows` names, none told twice, with all columns of EDR_SCHEMA,
            from any files and batches in any order.
        rules: The rules that they were found by.
    """
    rows = parts.combine_chunks()
    known = _known(rows, rules)
    call = _apart(known)
    order = np.lexsort((*known.name, -known.duration, known.sequence, call))
    call_of, number = call[order], known.sequence[order]
    new_call = _changes(call_of)
    new_part = new_call | _changes(number)
    chosen = order[new_part]
    heads = np.flatnonzero(new_call[new_part])
    count = np.diff(heads, append=len(chosen))
    head, last = chosen[heads], chosen[heads + count - 1]
    whole = (known.sequence[head] == known.first[head]) & known.final[last]
    whole &= known.sequence[last] - known.sequence[head] + 1 == count

    place = np.full(len(order), TOLD_AGAIN, np.int64)
    place[chosen] = np.arange(len(chosen)) - np.repeat(heads, count)
    # Calls are numbered by the name of their first part.
    by_name = np.lexsort(tuple(part[head] for part in known.name))
    rank = np.empty(len(heads), np.int64)
    rank[by_name] = np.arange(len(heads))
    return Calls(
        events=_events(rows, known, (chosen, heads, count), by_name),
        call=rank[call],
        place=place,
        complete=whole[by_name],
        begin=known.start[head][by_name],
        end=_reduced(np.maximum, known.end[order], np.flatnonzero(new_call))[by_name],
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What has to be known of parts: one entry each.

    Attributes:
        group: int64, equal where the key is.
        start: int64, UTC microseconds.
        end: int64, start and duration.
        sequence: int64, number of the part.
        duration: int64, seconds.
        first: int64, number of a first part.
        silence: int64, microseconds.
        final: Whether it closes its call.
        name: container, offset, file: sort keys, the last one first.
    """

    group: Int64
    start: Int64
    end: Int64
    sequence: Int64
    duration: Int64
    first: Int64
    silence: Int64
    final: Mask
    name: tuple[Int64, Int64, Int64]


def _known(rows: pa.Table, rules: PartialRules) -> _Known:
    def column(name: str) -> Int64:
        return _values(_column(rows.column(name)), MISSING)

    n = rows.num_rows
    group, first, silence = (np.zeros(n, np.int64) for _ in range(3))
    final = np.zeros(n, np.bool_)
    types = _column(rows.column("record_type"))
    texts = types.dictionary.to_pylist()
    for rule in dict.fromkeys(rules.of_type[text] for text in types.unique().to_pylist()):
        entries = [at for at, text in enumerate(texts) if rules.of_type.get(text) == rule]
        mine = np.flatnonzero(np.isin(_values(types.indices, -1), entries))
        keys = [_codes(_column(rows.column(name)))[mine] for name in ("record_type", *rule.key)]
        order = np.lexsort(keys)
        changed = np.zeros(len(mine), np.bool_)
        for key in keys:
            changed |= _changes(key[order])
        group[mine[order]] = group.max(initial=0) + np.cumsum(changed)
        first[mine], silence[mine] = rule.first, rule.silence
        causes = _column(rows.column("cause")).take(pa.array(mine))
        final[mine] = ~_more_follows(causes, rule)
    start, duration = column("start_time"), column("duration")
    return _Known(
        group=group,
        start=start,
        end=start + np.minimum(duration, LONGEST) * SECOND,
        sequence=column("partial_sequence"),
        duration=duration,
        first=first,
        silence=silence,
        final=final,
        name=(column("container"), column("offset"), _codes(_column(rows.column("file_id")))),
    )


def _apart(known: _Known) -> Int64:
    """Returns a number of each part's call, int64.

    Parts of one key are looked at in the order of their starts. The next one belongs to another
    call after too long a silence, and if it begins behind the one before while its number is not
    higher, or that one closed its call.
    """
    order = np.lexsort((*known.name, known.sequence, known.start, known.group))
    start, end = known.start[order], known.end[order]
    sequence = known.sequence[order]
    begins = _changes(known.group[order])
    behind = (start[1:] >= end[:-1]) & (start[1:] != start[:-1])
    begins[1:] |= behind & ((sequence[1:] <= sequence[:-1]) | known.final[order][:-1])
    begins[1:] |= start[1:] - end[:-1] > known.silence[order][1:]
    call = np.empty(len(order), np.int64)
    call[order] = np.cumsum(begins) - 1
    return call


def _events(
    rows: pa.Table, known: _Known, runs: tuple[Int64, Int64, Int64], by_name: Int64
) -> pa.Table:
    """Returns the calls as EDRs: their first parts with the quantities of all.

    `runs` are the parts that count, and where each call begins among them and how many it has.
    """
    chosen, heads, count = runs
    head, last = chosen[heads][by_name], chosen[heads + count - 1][by_name]
    made = rows.take(pa.array(head))

    def summed(name: str) -> Int64:
        amounts = np.minimum(_values(_column(rows.column(name)), 0), MOST)
        return _reduced(np.add, amounts[chosen], heads)[by_name]

    events = _values(_column(rows.column("events")), 0)
    columns: dict[str, pa.Array] = {
        **{name: pa.array(summed(name)) for name in SUMMED},
        "events": pa.array(_reduced(np.maximum, events[chosen], heads)[by_name]),
        "partial_sequence": pa.array(known.sequence[head] - known.first[head] + 1),
        "cause": _column(rows.column("cause")).take(pa.array(last)),
    }
    for name, values in columns.items():
        at = made.schema.get_field_index(name)
        wanted = made.schema.field(at)
        made = made.set_column(at, wanted, values.cast(wanted.type))
    return made


def _more_follows(causes: pa.Array, rule: PartialRule) -> Mask:
    """Returns which causes say that the call goes on in another part."""
    values = _values(causes, MISSING)
    return ~np.isin(values, rule.last) if rule.last else np.isin(values, rule.interim)


def _alone(edr: pa.RecordBatch, rows: Int64) -> Mask:
    """Returns which of some rows are the only ones of their record; a record's rows stand together."""
    offset = edr.column("offset").to_numpy()
    names = _values(edr.column("file_id").indices, -1)
    last = edr.num_rows - 1
    alone = np.ones(len(rows), np.bool_)
    for beside in (np.maximum(rows - 1, 0), np.minimum(rows + 1, last)):
        same = (offset[beside] == offset[rows]) & (names[beside] == names[rows])
        alone &= ~same | (beside == rows)
    return alone


def _changes(values: Int64) -> Mask:
    """Returns where a value differs from the one before it; the first one always does."""
    changed = np.ones(len(values), np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed


def _reduced(how: np.ufunc, values: Int64, starts: Int64) -> Int64:
    """Returns `how` over each run of values; reduceat cannot do nothing."""
    reduced: Int64 = how.reduceat(values, starts) if len(starts) else np.zeros(0, np.int64)
    return reduced


def _column(column: pa.ChunkedArray) -> pa.Array:
    """Returns a column of a combined table as one array."""
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _values(column: pa.Array, missing: int) -> Int64:
    """Returns integers or instants as int64, nulls replaced."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    filled = pc.fill_null(column.cast(pa.int64()), missing)
    values: Int64 = filled.to_numpy(zero_copy_only=False)
    return values


def _codes(column: pa.Array) -> Int64:
    """Returns int64 that compare as the column's values do; texts by their order."""
    if not pa.types.is_dictionary(column.type):
        return _values(column, MISSING)
    texts = column.dictionary.to_pylist()
    rank = {text: number for number, text in enumerate(sorted(set(texts)))}
    # Null is index -1 and reads the entry that is appended.
    table = np.array([*(rank[text] for text in texts), -1], np.int64)
    codes: Int64 = table[_values(column.indices, -1)]
    return codes
