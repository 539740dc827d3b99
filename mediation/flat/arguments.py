"""What stands in brackets behind a codec: checked here, read by the plan compiler."""

from __future__ import annotations

from typing import Final

from mediation.columns import CODES, too_far
from mediation.errors import nearest
from mediation.flat.codecs import EPOCH_UNITS, ROUNDINGS, TYPES_OF_NUMBER, UNITS, FieldCodec
from mediation.flat.times import has_date, tokens_of

MOST_DECIMALS: Final = 6


def unit_and_rounding(argument: str) -> tuple[str, str]:
    """Returns the two words of a quantity's argument; rounding is to nearest unless it says."""
    unit, _, rounding = argument.partition(",")
    return unit.strip() or "1", rounding.strip() or "nearest"


def argument_problem(  # noqa: C901, PLR0911, PLR0912 - one way out per kind of mistake
    codec: FieldCodec, argument: str, tables: dict[str, dict[str, str]], column: str
) -> tuple[str, str] | None:
    """Returns message and hint of what is wrong with an argument, None if nothing is."""
    if not codec.argument:
        return (f"`{codec.name}` takes nothing in brackets", "") if argument else None
    if codec.name == "quantity":
        unit, rounding = unit_and_rounding(argument)
        if unit not in UNITS:
            return f"`{unit}` is no unit", nearest(unit, UNITS)
        if rounding not in ROUNDINGS:
            return f"`{rounding}` is no rounding", nearest(rounding, ROUNDINGS)
    elif codec.name == "money":
        if argument and (not argument.isdecimal() or int(argument) > MOST_DECIMALS):
            return f"`money` takes decimals from 0 to {MOST_DECIMALS}", "as in money(2)"
    elif codec.name == "number":
        if argument not in TYPES_OF_NUMBER:
            return f"`{argument}` is no type of number", nearest(argument, TYPES_OF_NUMBER)
    elif codec.name == "epoch":
        if argument not in EPOCH_UNITS:
            return f"`{argument}` is no unit of time since 1970", nearest(argument, EPOCH_UNITS)
    elif codec.name == "between" and "+" in argument:
        return "`between` reads whole times", "as in between(YYYYMMDDhhmmss) begin end"
    elif codec.name in {"time", "between"}:
        return _pattern_problem(argument)
    elif codec.name in {"text", "lookup"}:
        if not argument and codec.name == "text":
            return None
        if argument not in tables:
            return f"`{argument}` is no table of this mapping", nearest(argument, tables)
        if codec.name == "lookup":
            return _table_problem(argument, tables[argument], column)
    return None


def _pattern_problem(pattern: str) -> tuple[str, str] | None:
    try:
        for piece in pattern.split("+"):
            tokens_of(piece)
    except ValueError as error:
        return str(error), ""
    if not has_date(pattern):
        hint = "as in time(YYYY-MM-DD hh:mm:ss)"
        return f"`{pattern}` does not say year, month, day and hour", hint
    return None


def _table_problem(name: str, table: dict[str, str], column: str) -> tuple[str, str] | None:
    vocabulary = CODES.get(column)
    for value in table.values():
        if vocabulary is not None and value not in vocabulary:
            message = f"table `{name}` says `{value}`, which is no {column}"
            return message, nearest(value, vocabulary)
        if vocabulary is None and not value.removeprefix("-").isdecimal():
            return f"table `{name}` says `{value}`; `{column}` is a number", ""
        if vocabulary is None and (message := too_far(column, value)):
            return f"table `{name}`: {message}", ""
    return None
