"""What is wrong in an ASN.1 module that parses: every mistake at once, with its line.

asn1tools resolves nothing while it parses, so a type that is not defined, a type that is not read
here, or two fields with one tag would only show as fields that never come.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediation.errors import Problem
from mediation.formats.schema import CLASS_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mediation.formats.schema import Element

COMMENT: Final = re.compile(r"--.*?(?:--|$)")
SYNTAX: Final = re.compile(r"at line (\d+), column (\d+): (.*)", re.DOTALL)
POINTER: Final = ">!<"


@dataclass(frozen=True, slots=True)
class Text:
    """A module's lines without comments, to find where a name stands."""

    file: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> Text:
        """Reads a module; one that cannot be read has no lines."""
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        return cls(path.name, tuple(COMMENT.sub("", line) for line in text.splitlines()))

    def definition(self, name: str) -> int:
        """Returns the line (1 first) where a type is defined, 0 if it is not."""
        found = re.compile(rf"(?<![\w-]){re.escape(name)}\s*::=")
        return next((at for at, line in enumerate(self.lines, 1) if found.search(line)), 0)

    def member(self, type_name: str, member: str) -> int:
        """Returns the line of a member of a type, that of the type if it is not found."""
        begin = self.definition(type_name)
        found = re.compile(rf"(?<![\w-]){re.escape(member)}(?![\w-])")
        for at, line in enumerate(self.lines[max(begin - 1, 0) :], max(begin, 1)):
            if at > begin and "::=" in line:
                break
            if member and found.search(line.split("::=", 1)[-1]):
                return at
        return begin


def syntax_problem(files: tuple[Path, ...], message: str) -> Problem:
    """Returns the problem of modules that do not parse; the parser counts lines over all files."""
    match = SYNTAX.search(message)
    if match is None:
        return Problem(", ".join(path.name for path in files), message)
    line = int(match[1])
    name = files[-1].name
    for path in files:
        size = path.read_bytes().count(b"\n")
        if line <= size or path == files[-1]:
            name = path.name
            break
        line -= size
    found = match[3].strip()
    before, _, behind = found.partition(POINTER)
    expected = found.rpartition("Expected ")[2].rstrip(".")
    near = (before.strip("'")[-20:] + behind[:20]).partition("'")[0].strip()
    text = f"not ASN.1 at column {match[2]}, near `{near}`; expected {expected}"
    return Problem(f"{name}:{line}", " ".join(text.split()))


def module_problems(
    modules: dict[str, Any], files: tuple[Path, ...], base_types: frozenset[str]
) -> list[Problem]:
    """Returns types that are not defined or not read here, in the order of the modules.

    Args:
        modules: What asn1tools parsed.
        files: Where from.
        base_types: ASN.1 types that formats may use.
    """
    texts = [Text.of(path) for path in files]
    defined = {name for module in modules.values() for name in module["types"]}
    problems = []
    for module in modules.values():
        for name, definition in module["types"].items():
            for member, used in _used_types(definition):
                if used in defined or used in base_types:
                    continue
                close = difflib.get_close_matches(used, [*defined, *base_types], n=1)
                hint = f"did you mean `{close[0]}`?" if close else "define it, or use OCTET STRING"
                of = f"`{member}` of `{name}`" if member else f"`{name}`"
                message = f"{of}: type `{used}` is not defined or not read here"
                problems.append(Problem(_where(texts, name, member), message, hint))
    return problems


def _used_types(definition: dict[str, Any], member: str = "") -> Iterator[tuple[str, str]]:
    """Yields (member, type) for every type that a definition uses."""
    yield member, definition["type"]
    if "element" in definition:
        yield from _used_types(definition["element"], member)
    for each in definition.get("members", ()):
        if isinstance(each, dict):  # the extension mark is None
            yield from _used_types(each, each["name"])


def tag_problems(schema: tuple[Element, ...], files: tuple[Path, ...]) -> list[Problem]:
    """Returns fields that have the tag of another field beside them: only one can be read."""
    texts = [Text.of(path) for path in files]
    problems: list[Problem] = []
    seen: set[str] = set()

    def check(elements: tuple[Element, ...], type_name: str) -> None:
        by_tag: dict[tuple[int, int], Element] = {}
        for element in elements:
            other = by_tag.setdefault((element.tag_class, element.tag_number), element)
            if other is not element:
                tag = f"[{CLASS_WORDS[element.tag_class]}{element.tag_number}]"
                message = f"`{element.name}` of `{type_name}` has tag {tag}, as has `{other.name}`"
                where = _where(texts, type_name, element.name.rpartition(".")[2])
                problems.append(Problem(where, message, "give each its own tag"))
        for element in elements:
            if element.children and element.type_name not in seen:
                seen.add(element.type_name)
                check(element.children, element.type_name)

    check(schema, "the record")
    return problems


def _where(texts: list[Text], type_name: str, member: str) -> str:
    for text in texts:
        line = text.member(type_name, member)
        if line:
            return f"{text.file}:{line}"
    return texts[0].file if texts else "module"
