"""What a mapping file says about a flat format.

How lines or records lie in the file, the fields of each record type, and which field feeds which
EDR column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mediation.flat.codecs import FieldCodec

DELIMITED: Final = "delimited"
FIXED_WIDTH: Final = "fixed_width"
KINDS: Final = (DELIMITED, FIXED_WIDTH)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Attributes:
        name: As the mapping calls it.
        at: Position in the line from 0, or the first octet from the start of the record.
        octets: Its octets; -1 in delimited text.
        form: How its octets are written, one of `mediation.flat.forms.FORMS`.
        heading: Its name in a line of names.
    """

    name: str
    at: int
    octets: int = -1
    form: str = "text"
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a field must say for a source to count.

    Attributes:
        field: The field.
        wanted: The word; None for any.
        differs: True if it must say anything else, or nothing; without a word, that it says any.
    """

    field: Field
    wanted: str | None = None
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One way to fill a column.

    Attributes:
        codec: How.
        fields: Where from; several for a time that is written in pieces.
        argument: What stands in the brackets behind the codec, or the constant.
        condition: When it counts; None for always.
    """

    codec: FieldCodec
    fields: tuple[Field, ...]
    argument: str = ""
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What fills one column, tried in order."""

    column: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class TypeRule:
    """One record type.

    Attributes:
        name: The text of ``record_type``.
        service: Default of the column.
        direction: Default of the column.
        values: What the type field holds; empty where there is one type only.
        fields: Its fields, those of every record included.
        least: Fewest fields of a line, or octets of a record.
        most: Most of them; -1 for no bound.
        columns: What fills the columns.
    """

    name: str
    service: str
    direction: str
    values: tuple[str, ...]
    fields: tuple[Field, ...]
    least: int
    most: int
    columns: tuple[ColumnRule, ...]


@dataclass(frozen=True, slots=True)
class Special:
    """Header or trailer lines or records.

    Attributes:
        values: What their type field holds.
        lines: Or how many of the first (last) lines they are.
        fields: Their fields.
        records: The field that declares how many records there are.
        sequence: The field with the file's running number.
        totals: Field with a sum, and the record fields, one per type that has it, it sums.
    """

    values: tuple[str, ...] = ()
    lines: int = 0
    fields: tuple[Field, ...] = ()
    records: Field | None = None
    sequence: Field | None = None
    totals: tuple[tuple[Field, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks that hold records between a header and a trailer.

    Attributes:
        octets: Size of a block.
        times: Header field by which the size is multiplied, 0 counting as 1; None for 1.
        header: Octets of the block header.
        length: Header field that must hold `header`; None to believe every header.
        used: Header field: octets in use, header and trailer included.
        trailer: Octets of the block trailer, the last of those in use.
        header_fields: Fields of the header.
        trailer_fields: Fields of the trailer.
        sequence: Header field with the file's running number.
        first: Header field: number of the block's first record.
        last: Trailer field: number of the block's last record.
    """

    octets: int
    times: Field | None
    header: int
    length: Field | None
    used: Field | None
    trailer: int
    header_fields: tuple[Field, ...]
    trailer_fields: tuple[Field, ...]
    sequence: Field | None
    first: Field | None
    last: Field | None


@dataclass(frozen=True, slots=True)
class Values:
    """How values are written.

    Attributes:
        encoding: Name of the encoding, one of `mediation.flat.forms.ENCODINGS`.
        decimal: Octet of the decimal mark, -1 for none.
        thousands: Octet between groups of three digits, -1 for none.
        time_zone: Zone of times that carry none, IANA name or ``+hh:mm``, where the source
            declares none for its nodes.
        empty: Words that mean that there is no value.
    """

    encoding: str = "utf-8"
    decimal: int = ord(".")
    thousands: int = -1
    time_zone: str = "+00:00"
    empty: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, str]:
        """Decimal mark and mark between thousands as text, empty for none."""
        return (
            chr(self.decimal) if self.decimal >= 0 else "",
            chr(self.thousands) if self.thousands >= 0 else "",
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """A checked mapping file of a flat format.

    Attributes:
        title: One line about the format.
        kind: One of `KINDS`.
        lines: True where records are lines of text.
        separator: Octet between fields, -1 in fixed-width text.
        quote: Octet around fields, -1 for none.
        comment: What a line that is to be skipped begins with; may be empty.
        names: True where the first line names the columns.
        octets: Octets of every record, 0 where they differ.
        length: The field that holds the record's octets, None where there is none.
        filler: Octet that fills room between records, -1 for none.
        type_field: The field whose value says which type a record is.
        values: How values are written.
        header: Header lines or records.
        trailer: Trailer lines or records.
        blocks: Blocks, None where there are none.
        types: Record types in file order.
        tables: Lookup tables: word to name or number.
    """

    title: str
    kind: str
    lines: bool
    separator: int
    quote: int
    comment: str
    names: bool
    octets: int
    length: Field | None
    filler: int
    type_field: Field | None
    values: Values
    header: Special | None
    trailer: Special | None
    blocks: Blocks | None
    types: tuple[TypeRule, ...]
    tables: dict[str, dict[str, str]]

    @property
    def comment_octets(self) -> bytes:
        """What a line that is to be skipped begins with, as a file has it."""
        return self.comment.encode(self.values.encoding, "replace")
