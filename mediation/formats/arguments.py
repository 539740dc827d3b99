"""What stands in the parentheses behind a codec: layouts of dates, units of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediation.formats.layouts import DATE, TIME, parse_layout

if TYPE_CHECKING:
    from mediation.formats.codecs import Codec
    from mediation.formats.layouts import Layout
    from mediation.formats.strings import Document

UNITS: Final = {"us": 1_000_000, "ms": 1000, "cs": 100, "ds": 10, "min": -60, "h": -3600}
"""Units of `seconds`: how many make a second; of longer ones how many seconds they are, negative."""

ROUNDINGS: Final = ("up", "down", "nearest")


@dataclass(frozen=True, slots=True)
class Argument:
    """A checked argument.

    Attributes:
        layouts: One layout for each field that the codec reads.
        unit: As in `UNITS`; 0 where there is none.
        rounds_from: The rest of a second from which it counts as one more, in the unit.
    """

    layouts: tuple[Layout, ...] = ()
    unit: int = 0
    rounds_from: int = 0


NO_ARGUMENT: Final = Argument()


def parse_argument(codec: Codec, text: str) -> Argument:
    """Returns what the argument of a codec means.

    Raises:
        ValueError: With what is wrong and what is allowed.
    """
    words = text.split()
    if codec.name == "seconds":
        return _unit(words)
    if len(words) != 2 + bool(codec.joins):
        message = f"`{codec.name}` is written like `{codec.name}({codec.argument})`"
        raise ValueError(message)
    encoding, *layouts = words
    parts = {"local_time": (DATE | TIME,), "clock": (DATE, TIME), "elapsed": (TIME,)}[codec.name]
    elapsed = codec.name == "elapsed"
    return Argument(
        tuple(
            parse_layout(encoding, layout, parts=part, elapsed=elapsed)
            for layout, part in zip(layouts, parts, strict=True)
        )
    )


def _unit(words: list[str]) -> Argument:
    """Reads ``ms up``; units longer than a second need no rounding."""
    unit = UNITS.get(words[0], 0) if words else 0
    rounding = words[1] if len(words) == 2 else ""
    if unit < 0 and len(words) == 1:
        return Argument(unit=unit)
    if unit <= 0 or rounding not in ROUNDINGS:
        message = (
            f"`seconds` has a unit of {', '.join(UNITS)}, and behind those shorter than a second "
            f"{', '.join(ROUNDINGS)}, like `seconds(ms up)`"
        )
        raise ValueError(message)
    return Argument(
        unit=unit, rounds_from={"up": 1, "down": unit, "nearest": (unit + 1) // 2}[rounding]
    )


def argument_of(
    document: Document, codec: Codec, text: str, keys: tuple[str, ...]
) -> Argument | None:
    """Returns what a codec's argument means; notes a problem and returns None if it is wrong."""
    if not codec.argument:
        return NO_ARGUMENT
    try:
        return parse_argument(codec, text)
    except ValueError as error:
        document.problem(keys, str(error))
        return None
