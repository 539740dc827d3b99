"""CDR formats: one folder each with a mapping, no Python; BER formats have an ASN.1 module too.

`available` names them, `load` reads, checks and compiles one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, cast

from mediation.errors import MediationConfigError, Problem, nearest
from mediation.flat.layout import KINDS as FLAT_KINDS
from mediation.format_folders import (
    BER,
    KINDS,
    MAPPING_FILE,
    available,
    folder_of,
    folders,
    kind_of,
)
from mediation.formats.file_rule import check_codes, read_file_rule
from mediation.formats.mapping import read_mapping
from mediation.formats.numbers import read_numbers
from mediation.formats.outer import Root, outer_type, read_outer
from mediation.formats.outline import LEAST_VALUES, Outline, keep_outline, read_outline, shared
from mediation.formats.rules import Mapping
from mediation.formats.schema import Element, SchemaError, load_schema
from mediation.formats.strings import Document, read_document
from mediation.formats.variants import inherit, tag_mode
from mediation.partials.rules import forget_rules

if TYPE_CHECKING:
    from pathlib import Path

    from mediation.flat.plan import FlatPlan
    from mediation.plan import Plan

__all__ = ["BER", "Format", "available", "folder_of", "kind_of", "load", "load_folder", "outline"]


@dataclass(frozen=True, slots=True)
class Format:
    """One CDR format, ready to decode.

    Attributes:
        name: The folder's name.
        folder: Where its module, mapping and README are.
        module_files: Its ASN.1 modules; also what an encoder of test data compiles. Empty, like
            `record` and `schema`, for a flat format.
        record: Name of the ASN.1 type of one record.
        schema: What a record may be, as elements on the wire.
        mapping: The checked mapping; of a flat format only its title, the rest is in the plan.
        plan: The mapping as flat arrays for the kernel.
        outer: What may stand around the records; empty where they stand alone.
        least_values: Values that a record holds directly inside, at the least.
    """

    name: str
    folder: Path
    module_files: tuple[Path, ...]
    record: str
    schema: tuple[Element, ...]
    mapping: Mapping
    plan: Plan | FlatPlan
    outer: tuple[Root, ...] = ()
    least_values: int = LEAST_VALUES

    @property
    def title(self) -> str:
        """One line about the format."""
        return self.mapping.title

    @property
    def flat(self) -> FlatPlan | None:
        """The plan of a flat format, None for BER."""
        return None if self.schema else cast("FlatPlan", self.plan)

    @property
    def ber(self) -> Plan:
        """The plan of a BER format."""
        return cast("Plan", self.plan)


def load(name: str) -> Format:
    """Loads a format that is at hand; the second time it is ready.

    Raises:
        MediationConfigError: There is no such format or several, or its files are wrong.
    """
    return _load(folders(), name)


@cache
def _load(_searched: tuple[Path, ...], name: str) -> Format:
    return _load_once(folder_of(name))


def read(name: str) -> Format:
    """Loads a format as its files are now, whatever is ready.

    Raises:
        MediationConfigError: There is no such format or several, or its files are wrong.
    """
    return _read(folder_of(name))


def forget() -> None:
    """Has every format be read anew when it is used next: its files may have changed."""
    for kept in (_load, _load_once, _outline_once):
        kept.cache_clear()
    forget_rules()


@cache
def _load_once(folder: Path) -> Format:
    return _read(folder)


def _read(folder: Path) -> Format:
    try:
        return load_folder(folder)
    except MediationConfigError as error:  # every format has a mapping.yaml: say whose
        told = [replace(each, where=f"{folder.name}/{each.where}") for each in error.problems]
        raise MediationConfigError(told) from None


def load_folder(folder: Path) -> Format:
    """Loads a format from any folder with a mapping and, for BER, the module that it names.

    Raises:
        MediationConfigError: With every mistake in the mapping, or the module's first one.
    """
    document = read_document(folder / MAPPING_FILE)
    kind = document.root.get("kind", BER)
    if kind in FLAT_KINDS:
        return _load_flat(folder, document)
    if kind != BER:
        document.problem(("kind",), f"`{kind}` is no kind of format", nearest(str(kind), KINDS))
    return _load_ber(folder, document)


def _load_flat(folder: Path, document: Document) -> Format:
    from mediation.flat.mapping import read_layout  # noqa: PLC0415 - it imports this package
    from mediation.flat.plan import compile_flat  # noqa: PLC0415 - numpy only when decoding

    layout = read_layout(document)
    if document.problems:
        raise MediationConfigError(document.problems)
    columns = (rule.column for each in layout.types for rule in each.columns)
    mapping = Mapping(layout.title, numbers=read_numbers(document, columns))
    if document.problems:
        raise MediationConfigError(document.problems)
    return Format(folder.name, folder, (), "", (), mapping, compile_flat(layout))


def _load_ber(folder: Path, document: Document) -> Format:
    from mediation.plan import compile_plan  # noqa: PLC0415 - pyarrow and numpy only when decoding

    home = inherit(document, folder, folder_of)
    module = document.text(document.root.get("module"), ("module",), "`module`")
    record = document.text(document.root.get("record"), ("record",), "`record`")
    if document.problems:
        raise MediationConfigError(document.problems)
    files = tuple(home / name for name in module.split())
    kept = read_outline(folder)
    outline = _outline(document, files, record) if kept is None else kept
    mapping = read_mapping(document, outline.schema)
    numbers = read_numbers(document, mapping.columns())
    mapping = replace(mapping, file=read_file_rule(document, outline.outer), numbers=numbers)
    check_codes(document, mapping)
    if document.problems:
        raise MediationConfigError(document.problems)
    if kept is None:
        mappings = (document.path, *([document.base.path] if document.base else []))
        keep_outline(folder, (*mappings, *files), outline)
    schema, outer = outline.schema, outline.outer
    plan = compile_plan(mapping, schema)
    least = outline.least_values
    return Format(folder.name, folder, files, record, schema, mapping, plan, outer, least)


def _outline(document: Document, files: tuple[Path, ...], record: str) -> Outline:
    """Reads the format's modules."""
    around = outer_type(document)
    schema = _schema(document, files, record)
    outermost = _schema(document, files, around) if around else ()
    outer = read_outer(document, outermost, schema) if around else ()
    least = str(document.root.get("least_values", LEAST_VALUES))
    if not least.isdecimal() or not 1 <= int(least) <= LEAST_VALUES:
        message = f"`least_values` is `{least}`; it is a number from 1 to {LEAST_VALUES}"
        document.problem(("least_values",), message)
        return Outline(schema, outer)
    return shared(Outline(schema, outer, int(least)))


def _schema(document: Document, files: tuple[Path, ...], record: str) -> tuple[Element, ...]:
    """Returns the elements of a type; mistakes of the modules go to the document.

    Raises:
        MediationConfigError: No elements could be made.
    """
    try:
        return load_schema(files, record, tag_mode(document))
    except SchemaError as error:
        where = document.where(("module",))
        found = error.problems or (Problem(where, str(error)),)
        document.problems += [each for each in found if each not in document.problems]
        if not error.schema:
            raise MediationConfigError(document.problems) from error
        return error.schema


def outline(name: str) -> Outline:
    """Returns what framing and detection need of a format, without its mapping if it can.

    Raises:
        MediationConfigError: There is no such format or several, or its files are wrong.
    """
    return _outline_once(folder_of(name))


@cache
def _outline_once(folder: Path) -> Outline:
    kept = read_outline(folder)
    if kept is not None:
        return kept
    loaded = _load_once(folder)
    return Outline(loaded.schema, loaded.outer, loaded.least_values)
