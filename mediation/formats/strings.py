"""YAML as people mean it: every scalar is a string, a repeated key is an error, places are kept.

YAML 1.1 would turn ``NO``, ``0044`` or ``1F: 1e3`` into something else; a mapping file never wants
that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from mediation.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

# libyaml reads nine times as fast, and marks the same places.
LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader

type_names = {"str": "text", "dict": "a block of keys", "list": "a list"}


@dataclass(slots=True)
class Document:
    """A YAML file as strings, lists and dicts, with the line of every key and item.

    Attributes:
        path: The file.
        root: What stands in it; an empty dict when it cannot be read.
        lines: Path of keys (list positions as text) to line, 1 first.
        problems: What is wrong so far; readers of the document add theirs.
        base: The document that this one is a variant of.
    """

    path: Path
    root: dict[str, object] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    base: Document | None = None

    def where(self, keys: tuple[str, ...]) -> str:
        """Returns ``file:line`` of the nearest known place at or above `keys`."""
        if self.base is not None and keys not in self.lines and keys in self.base.lines:
            return f"{self.base.path.parent.name}/{self.base.where(keys)}"
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path.name}:{self.lines.get(keys, 1)}"

    def problem(self, keys: tuple[str, ...], message: str, hint: str = "") -> None:
        """Notes a mistake at the place of `keys`."""
        self.problems.append(Problem(self.where(keys), message, hint))

    def block(self, holder: object, keys: tuple[str, ...], what: str) -> dict[str, object]:
        """Returns `holder` if it is a block of keys; notes a problem and returns {} if not."""
        if isinstance(holder, dict):
            return holder
        found = type_names.get(type(holder).__name__, "nothing")
        self.problem(keys, f"{what} is a block of keys, not {found}")
        return {}

    def text(self, holder: object, keys: tuple[str, ...], what: str) -> str:
        """Returns `holder` if it is text; notes a problem and returns an empty string if not."""
        if isinstance(holder, str) and holder:
            return holder
        self.problem(keys, f"{what} is missing or is not text")
        return ""


def read_document(path: Path) -> Document:
    """Reads a YAML file; whatever is wrong with it is in the document's problems."""
    document = Document(path)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        if mark is not None:
            document.lines[()] = mark.line + 1
        document.problem((), f"cannot be read as YAML: {error}".replace("\n", " "))
        return document
    if not isinstance(node, yaml.MappingNode):
        document.problem((), "the file holds a block of keys, nothing else")
        return document
    root = _convert(node, (), document)
    document.root = root if isinstance(root, dict) else {}
    return document


def _convert(node: yaml.Node, keys: tuple[str, ...], document: Document) -> object:
    """Turns a YAML node into strings, lists and dicts and keeps where they stand."""
    document.lines.setdefault(keys, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        items: list[object] = []
        for position, item in enumerate(node.value):
            items.append(_convert(item, (*keys, str(position)), document))
        return items
    if isinstance(node, yaml.MappingNode):
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            place = (*keys, key)
            if key in found:
                line = f"{document.path.name}:{key_node.start_mark.line + 1}"
                document.problems.append(Problem(line, f"`{key}` stands here twice", "remove one"))
                continue
            document.lines[place] = key_node.start_mark.line + 1
            found[key] = _convert(value_node, place, document)
        return found
    return str(node.value)
