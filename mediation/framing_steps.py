"""How a source frames its records, as a person declares it: steps, from the outside in.

A step is a word with its numbers::

    framing = "bare"
    framing = ["zip", "gzip", "ts32297 54 5"]
    framing = ["blocks 2048", "bare"]
    framing = ["zstd", "lengths 4 little included"]

``zip``, ``gzip`` and ``zstd`` come first, then ``blocks N``, then one way the records stand:
``bare`` (one behind the other), ``ts32297`` (octets of the file header and of each CDR header where
they differ from the standard's), ``lengths`` (2 or 4 octets, ``big`` or ``little`` endian before
each record; ``included`` where the length counts itself) or ``outer`` (a list in one outer value).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKINGS: Final = ("gzip", "zstd", "zip")
FRAMINGS: Final = ("bare", "ts32297", "lengths", "outer")
BLOCKS: Final = "blocks"
WORDS: Final = (*PACKINGS, BLOCKS, *FRAMINGS)
CDR_HEADER_OCTETS: Final = 4
"""Octets of a CDR header without the extension of its release: the fewest (TS 32.297 6.1.2)."""
NUMBERS: Final = {
    BLOCKS: (re.compile(r"([1-9]\d{0,8})"), "blocks N: `blocks 2048`"),
    "ts32297": (
        re.compile(r"(?:(\d{1,4})(?: (\d{1,3}))?)?"),
        "ts32297 [octets of the file header [octets of a CDR header]]: `ts32297 54 5`",
    ),
    "lengths": (
        re.compile(r"([24]) (big|little)( included)?"),
        "lengths 2|4 big|little [included]: `lengths 2 big`",
    ),
}


@dataclass(frozen=True, slots=True)
class FramingRules:
    """How a source frames its records.

    Attributes:
        framing: One of ``FRAMINGS``.
        block_octets: Block size that no record crosses, 0 where there are no blocks.
        max_record_octets: Longest record; a longer one counts as a broken length.
        file_header_octets: Length of the TS 32.297 file header, None as it says itself.
        cdr_header_octets: Length of each CDR header (at least 4), None by the release.
        length_octets: Octets of the length before each record, 2 or 4.
        little_endian: True if the least significant octet of that length comes first.
        length_included: True if that length counts its own octets.
    """

    framing: str = "bare"
    block_octets: int = 0
    max_record_octets: int = 1 << 20
    file_header_octets: int | None = None
    cdr_header_octets: int | None = None
    length_octets: int = 2
    little_endian: bool = False
    length_included: bool = False

    @property
    def words(self) -> str:
        """The framing as steps would declare it."""
        block = f"{BLOCKS} {self.block_octets}, " if self.block_octets else ""
        if self.framing != "lengths":
            return block + self.framing
        order = "little" if self.little_endian else "big"
        included = " included" if self.length_included else ""
        return f"{block}lengths {self.length_octets} {order}{included}"


@dataclass(frozen=True, slots=True)
class Steps:
    """Framing steps that were declared.

    Attributes:
        packings: What the file is packed with, from the outside in; empty to look at the file.
        framing: One of ``FRAMINGS``, None to detect it.
        values: Attributes of :class:`FramingRules` that the steps give.
    """

    packings: tuple[str, ...] = ()
    framing: str | None = None
    values: tuple[tuple[str, int], ...] = ()

    def applied(self, rules: FramingRules) -> FramingRules:
        """Returns rules in which what the steps give stands."""
        values: dict[str, Any] = dict(self.values)
        return replace(rules, **values)


def read_steps(declared: str | Sequence[str] | None) -> Steps:
    """Reads declared framing steps.

    Raises:
        ValueError: A step is not known, is not written as it should, or stands at the wrong place.
    """
    steps = [declared] if isinstance(declared, str) else list(declared or ())
    packings: list[str] = []
    values: dict[str, int] = {}
    framing: str | None = None
    for at, step in enumerate(steps):
        word, _, rest = " ".join(step.split()).partition(" ")
        numbers = _numbers(step, word, rest)
        if framing is not None or (word in PACKINGS and values):
            message = (
                f"framing step {step!r} stands behind {steps[at - 1]!r}; the order "
                f"is {', '.join(PACKINGS)}, then {BLOCKS}, then one of {', '.join(FRAMINGS)}"
            )
            raise ValueError(message)
        if word in PACKINGS:
            packings.append(word)
        elif word in FRAMINGS:
            framing = word
        values |= numbers
    if framing == "outer" and "block_octets" in values:
        message = "framing `outer` has no blocks: one outer value runs through all of the file"
        raise ValueError(message)
    return Steps(tuple(packings), framing, tuple(values.items()))


def _numbers(step: str, word: str, rest: str) -> dict[str, int]:
    """Returns the attributes that one step gives."""
    if word not in WORDS:
        close = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        message = f"framing {step!r} is not known; allowed: {', '.join(WORDS)}{hint}"
        raise ValueError(message)
    pattern, usage = NUMBERS.get(word, (re.compile(""), f"nothing stands behind `{word}`"))
    match = pattern.fullmatch(rest)
    if match is None:
        message = f"framing step {step!r} does not read as {usage}"
        raise ValueError(message)
    found = match.groups()
    if word == BLOCKS:
        return {"block_octets": int(found[0])}
    if word == "ts32297":
        if found[1] is not None and int(found[1]) < CDR_HEADER_OCTETS:
            message = f"framing step {step!r}: a CDR header has {CDR_HEADER_OCTETS} octets at least"
            raise ValueError(message)
        names = ("file_header_octets", "cdr_header_octets")
        return {name: int(n) for name, n in zip(names, found, strict=True) if n is not None}
    if word == "lengths":
        return {
            "length_octets": int(found[0]),
            "little_endian": found[1] == "little",
            "length_included": found[2] is not None,
        }
    return {}
