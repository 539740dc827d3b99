"""YAML with file and line: cells that read themselves and note what is wrong.

A book's YAML is composed, not constructed: scalars stay text (so ``NO``, ``0044`` and ``19:00``
are what was written) and every node keeps its line. A :class:`Cell` is a node with its file and
the list of problems; its methods return a value or note a problem and return None, so that a
reader goes on and all problems are told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from tariffs.dated import Dated
from tariffs.errors import Problems, Source, nearest
from tariffs.scalars import instant, looks_dated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from zoneinfo import ZoneInfo


T = TypeVar("T")
MAX_DEPTH = 12
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_ENDED = frozenset({"none", "null", "~"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One YAML node of a book, with its place and the collected problems."""

    file: str
    node: yaml.Node
    problems: Problems

    @property
    def source(self) -> Source:
        """Where the node begins."""
        return Source(self.file, self.node.start_mark.line + 1)

    @property
    def is_mapping(self) -> bool:
        """Whether the node is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether the node is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is written: a key or a dash with nothing behind it."""
        return isinstance(self.node, yaml.ScalarNode) and not str(self.node.value).strip()

    def fail(self, message: str, hint: str = "") -> None:
        """Notes a problem at this node."""
        self.problems.add(self.source, message, hint)

    def text(self, what: str) -> str | None:
        """Returns the scalar's text; ``what`` names it in the problem."""
        if isinstance(self.node, yaml.ScalarNode):
            return str(self.node.value).strip()
        kind = "a mapping" if self.is_mapping else "a list"
        self.fail(f"{what} is {kind}.", "Write one value.")
        return None

    def value(self, what: str, parse: Callable[[str], T]) -> T | None:
        """Returns the scalar as read by ``parse``, whose ValueError becomes a problem."""
        text = self.text(what)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.fail(f"{what}: {error}")
            return None

    def name(self, what: str, allowed: Collection[str]) -> str | None:
        """Returns the scalar if it is one of the allowed names."""
        text = self.text(what)
        if text is None or text in allowed:
            return text
        self.fail(f"Unknown {what} {text!r}.", nearest(text, allowed))
        return None

    def names(self, what: str, allowed: Collection[str]) -> list[str]:
        """Returns a list of allowed names; one name alone may stand without brackets."""
        found: list[str] = []
        for cell in self.items(what):
            name = cell.name(what, allowed)
            if name is not None and name in found:
                cell.fail(f"{what} {name!r} is written twice.")
            elif name is not None:
                found.append(name)
        return found

    def chosen(self, what: str, allowed: Collection[str]) -> list[str]:
        """Returns names as :meth:`names`, of a list that says for which of many something is."""
        if not self.some(what):
            return []
        return self.names(what, allowed)

    def some(self, what: str) -> list[Cell]:
        """Returns cells as :meth:`items`; an empty list, which would be for nothing, is a problem."""
        found = self.items(what)
        if not found and not self.is_mapping:
            self.fail(f"The list names no {what}.", "Name one, or leave the line out.")
        return found

    def items(self, what: str) -> list[Cell]:
        """Returns the cells of a list; a scalar counts as a list of one."""
        if isinstance(self.node, yaml.SequenceNode):
            return [Cell(self.file, node, self.problems) for node in self.node.value]
        if isinstance(self.node, yaml.ScalarNode):
            return [self] if str(self.node.value).strip() else []
        self.fail(f"{what} is a mapping.", "Write a list: each entry on a line with a dash.")
        return []

    def entries(self, what: str) -> list[tuple[str, Cell, Cell]]:
        """Returns (key, key cell, value cell) of a mapping whose keys are names of its own."""
        if self.is_blank:
            return []
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"{what} is not a mapping.", "Write `key: value` lines.")
            return []
        return [
            (
                str(key.value).strip(),
                Cell(self.file, key, self.problems),
                Cell(self.file, value, self.problems),
            )
            for key, value in self.node.value
            if isinstance(key, yaml.ScalarNode)
        ]

    def table(
        self, what: str, required: Iterable[str] = (), optional: Iterable[str] = ()
    ) -> dict[str, Cell]:
        """Returns the cells of a mapping with known keys; unknown and missing ones are noted."""
        wanted = tuple(required)
        known = (*wanted, *optional)
        found: dict[str, Cell] = {}
        for key, key_cell, cell in self.entries(what):
            if key in known:
                found[key] = cell
            else:
                comma = key.isdigit() and not str(cell.node.value).strip()
                hint = "An amount has a point, no comma." if comma else nearest(key, known)
                key_cell.fail(f"Unknown key {key!r} in {what}.", hint)
        missing = [key for key in wanted if key not in found]
        if missing and (self.is_mapping or self.is_blank):
            self.fail(f"{what} lacks {', '.join(missing)}.", f"Its keys: {', '.join(known)}.")
        return found

    def dated(self, zone: ZoneInfo, what: str, read: Callable[[Cell], T | None]) -> Dated[T]:
        """Returns a value that may be dated: ``0.30`` or ``{2026-01-01: 0.30, …}``."""
        if not self._is_dated():
            return Dated.always(read(self))
        starts: list[int] = []
        values: list[T | None] = []
        for key, key_cell, cell in self.entries(what):
            try:
                start = instant(key, zone)
            except ValueError as error:
                key_cell.fail(f"{what}: {error}")
                continue
            if starts and start <= starts[-1]:
                key_cell.fail(
                    f"{what}: {key} is not after the date before it.",
                    "Write the dates in ascending order, each once.",
                )
                continue
            if cell.is_blank:
                key_cell.fail(f"{what}: nothing is written for {key}.", "Write none to end it.")
                continue
            starts.append(start)
            values.append(None if _ends_value(cell.node) else read(cell))
        return Dated(tuple(starts), tuple(values))

    def _is_dated(self) -> bool:
        return self.is_mapping and any(
            isinstance(key, yaml.ScalarNode) and looks_dated(key.value)
            for key, _ in self.node.value
        )


def _ends_value(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value.strip() in _ENDED


def compose(file: str, data: bytes, problems: Problems) -> Cell | None:
    """Returns the root cell of a YAML file, None where it cannot be read at all."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(
            Source(file, line),
            f"Byte 0x{data[error.start]:02x} is not UTF-8.",
            "Save the file as UTF-8.",
        )
        return None
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problems.add(Source(file, line), f"Not YAML: {error.problem}.", _yaml_hint(text, line))
        return None
    except (yaml.YAMLError, RecursionError) as error:
        problems.add(Source(file, 1), f"Not YAML: {str(error).splitlines()[0]}.")
        return None
    if node is None:
        problems.add(Source(file, 1), "The file is empty.")
        return None
    cell = Cell(file, node, problems)
    return cell if _vet(cell, set(), 0) else None


def _yaml_hint(text: str, line: int) -> str:
    lines = text.splitlines()
    if 0 < line <= len(lines) and "\t" in lines[line - 1]:
        return "Indent with blanks, not tabs."
    return "Look at the indentation and at quotes and brackets that are not closed."


def _vet(cell: Cell, seen: set[int], depth: int) -> bool:
    """Notes duplicate keys; returns False for what no reader could walk (aliases, depth)."""
    node = cell.node
    if id(node) in seen:
        cell.fail("YAML anchors and aliases are not read.", "Use `inherits` or a named price.")
        return False
    if depth > MAX_DEPTH:
        cell.fail(f"Nested deeper than {MAX_DEPTH} levels.")
        return False
    if isinstance(node, yaml.SequenceNode):
        seen.add(id(node))
        fine = [_vet(Cell(cell.file, one, cell.problems), seen, depth + 1) for one in node.value]
        return all(fine)
    if not isinstance(node, yaml.MappingNode):
        return True
    seen.add(id(node))
    readable = True
    keys: dict[str, int] = {}
    for key, value in node.value:
        key_cell = Cell(cell.file, key, cell.problems)
        if not isinstance(key, yaml.ScalarNode):
            key_cell.fail("A key is a list or a mapping.", "Write a plain word.")
            readable = False
            continue
        if key.value in keys:
            key_cell.fail(
                f"Key {key.value!r} is written twice, first in line {keys[key.value]}.",
                "Keep one of them.",
            )
        keys.setdefault(key.value, key_cell.source.line)
        readable = _vet(Cell(cell.file, value, cell.problems), seen, depth + 1) and readable
    return readable
