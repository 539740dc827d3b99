"""Reading number plans: ``number_plans/*.yaml``, a file of one's own, or a block of a settings file.

Every mistake is reported at once, with file, line, what is allowed and the nearest name.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mediation.errors import MediationConfigError, Problem, nearest
from mediation.formats.strings import Document, read_document
from mediation.number_plan import (
    NUMBERING_PLANS,
    PLACES,
    READINGS,
    TYPES_OF_NUMBER,
    NetworkPrefix,
    NumberPlan,
    ShortCode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    Keys = tuple[str, ...]

FOLDER: Final = Path(__file__).parent / "number_plans"
EXTENDS: Final = "extends"
KINDS: Final = ("carrier_selection", "portability")
KEYS: Final = (
    "title", EXTENDS, "country_code", "international_prefixes", "trunk_prefixes",
    "national_lengths", "international_lengths", "national_leading_zero", "types_of_number",
    "numbering_plans", *KINDS, "short_codes",
)  # fmt: skip
PATTERN: Final = re.compile(r"(\d+)(x*)$")
LENGTHS: Final = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?$")
SWITCHES: Final = {"yes": True, "no": False, "true": True, "false": False}
MOST_PREFIX_DIGITS: Final = 8


@cache
def number_plans() -> tuple[str, ...]:
    """Returns the names of the plans that come with the package, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def load_number_plan(name: str) -> NumberPlan:
    """Loads a plan that comes with the package.

    Raises:
        MediationConfigError: There is no such plan.
    """
    if name not in number_plans():
        problem = Problem("number plan", f"there is no `{name}`", nearest(name, number_plans()))
        raise MediationConfigError([problem])
    return read_number_plan(FOLDER / f"{name}.yaml")


def read_number_plan(path: Path) -> NumberPlan:
    """Reads a number plan from a file.

    Raises:
        MediationConfigError: With every mistake in the file.
    """
    document = read_document(path)
    if document.problems:
        raise MediationConfigError(document.problems)
    plan = plan_of(document, document.root, ())
    if document.problems:
        raise MediationConfigError(document.problems)
    return plan


def plan_of(
    document: Document, block: dict[str, object], keys: Keys, base: NumberPlan | None = None
) -> NumberPlan:
    """Returns the plan that a block of a document declares; mistakes go to the document.

    Args:
        document: What the block stands in.
        block: The plan's keys; what it does not say is as in the plan that it extends.
        keys: Where the block stands.
        base: The plan that it extends where it names none itself.
    """
    reader = _Reader(document, block, keys)
    base = reader.base(base)
    plan = NumberPlan(
        country_code=reader.country_code(base.country_code),
        international_prefixes=reader.prefixes(
            "international_prefixes", base.international_prefixes
        ),
        trunk_prefixes=reader.prefixes("trunk_prefixes", base.trunk_prefixes),
        national_lengths=reader.lengths("national_lengths", base.national_lengths),
        international_lengths=reader.lengths("international_lengths", base.international_lengths),
        leading_zero=reader.switch("national_leading_zero", default=base.leading_zero),
        types=reader.types(base.types),
        plans=reader.names("numbering_plans", tuple(NUMBERING_PLANS), base.plans),
        network_prefixes=reader.network_prefixes(base.network_prefixes),
        short_codes=reader.short_codes(base.short_codes),
        title=str(block.get("title", base.title)),
    )
    room = 15 - len(plan.country_code)
    if plan.national_lengths[1] > room:
        reader.wrong(
            "national_lengths",
            f"national numbers of {plan.national_lengths[1]} digits do not fit the 15 digits of "
            f"E.164 behind country code {plan.country_code}; at most {room} do",
        )
    return plan


class _Reader:
    """Reads one block; mistakes go to the document."""

    def __init__(self, document: Document, block: dict[str, object], keys: Keys) -> None:
        self.document = document
        self.block = block
        self.keys = keys
        for key in block:
            if key not in KEYS:
                self.wrong(key, f"`{key}` is not a key of a number plan", nearest(key, KEYS))

    def wrong(self, key: str, message: str, hint: str = "") -> None:
        self.document.problem((*self.keys, key), message, hint)

    def base(self, given: NumberPlan | None) -> NumberPlan:
        """Returns the plan that the block extends; the plain rules where it is one of its own."""
        if EXTENDS not in self.block:
            if given is None and "country_code" not in self.block:
                self.wrong("country_code", "`country_code` is missing", "or extend a known plan")
            return given or NumberPlan()
        name = self.document.text(self.block[EXTENDS], (*self.keys, EXTENDS), f"`{EXTENDS}`")
        if name in number_plans():
            return load_number_plan(name)
        if name:
            hint = nearest(name, number_plans())
            self.wrong(EXTENDS, f"there is no number plan `{name}`", hint)
        return NumberPlan()

    def country_code(self, default: str) -> str:
        if "country_code" not in self.block:
            return default
        value = self.block["country_code"]
        if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,3}", value):
            return value
        self.wrong("country_code", f"country_code is `{value}`; 1 to 4 digits, such as 86")
        return default

    def items(self, key: str) -> Iterator[tuple[Keys, object]]:
        """Yields place and content of a list's items."""
        content = self.block[key]
        if not isinstance(content, list):
            self.wrong(key, f"`{key}` is a list, such as [{'00' if 'prefix' in key else '1xx'}]")
            return
        for position, item in enumerate(content):
            yield (*self.keys, key, str(position)), item

    def prefixes(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        if key not in self.block:
            return default
        found: list[str] = []
        for place, item in self.items(key):
            if not isinstance(item, str) or not re.fullmatch(r"\d{1,8}", item):
                self.document.problem(place, f"`{item}` is no prefix; write 1 to 8 digits")
            elif item in found:
                self.document.problem(place, f"`{item}` stands here twice", "remove one")
            else:
                found.append(item)
        return tuple(found)

    def lengths(self, key: str, default: tuple[int, int]) -> tuple[int, int]:
        if key not in self.block:
            return default
        return self.span(self.block[key], (*self.keys, key), 15) or default

    def span(self, value: object, place: Keys, most: int) -> tuple[int, int] | None:
        """Returns the fewest and most digits of ``10`` or ``10-11``; None if it says neither."""
        match = LENGTHS.match(value) if isinstance(value, str) else None
        if match is not None:
            shortest, longest = int(match[1]), int(match[2] or match[1])
            if 1 <= shortest <= longest <= most:
                return shortest, longest
        message = f"`{value}` is no number of digits; write 10 or 10-11, from 1 to {most}"
        self.document.problem(place, message)
        return None

    def switch(self, key: str, *, default: bool) -> bool:
        if key not in self.block:
            return default
        value = SWITCHES.get(str(self.block[key]).lower())
        if value is None:
            self.wrong(key, f"`{self.block[key]}` is neither yes nor no")
            return default
        return value

    def names(
        self, key: str, allowed: tuple[str, ...], default: tuple[str, ...]
    ) -> tuple[str, ...]:
        if key not in self.block:
            return default
        found = []
        for place, item in self.items(key):
            if isinstance(item, str) and item in allowed:
                found.append(item)
            else:
                self.document.problem(place, f"`{item}` is not known", nearest(str(item), allowed))
        return tuple(dict.fromkeys(found))

    def types(self, default: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        key = "types_of_number"
        if key not in self.block:
            return default
        content = self.document.block(self.block[key], (*self.keys, key), f"`{key}`")
        found: dict[str, str] = {}
        for name, reading in content.items():
            place = (*self.keys, key, name)
            if name not in TYPES_OF_NUMBER:
                hint = nearest(name, TYPES_OF_NUMBER)
                self.document.problem(place, f"`{name}` is no type of number", hint)
            elif reading not in {*READINGS, "text"}:
                hint = nearest(str(reading), (*READINGS, "text"))
                self.document.problem(place, f"`{reading}` is no way to read a number", hint)
            elif reading != "text":
                found[name] = str(reading)
        return tuple(found.items())

    def network_prefixes(self, default: tuple[NetworkPrefix, ...]) -> tuple[NetworkPrefix, ...]:
        found: list[NetworkPrefix] = []
        for kind in KINDS:
            if kind not in self.block:
                found += [prefix for prefix in default if prefix.kind == kind]
                continue
            for place, item in self.items(kind):
                part = self.network_prefix(kind, place, item)
                if part is None:
                    continue
                if any(part.digits == other.digits for other in found):
                    self.document.problem(place, f"`{part.digits}` stands here twice", "remove one")
                found.append(part)
        return tuple(found)

    def network_prefix(self, kind: str, place: Keys, item: object) -> NetworkPrefix | None:
        block = item if isinstance(item, dict) else {"digits": item}
        self.item_keys(block, ("digits", "types"), place)
        pattern = self.pattern(block.get("digits"), place)
        readings: tuple[str, ...] = ("unknown", "national")
        if "types" in block:
            inner = _Reader(self.document, {}, place)
            inner.block = block
            readings = inner.names("types", READINGS, readings)
        if pattern is None:
            return None
        digits, wild = pattern
        if len(digits) + wild >= PLACES:
            self.document.problem(place, f"a prefix has fewer than {PLACES} digits")
            return None
        return NetworkPrefix(digits, len(digits) + wild, readings, kind)

    def short_codes(self, default: tuple[ShortCode, ...]) -> tuple[ShortCode, ...]:
        if "short_codes" not in self.block:
            return default
        found: list[ShortCode] = []
        for place, item in self.items("short_codes"):
            block = item if isinstance(item, dict) else {"digits": item}
            self.item_keys(block, ("digits", "lengths"), place)
            pattern = self.pattern(block.get("digits"), place)
            if pattern is None:
                continue
            digits, wild = pattern
            span: tuple[int, int] | None = (len(digits) + wild, len(digits) + wild)
            if "lengths" in block:
                span = self.span(block["lengths"], (*place, "lengths"), PLACES)
            if span is not None:
                found.append(ShortCode(digits, *span))
        return tuple(found)

    def item_keys(self, block: dict[str, object], allowed: tuple[str, ...], place: Keys) -> None:
        for key in block:
            if key not in allowed:
                hint = nearest(key, allowed)
                self.document.problem((*place, key), f"`{key}` is not a key here", hint)

    def pattern(self, value: object, place: Keys) -> tuple[str, int] | None:
        """Returns the digits of ``101xx`` and how many any digits follow; None if it has none."""
        match = PATTERN.match(value) if isinstance(value, str) else None
        if match is None or len(match[1]) > MOST_PREFIX_DIGITS:
            message = (
                f"`{value}` is no pattern; write up to {MOST_PREFIX_DIGITS} digits, behind them an "
                "x for each digit that may be any, such as 101xxxx"
            )
            self.document.problem(place, message)
            return None
        return match[1], len(match[2])
