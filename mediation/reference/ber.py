"""The decoder in plain Python: one record, its mapping, no tables. The oracle for the kernel.

Also walks a record that the kernel gave up once more, to say at which field that was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.columns import CODES, INDEX, LIMITS, PAIRS
from mediation.formats.codecs import INTEGERS
from mediation.kernels import ops
from mediation.normalize import CHINA
from mediation.reference import ber_codecs as codecs
from mediation.reference import text_codecs
from mediation.reference.ber_rows import rows_of
from mediation.reference.group import Group, Tlv, tags_of, total
from mediation.reference.values import repaired, value_of

if TYPE_CHECKING:
    from mediation.formats import Format
    from mediation.formats.rules import TypeRule
    from mediation.formats.schema import Element
    from mediation.formats.sources import Source
    from mediation.normalize import NormalizationSettings

    Value = int | str | None
    Row = dict[str, Value]
    Tags = tuple[tuple[int, int], ...]

ROAMING = frozenset({ops.BCD_NUMBER, ops.ASCII_NUMBER, ops.ASCII_ENTERED})
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


def label(tag: tuple[int, int], element: Element | None) -> str:
    """Returns a step of a path: ``name[tag]``, the class as a letter unless context."""
    name = "?" if element is None else element.name
    return f"{name}[{CLASS_LETTERS[tag[0]]}{tag[1]}]"


class Walk:
    """One walk through one record.

    Args:
        cdr_format: The record's format.
        data: The record, nothing else.
        settings: How the source writes numbers.
        base: Where the record begins, added to the places of faults.
        until: What ends before here is passed over: only the fault at this place is looked for.
    """

    def __init__(
        self,
        cdr_format: Format,
        data: bytes,
        settings: NormalizationSettings = CHINA,
        base: int = 0,
        until: int = 0,
    ) -> None:
        self.format = cdr_format
        self.data = data
        self.settings = settings
        self.base = base
        self.until = until
        self.path: list[str] = []
        self.rule: TypeRule | None = None
        self.record = Group(())
        self.containers: list[Group] = []
        self.repaired = 0

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
        self.record = Group(self.rule.columns, self.rule.rows)
        after = self.inside(tlv, end, self.rule.element.children, (), self.record, 1)
        if after != end:
            raise self.fail(ops.TRAILING_BYTES, after)
        if self.rule.holds_modules and not self.containers:
            raise self.fail(ops.UNKNOWN_RECORD_TYPE, 0)
        return rows_of(self.rule, self.record, self.containers)

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
            if tlv.length is not None and tlv.content + tlv.length < self.until:
                pos = tlv.content + tlv.length
                continue
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
        index = group.index
        rows, keys = index.rows.get(tags), index.keys
        sources, beside = index.sources.get(tags, ()), index.beside.get(tags, ())
        if rows is not None:
            if not tlv.constructed:
                raise self.fail(ops.UNEXPECTED_FORM, tlv.at)
            around = None if group is self.record else group
            container = Group(rows.columns, rows.rows, around, rows.module)
            if depth >= ops.MAX_DEPTH:
                raise self.fail(ops.TOO_DEEP, tlv.at)
            if len(self.containers) == ops.MAX_ROWS:
                raise self.fail(ops.TOO_MANY_ROWS, tlv.at)
            self.containers.append(container)
            children = element.children if element else None
            return self.inside(tlv, end, children, (), container, depth + 1)
        if sources or tags in keys or beside:
            if tlv.constructed:
                raise self.fail(ops.UNEXPECTED_FORM, tlv.at)
            octets = self.data[tlv.content : after]
            for column, number, source in beside:
                self.read_beside(tlv, octets, column, number, source, group)
            for column, number, source in sources:
                self.read(tlv, octets, column, number, source, group)
            if tags in keys:
                read = text_codecs.digest if keys[tags] else text_codecs.key
                group.keys[tags] = read(octets)
            return after
        if tags in index.beyond:
            if not tlv.constructed:
                raise self.fail(ops.UNEXPECTED_FORM, tlv.at)
            children = element.children if element else None
            return self.picked(tlv, end, children, tags, group, depth)
        if tlv.length is not None:
            return after
        return self.inside(tlv, end, None, tags, Group(()), depth + 1)

    def picked(
        self,
        tlv: Tlv,
        end: int,
        children: tuple[Element, ...] | None,
        tags: Tags,
        group: Group,
        depth: int,
    ) -> int:
        """Walks into an element; of one of a list with a condition, keeps what it picks."""
        picks = group.index.picks.get(tags, ())
        before = {}
        for column, number, source in picks:
            assert source.pick is not None  # noqa: S101 - chosen above
            before[column, number] = group.found.pop((column, number), None)
            group.keys.pop((*tags, *tags_of(source.pick.path)), None)
        after = self.inside(tlv, end, children, tags, group, depth + 1)
        for column, number, source in picks:
            said = group.found.pop((column, number), (None, None))
            earlier = before[column, number]
            if said != (None, None) and group.holds(source.pick, source.path[: source.pick_at]):
                if source.codec.op == ops.SUM:
                    said = (total([earlier, said]), None)
                group.found[column, number] = said
            elif earlier is not None:
                group.found[column, number] = earlier
        return after

    def read(
        self, tlv: Tlv, octets: bytes, column: str, number: int, source: Source, group: Group
    ) -> None:
        """Decodes one field for one column."""
        op = source.codec.op
        try:
            if op in {ops.LOOKUP, ops.LOOKUP_ASCII}:
                table = self.format.mapping.tables[source.argument]
                octet = octets[0] if len(octets) == 1 else -1
                name = table.get(codecs.hex_octet(octets) if op == ops.LOOKUP_ASCII else octet)
                if name is None:
                    return
                value: tuple[Value, Value] = (name if column in CODES else int(name), None)
            elif op in ROAMING:
                value = codecs.roaming_number(op, octets, self.settings.numbers)
                value = (value[0], value[1] if column in PAIRS else None)
            elif op in {ops.FIRST, ops.SAME, ops.SUM}:
                self.gather(octets, column, number, source, group)
                return
            else:
                value = value_of(octets, column, source, self.settings, int(number < 0))
                self.repaired += repaired(octets, source, self.settings)
            if source.offset:  # it may have come before the time
                value = (value[0], group.found.get((column, number), value)[1])
            self.check(value[0], column, op)
        except codecs.BadValueError as error:
            raise self.fail(error.status, tlv.at) from error
        group.found[column, self.slot(group, column, number)] = value

    def gather(self, octets: bytes, column: str, number: int, source: Source, group: Group) -> None:
        """Adds an amount to those before it, or compares a code with them."""
        value, _ = codecs.integer(octets)
        assert isinstance(value, int)  # noqa: S101 - an integer or an error
        if source.codec.op == ops.SUM:
            if value < 0:
                raise codecs.BadValueError(ops.NEGATIVE_AMOUNT)
            if value >= ops.LARGEST_AMOUNT:
                raise codecs.BadValueError(ops.VALUE_OUT_OF_RANGE)
            if source.minus and group.marks.get(tags_of(source.minus)) == 1:
                value = -value
            before = group.found.get((column, number))
            group.found[column, number] = (total([before, (value, None)]), None)
            return
        self.check(value, column, source.codec.op)
        place = (column, 0 if source.codec.op == ops.SAME else number)
        before = group.found.get(place)
        if before is None:
            group.found[place] = (value, None)
        elif source.codec.op == ops.SAME and before[0] != value:
            group.found[place] = (ops.SEVERAL, None)

    def read_beside(
        self, tlv: Tlv, octets: bytes, column: str, number: int, source: Source, group: Group
    ) -> None:
        """Keeps the offset of a local time, or the mark of refunds."""
        offset = source.offset and source.offset[-1].kind not in INTEGERS
        try:
            value, _ = codecs.utc_offset(octets) if offset else codecs.integer(octets)
            if source.offset:
                self.check(value, "utc_offset", ops.INTEGER)
        except codecs.BadValueError as error:
            raise self.fail(error.status, tlv.at) from error
        if source.offset:
            first, _ = group.found.get((column, number), (None, None))
            group.found[column, number] = (first, value)
        elif isinstance(value, int):
            group.marks[tags_of(source.minus)] = value

    @staticmethod
    def check(value: Value, column: str, op: int) -> None:
        """Integers must fit their column."""
        bounded = {ops.INTEGER, ops.UNSIGNED, ops.OCTETS, ops.DECIMAL, ops.DIGEST}
        bounded |= {ops.FIRST, ops.SAME}
        if op in bounded and isinstance(value, int):
            low, high = LIMITS[INDEX[column]]
            if not low <= value <= high:
                raise codecs.BadValueError(ops.VALUE_OUT_OF_RANGE)

    @staticmethod
    def slot(group: Group, column: str, number: int) -> int:
        """Returns the first source in the same CHOICE: alternatives share, the last one wins."""
        rule = next(rule for rule in group.rules if rule.column == column)
        choice = rule.sources[number].choice
        for earlier, source in enumerate(rule.sources[:number] if choice else ()):
            if tags_of(source.choice) == tags_of(choice):
                return earlier
        return number


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
