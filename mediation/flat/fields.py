"""Reading fields, types and columns of a flat format's mapping; mistakes go to the document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mediation.columns import CODES, COLUMNS, INDEX, KIND, PAIRS, too_far
from mediation.errors import nearest
from mediation.flat.arguments import argument_problem
from mediation.flat.codecs import CODECS, FieldCodec
from mediation.flat.forms import FORMS, INTEGER_FORMS, MAX_INTEGER_OCTETS, spelled
from mediation.flat.layout import DELIMITED, ColumnRule, Condition, Field, Source, TypeRule
from mediation.formats.sources import condition_words

if TYPE_CHECKING:
    from mediation.formats.strings import Document

SOURCE: Final = re.compile(
    r"([a-z_]+)(?:\(([^)]*)\))?(?:\s+(?!when\s)(.+?))??(?:\s+when\s+(\S+))?$"
)
TYPE_KEYS: Final = ("value", "fields", "octets", "service", "direction", "columns")
CONSTANT_NUMBER: Final = re.compile(r"-?\d{1,9}")
NUMBER: Final = re.compile(r"-?\d{1,18}")
MAX_PIECES: Final = 3
MAX_EXPANDED: Final = 120
"""Octets of a field that is not text; its digits must fit the kernels' scratch."""
SECOND: Final = tuple(second for second in PAIRS.values() if second != "cell")


def unknown_keys(
    document: Document, block: dict[str, object], keys: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    """Notes a problem for every key that means nothing here."""
    for key in block:
        if key not in allowed:
            document.problem((*keys, key), f"`{key}` is not a key here", nearest(key, allowed))


def whole(
    document: Document, holder: object, keys: tuple[str, ...], default: int, least: int = 0
) -> int:
    """Returns a whole number, `default` where nothing stands; notes a problem otherwise."""
    if holder is None:
        return default
    if isinstance(holder, str) and holder.isdecimal() and int(holder) >= least:
        return int(holder)
    document.problem(keys, f"`{keys[-1]}` is a whole number from {least} up, not `{holder}`")
    return default


def texts(document: Document, holder: object, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Returns one text or a list of them; notes a problem otherwise."""
    items = holder if isinstance(holder, list) else [holder]
    return tuple(document.text(item, keys, f"`{keys[-1]}`") for item in items)


def read_fields(
    document: Document, holder: object, keys: tuple[str, ...], kind: str
) -> tuple[Field, ...]:
    """Reads `fields`: a list of names in delimited text, places by name in fixed width."""
    if kind == DELIMITED:
        return _read_names(document, holder, keys)
    fields = []
    for name, content in document.block(holder, keys, "`fields`").items():
        text = document.text(content, (*keys, name), f"the place of `{name}`")
        place, octets, form = [*text.split(), "", "", ""][:3]
        form = form or "text"
        if not place.isdecimal() or not octets.isdecimal() or int(octets) < 1:
            if text:
                message = f"`{text}` does not read as `first octet, octets, form`"
                document.problem((*keys, name), message, "such as `25 8 tbcd`; octets count from 0")
        elif form not in FORMS:
            document.problem((*keys, name), f"`{form}` is no form", nearest(form, FORMS))
        elif form in INTEGER_FORMS and int(octets) > MAX_INTEGER_OCTETS:
            message = f"`{name}` has {octets} octets; an integer has at most {MAX_INTEGER_OCTETS}"
            document.problem((*keys, name), message)
        elif form != "text" and int(octets) > MAX_EXPANDED:
            message = f"`{name}` has {octets} octets; only text may have more than {MAX_EXPANDED}"
            document.problem((*keys, name), message)
        else:
            fields.append(Field(name, int(place), int(octets), form))
    return tuple(fields)


def _read_names(document: Document, holder: object, keys: tuple[str, ...]) -> tuple[Field, ...]:
    if not isinstance(holder, list):
        document.problem(keys, "`fields` is a list of names in the order of the columns")
        return ()
    fields: list[Field] = []
    for position, item in enumerate(holder):
        place = (*keys, str(position))
        if isinstance(item, dict) and len(item) == 1:
            name, heading = next(iter(item.items()))
            fields.append(Field(name, position, heading=document.text(heading, place, "a heading")))
        else:
            name = document.text(item, place, "the name of a field")
            fields.append(Field(name, position, heading=name))
        if any(field.name == name for field in fields[:-1]):
            document.problem(place, f"`{name}` stands here twice", "give each field its own name")
    return tuple(fields)


class TypeReader:
    """Reads the record types of a mapping."""

    def __init__(
        self,
        document: Document,
        kind: str,
        common: tuple[Field, ...],
        tables: dict[str, dict[str, str]],
    ) -> None:
        self.document = document
        self.kind = kind
        self.common = common
        self.tables = tables

    def read(self, holder: object, *, choose: bool, strict: tuple[bool, bool]) -> list[TypeRule]:
        """Reads `types`.

        Args:
            holder: What stands in the file.
            choose: True where a field chooses among them.
            strict: Whether a line may not have fewer, and not more, fields than declared.
        """
        rules = []
        for name, content in self.document.block(holder, ("types",), "`types`").items():
            keys = ("types", name)
            block = self.document.block(content, keys, f"`{name}`")
            unknown_keys(self.document, block, keys, TYPE_KEYS)
            values: tuple[str, ...] = ()
            if choose:
                values = texts(self.document, block.get("value"), (*keys, "value"))
            elif "value" in block:
                hint = "name the field as `type` under `records`"
                self.document.problem((*keys, "value"), "no field chooses the type", hint)
            fields = self.fields(block, keys)
            least, most = self.bounds(block, keys, fields, strict)
            codes = {column: self.code(column, block, keys) for column in CODES}
            columns = self.columns(block.get("columns"), (*keys, "columns"), fields)
            rules.append(
                TypeRule(
                    name, codes["service"], codes["direction"], values, fields, least, most, columns
                )
            )
        if not rules and not self.document.problems:
            self.document.problem(("types",), "there is no record type")
        return rules

    def fields(self, block: dict[str, object], keys: tuple[str, ...]) -> tuple[Field, ...]:
        """Returns the fields of a type: its own list, or in fixed width the common ones too."""
        if "fields" not in block:
            return self.common
        own = read_fields(self.document, block["fields"], (*keys, "fields"), self.kind)
        if self.kind == DELIMITED:
            return own
        names = {field.name for field in own}
        return tuple(field for field in self.common if field.name not in names) + own

    def bounds(
        self,
        block: dict[str, object],
        keys: tuple[str, ...],
        fields: tuple[Field, ...],
        strict: tuple[bool, bool],
    ) -> tuple[int, int]:
        """Returns the fewest and most fields of a line, or octets of a record."""
        if self.kind == DELIMITED:
            return (len(fields) if strict[0] else 0), (len(fields) if strict[1] else -1)
        octets = whole(self.document, block.get("octets"), (*keys, "octets"), 0)
        return octets, -1

    def code(self, column: str, block: dict[str, object], keys: tuple[str, ...]) -> str:
        """Returns the type's service or direction."""
        value = self.document.text(block.get(column), (*keys, column), f"`{column}`")
        vocabulary = CODES[column]
        if value and value not in vocabulary:
            hint = nearest(value, vocabulary)
            self.document.problem((*keys, column), f"`{value}` is no {column}", hint)
        return value if value in vocabulary else vocabulary[0]

    def columns(
        self, holder: object, keys: tuple[str, ...], fields: tuple[Field, ...]
    ) -> tuple[ColumnRule, ...]:
        """Returns what fills the columns of a type."""
        rules = []
        for column, content in self.document.block(holder, keys, "`columns`").items():
            place = (*keys, column)
            if column not in COLUMNS:
                message = f"`{column}` is no EDR column"
                self.document.problem(place, message, nearest(column, COLUMNS))
                continue
            if column == "record_type" or column in SECOND:
                message = f"`{column}` is filled by the engine and cannot be mapped"
                self.document.problem(place, message)
                continue
            items = content if isinstance(content, list) else [content]
            if column in CODES and len(items) > 1:
                message = f"`{column}` has a default, so it takes one source and no list"
                self.document.problem(place, message)
            sources = [self.source(column, item, place, fields) for item in items]
            rules.append(ColumnRule(column, tuple(one for one in sources if one is not None)))
        return tuple(rules)

    def source(
        self, column: str, holder: object, keys: tuple[str, ...], fields: tuple[Field, ...]
    ) -> Source | None:
        """Returns one way to fill a column; notes a problem and returns None if it cannot."""
        text = self.document.text(holder, keys, f"source of `{column}`")
        match = SOURCE.match(text)
        if match is None:
            if text:
                message = f"`{text}` does not read as `codec field` or `codec(argument) field`"
                hint = "add `when field=value` for a condition"
                self.document.problem(keys, message, hint)
            return None
        name, argument, rest = match[1], (match[2] or "").strip(), (match[3] or "").strip()
        condition = self.condition(match[4], keys, fields) if match[4] else None
        codec = CODECS.get(name)
        if codec is None:
            self.document.problem(keys, f"`{name}` is no codec", nearest(name, CODECS))
            return None
        if not self.fits(codec, column, keys) or (match[4] and condition is None):
            return None
        if codec.name == "constant":
            return self.constant(codec, column, rest, keys, condition)
        problem = argument_problem(codec, argument, self.tables, column)
        if problem:
            self.document.problem(keys, *problem)
            return None
        chosen = self.chosen(codec, argument, rest, keys, fields)
        return Source(codec, chosen, argument, condition) if chosen else None

    def condition(
        self, text: str, keys: tuple[str, ...], fields: tuple[Field, ...]
    ) -> Condition | None:
        """Returns a condition such as ``field=value``; notes a problem if it is none."""
        words = condition_words(self.document, text, keys)
        if words is None:
            return None
        name, wanted, differs = words
        by_name = {field.name: field for field in fields}
        if name not in by_name:
            self.document.problem(keys, f"there is no field `{name}`", nearest(name, by_name))
            return None
        field = by_name[name]
        if wanted is not None and field.form in INTEGER_FORMS and not NUMBER.fullmatch(wanted):
            self.document.problem(keys, f"`{wanted}` is no number, and `{name}` is one")
            return None
        return Condition(field, None if wanted is None else spelled(wanted, field.form), differs)

    def fits(self, codec: FieldCodec, column: str, keys: tuple[str, ...]) -> bool:
        """Returns whether a codec may fill a column; notes a problem if not."""
        if allowed(codec, column):
            return True
        names = [other.name for other in CODECS.values() if allowed(other, column)]
        message = f"`{codec.name}` cannot fill `{column}`; allowed: {', '.join(names)}"
        self.document.problem(keys, message)
        return False

    def constant(
        self,
        codec: FieldCodec,
        column: str,
        rest: str,
        keys: tuple[str, ...],
        condition: Condition | None,
    ) -> Source | None:
        """Returns the source of a constant."""
        if KIND[INDEX[column]] == "number" and CONSTANT_NUMBER.fullmatch(rest) is None:
            message = "`constant` is followed by an integer of up to 9 digits here"
            self.document.problem(keys, message)
            return None
        if KIND[INDEX[column]] == "number" and (message := too_far(column, rest)):
            self.document.problem(keys, message)
            return None
        if not rest:
            self.document.problem(keys, "`constant` is followed by what it is")
            return None
        return Source(codec, (), rest, condition)

    def chosen(
        self,
        codec: FieldCodec,
        argument: str,
        rest: str,
        keys: tuple[str, ...],
        fields: tuple[Field, ...],
    ) -> tuple[Field, ...]:
        """Returns the fields that a source names; empty with a problem noted if one is wrong."""
        by_name = {field.name: field for field in fields}
        pieces = [piece.strip() for piece in rest.split("+")] if codec.name == "time" else [rest]
        wanted = argument.count("+") + 1 if codec.name == "time" else 1
        if codec.name == "between":
            pieces, wanted = rest.split(), 2
            if len(pieces) != wanted:
                message = f"`between` takes two fields, not {len(pieces)}"
                self.document.problem(keys, message, "as in between(YYYYMMDDhhmmss) begin end")
                return ()
        if len(pieces) != wanted or len(pieces) > MAX_PIECES:
            message = f"the pattern `{argument}` has {wanted} pieces for {len(pieces)} fields"
            self.document.problem(keys, message, f"up to {MAX_PIECES}, joined by +, one per field")
            return ()
        for piece in pieces:
            if piece not in by_name:
                message = f"there is no field `{piece}`"
                self.document.problem(keys, message, nearest(piece, by_name))
                return ()
        return tuple(by_name[piece] for piece in pieces)


def allowed(codec: FieldCodec, column: str) -> bool:
    """Returns whether a codec may fill a column."""
    if KIND[INDEX[column]] not in codec.fills:
        return False
    if codec.columns:
        return column in codec.columns
    # The first column of a pair needs a codec that fills both; `area` stands alone as well.
    return PAIRS.get(column, "cell") == "cell"
