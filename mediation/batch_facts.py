"""What a batch says about its records: facts, and tables that give codes in records a meaning.

A roaming file is one outer value: currency, decimal places, offsets from UTC and names of network
elements stand once, before the records; a trailer declares sums. The mapping's block ``file`` says
where (`mediation.formats.file_rule`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mediation.normalize import render_bcd, render_text
from mediation.reference.ber_codecs import BadValueError, local_time, utc_offset
from mediation.tree import look_up, read_tree

if TYPE_CHECKING:
    import numpy as np

    from mediation.formats import Format
    from mediation.formats.file_rule import CodeRule, FileRule, FileSource
    from mediation.framing import OuterValue
    from mediation.tree import Tree

    Value = int | str

RECORDS: Final = "records"
SEQUENCE: Final = "sequence_number"
NANO_PLACES: Final = 9
MAX_PLACES: Final = 18
INT64: Final = 2**63


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """One outer value of a file, as its header and trailer describe it.

    Attributes:
        root: Which alternative of the outermost type it is, such as ``transferBatch``.
        records: Indexes of its records in the file.
        values: The facts by the names that the mapping gives them; what is missing is left out.
        codes: Column to the table of its codes.
        tree: Everything around the records, by the names of the module.
        notes: What is wrong with it.
    """

    root: str = ""
    records: range = range(0)
    values: dict[str, Value] = field(default_factory=dict)
    codes: dict[str, dict[int, Value]] = field(default_factory=dict)
    tree: dict[str, Tree] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Sums:
    """What the records of one batch sum up to, in the file's own units.

    Attributes:
        amounts: By column, the sum of all amounts above zero and of all below.
        unknown: By column, records with a code that no table explains and that went on all the same.
    """

    amounts: dict[str, tuple[int, int]]
    unknown: dict[str, int]


def batch_facts(
    cdr_format: Format, data: np.ndarray, outer: tuple[OuterValue, ...]
) -> tuple[BatchFacts, ...]:
    """Returns what each outer value of a file says; empty where the format has no such values.

    Args:
        cdr_format: The file's format.
        data: The file, uint8[n].
        outer: Its outer values as framing found them.
    """
    rule = cdr_format.mapping.file
    if rule is None:
        return ()
    return tuple(_Reader(cdr_format, rule, data, value).facts() for value in outer)


class _Reader:
    """Reads one outer value."""

    def __init__(
        self, cdr_format: Format, rule: FileRule, data: np.ndarray, outer: OuterValue
    ) -> None:
        self.rule = rule
        self.outer = outer
        self.notes: list[str] = []
        self.tree: dict[str, Tree] = {}
        root = next(each for each in cdr_format.outer if each.name == outer.root)
        known = {
            child.name: child for level in (root.element, *root.path) for child in level.children
        }
        for piece in outer.pieces:
            element = known.get(piece.name)
            if element is not None:
                end = piece.offset + piece.length
                self.tree[piece.name] = read_tree(data, piece.offset, end, element)

    def facts(self) -> BatchFacts:
        root: dict[str, Tree] = {self.outer.root: self.tree}
        values: dict[str, Value] = {}
        for name, sources in self.rule.values.items():
            value = self.first(root, sources, name)
            if value is not None:
                values[name] = value
        for name, allowed in self.rule.allowed.items():
            if name in values and values[name] not in allowed:
                words = ", ".join(str(number) for number in sorted(allowed))
                self.notes.append(f"{self.outer.root}: {name} is {values[name]}; allowed: {words}")
        codes = {column: self.table(root, column, rule) for column, rule in self.rule.codes.items()}
        return BatchFacts(
            self.outer.root, self.outer.records, values, codes, self.tree, tuple(self.notes)
        )

    def table(self, root: Tree, column: str, rule: CodeRule) -> dict[int, Value]:
        """Returns what the codes in a column mean; of a code that stands twice the first counts."""
        found: dict[int, Value] = {}
        items = look_up(root, rule.path)
        for item in items if isinstance(items, list) else ():
            code = self.integer(look_up(item, rule.code))
            value = self.first(item, rule.value, f"{column} code {code}")
            if code is None or value is None:
                continue
            if found.setdefault(code, value) != value:
                self.notes.append(
                    f"{self.outer.root}: {column} code {code} is both {found[code]} and {value}; "
                    "the first counts"
                )
        return found

    def first(self, tree: Tree, sources: tuple[FileSource, ...], name: str) -> Value | None:
        """Returns what the first source that stands in the file says."""
        for source in sources:
            if source.kind == "constant":
                return source.paths[0]
            fields = [look_up(tree, path) for path in source.paths]
            if fields[0] is None:
                continue
            value = self.value(source.kind, fields)
            if value is not None:
                return value
            shown = " ".join(part.hex() for part in fields if isinstance(part, bytes))
            self.notes.append(f"{self.outer.root}: {name} cannot be read as {source.kind}: {shown}")
        return None

    def value(self, kind: str, fields: list[Tree | None]) -> Value | None:  # noqa: PLR0911 - one a kind
        """Returns what fields mean, None if they make no sense."""
        part = fields[0]
        if kind == "time":
            return _time(part)
        if kind == "scaled":
            return self.scaled(part, fields[1])
        if not isinstance(part, bytes):
            return None
        if kind == "integer":
            return self.integer(part)
        if kind == "digits":
            return int(part) if part.isdigit() and len(part) <= MAX_PLACES else None
        if kind == "offset":
            try:
                return utc_offset(part)[0]
            except BadValueError:
                return None
        return render_bcd(part) if kind == "digits_text" else render_text(part)

    @staticmethod
    def integer(part: Tree | None) -> int | None:
        fits = isinstance(part, bytes) and 1 <= len(part) <= 8
        return (
            int.from_bytes(part, "big", signed=True) if fits and isinstance(part, bytes) else None
        )

    def scaled(self, part: Tree | None, places: Tree | None) -> int | None:
        """Returns an integer with decimal places in 10^-9; None unless that is exact."""
        value, shift = self.integer(part), self.integer(places) if places is not None else 0
        if value is None or shift is None or not 0 <= shift <= MAX_PLACES:
            return None
        nanos, rest = divmod(value * 10**NANO_PLACES, 10**shift)
        return nanos if rest == 0 and abs(nanos) < INT64 else None


def _time(part: Tree | None) -> str | None:
    """Returns a local time with its offset as ISO 8601, None if one of them is impossible."""
    if not isinstance(part, dict):
        return None
    clock, offset = part.get("localTimeStamp"), part.get("utcTimeOffset")
    if not isinstance(clock, bytes) or not isinstance(offset, bytes):
        return None
    try:
        local_time(clock)
        utc_offset(offset)
    except BadValueError:
        return None
    at, away = clock.decode(), offset.decode()
    date, time = f"{at[:4]}-{at[4:6]}-{at[6:8]}", f"{at[8:10]}:{at[10:12]}:{at[12:]}"
    return f"{date}T{time}{away[:3]}:{away[3:]}"
