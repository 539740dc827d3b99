"""The decoder in plain Python: one record, its mapping, no tables. The oracle for the kernel.

Also walks a record that the kernel gave up once more, to say at which field that was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mediation.columns import CODES, INDEX, LIMITS, PAIRS, QUANTITIES
from mediation.kernels import ops
from mediation.normalize import CHINA, RENDERERS
from mediation.reference import ber_codecs as codecs

if TYPE_CHECKING:
    from mediation.formats import Format
    from mediation.formats.mapping import ColumnRule, Source, TypeRule
    from mediation.formats.schema import Element
    from mediation.normalize import NormalizationSettings

    Value = int | str | None
    Row = dict[str, Value]
    Tags = tuple[tuple[int, int], ...]

CLASS_LETTERS = ("U", "A", "", "P")


class MalformedError(ValueError):
    """A record that cannot be decoded.

    Attributes:
        status: A status of `mediation.kernels.ops`.
        at: Where it was seen.
        path: Names and tags down to the fault, such as ``("moCallRecord[0]", "answerTime[23]")``.
    """

    def __init__(self, status: int, at: int, path: tuple[str, ...]) -> None:
        super().__init__(ops.STATUS_NAMES[status], at, path)
        self.status = status
        self.at = at
        self.path = path


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element: where its tag is, what it is, where its content is; length None if open."""

    at: int
    tag: tuple[int, int]
    constructed: bool
    content: int
    length: int | None


@dataclass(slots=True)
class Group:
    """What a record or one of its containers said: by column, a (first, second) per source."""

    rules: tuple[ColumnRule, ...]
    found: dict[tuple[str, int], tuple[Value, Value]] = field(default_factory=dict)


def tags_of(path: tuple[Element, ...]) -> Tags:
    """Returns the tags along a path of elements."""
    return tuple((element.tag_class, element.tag_number) for element in path)


def label(tag: tuple[int, int], element: Element | None) -> str:
    """Returns a step of a path: ``name[tag]``, the class as a letter unless context."""
    name = "?" if element is None else element.name
    return f"{name}[{CLASS_LETTERS[tag[0]]}{tag[1]}]"


class Walk:
    """One walk through one record."""

    def __init__(
        self,
        cdr_format: Format,
        data: bytes,
        settings: NormalizationSettings = CHINA,
        base: int = 0,
    ) -> None:
        self.format = cdr_format
        self.data = data
        self.settings = settings
        self.base = base
        self.path: list[str] = []
        self.rule: TypeRule | None = None
        self.record = Group(())
        self.containers: list[Group] = []

    def fail(self, status: int, at: int) -> MalformedError:
        """Returns the error to raise at a position of the record."""
        return MalformedError(status, self.base + at, tuple(self.path))

    def rows(self) -> list[Row]:
        """Returns the record's rows, every EDR column that its rules name.

        Raises:
            MalformedError: The record cannot be decoded.
        """
        end = len(self.data)
        if end == 0:
            raise self.fail(ops.TRUNCATED, 0)
        if self.data[0] == 0:
            raise self.fail(ops.UNEXPECTED_END, 0)
        tlv = self.tlv(0, end)
        rules = {
            (rule.element.tag_class, rule.element.tag_number): rule
            for rule in self.format.mapping.types
        }
        self.rule = rules.get(tlv.tag)
        element = None if self.rule is None else self.rule.element
        self.path.append(label(tlv.tag, element))
        if self.rule is None:
            raise self.fail(ops.UNKNOWN_RECORD_TYPE, 0)
        if not tlv.constructed:
            raise self.fail(ops.UNEXPECTED_FORM, 0)
        self.record = Group(self.rule.columns)
        after = self.inside(tlv, end, self.rule.element.children, (), self.record, 1)
        if after != end:
            raise self.fail(ops.TRAILING_BYTES, after)
        return self.finish(self.rule)

    def tlv(self, pos: int, end: int) -> Tlv:  # noqa: C901 - every rule of X.690 8.1 in one place
        """Reads tag and length at `pos`; nothing may reach behind `end`."""
        at = pos
        first = self.data[pos]
        pos += 1
        number = first & 31
        if number == 31:
            number = 0
            for count in range(5):
                if count == 4:
                    raise self.fail(ops.BAD_TAG, at)
                if pos >= end:
                    raise self.fail(ops.TRUNCATED, at)
                octet = self.data[pos]
                pos += 1
                number = number << 7 | octet & 127
                if octet < 128:
                    break
        constructed = bool(first & 32)
        if pos >= end:
            raise self.fail(ops.TRUNCATED, at)
        length: int | None = self.data[pos]
        pos += 1
        if length is not None and length >= 128:
            size = length & 127
            if size > 4 or (size == 0 and not constructed):
                raise self.fail(ops.BAD_LENGTH, at)
            if size > end - pos:
                raise self.fail(ops.TRUNCATED, at)
            length = int.from_bytes(self.data[pos : pos + size], "big") if size else None
            pos += size
        if length is not None and length > end - pos:
            raise self.fail(ops.TRUNCATED, at)
        return Tlv(at, (first >> 6, number), constructed, pos, length)

    def inside(
        self,
        outer: Tlv,
        limit: int,
        children: tuple[Element, ...] | None,
        tags: Tags,
        group: Group,
        depth: int,
    ) -> int:
        """Walks the content of a constructed element; returns where the next one begins.

        `children` is None inside what is skipped; `tags` lead from the group's top to here.
        """
        if depth > ops.MAX_DEPTH:
            raise self.fail(ops.TOO_DEEP, outer.at)
        pos = outer.content
        end = limit if outer.length is None else pos + outer.length
        while True:
            if pos >= end:
                if outer.length is None:
                    raise self.fail(ops.TRUNCATED, pos)
                return pos
            if self.data[pos] == 0:
                if outer.length is None and pos + 1 < end and self.data[pos + 1] == 0:
                    return pos + 2
                raise self.fail(ops.UNEXPECTED_END, pos)
            tlv = self.tlv(pos, end)
            element = self.known(tlv, children)
            self.path.append(label(tlv.tag, element))
            pos = self.element(tlv, end, element, (*tags, tlv.tag), group, depth)
            self.path.pop()

    @staticmethod
    def known(tlv: Tlv, children: tuple[Element, ...] | None) -> Element | None:
        """Returns the schema's element with this tag, None if there is none."""
        for child in children or ():
            if (child.tag_class, child.tag_number) == tlv.tag:
                return child
        return None

    def element(  # noqa: C901 - what an element may be, in the kernel's order
        self,
        tlv: Tlv,
        end: int,
        element: Element | None,
        tags: Tags,
        group: Group,
        depth: int,
    ) -> int:
        """Reads, enters or skips one element; returns where the next one begins."""
        after = end if tlv.length is None else tlv.content + tlv.length
        rows = self.row_rules(tags) if group is self.record else None
        sources = [
            (rule.column, number, source)
            for rule in group.rules
            for number, source in enumerate(rule.sources)
            if source.path and tags_of(source.path) == tags
        ]
        if rows is not None:
            if not tlv.constructed:
                raise self.fail(ops.UNEXPECTED_FORM, tlv.at)
            container = Group(rows)
            if depth >= ops.MAX_DEPTH:
                raise self.fail(ops.TOO_DEEP, tlv.at)
            if len(self.containers) == ops.MAX_ROWS:
                raise self.fail(ops.TOO_MANY_ROWS, tlv.at)
            self.containers.append(container)
            children = element.children if element else None
            return self.inside(tlv, end, children, (), container, depth + 1)
        if sources:
            if tlv.constructed:
                raise self.fail(ops.UNEXPECTED_FORM, tlv.at)
            for column, number, source in sources:
                self.read(tlv, self.data[tlv.content : after], column, number, source, group)
            return after
        if self.leads_on(tags, group):
            if not tlv.constructed:
                raise self.fail(ops.UNEXPECTED_FORM, tlv.at)
            children = element.children if element else None
            return self.inside(tlv, end, children, tags, group, depth + 1)
        if tlv.length is not None:
            return after
        return self.inside(tlv, end, None, tags, Group(()), depth + 1)

    def row_rules(self, tags: Tags) -> tuple[ColumnRule, ...] | None:
        """Returns the rules of the rows that begin at `tags`, None if none do."""
        assert self.rule is not None  # noqa: S101 - set before the walk goes in
        for rows in self.rule.rows:
            if tags_of((*rows.path, rows.element)) == tags:
                return rows.columns
        return None

    def leads_on(self, tags: Tags, group: Group) -> bool:
        """Returns whether any mapped path goes on below `tags`."""
        paths = [source.path for rule in group.rules for source in rule.sources]
        if group is self.record and self.rule is not None:
            paths += [(*rows.path, rows.element) for rows in self.rule.rows]
        return any(tags_of(path)[: len(tags)] == tags for path in paths if len(path) > len(tags))

    def read(
        self, tlv: Tlv, octets: bytes, column: str, number: int, source: Source, group: Group
    ) -> None:
        """Decodes one field for one column."""
        op = source.codec.op
        try:
            if op == ops.LOOKUP:
                table = self.format.mapping.tables[source.argument]
                name = table.get(octets[0]) if len(octets) == 1 else None
                if name is None:
                    return
                value: tuple[Value, Value] = (name, None)
            elif op == ops.NUMBER:
                value = codecs.number(octets, self.settings.numbers)
                if column not in PAIRS:
                    value = (value[0], None)
            elif op == ops.TEXT:
                value = (RENDERERS[source.codec.render](octets) or None if octets else None, None)
            else:
                value = codecs.SIMPLE[op](octets)
            self.check(value[0], column, op)
        except codecs.BadValueError as error:
            raise self.fail(error.status, tlv.at) from error
        group.found[column, self.slot(group, column, number)] = value

    @staticmethod
    def check(value: Value, column: str, op: int) -> None:
        """Integers must fit their column."""
        if op in {ops.INTEGER, ops.UNSIGNED, ops.OCTETS} and isinstance(value, int):
            low, high = LIMITS[INDEX[column]]
            if not low <= value <= high:
                raise codecs.BadValueError(ops.VALUE_OUT_OF_RANGE)

    @staticmethod
    def slot(group: Group, column: str, number: int) -> int:
        """Returns the first source in the same CHOICE: alternatives share, the last one wins."""
        rule = next(rule for rule in group.rules if rule.column == column)
        path = rule.sources[number].path
        if rule.sources[number].previous or len(path) < 2 or path[-2].kind != "CHOICE":
            return number
        for earlier, source in enumerate(rule.sources[:number]):
            if len(source.path) > 1 and tags_of(source.path[:-1]) == tags_of(path[:-1]):
                return earlier
        return number

    def finish(self, rule: TypeRule) -> list[Row]:
        """Puts the rows together from what record and containers said."""
        rows: list[Row] = []
        record = self.settle(self.record, None, 0)
        for position, container in enumerate(self.containers):
            before = self.containers[position - 1] if position else None
            row = self.settle(container, before, position)
            for column, second in ((name, PAIRS.get(name)) for name in record):
                taken = row.get(column) is None and (second is None or row.get(second) is None)
                if column in QUANTITIES or column in PAIRS.values() or not taken:
                    continue
                row[column] = record[column]
                if second is not None:
                    row[second] = record.get(second)
            self.lone_cell(row, record)
            rows.append(row)
        rows = rows or [record]
        for row in rows:
            row["record_type"] = rule.element.name
            for column in CODES:
                fallback = rule.service if column == "service" else rule.direction
                row[column] = row.get(column) or fallback
            for column in QUANTITIES:
                row[column] = row.get(column) or 0
        return rows

    @staticmethod
    def lone_cell(row: Row, record: Row) -> None:
        """A record may map `cell` without `area`; it then comes with the (missing) area."""
        if "area" not in record and row.get("area") is None and row.get("cell") is None:
            row["cell"] = record.get("cell")

    def settle(self, group: Group, before: Group | None, position: int) -> Row:
        """Picks, per column, the first source that said something."""
        row: Row = {}
        for rule in group.rules:
            second = PAIRS.get(rule.column)
            chosen: tuple[Value, Value] = (None, None)
            for number, source in enumerate(rule.sources):
                if source.codec.name == "constant":
                    candidate: tuple[Value, Value] = (int(source.argument), None)
                elif source.codec.name == "position":
                    candidate = (position + 1, None)
                elif source.previous:
                    same = before is not None and before.rules is group.rules
                    found = before.found if same and before is not None else {}
                    candidate = found.get((rule.column, number), (None, None))
                else:
                    candidate = group.found.get((rule.column, number), (None, None))
                if chosen == (None, None):
                    chosen = candidate
            row[rule.column] = chosen[0]
            if second is not None and second not in row:
                row[second] = chosen[1]
        return row


def decode_record(
    cdr_format: Format, octets: bytes, settings: NormalizationSettings = CHINA
) -> list[Row]:
    """Returns the rows of one record.

    Args:
        cdr_format: The record's format.
        octets: The record with its tag and length, nothing else.
        settings: How the source writes numbers.

    Raises:
        MalformedError: The record cannot be decoded.
    """
    return Walk(cdr_format, octets, settings).rows()
