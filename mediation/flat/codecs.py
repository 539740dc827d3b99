"""The codecs that the mapping of a flat format may name: what each fills, which one runs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from mediation.kernels import flat_ops as ops


@dataclass(frozen=True, slots=True)
class FieldCodec:
    """How a field becomes a value.

    Attributes:
        name: As mappings write it.
        op: The kernel's codec, one of `mediation.kernels.flat_ops`; -1 for a number without field.
        fills: Kinds of column it fills: number, text, code.
        columns: The only columns it may fill; empty for every column of those kinds.
        argument: What may stand in brackets behind it; empty for nothing.
        meaning: One sentence.
    """

    name: str
    op: int
    fills: tuple[str, ...]
    columns: tuple[str, ...] = ()
    argument: str = ""
    meaning: str = ""


NUMBER: Final = ("number",)
PARTIES: Final = ("served_msisdn", "other_number")

_ALL: Final = (
    FieldCodec("integer", ops.DECIMAL_NUMBER, NUMBER, meaning="a whole number"),
    FieldCodec(
        "quantity",
        ops.DECIMAL_NUMBER,
        NUMBER,
        argument="unit",
        meaning="a decimal number of a unit: (kB), (min), (ms, up); rounded to nearest, up or down",
    ),
    FieldCodec(
        "money",
        ops.DECIMAL_NUMBER,
        NUMBER,
        ("partner_charge", "partner_tax"),
        argument="decimals",
        meaning="an amount, to 10^-6 and never rounded; money(2) where it is counted in hundredths",
    ),
    FieldCodec("digits", ops.DIGITS, NUMBER, meaning="up to 18 digits and nothing else"),
    FieldCodec("imei", ops.IMEI, NUMBER, meaning="as digits; of 16 the software version goes"),
    FieldCodec(
        "number",
        ops.NUMBER,
        NUMBER,
        PARTIES,
        argument="type",
        meaning="a number to E.164: with + or (international), (national), else as dialled",
    ),
    FieldCodec(
        "dialled",
        ops.DIALLED,
        NUMBER,
        ("dialled",),
        meaning="digits of a number as they are, leading zeros counted",
    ),
    FieldCodec(
        "time",
        ops.TIME,
        NUMBER,
        ("start_time",),
        argument="pattern",
        meaning="date and time by a pattern; time(YYYYMMDD+hhmmss+Z) reads date+clock+zone",
    ),
    FieldCodec(
        "epoch",
        ops.EPOCH,
        NUMBER,
        ("start_time",),
        argument="s, ms or us",
        meaning="time since 1970 in UTC",
    ),
    FieldCodec(
        "between",
        ops.BETWEEN,
        NUMBER,
        ("duration",),
        argument="pattern",
        meaning="seconds from the first time to the second, both by one pattern; takes two fields",
    ),
    FieldCodec("hex", ops.HEX_NUMBER, NUMBER, meaning="up to 15 hexadecimal digits"),
    FieldCodec("text", ops.WORDS, ("text",), argument="table", meaning="text, through a table"),
    FieldCodec(
        "network",
        ops.NETWORK,
        ("text",),
        ("visited_network",),
        meaning="5 or 6 digits of MCC and MNC, with or without a dash",
    ),
    FieldCodec(
        "lookup",
        ops.LOOKUP,
        ("code", "number"),
        argument="table",
        meaning="a word through a table; words that it lacks leave the default",
    ),
    FieldCodec("constant", -1, (*NUMBER, "text"), meaning="the same value in every row"),
)

CODECS: Final[dict[str, FieldCodec]] = {codec.name: codec for codec in _ALL}
"""Codec by name."""

UNITS: Final[dict[str, Fraction]] = {
    "B": Fraction(1),
    "kB": Fraction(10**3),
    "MB": Fraction(10**6),
    "GB": Fraction(10**9),
    "KiB": Fraction(2**10),
    "MiB": Fraction(2**20),
    "GiB": Fraction(2**30),
    "bit": Fraction(1, 8),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
    "ds": Fraction(1, 10),
    "min": Fraction(60),
    "h": Fraction(3600),
    "1": Fraction(1),
}
"""What one of a unit is in the unit of the column: octets, seconds, pieces."""

ROUNDINGS: Final[dict[str, int]] = {"nearest": ops.NEAREST, "up": ops.UP, "down": ops.DOWN}
"""How a quantity becomes whole; half goes up."""

TYPES_OF_NUMBER: Final[dict[str, int]] = {"": 0, "international": 1, "national": 2}
"""Type of number (TS 24.008 10.5.4.7) by the argument of `number`."""

EPOCH_UNITS: Final[dict[str, int]] = {"s": 10**6, "ms": 10**3, "us": 1}
"""Microseconds by the argument of `epoch`."""
