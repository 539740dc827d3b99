"""Plain-Python decoder of flat records: the kernels' oracle, and what names a fault's field."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from mediation.columns import CODES, COLUMNS, INDEX, KIND, LIMITS, PAIRS, QUANTITIES
from mediation.flat.arguments import unit_and_rounding
from mediation.flat.codecs import EPOCH_UNITS, ROUNDINGS, TYPES_OF_NUMBER, UNITS
from mediation.flat.forms import ENCODINGS, decode, expand, pack, render_network, spelled
from mediation.kernels import flat_ops as ops
from mediation.normalize import visible
from mediation.reference import flat_values as values
from mediation.reference.ber_codecs import e164
from mediation.reference.flat_lines import BLANKS, Place, QuoteError, split

if TYPE_CHECKING:
    from mediation.flat.layout import ColumnRule, Condition, Field, Layout, Source, TypeRule
    from mediation.normalize import NormalizationSettings

Row = dict[str, int | str | None]
ENTITY: Final = "recording_entity"
LATEST: Final = 4_102_444_800
"""2100-01-01; times since 1970 end before it."""


class FlatError(ValueError):
    """A record that cannot go on.

    Attributes:
        status: One of `mediation.kernels.flat_ops`.
        field: The field at fault, None where the record as a whole is.
        at: Where the fault is, from the start of the record.
    """

    def __init__(self, status: int, field: Field | None = None, at: int = 0) -> None:
        super().__init__(ops.STATUS_NAMES[status])
        self.status = status
        self.field = field
        self.at = at


class FlatWalk:
    """Decodes one record.

    Args:
        layout: The format.
        octets: The record.
        settings: How the source writes numbers.
        positions: Where each heading stands in this file; None as the mapping says.
        columns: Fields that the line of names has, where there is one.
    """

    def __init__(
        self,
        layout: Layout,
        octets: bytes,
        settings: NormalizationSettings,
        positions: dict[str, int] | None = None,
        columns: int = 0,
    ) -> None:
        self.layout = layout
        self.octets = octets
        self.settings = settings
        self.positions = positions
        self.columns = columns
        self.places: list[Place] = []
        self.entity = ""

    def split(self) -> None:
        """Finds the fields of a line."""
        if self.layout.separator < 0:
            return
        try:
            self.places = split(self.octets, self.layout.separator, self.layout.quote)
        except QuoteError as error:
            raise FlatError(ops.BAD_QUOTE, None, error.at) from error

    def place(self, field: Field) -> Place | None:
        """Returns where a field stands; None where the record lacks it."""
        if field.octets < 0:
            at = field.at if self.positions is None else self.positions.get(field.heading, -1)
            return self.places[at] if 0 <= at < len(self.places) else None
        end = min(field.at + field.octets, len(self.octets))
        if field.at >= len(self.octets):
            return None
        if field.form != "text" and end < field.at + field.octets:
            return None
        return Place(field.at, end)

    def raw(self, field: Field) -> bytes:
        """Returns the octets of a field, text without the blanks around it."""
        place = self.place(field)
        raw = b"" if place is None else self.octets[place.start : place.end]
        return raw.strip(BLANKS) if field.form == "text" else raw

    def ascii(self, field: Field) -> str:
        """Returns what a field says; empty where it says nothing."""
        raw = self.raw(field)
        if field.form == "text":
            empty = {
                word.encode(self.layout.values.encoding, "replace")
                for word in self.layout.values.empty
            }
            return "" if raw in empty else raw.decode("latin-1")
        return expand(raw, field.form).decode("latin-1") if raw else ""

    def type_rule(self) -> TypeRule:
        """Returns the record's type."""
        field = self.layout.type_field
        if field is None:
            return self.layout.types[0]
        raw = self.raw(field)
        encoding = self.layout.values.encoding
        for rule in self.layout.types:
            if raw in {pack(value, field.form, field.octets, encoding) for value in rule.values}:
                return rule
        raise FlatError(ops.UNKNOWN_RECORD_TYPE, field)

    def row(self) -> Row:
        """Returns the EDR columns of the record.

        Raises:
            FlatError: It cannot be decoded.
        """
        self.split()
        rule = self.type_rule()
        delimited = self.layout.separator >= 0
        size = len(self.places) if delimited else len(self.octets)
        least, most = rule.least, rule.most
        if self.positions is not None:
            least = self.columns if least else 0
            most = self.columns if most >= 0 else -1
        if size < least or (most >= 0 and size > most):
            raise FlatError(ops.FIELD_COUNT if delimited else ops.RECORD_LENGTH)
        row: Row = dict.fromkeys(COLUMNS)
        row["record_type"] = rule.name
        row["service"], row["direction"] = rule.service, rule.direction
        for column_rule in self.in_order(rule):
            self.fill(row, column_rule)
            if column_rule.column == ENTITY:
                self.entity = str(row[ENTITY] or "")
        for name in QUANTITIES:
            if row[name] is None:
                row[name] = 0
        return row

    def in_order(self, rule: TypeRule) -> tuple[ColumnRule, ...]:
        """Returns the columns of a type; where nodes have zones of their own, the node first."""
        if not self.settings.time_zones.nodes:
            return rule.columns
        return tuple(sorted(rule.columns, key=lambda each: each.column != ENTITY))

    def fill(self, row: Row, rule: ColumnRule) -> None:
        """Fills one column and its pair from the first source that has a value."""
        second = PAIRS.get(rule.column)
        second = None if second == "cell" else second
        for position, source in enumerate(rule.sources):
            filled = row[rule.column] is not None or (
                second is not None and row[second] is not None
            )
            if position > 0 and filled:
                return
            if source.condition is not None and not self.holds(source.condition):
                continue
            try:
                self.value(row, rule.column, second, source)
            except values.InvalidError as error:
                field = source.fields[0]
                place = self.place(field)
                at = 0 if place is None else place.start
                raise FlatError(error.status, field, at) from error
            value = row[rule.column]
            low, high = LIMITS[INDEX[rule.column]]
            if isinstance(value, int) and not low <= value <= high:
                raise FlatError(ops.VALUE_OUT_OF_RANGE, source.fields[0])

    def value(  # noqa: C901, PLR0912 - one branch per codec
        self, row: Row, column: str, second: str | None, source: Source
    ) -> None:
        """Runs one source."""
        name, argument = source.codec.name, source.argument
        if name == "constant":
            row[column] = int(argument) if KIND[INDEX[column]] == "number" else argument
            return
        text = self.ascii(source.fields[0])
        if not text:
            return
        if name in {"integer", "quantity", "money"}:
            number = values.decimal_number(text, *self.layout.values.marks)
            row[column] = values.to_unit(number, *factor_of(name, argument))
        elif name == "time":
            pieces = zip(
                argument.split("+"), (self.piece(field) for field in source.fields), strict=True
            )
            row[column], row["utc_offset"] = values.time(list(pieces), self.zone())
        elif name == "epoch":
            self.epoch(row, text, EPOCH_UNITS[argument])
        elif name == "between":
            until = self.ascii(source.fields[1])
            if until:
                row[column] = self.seconds_between(argument, text, until)
        elif name in {"digits", "imei"}:
            number_of = values.digits(text)
            row[column] = number_of // 100 if name == "imei" and len(text) == 16 else number_of
        elif name == "number":
            self.number(row, column, second, text, source)
        elif name == "dialled":
            plain = text.removeprefix("+") if len(text) > 1 else text
            if values.DIGITS.fullmatch(plain):
                row[column] = int(plain)
                row["dialled_zeros"] = min(len(plain) - len(plain.lstrip("0")), len(plain) - 1)
        elif name == "hex":
            row[column] = values.hex_number(text)
        elif name == "lookup":
            self.look_up(row, column, source, text)
        elif name == "network":
            if not values.is_network(text):
                raise values.InvalidError(ops.INVALID_NETWORK)
            row[column] = render_network(text.encode())
        else:
            word = self.word(source.fields[0])
            form, table = source.fields[0].form, self.layout.tables.get(argument, {})
            found = {spelled(key, form): value for key, value in table.items()}
            row[column] = visible(found.get(word, word))

    def holds(self, condition: Condition) -> bool:
        """Returns whether a field says what a condition wants."""
        text = self.ascii(condition.field)
        if condition.wanted is None:
            return bool(text) == condition.differs
        encoding = self.layout.values.encoding if condition.field.form == "text" else "ascii"
        wanted = condition.wanted.encode(encoding, "replace").decode("latin-1")
        return (text == wanted) != condition.differs

    def seconds_between(self, pattern: str, begin: str, until: str) -> int:
        """Returns the time from one moment to another in seconds, half a second up."""
        first, last = (values.time([(pattern, text)], self.zone())[0] for text in (begin, until))
        return values.to_unit(Decimal(last - first).scaleb(-6), Fraction(1), ops.NEAREST)

    def zone(self) -> str:
        """Returns the zone of times that carry none: the node's, else the format's."""
        zones = self.settings.time_zones
        zone = zones.zone_of(self.entity)
        return zones.names[zone] if zone >= 0 else self.layout.values.time_zone

    def piece(self, field: Field) -> str:
        """Returns one piece of a time, words for nothing included."""
        raw = self.raw(field)
        if field.form == "text":
            return raw.decode("latin-1")
        return expand(raw, field.form).decode("latin-1") if raw else ""

    def epoch(self, row: Row, text: str, microseconds: int) -> None:
        """Reads a time since 1970."""
        if not values.DIGITS.fullmatch(text):
            raise values.InvalidError(ops.INVALID_TIMESTAMP)
        if int(text) * microseconds >= LATEST * 10**6:
            raise values.InvalidError(ops.INVALID_TIMESTAMP)
        row["start_time"], row["utc_offset"] = int(text) * microseconds, 0

    def number(self, row: Row, column: str, second: str | None, text: str, source: Source) -> None:
        """Reads a number as E.164, or as text where it is none."""
        plain = text.removeprefix("+") if len(text) > 1 else text
        kind = 1 if plain != text else TYPES_OF_NUMBER[source.argument]
        if values.DIGITS.fullmatch(plain):
            row[column] = e164(plain, kind, 1, self.settings.numbers)
        if row[column] is None and second is not None:
            row[second] = visible(self.word(source.fields[0]))
        elif not values.DIGITS.fullmatch(plain):
            raise values.InvalidError(ops.INVALID_DIGITS)

    def look_up(self, row: Row, column: str, source: Source, text: str) -> None:
        """Reads a word through a table; one that it lacks changes nothing."""
        encoding = self.layout.values.encoding
        for key, value in self.layout.tables[source.argument].items():
            word = spelled(key, source.fields[0].form)
            if word.encode(encoding, "replace").decode("latin-1") == text:
                row[column] = value if column in CODES else int(value)
                return

    def word(self, field: Field) -> str:
        """Returns a field as text."""
        raw = self.raw(field)
        encoding = self.layout.values.encoding
        if field.form != "text":
            return expand(raw, field.form).decode()
        if not values.is_text(raw, ENCODINGS[encoding]):
            raise values.InvalidError(ops.INVALID_TEXT)
        place = self.place(field)
        text = decode(raw, encoding)
        if place is not None and place.doubled:
            quote = chr(self.layout.quote)
            text = text.replace(quote * 2, quote)
        return text


def factor_of(name: str, argument: str) -> tuple[Fraction, int]:
    """Returns what one unit is in the unit of the column, and how to round."""
    if name == "quantity":
        unit, rounding = unit_and_rounding(argument)
        return UNITS[unit], ROUNDINGS[rounding]
    return Fraction(10**6, 10 ** int(argument or "0")) if name == "money" else Fraction(
        1
    ), ops.EXACT
