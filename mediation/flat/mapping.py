"""A flat format's mapping file, checked: every mistake at once, with line and nearest name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.errors import nearest
from mediation.flat.fields import TypeReader, read_fields, texts, unknown_keys, whole
from mediation.flat.forms import COUNTED, ENCODINGS, MAX_INTEGER_OCTETS, pack
from mediation.flat.layout import (
    DELIMITED,
    FIXED_WIDTH,
    Blocks,
    Field,
    Layout,
    Special,
    TypeRule,
    Values,
)
from mediation.time_zones import NO_ZONES

if TYPE_CHECKING:
    from mediation.formats.strings import Document

TOP_KEYS: Final = (
    "title",
    "kind",
    "lines",
    "values",
    "header",
    "records",
    "trailer",
    "blocks",
    "numbers",
    "tables",
    "types",
)
LINE_KEYS: Final = ("separator", "quote", "comment", "names")
VALUE_KEYS: Final = ("encoding", "decimal", "thousands", "time_zone", "empty")
RECORD_KEYS: Final = ("type", "fields", "fewer_fields", "more_fields", "octets", "length", "filler")
SPECIAL_KEYS: Final = ("value", "lines", "fields", "records", "sequence", "totals")
BLOCK_KEYS: Final = ("octets", "times", "header", "trailer")
BLOCK_HEADER_KEYS: Final = ("octets", "fields", "length", "used", "sequence", "first")
BLOCK_TRAILER_KEYS: Final = ("octets", "fields", "last")
OCTETS_BY_NAME: Final = {"tab": 9, "space": 32, "none": -1}
SECOND_OCTETS: Final = range(0x30, 0x7F)
"""What the second or fourth octet of a GB 18030 character may be, as far as it is ASCII."""
YES: Final = {"yes": True, "no": False}


class _Reader:
    """Reads one mapping file; mistakes go to the document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.root = document.root
        self.kind = document.text(self.root.get("kind"), ("kind",), "`kind`")

    def block(self, name: str, allowed: tuple[str, ...]) -> dict[str, object]:
        """Returns a block of the top level, empty where it is left out."""
        block = self.document.block(self.root.get(name, {}), (name,), f"`{name}`")
        unknown_keys(self.document, block, (name,), allowed)
        return block

    def read(self) -> Layout:
        unknown_keys(self.document, self.root, (), TOP_KEYS)
        title = self.document.text(self.root.get("title"), ("title",), "`title`")
        values = self.values()
        tables = self.tables()
        lines = self.block("lines", LINE_KEYS)
        separator = self.octet(lines, ("lines", "separator"), ord(","))
        quote = self.octet(lines, ("lines", "quote"), -1)
        records = self.block("records", RECORD_KEYS)
        common = self.fields(records, ("records",))
        type_field = self.named(records, ("records", "type"), common)
        blocks = self.blocks() if "blocks" in self.root else None
        octets = whole(self.document, records.get("octets"), ("records", "octets"), 0, 1)
        length = self.counted(records, ("records", "length"), common)
        text_lines = self.kind == DELIMITED or not (octets or length)
        types = self.types(records, common, type_field, tables)
        if self.kind == FIXED_WIDTH:
            separator = quote = -1
        self.check_separator(values.encoding, separator)
        self.check_marks(values, separator, quote)
        if blocks is not None and text_lines:
            hint = "give `octets` or `length` under `records`"
            self.document.problem(("blocks",), "lines of text do not stand in blocks", hint)
        comment = lines.get("comment")
        layout = Layout(
            title=title,
            kind=self.kind,
            lines=text_lines,
            separator=separator,
            quote=quote,
            comment=comment if isinstance(comment, str) and comment != "none" else "",
            names=self.flag(lines, ("lines", "names"), default=False),
            octets=octets,
            length=length,
            filler=self.filler(records),
            type_field=type_field,
            values=values,
            header=self.special("header", types, text_lines=text_lines),
            trailer=self.special("trailer", types, text_lines=text_lines),
            blocks=blocks,
            types=types,
            tables=tables,
        )
        self.check_choice(layout, chosen="type" in records)
        self.check_places(layout, common)
        return layout

    def types(
        self,
        records: dict[str, object],
        common: tuple[Field, ...],
        type_field: Field | None,
        tables: dict[str, dict[str, str]],
    ) -> tuple[TypeRule, ...]:
        strict = (
            not self.flag(records, ("records", "fewer_fields"), default=False),
            not self.flag(records, ("records", "more_fields"), default=False),
        )
        reader = TypeReader(self.document, self.kind, common, tables)
        types = reader.read(self.root.get("types"), choose=type_field is not None, strict=strict)
        if type_field is None and len(types) > 1:
            hint = "name it as `type` under `records`"
            self.document.problem(("types",), "no field says which type a record is", hint)
        for rule in types:
            keys = ("types", rule.name)
            here = next((one for one in rule.fields if type_field and one.name == type_field.name),
                        type_field)  # fmt: skip
            if type_field is not None and here is not None and here.at != type_field.at:
                message = f"`{type_field.name}` stands at another place than under `records`"
                self.document.problem(keys, message)
        return tuple(types)

    def check_choice(self, layout: Layout, *, chosen: bool) -> None:
        """Checks the words by which types, headers and trailers are told from each other.

        Args:
            layout: The format.
            chosen: Whether the mapping names a field that chooses.
        """
        words: list[tuple[tuple[str, ...], tuple[str, ...]]]
        words = [(("types", rule.name, "value"), rule.values) for rule in layout.types]
        for name, special in (("header", layout.header), ("trailer", layout.trailer)):
            values = special.values if special is not None else ()
            words.append(((name, "value"), values))
            if values and not chosen:
                hint = "name it as `type` under `records`, or give `lines`"
                self.document.problem((name, "value"), f"no field says what is a {name}", hint)
        field = layout.type_field
        takers: dict[bytes, tuple[str, ...]] = {}
        if field is None:
            return
        for keys, values in words:
            for value in filter(None, values):
                octets = pack(value, field.form, field.octets, layout.values.encoding)
                if octets is None:
                    room = f"{field.octets} octets of {field.form}" if field.octets >= 0 else ""
                    message = f"`{value}` does not fit {room or layout.values.encoding}"
                    self.document.problem(keys, message)
                elif takers.setdefault(octets, keys) != keys:
                    message = f"`{value}` is what `{takers[octets][-2]}` is known by"
                    self.document.problem(keys, message, "give each a value of its own")

    def check_places(self, layout: Layout, common: tuple[Field, ...]) -> None:
        """Checks that fields of binary records and of blocks are such, and end where their holder does."""
        holders: list[tuple[tuple[str, ...], tuple[Field, ...], int]]
        holders = [(("records",), common, layout.octets)]
        for rule in layout.types:
            own = tuple(field for field in rule.fields if field not in common)
            holders.append((("types", rule.name), own, layout.octets))
        if (blocks := layout.blocks) is not None:
            holders.append((("blocks", "header"), blocks.header_fields, blocks.header))
            holders.append((("blocks", "trailer"), blocks.trailer_fields, blocks.trailer))
        for keys, fields, octets in holders:
            for field in fields:
                if layout.lines and field.form != "text":
                    message = f"`{field.name}` is {field.form}, and records are lines that an octet 0A ends"
                    hint = "give `octets` or `length` under `records`"
                    self.document.problem((*keys, "fields", field.name), message, hint)
                if 0 < octets < field.at + field.octets:
                    last = field.at + field.octets - 1
                    message = (
                        f"`{field.name}` ends at octet {last}; the last one here is {octets - 1}"
                    )
                    self.document.problem((*keys, "fields", field.name), message)

    def fields(self, block: dict[str, object], keys: tuple[str, ...]) -> tuple[Field, ...]:
        if "fields" not in block:
            return ()
        return read_fields(self.document, block["fields"], (*keys, "fields"), self.kind)

    def named(
        self, block: dict[str, object], keys: tuple[str, ...], fields: tuple[Field, ...]
    ) -> Field | None:
        """Returns the field that a key names, None where the key is left out."""
        if keys[-1] not in block:
            return None
        name = self.document.text(block[keys[-1]], keys, f"`{keys[-1]}`")
        for field in fields:
            if field.name == name:
                return field
        hint = nearest(name, [field.name for field in fields])
        self.document.problem(keys, f"there is no field `{name}` here", hint)
        return None

    def counted(
        self, block: dict[str, object], keys: tuple[str, ...], fields: tuple[Field, ...]
    ) -> Field | None:
        """Returns the field that a key names, whose number framing reads in the octets themselves."""
        field = self.named(block, keys, fields)
        if field is None:
            return None
        if field.octets < 0:
            self.document.problem(keys, f"`{keys[-1]}` means nothing: separated text has no octets")
        elif field.form not in COUNTED or field.octets > MAX_INTEGER_OCTETS:
            message = (
                f"`{keys[-1]}` cannot be read from `{field.name}`, {field.octets} octets of "
                f"{field.form}"
            )
            hint = f"up to {MAX_INTEGER_OCTETS} octets of {', '.join(COUNTED)}"
            self.document.problem(keys, message, hint)
        return field

    def octet(self, block: dict[str, object], keys: tuple[str, ...], default: int) -> int:
        """Returns one character as its octet, -1 for `none`."""
        value = block.get(keys[-1])
        if value is None:
            return default
        if isinstance(value, str) and value in OCTETS_BY_NAME:
            return OCTETS_BY_NAME[value]
        if isinstance(value, str) and len(value) == 1 and value.isascii():
            return ord(value)
        message = f"`{keys[-1]}` is one ASCII character, `tab`, `space` or `none`, not `{value}`"
        self.document.problem(keys, message)
        return default

    def flag(self, block: dict[str, object], keys: tuple[str, ...], *, default: bool) -> bool:
        value = block.get(keys[-1])
        if value is None:
            return default
        if isinstance(value, str) and value in YES:
            return YES[value]
        self.document.problem(keys, f"`{keys[-1]}` is `yes` or `no`, not `{value}`")
        return default

    def filler(self, records: dict[str, object]) -> int:
        value = records.get("filler")
        if value is None:
            return -1
        try:
            octets = bytes.fromhex(str(value))
        except ValueError:
            octets = b""
        if len(octets) != 1:
            message = f"`{value}` is not an octet in hexadecimal, 00 to FF"
            self.document.problem(("records", "filler"), message)
            return -1
        return octets[0]

    def check_separator(self, encoding: str, separator: int) -> None:
        if encoding == "gb18030" and separator in SECOND_OCTETS:
            message = f"`{chr(separator)}` can be part of a character in gb18030"
            self.document.problem(("lines", "separator"), message, "use a comma, tab or semicolon")

    def check_marks(self, values: Values, separator: int, quote: int) -> None:
        """Checks that marks can be told apart: a thousand would be read as one, or a quote as none."""
        for keys, mark, other, name in (
            (("values", "thousands"), values.thousands, values.decimal, "decimal"),
            (("lines", "quote"), quote, separator, "separator"),
        ):
            if mark >= 0 and mark == other:
                message = f"`{keys[-1]}` is `{chr(mark)}`, and so is `{name}`"
                self.document.problem(keys, message, f"give `{name}` too")

    def values(self) -> Values:
        block = self.block("values", VALUE_KEYS)
        encoding = str(block.get("encoding", "utf-8"))
        if encoding not in ENCODINGS:
            hint = nearest(encoding, ENCODINGS)
            self.document.problem(("values", "encoding"), f"`{encoding}` is no encoding here", hint)
            encoding = "utf-8"
        zone = str(block.get("time_zone", "+00:00"))
        try:
            NO_ZONES.with_default(zone)
        except ValueError as error:
            self.document.problem(("values", "time_zone"), str(error))
            zone = "+00:00"
        empty: tuple[str, ...] = ()
        if "empty" in block:
            empty = texts(self.document, block["empty"], ("values", "empty"))
        return Values(
            encoding,
            self.octet(block, ("values", "decimal"), ord(".")),
            self.octet(block, ("values", "thousands"), -1),
            zone,
            empty,
        )

    def tables(self) -> dict[str, dict[str, str]]:
        tables = {}
        holder = self.root.get("tables", {})
        for name, content in self.document.block(holder, ("tables",), "`tables`").items():
            keys = ("tables", name)
            block = self.document.block(content, keys, f"table `{name}`")
            tables[name] = {word: value for word, value in block.items() if isinstance(value, str)}
        return tables

    def special(
        self, name: str, types: tuple[TypeRule, ...], *, text_lines: bool
    ) -> Special | None:
        """Reads `header` or `trailer`."""
        if name not in self.root:
            return None
        block = self.block(name, SPECIAL_KEYS)
        fields = self.fields(block, (name,))
        values: tuple[str, ...] = ()
        if "value" in block:
            values = texts(self.document, block["value"], (name, "value"))
        lines = whole(self.document, block.get("lines"), (name, "lines"), 0, 1)
        if bool(values) == bool(lines):
            message = f"a {name} is known by the `value` of its type field or by its `lines`"
            self.document.problem((name,), message, "give one of them")
        if lines and not text_lines:
            self.document.problem((name, "lines"), "there are no lines in this format")
        if name == "trailer" and lines > 1:
            self.document.problem((name, "lines"), "a trailer is the last line: give 1")
        totals = []
        holder = self.document.block(block.get("totals", {}), (name, "totals"), "`totals`")
        for total, summed in holder.items():
            keys = (name, "totals", total)
            field = self.named({total: total}, keys, fields)
            word = self.document.text(summed, keys, "a total, the one field that it sums up,")
            known = sorted({each.name for rule in types for each in rule.fields})
            if word and word not in known:
                hint = nearest(word, known)
                self.document.problem(keys, f"no record has a field `{word}`", hint)
            elif field is not None:
                totals.append((field, word))
        return Special(
            values,
            lines,
            fields,
            self.named(block, (name, "records"), fields),
            self.named(block, (name, "sequence"), fields),
            tuple(totals),
        )

    def blocks(self) -> Blocks:
        block = self.block("blocks", BLOCK_KEYS)
        parts = {}
        for name, allowed in (("header", BLOCK_HEADER_KEYS), ("trailer", BLOCK_TRAILER_KEYS)):
            keys = ("blocks", name)
            parts[name] = self.document.block(block.get(name, {}), keys, f"`{name}`")
            unknown_keys(self.document, parts[name], keys, allowed)
        header, trailer = parts["header"], parts["trailer"]
        header_keys, trailer_keys = ("blocks", "header"), ("blocks", "trailer")
        header_fields = self.fields(header, header_keys)
        trailer_fields = self.fields(trailer, trailer_keys)
        return Blocks(
            whole(self.document, block.get("octets", ""), ("blocks", "octets"), 1, 1),
            self.counted(block, ("blocks", "times"), header_fields),
            whole(self.document, header.get("octets"), (*header_keys, "octets"), 0),
            self.counted(header, (*header_keys, "length"), header_fields),
            self.counted(header, (*header_keys, "used"), header_fields),
            whole(self.document, trailer.get("octets"), (*trailer_keys, "octets"), 0),
            header_fields,
            trailer_fields,
            self.named(header, (*header_keys, "sequence"), header_fields),
            self.counted(header, (*header_keys, "first"), header_fields),
            self.counted(trailer, (*trailer_keys, "last"), trailer_fields),
        )


def read_layout(document: Document) -> Layout:
    """Checks the mapping file of a flat format; mistakes are in `document.problems`."""
    return _Reader(document).read()
