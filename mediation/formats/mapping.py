"""A format's mapping: which ASN.1 path feeds which EDR column through which codec.

`read_mapping` checks everything against the schema and the EDR and reports all mistakes at once,
each with file, line and the nearest allowed name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mediation.columns import CODES, COLUMNS, INDEX, KIND, LIMITS, PAIRS, too_far
from mediation.edr import MISSING
from mediation.errors import nearest
from mediation.formats.arguments import argument_of
from mediation.formats.codecs import CODECS, INTEGERS, STRINGS
from mediation.formats.modules import MODULES, read_holder, unwrapped
from mediation.formats.paths import one_step, visible
from mediation.formats.rules import ColumnRule, Mapping, RowsRule, TypeRule
from mediation.formats.sources import Condition, Source, condition_words, key_value
from mediation.formats.variants import TAGS, VARIANT
from mediation.kernels import ops
from mediation.partials.rules import read_rule

if TYPE_CHECKING:
    from mediation.formats.codecs import Codec
    from mediation.formats.schema import Element
    from mediation.formats.strings import Document

TOP_KEYS: Final = (
    "title", "module", "record", "outer", "file", "least_values",
    "tables", "numbers", "partials", "types", MODULES, VARIANT, TAGS,
)  # fmt: skip
TYPE_KEYS: Final = ("service", "direction", "columns", "rows")
SOURCE: Final = re.compile(
    r"([a-z_]+)(?:\(([^)]*)\))?((?:\s+(?!when\s)\S+){0,2})(?:\s+when\s+(\S+))?$"
)
PREVIOUS: Final = "previous."
MINUS: Final = "minus "
LOOKUPS: Final = (ops.LOOKUP, ops.LOOKUP_ASCII)
OWN_SECOND: Final = "cell"
"""The one second column of a pair that a mapping may fill by itself."""
FORBIDDEN: Final = (
    "record_type",
    *(second for second in PAIRS.values() if second != OWN_SECOND),
)


class Reader:
    """Reads the types of a mapping; mistakes go to the document."""

    def __init__(self, document: Document, schema: tuple[Element, ...]) -> None:
        self.document = document
        self.schema = schema
        self.tables: dict[str, dict[int, str]] = {}
        self.modules: dict[str, TypeRule] = {}

    def unknown_keys(
        self, block: dict[str, object], keys: tuple[str, ...], allowed: tuple[str, ...]
    ) -> None:
        """Notes keys of a block that mean nothing."""
        for key in block:
            if key not in allowed:
                hint = nearest(key, allowed)
                self.document.problem((*keys, key), f"`{key}` is not a key here", hint)

    def read_tables(self, holder: object) -> None:
        """Reads the lookup tables."""
        for name, content in self.document.block(holder, ("tables",), "`tables`").items():
            keys = ("tables", name)
            table: dict[int, str] = {}
            for octet, value in self.document.block(content, keys, f"table `{name}`").items():
                try:
                    number = int(octet, 16)
                except ValueError:
                    number = -1
                if not 0 <= number <= 0xFF:
                    message = f"`{octet}` is not an octet in hexadecimal, 00 to FF"
                    self.document.problem((*keys, octet), message)
                elif isinstance(value, str):
                    table[number] = value
            self.tables[name] = table

    def read_types(self, holder: object) -> tuple[TypeRule, ...]:
        """Reads the record types."""
        elements = {element.name: element for element in self.schema}
        rules: list[TypeRule] = []
        for name, content in self.document.block(holder, ("types",), "`types`").items():
            keys = ("types", name)
            if name not in elements:
                message = f"`{name}` is no record type of the module"
                self.document.problem(keys, message, nearest(name, elements))
                continue
            if isinstance(content, dict) and MODULES in content:
                rules.append(read_holder(self, elements[name], content, keys))
            else:
                rules.append(self.read_type(elements[name], content, keys))
        return tuple(rules)

    def read_type(self, element: Element, holder: object, keys: tuple[str, ...]) -> TypeRule:
        """Reads one record type, or one type of call module."""
        block = self.document.block(holder, keys, f"`{element.name}`")
        self.unknown_keys(block, keys, TYPE_KEYS)
        names: dict[str, str] = {}
        for column, vocabulary in CODES.items():
            value = self.document.text(block.get(column), (*keys, column), f"`{column}`")
            if value and value not in vocabulary:
                hint = nearest(value, vocabulary)
                self.document.problem((*keys, column), f"`{value}` is no {column}", hint)
            names[column] = value if value in vocabulary else vocabulary[0]
        columns = self.read_columns(element.children, block.get("columns"), (*keys, "columns"))
        rows = self.read_lists(element, block.get("rows", {}), (*keys, "rows"), columns)
        return TypeRule(element, names["service"], names["direction"], columns, rows)

    def read_lists(
        self,
        outer: Element,
        holder: object,
        keys: tuple[str, ...],
        columns: tuple[ColumnRule, ...],
    ) -> tuple[RowsRule, ...]:
        """Reads the lists inside `outer` whose elements are rows."""
        rules: list[RowsRule] = []
        for path, content in self.document.block(holder, keys, "`rows`").items():
            rule = self.read_rows(outer, path, content, (*keys, path))
            if rule is None:
                continue
            rules.append(rule)
            way = (*rule.path, rule.element)
            sources = [source for each in columns for source in each.sources]
            if any(source.path[: len(way)] == way for source in sources):
                message = f"the elements of `{path}` are rows; only those can read their fields"
                self.document.problem((*keys, path), message)
        return tuple(rules)

    def read_rows(
        self, outer: Element, path: str, holder: object, keys: tuple[str, ...]
    ) -> RowsRule | None:
        """Reads one list whose elements are rows."""
        chain = self.resolve(outer.children, path, keys)
        if chain is None:
            return None
        last = chain[-1]
        if not last.is_list or len(last.children) != 1 or not last.children[0].constructed:
            message = f"`{path}` is {last.kind}; rows come from a list of SEQUENCE or SET"
            self.document.problem(keys, message)
            return None
        element = last.children[0]
        block = dict(self.document.block(holder, keys, "`columns`"))
        inner = block.pop("rows", {})
        columns = self.read_columns(element.children, block, keys, in_rows=True)
        rows = self.read_lists(element, inner, (*keys, "rows"), columns)
        if rows and any(source.of_a_row for each in columns for source in each.sources):
            message = "`previous.`, `position` and `until` belong to the rows inside, not to what holds them"
            self.document.problem(keys, message)
        return RowsRule(chain, element, columns, rows)

    def read_columns(
        self,
        inside: tuple[Element, ...],
        holder: object,
        keys: tuple[str, ...],
        *,
        in_rows: bool = False,
    ) -> tuple[ColumnRule, ...]:
        """Reads which fields fill which columns."""
        rules: list[ColumnRule] = []
        for column, content in self.document.block(holder, keys, "`columns`").items():
            place = (*keys, column)
            if column not in COLUMNS:
                message = f"`{column}` is no EDR column"
                self.document.problem(place, message, nearest(column, COLUMNS))
                continue
            if column in FORBIDDEN:
                message = f"`{column}` is filled by the engine and cannot be mapped"
                self.document.problem(place, message)
                continue
            texts = content if isinstance(content, list) else [content]
            sources = [self.read_source(column, text, inside, place) for text in texts]
            found = tuple(source for source in sources if source is not None)
            for source in found:
                if not in_rows and source.of_a_row:
                    message = "`previous.`, `position` and `until` have a meaning under `rows` only"
                    self.document.problem(place, message)
            rules.append(ColumnRule(column, found))
        return tuple(rules)

    def read_source(  # noqa: PLR0911 - one way out per kind of mistake
        self, column: str, holder: object, inside: tuple[Element, ...], keys: tuple[str, ...]
    ) -> Source | None:
        """Reads one way to fill a column."""
        text = self.document.text(holder, keys, f"source of `{column}`")
        match = SOURCE.match(text)
        if match is None:
            if text:
                message = f"`{text}` does not read as `codec path` or `codec(table) path`"
                self.document.problem(keys, message, "add `when field=value` for a condition")
            return None
        name, table, paths, test = match.groups()
        codec = CODECS.get(name)
        if codec is None:
            self.document.problem(keys, f"`{name}` is no codec", nearest(name, CODECS))
            return None
        if not self.fits(codec, column, keys):
            return None
        if codec.op in LOOKUPS and not self.check_table(table, column, keys):
            return None
        condition = self.read_condition(inside, test, keys) if test else None
        if test and condition is None:
            return None
        words = paths.split()
        if len(words) > 1 + bool(codec.joins) or (codec.joins and len(words) < 2):
            message = f"`{name}` takes {'two paths' if codec.joins else 'one path'}"
            self.document.problem(keys, message)
            return None
        meaning = argument_of(self.document, codec, table or "", keys)
        if meaning is None:
            return None
        if not codec.reads:
            return self.fieldless(codec, column, words, condition, keys)
        source = self.read_value(codec, table or "", words, inside, condition, keys)
        return None if source is None else replace(source, meaning=meaning)

    def read_value(
        self,
        codec: Codec,
        table: str,
        words: list[str],
        inside: tuple[Element, ...],
        condition: Condition | None,
        keys: tuple[str, ...],
    ) -> Source | None:
        """Returns a source of a codec that reads fields; `table` is what stands in its brackets."""
        if codec.op == ops.LOCAL_TIME:
            return self.read_time(codec, table, words, inside, keys)
        source = self.read_fields(codec, table, words or [""], inside, condition, keys)
        if source is None or codec.op in LOOKUPS or codec.argument or not table:
            return source
        if codec.op != ops.SUM or not table.startswith(MINUS):
            self.document.problem(keys, f"`{codec.name}` cannot take `({table})`")
            return None
        chain = self.resolve(inside, table.removeprefix(MINUS).strip(), keys)
        return None if chain is None else replace(source, argument="", minus=chain)

    def read_time(
        self,
        codec: Codec,
        argument: str,
        words: list[str],
        inside: tuple[Element, ...],
        keys: tuple[str, ...],
    ) -> Source | None:
        """Returns the source of a time whose offset from UTC stands in a field of its own."""
        names = [name.strip() for name in argument.split(",")]
        if len(names) != 2 or not all(names):
            message = "`date_time` is followed by its two fields: `date_time(time, offset) path`"
            self.document.problem(keys, message)
            return None
        before = f"{words[0]}." if words else ""
        chains = [self.resolve(inside, before + name, keys) for name in names]
        if chains[0] is None or chains[1] is None:
            return None
        for chain, kinds in ((chains[0], STRINGS), (chains[1], STRINGS | INTEGERS)):
            if chain[-1].kind not in kinds:
                message = f"`{chain[-1].name}` is {chain[-1].kind}; `date_time` cannot read it"
                self.document.problem(keys, message)
                return None
        return Source(codec, path=chains[0], offset=chains[1])

    def read_fields(
        self,
        codec: Codec,
        table: str,
        words: list[str],
        inside: tuple[Element, ...],
        condition: Condition | None,
        keys: tuple[str, ...],
    ) -> Source | None:
        """Returns a source that reads the fields at the paths `words`; notes a problem if not."""
        previous = words[0].startswith(PREVIOUS)
        chains: list[tuple[Element, ...]] = []
        picks: list[tuple[int, Condition]] = []
        for word in words:
            chain = self.resolve(inside, word.removeprefix(PREVIOUS), keys, picks)
            if chain is None:
                return None
            if chain[-1].kind not in codec.reads:
                reads = " or ".join(sorted(codec.reads))
                message = f"`{codec.name}` reads {reads}; `{word}` is {chain[-1].kind}"
                self.document.problem(keys, message)
                return None
            chains.append(chain)
        if len(picks) > 1 or (picks and len(words) > 1) or (previous and (picks or condition)):
            message = "a source has one condition in brackets at most, and none with `previous.`"
            self.document.problem(keys, message)
            return None
        second = chains[1] if len(chains) > 1 else ()
        at, pick = picks[0] if picks else (0, None)
        return Source(codec, table, chains[0], previous, second, condition, pick, at)

    def read_condition(
        self, inside: tuple[Element, ...], text: str, keys: tuple[str, ...]
    ) -> Condition | None:
        """Returns a condition such as ``field=value``; notes a problem if it is none."""
        words = condition_words(self.document, text, keys)
        chain = words and self.resolve(inside, words.field, keys)
        if words is None or chain is None:
            return None
        wanted = MISSING if words.wanted is None else key_value(chain[-1], words.wanted)
        if chain[-1].constructed:
            wanted = f"a field of type {chain[-1].kind} cannot be compared"
        if isinstance(wanted, str):
            self.document.problem(keys, f"`{text}`: {wanted}")
            return None
        return Condition(chain, wanted, words.differs)

    def fieldless(
        self,
        codec: Codec,
        column: str,
        words: list[str],
        condition: Condition | None,
        keys: tuple[str, ...],
    ) -> Source | None:
        """Returns a source that needs no field: a constant or a position."""
        word = words[0] if words else ""
        if codec.name == "constant" and column in CODES and word not in CODES[column]:
            self.document.problem(keys, f"`{word}` is no {column}", nearest(word, CODES[column]))
            return None
        number = column in CODES or re.fullmatch(r"-?\d{1,9}", word)
        if codec.name == "constant" and not number:
            self.document.problem(keys, "`constant` is followed by an integer of up to 9 digits")
            return None
        if codec.name == "constant" and column not in CODES and (far := too_far(column, word)):
            self.document.problem(keys, far)
            return None
        return Source(codec, word, condition=condition)

    def fits(self, codec: Codec, column: str, keys: tuple[str, ...]) -> bool:
        """Returns whether `codec` may fill `column`; notes a problem if not."""
        if codec.columns and column not in codec.columns:
            message = f"`{codec.name}` fills {' or '.join(codec.columns)}, not `{column}`"
        elif codec.name == "constant" and column in CODES:
            return True
        elif KIND[INDEX[column]] not in codec.kinds:
            allowed = [other.name for other in CODECS.values() if self.allowed(other, column)]
            message = f"`{codec.name}` cannot fill `{column}`; allowed: {', '.join(allowed)}"
        elif PAIRS.get(column, OWN_SECOND) != OWN_SECOND and not codec.columns:
            allowed = [other.name for other in CODECS.values() if column in other.columns]
            message = f"`{column}` is filled by {' or '.join(allowed)}, not by `{codec.name}`"
        else:
            return True
        self.document.problem(keys, message)
        return False

    @staticmethod
    def allowed(codec: Codec, column: str) -> bool:
        """Returns whether `codec` may fill `column`."""
        fits_kind = KIND[INDEX[column]] in codec.kinds
        return fits_kind and (not codec.columns or column in codec.columns)

    def check_table(self, table: str | None, column: str, keys: tuple[str, ...]) -> bool:
        """Returns whether a lookup's table exists and holds what the column may hold."""
        if table not in self.tables:
            hint = nearest(table or "", self.tables)
            self.document.problem(keys, f"`{table or ''}` is no table of this mapping", hint)
            return False
        if column in CODES:
            wrong = sorted(set(self.tables[table].values()) - set(CODES[column]))
        else:
            wrong = [value for value in self.tables[table].values() if not _number(value, column)]
        for value in wrong:
            message = f"table `{table}` says `{value}`, which is no {column}"
            hint = nearest(value, CODES[column]) if column in CODES else "write a number that fits"
            self.document.problem(("tables", table), message, hint)
        return not wrong

    def resolve(
        self,
        inside: tuple[Element, ...],
        path: str,
        keys: tuple[str, ...],
        picks: list[tuple[int, Condition]] | None = None,
    ) -> tuple[Element, ...] | None:
        """Returns the elements along a dotted path; notes a problem if there is none.

        With `picks` the path may go through lists, written ``list[]`` or ``list[field=value]``; the
        conditions found are added there, with the length of the path that leads into the element.
        """
        wrappers, inside = unwrapped(inside)
        chain: list[Element] = list(wrappers)
        rest = path
        while True:
            step = one_step(inside, rest)
            if step is None:
                known = [name for child in inside for name in visible(child)]
                word = rest.split(".", maxsplit=1)[0]
                message = f"`{path}`: there is no `{word}`" + (
                    f" in `{chain[-1].name}`" if chain and chain[-1].name else ""
                )
                self.document.problem(keys, message, nearest(word, known))
                return None
            chain.extend(step)
            rest = rest[len(step[-1].name or step[0].name) :]
            if chain[-1].is_list and rest.startswith("[") and picks is not None:
                test, closed, rest = rest[1:].partition("]")
                inner = self.into_list(chain, test if closed else "", path, keys, picks)
                if inner is None:
                    return None
                inside = inner
            elif chain[-1].is_list and rest:
                message = (
                    f"`{path}`: `{chain[-1].name}` is a list; only `rows` can read every element,"
                    " `list[].field` reads the last one that has the field"
                )
                self.document.problem(keys, message)
                return None
            else:
                inside = chain[-1].children
            rest = rest.lstrip(".")
            if not rest:
                return tuple(chain)

    def into_list(
        self,
        chain: list[Element],
        test: str,
        path: str,
        keys: tuple[str, ...],
        picks: list[tuple[int, Condition]],
    ) -> tuple[Element, ...] | None:
        """Goes on into the element of the list that `chain` leads to; returns what is inside."""
        children = chain[-1].children
        if len(children) == 1 and not children[0].name:
            chain.append(children[0])
            if not test:
                return children[0].children
            if children[0].constructed:
                condition = self.read_condition(children[0].children, test, keys)
                if condition is None:
                    return None
                picks.append((len(chain), condition))
                return children[0].children
        if test:
            message = f"`{path}`: the elements of `{chain[-1].name}` have no field to compare"
            self.document.problem(keys, message)
            return None
        return children


def _number(text: str, column: str) -> bool:
    """Returns whether a table's value is a number that a column can hold."""
    low, high = LIMITS[INDEX[column]]
    return re.fullmatch(r"-?\d{1,18}", text) is not None and low <= int(text) <= high


def read_mapping(document: Document, schema: tuple[Element, ...]) -> Mapping:
    """Checks a mapping file against the schema; mistakes are in `document.problems`.

    Args:
        document: The mapping file as read.
        schema: What a record may be, from `load_schema`.
    """
    reader = Reader(document, schema)
    reader.unknown_keys(document.root, (), TOP_KEYS)
    reader.read_tables(document.root.get("tables", {}))
    types = reader.read_types(document.root.get("types"))
    title = document.text(document.root.get("title"), ("title",), "`title`")
    names = [rule.element.name for rule in types] + list(reader.modules)
    partials = read_rule(document, names, [rule.element.name for rule in types if rule.rows])
    return Mapping(title, types, reader.tables, partials)
