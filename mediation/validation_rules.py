"""Reading ``validation.yaml``: strict, with every mistake at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from mediation.columns import EDR_COLUMNS
from mediation.edr import DIRECTIONS, SERVICES
from mediation.errors import MediationConfigError, Problem, nearest
from mediation.formats.strings import Document, read_document
from mediation.validation import (
    CLASSES,
    HIGHEST,
    LOWEST,
    OUTCOMES,
    RULES_FILE,
    TESTS,
    Rule,
    RuleSet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VERSION: Final = "1"
TOP_KEYS: Final = ("version", "limits", "rules")
REQUIRED: Final = ("reason", "test", "outcome", "class")
OPTIONAL: Final = (
    "column", "columns", "bound", "from", "to", "services", "directions", "record_types",
    "enabled", "detail",
)  # fmt: skip
BOUNDS: Final = {
    "missing": (),
    "below": ("bound",),
    "above": ("bound",),
    "outside": ("from", "to"),
    "between": ("from", "to"),
    "always": (),
}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SWITCHES: Final = {"yes": True, "no": False}

Limit = int | str | None


@cache
def default_rules() -> RuleSet:
    """Returns the rules that come with the package, with their own limits."""
    return load_rules()


def load_rules(path: Path = RULES_FILE, limits: Mapping[str, Limit] | None = None) -> RuleSet:
    """Loads validation rules.

    Args:
        path: The rules; the package's own by default.
        limits: Limits that replace those of the file: a number, an instant with its offset such
            as ``2026-10-01T00:00:00+08:00`` (for times), or None, which switches off the rules
            that use it.

    Raises:
        MediationConfigError: With every mistake in the file and in ``limits``.
    """
    document = read_document(path)
    if document.problems:
        raise MediationConfigError(document.problems)
    reader = _Reader(document)
    reader.limits(limits or {})
    rules = reader.rules()
    if document.problems:
        raise MediationConfigError(document.problems)
    return RuleSet(rules, dict(reader.values))


def number_of(text: str) -> int | None:
    """Returns the value of a bound: a whole number, or an instant as microseconds since 1970.

    Returns:
        The number, or None where the text is neither or does not fit int64.
    """
    try:
        number = int(text)
    except ValueError:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            return None
        if instant.tzinfo is None:
            return None
        number = (instant - EPOCH) // timedelta(microseconds=1)
    return number if LOWEST <= number <= HIGHEST else None


@dataclass(slots=True)
class _Place:
    """A rule in the document: its keys and where it stands."""

    keys: dict[str, object]
    path: tuple[str, ...]


class _Reader:
    """Reads limits and rules; mistakes go to the document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.values: dict[str, int | None] = {}
        for key in document.root:
            if key not in TOP_KEYS:
                document.problem((key,), f"`{key}` is not known here", nearest(key, TOP_KEYS))
        if document.root.get("version") != VERSION:
            document.problem(("version",), f"`version` must be {VERSION}")

    def limits(self, given: Mapping[str, Limit]) -> None:
        """Reads the limits of the file, then those that replace them."""
        block = self.document.block(self.document.root.get("limits", {}), ("limits",), "`limits`")
        for name, text in block.items():
            self.values[name] = self._limit(name, text, ("limits", name))
        for name, value in given.items():
            if name not in block:
                problem = Problem(
                    "limits", f"`{name}` is no limit of the rules", nearest(name, block)
                )
                self.document.problems.append(problem)
            elif isinstance(value, int):
                self.values[name] = value
            else:
                self.values[name] = self._limit(name, "none" if value is None else value, ())

    def _limit(self, name: str, text: object, place: tuple[str, ...]) -> int | None:
        if text == "none":
            return None
        number = number_of(text) if isinstance(text, str) else None
        if number is None:
            self.document.problem(
                place,
                f"limit `{name}` is {text!r}: allowed are a whole number, `none`, or an instant"
                " with its offset such as 2026-10-01T00:00:00+08:00",
            )
        return number

    def rules(self) -> tuple[Rule, ...]:
        """Reads the rules that are switched on."""
        listed = self.document.root.get("rules")
        if not isinstance(listed, list) or not listed:
            self.document.problem(("rules",), "`rules` is a list of at least one rule")
            return ()
        found = []
        for position, keys in enumerate(listed):
            path = ("rules", str(position))
            block = self.document.block(keys, path, "a rule")
            rule = self._rule(_Place(block, path)) if block else None
            if rule is not None:
                found.append(rule)
        return tuple(found)

    def _rule(self, place: _Place) -> Rule | None:
        """Reads one rule; None where it is switched off or wrong."""
        known = (*REQUIRED, *OPTIONAL)
        for key in place.keys:
            if key not in known:
                self.document.problem(
                    (*place.path, key), f"`{key}` is not known", nearest(key, known)
                )
        for key in REQUIRED:
            if key not in place.keys:
                self.document.problem(place.path, f"the rule has no `{key}`")
        test = self._one_of(place, "test", TESTS)
        columns = self._columns(place, test)
        low, high, limited = self._bounds(place, test)
        rule = Rule(
            reason=self._text(place, "reason"),
            columns=columns,
            test=test,
            low=low,
            high=high,
            services=self._names(place, "services", SERVICES),
            directions=self._names(place, "directions", DIRECTIONS),
            outcome=self._one_of(place, "outcome", OUTCOMES),
            kind=self._one_of(place, "class", CLASSES),
            detail=self._text(place, "detail"),
            record_types=self._record_types(place),
        )
        enabled = self._one_of(place, "enabled", tuple(SWITCHES), "yes")
        return rule if SWITCHES[enabled] and limited and columns else None

    def _text(self, place: _Place, key: str) -> str:
        value = place.keys.get(key, "")
        if isinstance(value, str):
            return value
        self.document.problem((*place.path, key), f"`{key}` is text")
        return ""

    def _one_of(
        self, place: _Place, key: str, allowed: Sequence[str], default: str | None = None
    ) -> str:
        value = place.keys.get(key, default)
        if value is None:
            return allowed[0]  # the missing key is reported already
        if isinstance(value, str) and value in allowed:
            return value
        self.document.problem(
            (*place.path, key), f"`{key}` is {value!r}", nearest(str(value), allowed)
        )
        return allowed[0]

    def _record_types(self, place: _Place) -> tuple[str, ...]:
        """Returns names of record types; those of other formats are allowed, so none is checked."""
        value = place.keys.get("record_types", [])
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return tuple(str(name) for name in value)
        message = "`record_types` is a list such as [moCallRecord, mtCallRecord]"
        self.document.problem((*place.path, "record_types"), message)
        return ()

    def _names(self, place: _Place, key: str, allowed: Sequence[str]) -> tuple[str, ...]:
        value = place.keys.get(key, [])
        if not isinstance(value, list):
            self.document.problem((*place.path, key), f"`{key}` is a list such as [{allowed[0]}]")
            return ()
        for name in value:
            if name not in allowed:
                self.document.problem(
                    (*place.path, key), f"{name!r} is not known", nearest(str(name), allowed)
                )
        return tuple(name for name in value if name in allowed)

    def _columns(self, place: _Place, test: str) -> tuple[str, ...]:
        if ("column" in place.keys) == ("columns" in place.keys):
            self.document.problem(place.path, "a rule has either `column` or `columns`")
            return ()
        if "columns" in place.keys:
            columns = self._names(place, "columns", EDR_COLUMNS)
            if test != "missing" or len(columns) > 2:
                self.document.problem(
                    (*place.path, "columns"),
                    "`columns` is for `test: missing` and names at most two",
                    "write one rule per `column`",
                )
            return columns
        return (self._one_of(place, "column", EDR_COLUMNS),)

    def _bounds(self, place: _Place, test: str) -> tuple[int, int, bool]:
        """Returns lower and upper bound, inclusive, and whether all limits are set."""
        wanted = BOUNDS[test]
        for key in ("bound", "from", "to"):
            if (key in place.keys) != (key in wanted):
                verb = "needs" if key in wanted else "takes no"
                self.document.problem(place.path, f"`test: {test}` {verb} `{key}`")
                return LOWEST, HIGHEST, False
        values = [self._bound(place, key) for key in wanted]
        if any(value is None for value in values):
            return LOWEST, HIGHEST, False
        numbers = [value for value in values if value is not None]
        if test == "below":
            return numbers[0], HIGHEST, True
        if test == "above":
            return LOWEST, numbers[0], True
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            self.document.problem(place.path, f"`from` {numbers[0]} is above `to` {numbers[1]}")
        return (numbers[0], numbers[1], True) if numbers else (LOWEST, HIGHEST, True)

    def _bound(self, place: _Place, key: str) -> int | None:
        text = place.keys[key]
        if isinstance(text, str):
            if text in self.values:
                return self.values[text]
            number = number_of(text)
            if number is not None:
                return number
        self.document.problem(
            (*place.path, key),
            f"`{key}` is {text!r}: allowed are a whole number, an instant, or a limit",
            nearest(str(text), self.values),
        )
        return None
