"""Where a mapping takes a value from: a codec, a path, and conditions ``field=value``.

A condition is about the record, the container or an element of a list. The kernel compares
numbers, so the value of a field with text becomes a digest of its octets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from mediation.formats.arguments import NO_ARGUMENT
from mediation.formats.codecs import INTEGERS, STRINGS
from mediation.reference.text_codecs import digest

if TYPE_CHECKING:
    from mediation.formats.arguments import Argument
    from mediation.formats.codecs import Codec
    from mediation.formats.schema import Element
    from mediation.formats.strings import Document

CONDITION: Final = re.compile(r"(!?)([^=!\s]+)(?:(!?=)(\S+))?$")


class ConditionWords(NamedTuple):
    """A condition as it is written.

    Attributes:
        field: What it is about.
        wanted: The value, None if it only asks whether the field is there.
        differs: True if the field must have any other value; without a value, if it must be there.
    """

    field: str
    wanted: str | None
    differs: bool


def condition_words(document: Document, text: str, keys: tuple[str, ...]) -> ConditionWords | None:
    """Returns the words of a condition such as ``field=value``; notes a problem if it is none."""
    match = CONDITION.match(text)
    if match is None or (match[1] and match[3]):
        message = f"`{text}` does not read as `field=value`, `field!=value`, `field` or `!field`"
        document.problem(keys, message)
        return None
    return ConditionWords(match[2], match[4], match[3] == "!=" or not (match[1] or match[3]))


@dataclass(frozen=True, slots=True)
class Condition:
    """That a field has a value.

    Attributes:
        path: Elements down to the field.
        wanted: The value as the kernel reads it; `MISSING` for a field that is not there.
        differs: True if the field must have any other value, or none.
    """

    path: tuple[Element, ...]
    wanted: int
    differs: bool = False

    @property
    def digests(self) -> bool:
        """True if the field's octets are compared by their digest, False if as a number."""
        return self.path[-1].kind in STRINGS


@dataclass(frozen=True, slots=True)
class Source:
    """One way to fill a column.

    Attributes:
        codec: How.
        argument: Name of a lookup table, or a constant.
        path: Elements from inside the record (or the container) down to the field.
        previous: True if the value comes from the container before.
        second: The second path of a codec that reads two fields.
        condition: What must hold in the record (or the container) for the value to count.
        pick: What must hold in the element of a list on the path; its path starts inside it.
        pick_at: How many elements of `path` lead to that element and into it.
        offset: Of a local time, the elements down to its offset from UTC.
        minus: Of a sum, the elements down to a mark that makes the amounts refunds where it is 1.
        meaning: What the argument means where it is a layout or a unit.
    """

    codec: Codec
    argument: str = ""
    path: tuple[Element, ...] = ()
    previous: bool = False
    second: tuple[Element, ...] = ()
    condition: Condition | None = None
    pick: Condition | None = None
    pick_at: int = 0
    offset: tuple[Element, ...] = ()
    minus: tuple[Element, ...] = ()
    meaning: Argument = NO_ARGUMENT

    @property
    def choice(self) -> tuple[Element, ...]:
        """The way to the CHOICE that the field is an alternative of; empty if it is of none.

        Alternatives of one CHOICE never stand together, unless a list holds several.
        """
        alone = self.previous or self.second or self.condition or self.pick
        in_choice = len(self.path) > 1 and self.path[-2].kind == "CHOICE"
        if alone or not in_choice or any(element.is_list for element in self.path):
            return ()
        return self.path[:-1]

    @property
    def of_a_row(self) -> bool:
        """True if the source has a meaning among the rows of a list only."""
        return self.previous or self.codec.name in {"position", "until"}


def key_value(element: Element, text: str) -> int | str:
    """Returns `text` as a value of `element` as the kernel compares it, else what is wrong."""
    if element.kind in INTEGERS:
        named = {name: number for number, name in element.names}
        if text in named:
            return named[text]
        if text.isascii() and text.isdigit():
            return int(text)
        known = ", ".join(named)
        return f"`{text}` is no number" + (f" and none of {known}" if known else "")
    value = digest(text.encode()) if element.kind in STRINGS else None
    return f"a field of type {element.kind} cannot be compared" if value is None else value
