"""A flat format's layout compiled to flat arrays: what its kernels frame and decode with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mediation.columns import CODES, COLUMNS, INDEX, LIMITS, PAIRS, QUANTITIES
from mediation.edr import MISSING
from mediation.flat.arguments import MOST_DECIMALS, unit_and_rounding
from mediation.flat.codecs import EPOCH_UNITS, ROUNDINGS, TYPES_OF_NUMBER, UNITS
from mediation.flat.forms import ENCODINGS, FORMS, decode, expand, pack, render_network, spelled
from mediation.flat.layout import DELIMITED
from mediation.flat.times import tokens_of
from mediation.kernels import flat_ops as ops
from mediation.normalize import visible
from mediation.time_zones import NO_ZONES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mediation.flat.layout import Condition, Field, Layout, Source, TypeRule
    from mediation.time_zones import TimeZones

    Array = np.ndarray[Any, np.dtype[Any]]
    Renderer = Callable[[bytes], str]

NONE: Final = -1
DEFAULT_LONGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class FlatPlan:
    """Flat tables of one format.

    Attributes:
        layout: What they were made of.
        width: Slots of a row: one per EDR column.
        type_names: Record types by code; the dictionary of ``record_type``.
        active: int32[...], the columns that this format can fill.
        texts: Per action, twice: the column of its texts and what renders them, or None; the
            second half is for fields in which quotes stand twice.
        rules: int64[RULE_CELLS], see `mediation.kernels.flat_ops`.
        types: int64[types * TYPE_WIDTH].
        fields: int32[fields * FIELD_WIDTH].
        names: Heading of each field, by number.
        field_names: Name of each field, by number.
        actions: int64[actions * ACTION_WIDTH].
        templates: int64[types * width].
        type_blob: uint8[...], values of the type field as octets.
        type_words: int32[n * 3]: first octet, end, HEADER, TRAILER or FIRST_TYPE + type.
        blob: uint8[...], words of the tables and those that mean nothing.
        words: int32[n * 3]: first octet, end, number in `word_values`.
        word_values: int64[n].
        empties: int32[n * 3], words that mean nothing.
        patterns: int16[...], tokens of times, 0 behind each piece.
        time_zones: The zone of times that carry none.
        numbers: Number of a field by place, octets, form and heading.
        positions: Fields of a line that are kept.
    """

    layout: Layout
    width: int
    type_names: tuple[str, ...]
    active: Array
    texts: tuple[tuple[int, Renderer] | None, ...]
    rules: Array
    types: Array
    fields: Array
    names: tuple[str, ...]
    field_names: tuple[str, ...]
    actions: Array
    templates: Array
    type_blob: Array
    type_words: Array
    blob: Array
    words: Array
    word_values: Array
    empties: Array
    patterns: Array
    time_zones: TimeZones
    numbers: dict[tuple[int, int, str, str], int]
    positions: int


class _Words:
    """Words behind one another."""

    def __init__(self) -> None:
        self.octets = bytearray()

    def add(self, word: bytes) -> tuple[int, int]:
        """Returns where a word stands; a word that is there already is not added again."""
        begin = bytes(self.octets).find(word)
        if begin < 0:
            begin = len(self.octets)
            self.octets += word
        return begin, begin + len(word)

    def array(self) -> Array:
        return np.frombuffer(bytes(self.octets) or b"\0", np.uint8)


class _Compiler:
    """Collects the tables of one layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.blob = _Words()
        self.type_blob = _Words()
        self.fields: list[list[int]] = []
        self.names: list[str] = []
        self.field_names: list[str] = []
        self.numbers: dict[tuple[int, int, str, str], int] = {}
        self.actions: list[list[int]] = []
        self.texts: list[tuple[int, Renderer] | None] = []
        self.doubled: list[tuple[int, Renderer] | None] = []
        self.templates: list[dict[int, int]] = []
        self.types: list[list[int]] = []
        self.type_words: list[list[int]] = []
        self.words: list[list[int]] = []
        self.word_values: list[int] = []
        self.tables: dict[tuple[str, str, str], tuple[int, int]] = {}
        self.patterns: list[int] = []
        self.used = {INDEX[name] for name in ("record_type", *CODES, *QUANTITIES)}

    def field(self, field: Field | None) -> int:
        """Returns the number of a field, -1 for none."""
        if field is None:
            return NONE
        key = (field.at, field.octets, field.form, field.heading)
        if key not in self.numbers:
            self.numbers[key] = len(self.fields)
            self.fields.append([field.at, field.octets, FORMS[field.form]])
            self.names.append(field.heading)
            self.field_names.append(field.name)
        return self.numbers[key]

    def type_values(self, values: Iterable[str], kind: int) -> None:
        field = self.layout.type_field
        if field is None:
            return
        for value in values:
            octets = pack(value, field.form, field.octets, self.layout.values.encoding)
            assert octets is not None  # noqa: S101 - checked with the mapping
            self.type_words.append([*self.type_blob.add(octets), kind])

    def add_type(self, code: int, rule: TypeRule) -> None:
        self.type_values(rule.values, ops.FIRST_TYPE + code)
        template = {INDEX["record_type"]: code}
        for column, name in (("service", rule.service), ("direction", rule.direction)):
            template[INDEX[column]] = CODES[column].index(name)
        self.templates.append(template)
        first = len(self.actions)
        for column_rule in rule.columns:
            target = INDEX[column_rule.column]
            pair = PAIRS.get(column_rule.column)
            second = NONE if pair is None or pair == "cell" else INDEX[pair]
            self.used.update(slot for slot in (target, second) if slot >= 0)
            for position, source in enumerate(column_rule.sources):
                always = position == 0 and source.condition is None
                constant = source.codec.op < 0 and column_rule.column not in self.text_columns()
                if always and constant:
                    template[target] = int(source.argument)
                    continue
                self.add_action(source, target, second, fallback=position > 0)
        self.types.append([first, len(self.actions), rule.least, rule.most])

    @staticmethod
    def text_columns() -> frozenset[str]:
        from mediation.columns import KIND  # noqa: PLC0415 - beside its only use

        return frozenset(name for name in COLUMNS if KIND[INDEX[name]] == "text")

    def add_action(self, source: Source, target: int, second: int, *, fallback: bool) -> None:
        codec = source.codec.op
        if codec < 0:
            text = COLUMNS[target] in self.text_columns()
            codec = ops.CONSTANT_WORDS if text else ops.CONSTANT_NUMBER
        low, high = LIMITS[target]
        numbers = [self.field(field) for field in source.fields]
        numbers += [NONE] * (3 - len(numbers))
        params = [*self.parameters(source, target), 0, 0, 0][:3]
        when = self.condition(source.condition)
        self.actions.append(
            [codec, target, second, low, high, *numbers, *params, int(fallback), *when]
        )
        place = second if codec == ops.NUMBER else target
        for texts, twice in ((self.texts, False), (self.doubled, True)):
            render = self.renderer(source, codec, twice=twice)
            texts.append(None if render is None or place < 0 else (place, render))

    def condition(self, condition: Condition | None) -> tuple[int, int, int]:
        """Returns field, word and sense of a condition, as the kernel compares them."""
        if condition is None:
            return NONE, NONE, 0
        word = NONE
        if condition.wanted is not None:
            word = len(self.words)
            text = condition.field.form == "text"
            encoding = self.layout.values.encoding if text else "ascii"
            octets = condition.wanted.encode(encoding, "replace")
            self.words.append([*self.blob.add(octets), 0])
        return self.field(condition.field), word, int(condition.differs)

    def parameters(self, source: Source, target: int) -> list[int]:
        """Returns what the kernel's codec needs beside its fields."""
        name, argument = source.codec.name, source.argument
        found: list[int] = []
        if name == "integer":
            found = [1, 1, ops.EXACT]
        elif name == "between":
            found = [self.pattern(argument)]
        elif name == "constant" and COLUMNS[target] not in self.text_columns():
            found = [int(argument)]
        elif name == "money":
            found = [10 ** (MOST_DECIMALS - int(argument or "0")), 1, ops.EXACT]
        elif name == "quantity":
            unit, rounding = unit_and_rounding(argument)
            found = [UNITS[unit].numerator, UNITS[unit].denominator, ROUNDINGS[rounding]]
        elif name == "number":
            found = [TYPES_OF_NUMBER[argument]]
        elif name == "epoch":
            found = [EPOCH_UNITS[argument]]
        elif name == "time":
            found = [self.pattern(piece) for piece in argument.split("+")]
        elif name == "lookup":
            found = list(self.table(argument, COLUMNS[target], source.fields[0].form))
        return found

    def pattern(self, piece: str) -> int:
        first = len(self.patterns)
        self.patterns += [*tokens_of(piece), 0]
        return first

    def table(self, name: str, column: str, form: str) -> tuple[int, int]:
        """Returns the first word of a table, as a form writes it, and the word behind its last."""
        if (name, column, form) not in self.tables:
            first = len(self.words)
            for word, value in self.layout.tables[name].items():
                number = CODES[column].index(value) if column in CODES else int(value)
                octets = spelled(word, form).encode(self.layout.values.encoding, "replace")
                self.words.append([*self.blob.add(octets), len(self.word_values)])
                self.word_values.append(number)
            self.tables[name, column, form] = (first, len(self.words))
        return self.tables[name, column, form]

    def renderer(self, source: Source, codec: int, *, twice: bool) -> Renderer | None:
        """Returns how the octets of a text become text, None where the codec makes none."""
        if codec == ops.CONSTANT_WORDS:
            return partial(_constant, source.argument)
        if codec == ops.NETWORK:
            return partial(_network, source.fields[0].form)
        if codec not in {ops.WORDS, ops.NUMBER}:
            return None
        form = source.fields[0].form
        table = self.layout.tables.get(source.argument, {}) if codec == ops.WORDS else {}
        table = {spelled(word, form): value for word, value in table.items()}
        quote = chr(self.layout.quote) if twice and self.layout.quote >= 0 else ""
        return partial(_word, form, self.layout.values.encoding, quote, table)

    def rules(self) -> Array:
        layout = self.layout
        rules = np.full(ops.RULE_CELLS, NONE, np.int64)
        rules[ops.SEPARATOR] = layout.separator if layout.kind == DELIMITED else NONE
        rules[ops.QUOTE] = layout.quote
        rules[ops.DECIMAL] = layout.values.decimal
        rules[ops.THOUSANDS] = layout.values.thousands
        rules[ops.CHARSET] = ENCODINGS[layout.values.encoding]
        rules[ops.TYPE_FIELD] = self.field(layout.type_field)
        rules[ops.LONGEST] = DEFAULT_LONGEST
        header_lines = layout.header.lines if layout.header is not None else 0
        rules[ops.HEADER_LINES] = header_lines + int(layout.names)
        rules[ops.RECORD_OCTETS] = layout.octets
        ends = [field.at + field.octets for rule in layout.types for field in rule.fields
                if field in {layout.length, layout.type_field}]  # fmt: skip
        rules[ops.SHORTEST] = max([layout.octets, *ends, 1])
        rules[ops.FILLER] = layout.filler
        rules[ops.LENGTH_FIELD] = self.field(layout.length)
        blocks = layout.blocks
        rules[ops.BLOCK_OCTETS] = 0 if blocks is None else blocks.octets
        if blocks is not None:
            rules[ops.BLOCK_HEADER] = blocks.header
            rules[ops.BLOCK_TRAILER] = blocks.trailer
            rules[ops.TIMES_FIELD] = self.field(blocks.times)
            rules[ops.HEADER_LENGTH_FIELD] = self.field(blocks.length)
            rules[ops.USED_FIELD] = self.field(blocks.used)
            for field in (blocks.first, blocks.last):
                self.field(field)
        return rules

    def compile(self) -> FlatPlan:
        layout = self.layout
        for special, kind in ((layout.header, ops.HEADER), (layout.trailer, ops.TRAILER)):
            if special is not None:
                self.type_values(special.values, kind)
        for code, rule in enumerate(layout.types):
            self.add_type(code, rule)
        totals = set() if layout.trailer is None else {word for _, word in layout.trailer.totals}
        for rule in layout.types:
            for field in rule.fields:
                if field.name in totals:
                    self.field(field)
        rules = self.rules()
        templates = np.full((len(layout.types), len(COLUMNS)), MISSING, np.int64)
        for number, template in enumerate(self.templates):
            for slot, value in template.items():
                templates[number, slot] = value
        empties = [
            [*self.blob.add(word.encode(layout.values.encoding, "replace")), 0]
            for word in layout.values.empty
        ]
        return FlatPlan(
            layout=layout,
            width=len(COLUMNS),
            type_names=tuple(rule.name for rule in layout.types),
            active=np.array(sorted(self.used), np.int32),
            texts=(*self.texts, *self.doubled),
            rules=rules,
            types=_flat(self.types, np.int64),
            fields=_flat(self.fields, np.int32),
            names=tuple(self.names),
            field_names=tuple(self.field_names),
            actions=_flat(self.actions, np.int64),
            templates=templates.reshape(-1),
            type_blob=self.type_blob.array(),
            type_words=_flat(self.type_words, np.int32),
            blob=self.blob.array(),
            words=_flat(self.words, np.int32),
            word_values=np.array(self.word_values or [0], np.int64),
            empties=_flat(empties, np.int32),
            patterns=np.array(self.patterns or [0], np.int16),
            time_zones=NO_ZONES.with_default(layout.values.time_zone),
            numbers=self.numbers,
            positions=max([1, *(len(rule.fields) for rule in layout.types)]),
        )


def _flat(rows: list[list[int]], kind: Any) -> Array:  # noqa: ANN401 - a numpy type
    return np.array(rows, kind).reshape(-1)


def _constant(word: str, _: bytes) -> str:
    return word


def _network(form: str, octets: bytes) -> str:
    return render_network(expand(octets, form))


def _word(form: str, encoding: str, quote: str, table: dict[str, str], octets: bytes) -> str:
    """Renders one entry of a dictionary; `quote` stands twice where it is meant once."""
    if form != "text":
        octets = expand(octets, form)
    word = decode(octets, encoding)
    if quote:
        word = word.replace(quote * 2, quote)
    return visible(table.get(word, word))


def compile_flat(layout: Layout) -> FlatPlan:
    """Compiles a checked layout to the flat arrays of a `FlatPlan`."""
    return _Compiler(layout).compile()
