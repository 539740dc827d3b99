"""Running numbers that nodes give their records: which of them a file holds.

A format maps them to the column `record_number`, which no EDR has: it is for sequence control only.
Every record counts that tells its number, whatever becomes of it: also one that is suspended,
discarded or a duplicate. A record that could not be decoded is read once more for its number alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from mediation.columns import INDEX, RECORD_NUMBER
from mediation.kernels.running import join_runs, note_runs
from mediation.reference.ber import MalformedError, Walk
from mediation.reference.ber_rows import rows_of
from mediation.reference.flat import FlatError, FlatWalk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mediation.flat.layout import ColumnRule as FlatRule
    from mediation.flat.lines_of_names import FileFields
    from mediation.formats import Format
    from mediation.formats.rules import ColumnRule, RowsRule, TypeRule
    from mediation.normalize import NormalizationSettings

    Array = np.ndarray[Any, Any]

ENTITY: Final = "recording_entity"
WANTED: Final = (RECORD_NUMBER, ENTITY)
NUMBER_COLUMN: Final = INDEX[RECORD_NUMBER]
ENTITY_COLUMN: Final = INDEX[ENTITY]


class Named(Protocol):
    """The dictionaries of a chunk, see `mediation.assemble.Texts`."""

    codes: Array
    words: dict[int, dict[str, int]]


@dataclass(frozen=True, slots=True)
class NodeNumbers:
    """The running numbers of one node.

    Attributes:
        node: Its name as in `recording_entity`; empty where its records name none.
        ranges: int64[n, 2], first and last, ascending; they neither touch nor overlap.
        again: How many numbers came more than once.
        lowest: The lowest of these, -1 if there is none.
        highest: The highest of these.
    """

    node: str
    ranges: Array
    again: int = 0
    lowest: int = -1
    highest: int = -1


def joined(parts: Iterable[NodeNumbers]) -> list[NodeNumbers]:
    """Returns the numbers of several parts of a file by node; what is in two parts came again."""
    by_node: dict[str, list[NodeNumbers]] = {}
    for part in parts:
        by_node.setdefault(part.node, []).append(part)
    return [_join(node, by_node[node]) for node in sorted(by_node)]


def _join(node: str, parts: list[NodeNumbers]) -> NodeNumbers:
    if len(parts) == 1:
        return parts[0]
    runs = np.concatenate([part.ranges for part in parts])
    known = [part for part in parts if part.again]
    again = np.array(
        [
            sum(part.again for part in known),
            min((part.lowest for part in known), default=-1),
            max((part.highest for part in known), default=-1),
        ],
        np.int64,
    )
    return _ranges(node, runs, again)


def _ranges(node: str, runs: Array, again: Array) -> NodeNumbers:
    runs = np.ascontiguousarray(runs[np.argsort(runs[:, 0], kind="stable")])
    count = join_runs(runs, again)
    return NodeNumbers(node, runs[:count].copy(), *again.tolist())


@dataclass(slots=True)
class Collector:
    """Collects the numbers of one chunk while it is decoded."""

    cdr_format: Format
    settings: NormalizationSettings
    """How the source writes numbers."""
    room: int
    """Most rows of one block."""
    file: FileFields | None = None
    """Of a flat format: where the fields of the file are."""
    firsts: Array = field(default_factory=lambda: np.full(8, -1, np.int64))
    lasts: Array = field(default_factory=lambda: np.full(8, -1, np.int64))
    ended: list[Array] = field(default_factory=list)
    alone: list[tuple[str, int]] = field(default_factory=list)
    runs: Array = field(init=False)
    reader: Format | None = None
    """Reads nothing but the running number and its node."""

    def __post_init__(self) -> None:
        self.runs = np.empty(self.room * 3, np.int64)

    def add(self, columns: Array, texts: Named, row_record: Array, rows: int) -> None:
        """Adds the rows of a block."""
        nodes = len(texts.words.get(ENTITY_COLUMN, ()))
        if nodes >= len(self.firsts):
            more = np.full(nodes * 2, -1, np.int64)
            self.firsts = np.concatenate((self.firsts, more))
            self.lasts = np.concatenate((self.lasts, more))
        count = note_runs(
            columns[NUMBER_COLUMN],
            columns[ENTITY_COLUMN],
            texts.codes,
            row_record,
            rows,
            self.firsts,
            self.lasts,
            self.runs,
        )
        if count:
            self.ended.append(self.runs[: count * 3].reshape(-1, 3).copy())

    def add_alone(self, octets: bytes) -> None:
        """Adds a record that cannot be decoded, if its number can be read."""
        self.reader = self.reader or reduced(self.cdr_format)
        self.alone += numbers_of(self.reader, octets, self.settings, self.file)

    def found(self, texts: Named) -> tuple[NodeNumbers, ...]:
        """Returns the numbers by node."""
        names = list(texts.words.get(ENTITY_COLUMN, ()))
        begun = np.flatnonzero(self.firsts >= 0)
        still = np.stack((begun, self.firsts[begun], self.lasts[begun]), axis=1)
        runs = np.concatenate((*self.ended, still))
        parts = [
            _ranges(
                "" if node == 0 else names[node - 1],
                runs[runs[:, 0] == node, 1:],
                np.array([0, -1, -1], np.int64),
            )
            for node in begun.tolist()
        ]
        parts += [NodeNumbers(node, np.array([[n, n]], np.int64)) for node, n in self.alone]
        return tuple(joined(parts))


def numbers_of(
    cdr_format: Format,
    octets: bytes,
    settings: NormalizationSettings,
    file: FileFields | None = None,
) -> list[tuple[str, int]]:
    """Returns node and number of a record, as far as they can be read: it may be cut or wrong.

    Args:
        cdr_format: Its format, :func:`reduced`.
        octets: The record.
        settings: How its source writes numbers.
        file: Of a flat format: where the fields of its file are.
    """
    if cdr_format.flat is not None:
        rows = _flat_rows(cdr_format, octets, settings, file)
    else:
        walk = Walk(cdr_format, _open_ended(octets), settings)
        try:
            rows = walk.rows()
        except MalformedError:
            known = walk.rule is not None and (walk.containers or not walk.rule.holds_modules)
            rows = rows_of(walk.rule, walk.record, walk.containers) if known and walk.rule else []
    found = [(row.get(ENTITY), row.get(RECORD_NUMBER)) for row in rows]
    return [(str(node or ""), n) for node, n in found if isinstance(n, int) and n >= 0]


def _open_ended(octets: bytes) -> bytes:
    """Returns a BER record with an indefinite length: a cut one is then read as far as it goes."""
    at = 1
    if octets and octets[0] & 31 == 31:
        while at < len(octets) and octets[at] & 128:
            at += 1
        at += 1
    if at >= len(octets) or not octets[0] & 32:
        return octets
    more = octets[at] & 127 if octets[at] > 128 else 0
    return octets[:at] + b"\x80" + octets[at + 1 + more :]


def _flat_rows(
    cdr_format: Format,
    octets: bytes,
    settings: NormalizationSettings,
    file: FileFields | None,
) -> list[dict[str, int | str | None]]:
    assert cdr_format.flat is not None  # noqa: S101 - asked by the caller
    layout = cdr_format.flat.layout
    places = (None, 0) if file is None else (file.positions, file.columns)
    walk = FlatWalk(layout, octets, settings, *places)
    row: dict[str, int | str | None] = dict.fromkeys(WANTED)
    try:
        walk.split()
        for rule in _flat_rules(walk):
            walk.fill(row, rule)
    except FlatError:
        return []
    return [row]


def _flat_rules(walk: FlatWalk) -> tuple[FlatRule, ...]:
    """Returns the rules of a record's type; of an unknown one those that all types have in common."""
    wanted = [
        tuple(column for column in rule.columns if column.column in WANTED)
        for rule in walk.layout.types
    ]
    try:
        return wanted[walk.layout.types.index(walk.type_rule())]
    except FlatError:
        if all(rules == wanted[0] for rules in wanted):
            return wanted[0]
        raise


def reduced(cdr_format: Format) -> Format:
    """Returns a format that reads nothing but the running number and its node."""

    def columns(rules: tuple[ColumnRule, ...]) -> tuple[ColumnRule, ...]:
        return tuple(rule for rule in rules if rule.column in WANTED)

    def module(rule: RowsRule) -> RowsRule:
        return replace(rule, columns=columns(rule.columns), rows=())

    def type_rule(rule: TypeRule) -> TypeRule:
        modules = tuple(module(rows) for rows in rule.rows if rows.module)
        return replace(rule, columns=columns(rule.columns), rows=modules)

    types = tuple(type_rule(rule) for rule in cdr_format.mapping.types)
    return replace(cdr_format, mapping=replace(cdr_format.mapping, types=types))
