"""ASN.1 modules as trees of elements as they stand on the wire.

asn1tools parses the module; it does not say which tags end up on the wire. This module resolves
type references, tag modes (an IMPLICIT tag over a CHOICE is EXPLICIT, X.680 31.2.7), untagged
CHOICEs and lists into `Element` trees that the plan compiler, the inspector and the twin share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from mediation.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

UNIVERSAL: Final = 0
APPLICATION: Final = 1
CONTEXT: Final = 2
PRIVATE: Final = 3

CLASSES: Final = {
    "UNIVERSAL": UNIVERSAL,
    "APPLICATION": APPLICATION,
    "CONTEXT": CONTEXT,
    "PRIVATE": PRIVATE,
}

CLASS_WORDS: Final = ("UNIVERSAL ", "APPLICATION ", "", "PRIVATE ")
"""How ASN.1 writes the class of a tag, by its number."""

UNIVERSAL_TAGS: Final = {
    "BOOLEAN": 1,
    "INTEGER": 2,
    "BIT STRING": 3,
    "OCTET STRING": 4,
    "NULL": 5,
    "OBJECT IDENTIFIER": 6,
    "ENUMERATED": 10,
    "UTF8String": 12,
    "SEQUENCE": 16,
    "SEQUENCE OF": 16,
    "SET": 17,
    "SET OF": 17,
    "NumericString": 18,
    "PrintableString": 19,
    "IA5String": 22,
    "GraphicString": 25,
    "VisibleString": 26,
    "GeneralString": 27,
}

CONSTRUCTED: Final = frozenset({"SEQUENCE", "SEQUENCE OF", "SET", "SET OF", "CHOICE", "EXPLICIT"})
LISTS: Final = frozenset({"SEQUENCE OF", "SET OF"})
BASE_TYPES: Final = frozenset({*UNIVERSAL_TAGS, "CHOICE"})
MAX_NESTING: Final = 24


class SchemaError(ValueError):
    """An ASN.1 module that cannot be used; says what and where.

    Attributes:
        problems: Every mistake that was found.
        schema: The elements as far as they could be made; empty if they could not.
    """

    def __init__(
        self, message: str, problems: Iterable[Problem] = (), schema: tuple[Element, ...] = ()
    ) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.schema = schema


@dataclass(frozen=True, slots=True)
class Element:
    """One element as it stands on the wire: one tag, and what may be inside.

    Attributes:
        name: Field name; empty for the element of a list and for what an EXPLICIT tag wraps.
        tag_class: 0 universal, 1 application, 2 context, 3 private.
        tag_number: Number of the outermost tag.
        kind: ASN.1 base type, or ``CHOICE`` / ``EXPLICIT`` for a wrapper that carries the tag.
        type_name: The type's name in the module; the base type where it has none.
        children: What may be inside; empty for primitive types.
        names: Number to name of an ENUMERATED or INTEGER with named values.
    """

    name: str
    tag_class: int
    tag_number: int
    kind: str
    type_name: str
    children: tuple[Element, ...] = ()
    names: tuple[tuple[int, str], ...] = ()

    @property
    def constructed(self) -> bool:
        """True if bit 6 of the tag is set on the wire."""
        return self.kind in CONSTRUCTED

    @property
    def is_list(self) -> bool:
        """True for SEQUENCE OF and SET OF."""
        return self.kind in LISTS


class _Resolver:
    """Resolves the types of parsed modules to elements."""

    def __init__(self, modules: dict[str, Any], tags: str | None = None) -> None:
        self.types: dict[str, tuple[dict[str, Any], str]] = {}
        for module in modules.values():
            mode = tags or module.get("tags") or "EXPLICIT"
            for name, definition in module["types"].items():
                self.types[name] = (definition, mode)

    def elements(
        self, name: str, definition: dict[str, Any], mode: str, depth: int = 0
    ) -> tuple[Element, ...]:
        """Returns the elements that a member may put on the wire: several for an untagged CHOICE."""
        if depth > MAX_NESTING:
            msg = f"type of `{name}` is nested deeper than {MAX_NESTING} levels; recursive?"
            raise SchemaError(msg)
        base, base_mode, type_name, inner_tag = self.base(definition, mode)
        tag = definition.get("tag")
        if tag is None:
            tag = inner_tag
        children = self.children(base, base_mode, depth + 1)
        kind = base["type"]
        if tag is None:
            if kind == "CHOICE":
                return self.prefixed(name, children)
            number = UNIVERSAL_TAGS.get(kind)
            if number is None:
                msg = f"`{name}`: type {kind} is not supported; use OCTET STRING"
                raise SchemaError(msg)
            return (Element(name, UNIVERSAL, number, kind, type_name, children, _names(base)),)
        tag_class = CLASSES[tag.get("class", "CONTEXT")]
        explicit = tag.get("kind", mode) == "EXPLICIT"
        if explicit and kind != "CHOICE":
            bare = {key: value for key, value in definition.items() if key != "tag"}
            inside = self.elements("", bare, mode, depth + 1)
            return (Element(name, tag_class, tag["number"], "EXPLICIT", type_name, inside),)
        return (Element(name, tag_class, tag["number"], kind, type_name, children, _names(base)),)

    def prefixed(self, name: str, children: tuple[Element, ...]) -> tuple[Element, ...]:
        """Names the alternatives of an untagged CHOICE after their field: ``field.alternative``."""
        if not name:
            return children
        return tuple(
            Element(
                f"{name}.{child.name}",
                child.tag_class,
                child.tag_number,
                child.kind,
                child.type_name,
                child.children,
                child.names,
            )
            for child in children
        )

    def base(
        self, definition: dict[str, Any], mode: str
    ) -> tuple[dict[str, Any], str, str, dict[str, Any] | None]:
        """Follows references: base definition, its module's tag mode, first name, tag on the way."""
        type_name = definition["type"]
        tag: dict[str, Any] | None = None
        seen: set[str] = set()
        while definition["type"] in self.types:
            reference = definition["type"]
            if reference in seen:
                msg = f"type {reference} is defined as itself"
                raise SchemaError(msg)
            seen.add(reference)
            definition, mode = self.types[reference]
            if tag is None:
                tag = definition.get("tag")
        return definition, mode, type_name, tag

    def children(self, base: dict[str, Any], mode: str, depth: int) -> tuple[Element, ...]:
        """Returns what may stand inside a constructed type."""
        if base["type"] in LISTS:
            return self.elements("", base["element"], mode, depth)
        found: list[Element] = []
        for member in base.get("members", ()):
            if isinstance(member, dict):  # the extension mark is None
                found.extend(self.elements(member["name"], member, mode, depth))
        return tuple(found)


def _names(base: dict[str, Any]) -> tuple[tuple[int, str], ...]:
    if base["type"] == "ENUMERATED":
        return tuple((value[1], value[0]) for value in base["values"] if isinstance(value, tuple))
    named = base.get("named-numbers") or {}
    return tuple(sorted((number, name) for name, number in named.items()))


def load_schema(files: Iterable[Path], record: str, tags: str | None = None) -> tuple[Element, ...]:
    """Returns the elements that a record of type `record` may be, in the module's order.

    Args:
        files: The format's ASN.1 modules.
        record: Name of the type of one record: a CHOICE, or what every record is.
        tags: ``EXPLICIT`` or ``IMPLICIT`` instead of what the modules say.

    Raises:
        SchemaError: A module does not parse, the type is missing, or something in the modules
            cannot be used; carries every problem.
    """
    # A quarter of a second, and what it makes is kept (outline.py).
    import asn1tools  # noqa: PLC0415

    from mediation.formats import module_check  # noqa: PLC0415 - it needs Element itself

    paths = tuple(files)
    names = [str(path) for path in paths]
    try:
        modules = asn1tools.parse_files(names)
    except OSError as error:
        missing = Problem(paths[0].name, f"cannot be read: {error.strerror}")
        message = f"ASN.1 module {', '.join(names)}: {error}"
        raise SchemaError(message, [missing]) from error
    except asn1tools.ParseError as error:
        message = f"ASN.1 module {', '.join(names)}: {error}"
        problem = module_check.syntax_problem(paths, str(error))
        raise SchemaError(message, [problem]) from error
    problems = module_check.module_problems(modules, paths, BASE_TYPES)
    resolver = _Resolver(modules, tags)
    schema: tuple[Element, ...] = ()
    try:
        if record not in resolver.types:
            known = ", ".join(sorted(resolver.types))
            message = f"record type {record} is not defined in {', '.join(names)}; defined: {known}"
            raise SchemaError(message)  # noqa: TRY301 - one place tells all that is wrong
        found = resolver.elements("", {"type": record}, "IMPLICIT")
        # Records of one type without a CHOICE around: the type itself names what it is.
        schema = tuple(each if each.name else replace(each, name=record) for each in found)
    except SchemaError as error:
        if not problems:
            raise
        problems.append(Problem(paths[0].name, str(error)))
    problems += module_check.tag_problems(schema, paths)
    if problems:
        raise SchemaError("\n".join(str(problem) for problem in problems), problems, schema)
    return schema
