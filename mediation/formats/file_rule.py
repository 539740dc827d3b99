"""The block ``file`` of a mapping: what the elements around the records say about all of them.

In ``mapping.yaml``, paths beginning with an alternative of the outermost type::

    file:
      values:                                 # facts of the file; a list is tried in order
        sender: text transferBatch.batchControlInfo.sender
      allowed:                                # what a value may be; others are a note on the file
        release: [9, 10, 11, 12]
      columns:                                # columns of rows that say nothing else
        visited_network: sender
      codes:                                  # what the codes in a column mean
        utc_offset:
          list: transferBatch.networkInfo.utcTimeOffsetInfo
          code: utcTimeOffsetCode             # fields of an element of the list
          value: offset utcTimeOffset
          unknown: suspend                    # or `empty`
      amounts:                                # columns in the file's own smallest unit
        decimal_places: places
        columns: [partner_charge]
      totals:                                 # columns and the values that declare their sums:
        partner_charge: [charge, refunds]     # of amounts, and of those below zero
      returned: tap3                          # records hold events of that format: the sums are theirs

The values ``sequence_number`` and ``records`` have a meaning of their own: the file's running
number, and how many records it declares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mediation.columns import EDR_COLUMNS, INDEX, KIND
from mediation.errors import nearest
from mediation.formats.codecs import INTEGERS
from mediation.formats.paths import one_step
from mediation.kernels import ops

if TYPE_CHECKING:
    from mediation.formats.outer import Root
    from mediation.formats.rules import Mapping
    from mediation.formats.schema import Element
    from mediation.formats.strings import Document

KEYS: Final = ("values", "allowed", "columns", "codes", "amounts", "totals", "returned")
CODE_KEYS: Final = ("list", "code", "value", "unknown")
KINDS: Final = ("text", "integer", "digits", "digits_text", "offset", "time", "scaled", "constant")
"""How a value is read: text; an integer; a number in ASCII; BCD digits as text; +hhmm in minutes;
a local time with its offset; an integer and its decimal places, in 10^-9; what stands there."""

UNKNOWN: Final = ("suspend", "empty")
RETURNED: Final = ("tap3",)
"""Formats whose events come back inside records; `mediation.returned` finds them."""

FILTER: Final = re.compile(r"\[([^=\]]+)=([^\]]*)\]")
MICRO_PLACES: Final = 6
NANO_PLACES: Final = 9


@dataclass(frozen=True, slots=True)
class FileSource:
    """One way to a value.

    Attributes:
        kind: One of `KINDS`.
        paths: Dotted paths of its fields, or the constant.
    """

    kind: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeRule:
    """A list of the file that says what the codes in a column mean.

    Attributes:
        path: Of the list.
        code: The field of an element that holds the code.
        value: Ways to its meaning, tried in order.
        suspend: True if a record with a code that is not in the list cannot go on.
    """

    path: str
    code: str
    value: tuple[FileSource, ...]
    suspend: bool


@dataclass(frozen=True, slots=True)
class FileRule:
    """What is read from the elements around the records; see the module.

    Attributes:
        values: Ways to each value, tried in order.
        allowed: What a value may be.
        columns: Column to the value that fills it.
        codes: Column to the list that says what its codes mean.
        decimal_places: The value that says how many decimal places the amounts have, or empty.
        amounts: Columns in the file's smallest unit; they become 10^-6.
        totals: Column to the values that declare its sum and the sum of its refunds.
        returned: Format of the events inside the records whose amounts the totals declare, or empty.
    """

    values: dict[str, tuple[FileSource, ...]] = field(default_factory=dict)
    allowed: dict[str, frozenset[int]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    codes: dict[str, CodeRule] = field(default_factory=dict)
    decimal_places: str = ""
    amounts: tuple[str, ...] = ()
    totals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    returned: str = ""


class _Reader:
    """Reads the block; mistakes go to the document."""

    def __init__(self, document: Document, roots: tuple[Root, ...]) -> None:
        self.document = document
        self.roots = {root.name: root.element for root in roots}

    def keys(self, block: dict[str, object], keys: tuple[str, ...], known: tuple[str, ...]) -> None:
        for key in block:
            if key not in known:
                hint = nearest(key, known)
                self.document.problem((*keys, key), f"`{key}` is not a key here", hint)

    def part(self, holder: object, *keys: str) -> dict[str, object]:
        return {} if holder is None else self.document.block(holder, keys, f"`{keys[-1]}`")

    def items(self, holder: object, keys: tuple[str, ...]) -> list[str]:
        """Returns one text or a list of them."""
        texts = holder if isinstance(holder, list) else [holder]
        return [self.document.text(text, keys, f"`{keys[-1]}`") for text in texts]

    def sources(
        self, holder: object, keys: tuple[str, ...], inside: dict[str, Element]
    ) -> tuple[FileSource, ...]:
        found: list[FileSource] = []
        for text in self.items(holder, keys):
            kind, *paths = text.split() or [""]
            if kind not in KINDS:
                hint = nearest(kind, KINDS)
                self.document.problem(keys, f"`{kind}` is no kind of value", hint)
            elif len(paths) != (2 if kind == "scaled" else 1):
                self.document.problem(keys, f"`{text}` does not read as `{kind} path`")
            elif kind == "constant" or self.checked(paths, keys, inside):
                found.append(FileSource(kind, tuple(paths)))
        return tuple(found)

    def checked(self, paths: list[str], keys: tuple[str, ...], inside: dict[str, Element]) -> bool:
        """Returns whether paths lead somewhere; notes a problem for each that does not."""
        return None not in [self.element(path, keys, inside) for path in paths]

    def element(
        self, path: str, keys: tuple[str, ...], inside: dict[str, Element]
    ) -> Element | None:
        root, _, rest = path.partition(".")
        known: list[str] = list(inside)
        element = inside.get(root)
        if element is None:  # the name of an alternative may hold a dot itself
            element, rest = inside.get(path), ""
        word = root
        while element is not None and rest:
            bracket = FILTER.search(rest)
            word = FILTER.sub("", rest.split(".", maxsplit=1)[0])
            step = one_step(element.children, FILTER.sub("", rest))
            known = [child.name for child in element.children]
            if step is None:
                element = None
                break
            element = step[-1]
            rest = rest[len(element.name or step[0].name) :]
            if bracket and rest.startswith("[") and element.is_list:
                rest = rest[rest.index("]") + 1 :]
                element = element.children[0]
            rest = rest.removeprefix(".")
        if element is None:
            message = f"`{path}`: there is no `{word}`"
            self.document.problem(keys, message, nearest(word, known))
        return element

    def codes(self, holder: object) -> dict[str, CodeRule]:
        rules: dict[str, CodeRule] = {}
        for column, content in self.part(holder, "file", "codes").items():
            keys = ("file", "codes", column)
            self.column(column, keys)
            block = self.document.block(content, keys, f"`{column}`")
            self.keys(block, keys, CODE_KEYS)
            path = self.document.text(block.get("list"), (*keys, "list"), "`list`")
            listed = self.element(path, (*keys, "list"), self.roots) if path else None
            if listed is None:
                continue
            if not listed.is_list or len(listed.children) != 1:
                message = f"`{path}` is no list of codes and values"
                self.document.problem((*keys, "list"), message)
                continue
            inside = {child.name: child for child in listed.children[0].children}
            code = self.document.text(block.get("code"), (*keys, "code"), "`code`")
            unknown = self.document.text(block.get("unknown"), (*keys, "unknown"), "`unknown`")
            if unknown and unknown not in UNKNOWN:
                hint = nearest(unknown, UNKNOWN)
                self.document.problem((*keys, "unknown"), f"`{unknown}` is no outcome", hint)
            value = self.sources(block.get("value"), (*keys, "value"), inside)
            if code and self.checked([code], (*keys, "code"), inside):
                rules[column] = CodeRule(path, code, value, unknown == UNKNOWN[0])
        return rules

    def column(self, column: str, keys: tuple[str, ...]) -> bool:
        if column not in EDR_COLUMNS or KIND[INDEX[column]] not in {"number", "text"}:
            message = f"`{column}` is no EDR column of numbers or text"
            self.document.problem(keys, message, nearest(column, EDR_COLUMNS))
            return False
        return True

    def value(self, name: str, keys: tuple[str, ...], values: dict[str, object]) -> None:
        if name and name not in values:
            self.document.problem(keys, f"`{name}` is none of the `values`", nearest(name, values))

    def read(self, root: dict[str, object]) -> FileRule:
        self.keys(root, ("file",), KEYS)
        values = self.part(root.get("values"), "file", "values")
        named: dict[str, str] = {}
        for column, holder in self.part(root.get("columns"), "file", "columns").items():
            keys = ("file", "columns", column)
            named[column] = self.document.text(holder, keys, f"`{column}`")
            if self.column(column, keys) and KIND[INDEX[column]] != "text":
                self.document.problem(keys, f"`{column}` holds no text")
            self.value(named[column], keys, values)
        amounts = self.part(root.get("amounts"), "file", "amounts")
        self.keys(amounts, ("file", "amounts"), ("decimal_places", "columns"))
        places = ""
        columns: tuple[str, ...] = ()
        if amounts:
            keys = ("file", "amounts", "decimal_places")
            places = self.document.text(amounts.get("decimal_places"), keys, "`decimal_places`")
            self.value(places, keys, values)
            keys = ("file", "amounts", "columns")
            columns = tuple(self.items(amounts.get("columns"), keys))
            for column in columns:
                self.column(column, keys)
        totals: dict[str, tuple[str, ...]] = {}
        for column, holder in self.part(root.get("totals"), "file", "totals").items():
            keys = ("file", "totals", column)
            self.column(column, keys)
            totals[column] = tuple(self.items(holder, keys))
            for name in totals[column]:
                self.value(name, keys, values)
        return FileRule(
            returned=self.returned(root),
            values={
                name: self.sources(holder, ("file", "values", name), self.roots)
                for name, holder in values.items()
            },
            allowed=self.allowed(root.get("allowed"), values),
            columns=named,
            codes=self.codes(root.get("codes")),
            decimal_places=places,
            amounts=columns,
            totals=totals,
        )

    def returned(self, root: dict[str, object]) -> str:
        if "returned" not in root:
            return ""
        keys = ("file", "returned")
        name = self.document.text(root["returned"], keys, "`returned`")
        if name not in RETURNED:
            self.document.problem(keys, f"`{name}` never comes back", nearest(name, RETURNED))
        return name

    def allowed(self, holder: object, values: dict[str, object]) -> dict[str, frozenset[int]]:
        found: dict[str, frozenset[int]] = {}
        for name, numbers in self.part(holder, "file", "allowed").items():
            keys = ("file", "allowed", name)
            self.value(name, keys, values)
            texts = self.items(numbers, keys)
            if all(re.fullmatch(r"\d{1,9}", text) for text in texts):
                found[name] = frozenset(int(text) for text in texts)
            else:
                self.document.problem(keys, f"`{name}` may be numbers of up to 9 digits")
        return found


def read_file_rule(document: Document, roots: tuple[Root, ...]) -> FileRule | None:
    """Checks the block ``file`` of a mapping; mistakes are in `document.problems`.

    Args:
        document: The mapping file as read.
        roots: What may stand around the records; empty where they stand alone.

    Returns:
        The rule, None where the mapping has no such block.
    """
    if "file" not in document.root:
        return None
    if not roots:
        document.problem(
            ("file",), "`file` reads what stands in an outer value; name it in `outer`"
        )
        return None
    root = document.block(document.root["file"], ("file",), "`file`")
    return _Reader(document, roots).read(root)


def coded_columns(mapping: Mapping) -> frozenset[str]:
    """Returns the columns in which a mapping leaves codes of the file's tables."""
    found: set[str] = set()
    for rule in mapping.types:
        for column in (*rule.columns, *(each for rows in rule.rows for each in rows.columns)):
            for source in column.sources:
                if source.codec.op in {ops.FIRST, ops.SAME}:
                    found.add(column.column)
                if source.offset and source.offset[-1].kind in INTEGERS:
                    found.add("utc_offset")
    return frozenset(found)


def check_codes(document: Document, mapping: Mapping) -> None:
    """Notes columns whose codes no table of the file explains."""
    known = mapping.file.codes if mapping.file is not None else {}
    for column in sorted(coded_columns(mapping) - set(known)):
        message = f"the codes in `{column}` mean nothing: `file` has no `codes` for it"
        document.problem(("file", "codes"), message, "add a table, or read the value another way")
