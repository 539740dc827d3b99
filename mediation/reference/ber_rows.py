"""Rows of the plain-Python decoder: what record and containers said, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.columns import CODES, PAIRS, QUANTITIES
from mediation.kernels import ops
from mediation.reference.group import Group, total

if TYPE_CHECKING:
    from mediation.formats.rules import TypeRule
    from mediation.formats.sources import Source

    Value = int | str | None
    Row = dict[str, Value]


def rows_of(rule: TypeRule, said: Group, containers: list[Group]) -> list[Row]:
    """Puts the rows together from what a record and its containers said."""
    rows: list[Row] = []
    record = settle(said, None, 0)
    inherited: dict[int, Row] = {}
    for number, container in enumerate(containers):
        before = containers[number - 1] if number else None
        row = settle(container, before, len(rows))
        around = record if container.around is None else inherited[id(container.around)]
        inherit(row, around)
        last_until(container, row)
        inherited[id(container)] = row
        if not container.lists:
            rows.append(row)
    rows = rows or [record]
    for number, row in enumerate(rows):
        names = containers[number].module or rule if rule.holds_modules else rule
        row["record_type"] = names.element.name
        for column in CODES:
            fallback = names.service if column == "service" else names.direction
            row[column] = row.get(column) or fallback
        for column in QUANTITIES:
            row[column] = row.get(column) or 0
    return rows


def last_until(container: Group, row: Row) -> None:
    """Fills a duration that is missing from the row's start to the time that closes it."""
    for rule in container.rules:
        for number, source in enumerate(rule.sources):
            end = container.found.get((rule.column, number), (None, None))[0]
            start = row.get("start_time")
            if source.codec.name != "until" or not container.holds(source.condition):
                continue
            if row.get(rule.column) is None and isinstance(end, int) and isinstance(start, int):
                row[rule.column] = (end - start) // 1_000_000


def inherit(row: Row, around: Row) -> None:
    """Fills a container's row from what it stands in, all but quantities."""
    for column, second in ((name, PAIRS.get(name)) for name in around):
        taken = row.get(column) is None and (second is None or row.get(second) is None)
        if column in QUANTITIES or column in PAIRS.values() or not taken:
            continue
        row[column] = around[column]
        if second is not None:
            row[second] = around.get(second)
    lone_cell(row, around)


def lone_cell(row: Row, record: Row) -> None:
    """A record may map `cell` without `area`; it then comes with the (missing) area."""
    if "area" not in record and row.get("area") is None and row.get("cell") is None:
        row["cell"] = record.get("cell")


def settle(group: Group, before: Group | None, position: int) -> Row:
    """Picks, per column, the first source that said something."""
    row: Row = {}
    for rule in group.rules:
        second = PAIRS.get(rule.column)
        chosen: tuple[Value, Value] = (None, None)
        for number, source in enumerate(rule.sources):
            if source.codec.name == "until":
                continue  # it needs the row's start: see last_until
            said = candidate(group, before, position, rule.column, number, source)
            if chosen == (None, None) and group.holds(source.condition):
                chosen = said
        if rule.gathers and rule.sources[0].codec.op == ops.SUM:
            numbers = range(len(rule.sources))
            chosen = (total([group.found.get((rule.column, n)) for n in numbers]), None)
        row[rule.column] = chosen[0]
        if second is not None and second not in row:
            row[second] = chosen[1]
    return row


def candidate(
    group: Group,
    before: Group | None,
    position: int,
    column: str,
    number: int,
    source: Source,
) -> tuple[Value, Value]:
    """Returns what one source says, whatever its condition."""
    if source.codec.name == "constant":
        word = source.argument
        return (word if column in CODES else int(word)), None
    if source.codec.name == "position":
        return position + 1, None
    if source.second:
        begin = group.found.get((column, number), (None, None))[0]
        end = group.found.get((column, ~number), (None, None))[0]
        if not isinstance(begin, int) or not isinstance(end, int):
            return None, None
        added = source.codec.joins == ops.ADD
        return (begin + end if added else (end - begin) // 1_000_000), None
    if source.previous:
        same = before is not None and before.rules is group.rules
        found = before.found if same and before is not None else {}
        return found.get((column, number), (None, None))
    return group.found.get((column, number), (None, None))
