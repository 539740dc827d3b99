"""A mapping compiled to flat arrays: what the decoding kernel walks records with.

Every constructed element that a mapping reaches is a *node*; `edges` leads from (node, tag octet)
to an *entry*, which says what to do with the element: run *actions* on its octets, go down, begin
a row, begin a record. Actions write int64 *slots* of a row: the EDR columns first, behind them
slots that only hold values until the record ends (fallbacks, ends of containers).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.columns import CODES, COLUMNS, INDEX, LIMITS, PAIRS, QUANTITIES
from mediation.edr import MISSING
from mediation.formats.codecs import INTEGERS
from mediation.kernels import ops
from mediation.plan_nodes import Node, Numbering, down, tags
from mediation.plan_tables import CLASSES, lookup_tables, tag_tables, zoneless

if TYPE_CHECKING:
    from mediation.formats.layouts import Layout
    from mediation.formats.rules import ColumnRule, Mapping, RowsRule, TypeRule
    from mediation.formats.schema import Element
    from mediation.formats.sources import Condition, Source

    Int16s = np.ndarray[tuple[int], np.dtype[np.int16]]
    Int32s = np.ndarray[tuple[int], np.dtype[np.int32]]
    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]

ROOT: Final = 0
SKIP: Final = 1
HIGHEST: Final = 2**63 - 1
TEXT_BESIDE: Final = {
    (ops.NUMBER, 0): "number",
    (ops.NUMBER, 1): "bare_number",
    (ops.URI, 0): "uri",
    (ops.URI, 1): "text",
    (ops.BCD_NUMBER, 0): "bcd",
    (ops.ASCII_NUMBER, 0): "text",
    (ops.ASCII_ENTERED, 0): "text",
}
"""How what is no E.164 number is rendered in the second column, by codec and its parameter."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Flat tables of one format.

    Attributes:
        width: Slots of one row; the last one holds the number of the row's template (its
            complement for an element that only holds rows), the one before it where the record or
            element is that the row stands in.
        type_names: Record types by code; the dictionary of ``record_type``.
        edges: int16[nodes * 256], entry by node and first tag octet without bit 6; -1 unknown.
        long_base: int32[nodes * 4], where the node's entries by tag number begin, per tag class.
        long_size: int32[nodes * 4], how many tag numbers they cover.
        long_edges: int16[...], entry by tag number for tags of more than one octet.
        entries: int32[entries * ENTRY_WIDTH], see `mediation.kernels.ops`.
        actions: int64[actions * ACTION_WIDTH], see `mediation.kernels.ops`.
        templates: int64[templates * width], rows as they begin: one per record type, then one
            per rows rule.
        steps: int64[steps * STEP_WIDTH], see `mediation.kernels.ops`: copy if both columns of the
            pair are missing and the condition holds. Behind those of the record types stand the
            picks of elements of lists, to which entries point.
        spans: int32[types * SPAN_WIDTH], per record type where its steps are: of the record, of
            each row, from the row before, of each row at last (begin, end each), and 1 if it has
            rows, 2 if those are call modules, of which there must be one.
        merge: int32[pairs * 2], columns (second may be -1) that a row takes from what it stands in.
        lookups: int64[tables * 256], value by octet (`MISSING` leaves the default), or layout of a
            date or time by the octets of its field (`MISSING` is an error).
        active: int32[...], the columns that this format can fill.
        texts: Per action, the column and the renderer of a text, or None.
        local_times: True if start times are on the clock that ``utc_offset`` is the offset of.
        zoneless: True if it reads times without a time zone: see `mediation.local_times`.
    """

    width: int
    type_names: tuple[str, ...]
    edges: Int16s
    long_base: Int32s
    long_size: Int32s
    long_edges: Int16s
    entries: Int32s
    actions: Int64s
    templates: Int64s
    steps: Int64s
    spans: Int32s
    merge: Int32s
    lookups: Int64s
    active: Int32s
    texts: tuple[tuple[int, str] | None, ...]
    local_times: bool = False
    zoneless: bool = False

    def entry(self, node: int, tag: tuple[int, int]) -> int:
        """Returns the entry of a (class, number) in a node, negative where it is not read."""
        kind, number = node * CLASSES + tag[0], tag[1]
        if number >= self.long_size[kind]:
            return ops.UNKNOWN
        return int(self.long_edges[self.long_base[kind] + number])

    def child(self, entry: int) -> int:
        """Returns the node below an entry, negative where the plan does not go down."""
        return int(self.entries[entry * ops.ENTRY_WIDTH + ops.ENT_CHILD])


@dataclass(slots=True)
class _Steps:
    """The steps of one record type."""

    record: list[list[int]] = field(default_factory=list)
    row: list[list[int]] = field(default_factory=list)
    chain: list[list[int]] = field(default_factory=list)
    last: list[list[int]] = field(default_factory=list)


class _Compiler:
    """Collects nodes, templates and steps of a mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.root = Node()
        self.templates: list[dict[int, int]] = [{} for _ in mapping.types]
        self.groups: set[int] = set()
        self.handed: set[str] = set()
        self.steps: list[_Steps] = [_Steps() for _ in mapping.types]
        self.width = len(COLUMNS)
        self.used = {INDEX[name] for name in ("record_type", *CODES, *QUANTITIES)}
        self.table_numbers = {name: number for number, name in enumerate(mapping.tables)}
        self.type_codes = {name: code for code, name in enumerate(mapping.type_names)}
        self.layouts: dict[Layout, int] = {}
        self.readings: dict[tuple[object, ...], list[int]] = {}
        self.next_slot = self.width
        self.shared: dict[tuple[str, int, int], int] | None = None
        self.meaning = ("", 0, 0)
        self.keys: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        self.marks: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        self.local_times = False
        if mapping.file is not None:
            self.used |= {INDEX[name] for name in mapping.file.columns}

    def slot(self) -> int:
        """Returns a slot behind the columns; record types share them, for one row is of one.

        So do the call modules of one record: there a slot belongs to a column, a source and how
        many slots that has before.
        """
        if self.shared is not None:
            column, number, count = self.meaning
            self.meaning = (column, number, count + 1)
            if (column, number, count) in self.shared:
                return self.shared[column, number, count]
            self.shared[column, number, count] = self.next_slot
        self.next_slot += 1
        self.width = max(self.width, self.next_slot)
        return self.next_slot - 1

    def add_type(self, code: int, rule: TypeRule) -> None:
        self.next_slot = len(COLUMNS)
        self.shared = {} if rule.holds_modules else None
        edge = self.root.edge(rule.element)
        edge.kind = ops.RECORD
        edge.code = code
        assert edge.node is not None  # noqa: S101 - a record is constructed
        template = self.templates[code]
        steps = self.steps[code]
        self.name_row(template, rule)
        self.hand_on(rule)
        for column_rule in rule.columns:
            self.add_column(edge.node, column_rule, template, steps.record, steps)
            if column_rule.column in CODES and not column_rule.plain:
                self.last_resort(column_rule.column, template, steps.record)
        for rows in rule.rows:
            self.add_rows(edge.node, rows, steps)

    def hand_on(self, rule: TypeRule | RowsRule) -> None:
        """Notes what rows take from the record or element that they stand in."""
        if rule.rows:
            self.handed |= {"record_type", "service", "direction"}
            self.handed |= {column.column for column in rule.columns}

    def name_row(self, template: dict[int, int], rule: TypeRule) -> None:
        """Gives a row its record type, service and direction."""
        template[INDEX["record_type"]] = self.type_codes[rule.element.name]
        for column, name in (("service", rule.service), ("direction", rule.direction)):
            template[INDEX[column]] = CODES[column].index(name)

    def last_resort(self, column: str, template: dict[int, int], steps: list[list[int]]) -> None:
        """Moves the default of a code behind the sources that fill it in a step of their own."""
        self.meaning = (column, -1, 0)
        slot = self.slot()
        template[slot] = template.pop(INDEX[column])
        self.add_step(steps, [INDEX[column], -1, slot, -1, 0, 0])

    @staticmethod
    def add_step(steps: list[list[int]], step: list[int]) -> None:
        """Adds a step; call modules of one record share theirs."""
        if step not in steps:
            steps.append(step)

    def add_rows(self, outer: Node, rule: RowsRule, steps: _Steps) -> None:
        edge = down(outer, (*rule.path, rule.element))
        edge.kind = ops.ROW
        edge.code = len(self.templates)
        assert edge.node is not None  # noqa: S101 - an element of rows is constructed
        edge.group = 1 if rule.rows else 0
        template: dict[int, int] = {}
        self.templates.append(template)
        self.hand_on(rule)
        if rule.rows:
            self.groups.add(edge.code)
        if rule.module:
            self.name_row(template, rule.module)
        for column_rule in rule.columns:
            for source in column_rule.sources:
                if source.codec.name == "position":
                    edge.position = INDEX[column_rule.column]
            self.add_column(edge.node, column_rule, template, steps.row, steps)
            if rule.module and column_rule.column in CODES and not column_rule.plain:
                self.last_resort(column_rule.column, template, steps.row)
        for inner in rule.rows:
            self.add_rows(edge.node, inner, steps)

    def add_column(
        self,
        node: Node,
        rule: ColumnRule,
        template: dict[int, int],
        own: list[list[int]],
        steps: _Steps,
    ) -> None:
        target = self.pair(rule.column)
        self.used.update(slot for slot in target if slot >= 0)
        first = True
        placed: dict[tuple[tuple[int, int], ...], tuple[int, int]] = {}
        for number, source in enumerate(rule.sources):
            self.meaning = (rule.column, number, 0)
            if source.codec.name == "position":
                continue
            if rule.gathers:
                self.place(node, rule.column, source, (target[0], -1), template)
                continue
            if source.codec.name == "until":
                slots = (self.slot(), self.slot())
                key = self.key(node, (), source.condition)
                start = INDEX["start_time"]
                self.add_step(steps.last, [target[0], ops.BETWEEN, start, slots[0], *key])
                self.place(node, rule.column, source, slots, template)
                continue
            choice = tags(source.choice)
            direct = not source.previous and not source.condition and not source.second
            read = False
            if first and direct:
                slots = target
            elif choice in placed:
                slots = placed[choice]
            else:
                alone = choice or source.pick or source.offset or source.minus
                read = bool(source.second) or bool(source.path and not alone)
                if read:
                    slots = self.read(node, rule.column, source)
                else:
                    slots = (self.slot(), self.slot() if target[1] >= 0 else -1)
                second = source.codec.joins or target[1]
                step = [target[0], second, *slots, *self.key(node, (), source.condition)]
                self.add_step(steps.chain if source.previous else own, step)
            first = False
            if choice:
                placed.setdefault(choice, slots)
            if not read:
                self.place(node, rule.column, source, slots, template)

    def key(
        self, node: Node, outer: tuple[Element, ...], condition: Condition | None
    ) -> tuple[int, int]:
        """Returns key slot and wanted value of a condition on the element at `outer`."""
        if condition is None:
            return 0, 0
        path = (*outer, *condition.path)
        known = (id(node), tags(path))
        if known not in self.keys:
            self.keys[known] = self.slot()
            op = ops.DIGEST if condition.digests else ops.KEY
            whole = (MISSING + 1, HIGHEST)
            self.beside(node, path, [op, self.keys[known], -1, *whole, -1, 0, 0])
        slot = self.keys[known]
        return -slot if condition.differs else slot, condition.wanted

    def read(self, node: Node, column: str, source: Source) -> tuple[int, int]:
        """Reads the field of a source, or its two, to slots that a step copies from."""
        first = self.reading(node, column, source, source.path)
        if not source.second:
            return first
        return first[0], self.reading(node, column, source, source.second, part=1)[0]

    def reading(
        self,
        node: Node,
        column: str,
        source: Source,
        path: tuple[Element, ...],
        part: int = 0,
        outer: tuple[Element, ...] = (),
    ) -> tuple[int, int]:
        """Returns the slots of what a codec reads at `path`; sources that read alike share them.

        `outer` is the element of a list that empties them as it begins. Call modules of a record
        share slots by their column already.
        """
        second = bool(source.second) or self.pair(column)[1] >= 0
        texts = source.codec.render and column
        known = (id(node), tags(path), tags(outer), texts, *self.action(column, source, part))
        action = self.readings.get(known)
        if action is None or self.shared is not None:
            slots = (self.slot(), self.slot() if second else -1)
            action = self.act(node, column, source, path, slots, part)
            self.readings[known] = action
        elif second and action[ops.ACT_SLOT2] < 0:
            edge = down(node, path)
            number = edge.actions.index(action)
            action[ops.ACT_SLOT2] = self.slot()
            edge.texts[number] = self.text(column, source, second=True)
        return action[ops.ACT_SLOT], action[ops.ACT_SLOT2] if second else -1

    @staticmethod
    def pair(column: str) -> tuple[int, int]:
        second = PAIRS.get(column)
        return INDEX[column], -1 if second is None else INDEX[second]

    def place(
        self,
        node: Node,
        column: str,
        source: Source,
        slots: tuple[int, int],
        template: dict[int, int],
    ) -> None:
        """Adds the actions of one source, or its constant to the template."""
        if source.codec.name == "constant":
            words = CODES.get(column)
            template[slots[0]] = words.index(source.argument) if words else int(source.argument)
            return
        if source.offset:
            self.local_times = True
            coded = source.offset[-1].kind in INTEGERS
            limits = LIMITS[INDEX["utc_offset"]]
            action = [ops.INTEGER if coded else ops.UTC_OFFSET, slots[1], -1, *limits, -1, 0, 0]
            self.beside(node, source.offset, action)
            slots = (slots[0], -1)
        mark = self.mark(node, source.minus) if source.minus else -1
        if source.pick is None:
            self.act(node, column, source, source.path, (slots[0], mark) if mark >= 0 else slots)
            return
        outer = source.path[: source.pick_at]
        edge = down(node, outer)
        edge.kind = ops.PICK
        if mark >= 0 or source.codec.op == ops.SUM:
            found = (self.slot(), mark)
            self.act(node, column, source, source.path, found)
        else:
            found = self.reading(node, column, source, source.path, outer=outer)
        second = ops.TOTAL if source.codec.op == ops.SUM else slots[1]
        edge.picks.append([slots[0], second, *found, *self.key(node, outer, source.pick)])

    def mark(self, node: Node, path: tuple[Element, ...]) -> int:
        """Returns the slot of a mark that turns amounts into refunds."""
        known = (id(node), tags(path))
        if known not in self.marks:
            self.marks[known] = self.slot()
            whole = (MISSING + 1, HIGHEST)
            self.beside(node, path, [ops.INTEGER, self.marks[known], -1, *whole, -1, 0, 0])
        return self.marks[known]

    @staticmethod
    def beside(node: Node, path: tuple[Element, ...], action: list[int]) -> None:
        """Adds an action that fills no column of its own."""
        edge = down(node, path)
        edge.actions.append(action)
        edge.texts.append(None)

    def act(
        self,
        node: Node,
        column: str,
        source: Source,
        path: tuple[Element, ...],
        slots: tuple[int, int],
        part: int = 0,
    ) -> list[int]:
        """Adds and returns the action that reads the field at `path`, a source's second one as part 1."""
        op, *rest = self.action(column, source, part)
        action = [op, *slots, *rest]
        edge = down(node, path)
        edge.actions.append(action)
        edge.texts.append(self.text(column, source, second=slots[1] >= 0))
        return action

    def action(self, column: str, source: Source, part: int) -> tuple[int, ...]:
        """Returns what an action is, without its slots."""
        low, high = LIMITS[INDEX["start_time" if source.codec.op == ops.TIMESTAMP else column]]
        param = source.codec.parameter or source.meaning.unit
        param = self.table_numbers.get(source.argument, param)
        if source.codec.op in (ops.TEXT, ops.PLMN):
            param = param or HIGHEST  # octets that count
        if source.meaning.layouts:
            layout = source.meaning.layouts[part]
            param = len(self.table_numbers) + self.layouts.setdefault(layout, len(self.layouts))
        extra = source.meaning.rounds_from
        if source.codec.render == "text":
            extra = 1  # octets 0 alone are filler
        return source.codec.op, low, high, -1, param, extra

    @staticmethod
    def text(column: str, source: Source, *, second: bool) -> tuple[int, str] | None:
        """Returns the dictionary column that an action feeds, and how its octets are rendered."""
        if source.codec.render:
            return INDEX[column], source.codec.render
        beside = TEXT_BESIDE.get((source.codec.op, source.codec.parameter))
        return (INDEX[PAIRS[column]], beside) if beside and second else None


def _steps(compiler: _Compiler, layout: Numbering) -> tuple[Int64s, Int32s]:
    """Returns all steps behind one another, then the picks, and the spans per record type."""
    flat: list[list[int]] = []
    spans: list[list[int]] = []
    for steps, rule in zip(compiler.steps, compiler.mapping.types, strict=True):
        span: list[int] = []
        for part in (steps.record, steps.row, steps.chain, steps.last):
            span.append(len(flat))
            flat.extend(part)
            span.append(len(flat))
        span.append(2 if rule.holds_modules else int(bool(rule.rows)))
        spans.append(span)
    for entry in layout.entries:
        entry[ops.ENT_PICK] += len(flat)
        entry[ops.ENT_PICK_END] += len(flat)
    flat.extend(layout.picks)
    steps_array = np.array(flat or [[0] * ops.STEP_WIDTH], np.int64).reshape(-1)
    return steps_array, np.array(spans or [[0] * ops.SPAN_WIDTH], np.int32).reshape(-1)


def _merge_pairs(handed: set[str]) -> Int32s:
    """Returns the columns that rows take from around them: all but quantities, pairs together."""
    seconds = {second: first for first, second in PAIRS.items()}
    firsts = {seconds.get(name, name) for name in handed} - set(QUANTITIES)
    pairs: list[int] = []
    for name in (each for each in COLUMNS if each in firsts):
        pairs += [INDEX[name], INDEX[PAIRS[name]] if name in PAIRS else -1]
    return np.array(pairs, np.int32)


def compile_plan(mapping: Mapping, schema: tuple[Element, ...]) -> Plan:
    """Compiles a checked mapping to the flat arrays of a `Plan`.

    Args:
        mapping: The format's mapping.
        schema: What a record may be; record types that the mapping leaves out are unknown.
    """
    del schema  # the rules carry their elements
    compiler = _Compiler(mapping)
    for code, rule in enumerate(mapping.types):
        compiler.add_type(code, rule)
    layout = Numbering()
    layout.node(compiler.root)
    # Number 1 is the node of what is skipped: it knows no tag, so it only counts nesting.
    skip_first = _with_skip_node(layout)
    edges, long_base, long_size, long_edges = tag_tables(skip_first.edges)
    width = compiler.width + 2
    templates = np.full((len(compiler.templates), width), MISSING, np.int64)
    for number, template in enumerate(compiler.templates):
        templates[number, width - 1] = ~number if number in compiler.groups else number
        for slot, value in template.items():
            templates[number, slot] = value
    steps, spans = _steps(compiler, skip_first)
    return Plan(
        width=width,
        type_names=mapping.type_names,
        edges=edges,
        long_base=long_base,
        long_size=long_size,
        long_edges=long_edges,
        entries=np.array(skip_first.entries, np.int32).reshape(-1),
        actions=np.array(skip_first.actions, np.int64).reshape(-1),
        templates=templates.reshape(-1),
        steps=steps,
        spans=spans,
        merge=_merge_pairs(compiler.handed),
        lookups=lookup_tables(mapping, compiler.layouts),
        active=np.array(sorted(compiler.used), np.int32),
        texts=tuple(skip_first.texts),
        local_times=compiler.local_times,
        zoneless=zoneless(mapping),
    )


def _with_skip_node(layout: Numbering) -> Numbering:
    """Returns the layout with an empty node as number 1; later nodes move up by one."""
    for entry in layout.entries:
        if entry[ops.ENT_CHILD] >= SKIP:
            entry[ops.ENT_CHILD] += 1
    layout.nodes.insert(SKIP, Node())
    layout.edges.insert(SKIP, {})
    return layout
