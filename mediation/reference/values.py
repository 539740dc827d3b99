"""What the octets of one field mean for a column: the codecs by number, in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.columns import INDEX, LIMITS, PAIRS
from mediation.kernels import ops
from mediation.normalize import RENDERERS
from mediation.reference import ber_codecs as codecs
from mediation.reference import text_codecs
from mediation.reference.uris import uri_number

if TYPE_CHECKING:
    from mediation.formats.sources import Source
    from mediation.normalize import NormalizationSettings
    from mediation.number_plan import NumberPlan

    Value = int | str | None

BOUNDED: Final = frozenset({ops.INTEGER, ops.UNSIGNED, ops.OCTETS, ops.DECIMAL, ops.DIGEST})
"""Codecs whose integers must fit their column."""


def value_of(  # noqa: C901 - one way per codec
    octets: bytes, column: str, source: Source, settings: NormalizationSettings, part: int = 0
) -> tuple[Value, Value]:
    """Returns what a field says to a column and its pair; lookups are the walk's.

    Args:
        octets: The content of the field.
        column: The column.
        source: Which codec reads it, with what argument.
        settings: How the source writes numbers.
        part: 1 for the second field of a source that reads two.

    Raises:
        BadValueError: The octets make no sense.
    """
    op = source.codec.op
    value: tuple[Value, Value]
    if op in {ops.NUMBER, ops.URI}:
        value = party(octets, source, settings.numbers)
        if column not in PAIRS:
            value = (value[0], None)
    elif op == ops.DIALLED:
        value = codecs.dialled(octets, bare=bool(source.codec.parameter))
    elif op == ops.DECIMAL:
        value = text_codecs.decimal(octets, equipment=bool(source.codec.parameter)), None
    elif op == ops.DIGEST:
        value = text_codecs.digest(octets), None
    elif op == ops.TEXT:
        value = (RENDERERS[source.codec.render](octets) or None if octets else None), None
    elif op == ops.CLOCK:
        value = codecs.clock(octets, source.meaning.layouts[part])
    elif op == ops.ELAPSED:
        value = codecs.elapsed(octets, source.meaning.layouts[part])
    elif op == ops.SECONDS:
        value = codecs.seconds(octets, source.meaning, repair=settings.repair_integers)
    elif op == ops.INTEGER:
        value = codecs.integer(octets, repair=settings.repair_integers)
    else:
        value = codecs.SIMPLE[op](octets)
    low, high = LIMITS[INDEX[column]]
    if op in BOUNDED and isinstance(value[0], int) and not low <= value[0] <= high:
        raise codecs.BadValueError(ops.VALUE_OUT_OF_RANGE)
    return value


def party(octets: bytes, source: Source, plan: NumberPlan) -> tuple[Value, Value]:
    """Returns the number that an address or a URI means, else its text."""
    special = bool(source.codec.parameter)
    if source.codec.op == ops.NUMBER:
        return codecs.number(octets, plan, bare=special)
    number = uri_number(octets, plan, only_global=special)
    if number is not None:
        return number, None
    return None, RENDERERS["text" if special else "uri"](octets) or None


def repaired(octets: bytes, source: Source, settings: NormalizationSettings) -> int:
    """Returns 1 if a counter without its leading zero octet was read as one, else 0."""
    op = source.codec.op
    if op == ops.UNSIGNED:
        return int(octets[0] > 127)
    if op in {ops.INTEGER, ops.SECONDS} and settings.repair_integers:
        return int(octets[0] > 127 and len(octets) < 8)
    return 0
