"""Where formats are looked for: the package, ``$HUADAN_FORMATS``, and folders that were named.

An operator's own formats stand in a folder of the workspace, so that adding one does not touch the
installation. This module imports nothing heavy.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mediation.errors import MediationConfigError, Problem, nearest
from mediation.flat.layout import KINDS as FLAT_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).parent / "formats"
VARIABLE: Final = "HUADAN_FORMATS"
MAPPING_FILE: Final = "mapping.yaml"
BER: Final = "ber"
KINDS: Final = (BER, *FLAT_KINDS)
"""What a format may be made of; a mapping that does not say `kind` is for BER."""
KIND_LINE: Final = re.compile(r"^kind:[ \t]*(\w+)", re.MULTILINE)

_named: list[Path] = []


def look_in(folder: Path) -> None:
    """Adds a folder whose subfolders are formats; a second time changes nothing."""
    folder = folder.absolute()
    if folder not in _named:
        _named.append(folder)


@contextmanager
def looking_in(folder: Path) -> Iterator[None]:
    """Looks in a folder for a while only."""
    before = list(_named)
    look_in(folder)
    try:
        yield
    finally:
        _named[:] = before


def folders() -> tuple[Path, ...]:
    """Returns the folders that are looked in: the package's first, then in order of naming."""
    named = [
        Path(part).absolute() for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part
    ]
    return tuple(dict.fromkeys((PACKAGE, *named, *_named)))


def found() -> dict[str, tuple[Path, ...]]:
    """Returns the folders of each format by its name, sorted; more than one is a mistake."""
    by_name: dict[str, list[Path]] = {}
    for folder in folders():
        for mapping in folder.glob(f"*/{MAPPING_FILE}"):
            by_name.setdefault(mapping.parent.name, []).append(mapping.parent)
    return {name: tuple(by_name[name]) for name in sorted(by_name)}


def available(kind: str | None = None) -> tuple[str, ...]:
    """Returns the names of the formats that are at hand, sorted.

    Args:
        kind: One of `KINDS`, None for all formats.
    """
    paths = {name: places[0] / MAPPING_FILE for name, places in found().items()}
    return tuple(name for name, path in paths.items() if kind in {None, _kind(path)})


def kind_of(name: str) -> str:
    """Returns what a format is made of, one of `KINDS`, without loading it.

    Raises:
        MediationConfigError: There is no such format, or several have this name.
    """
    return _kind(folder_of(name) / MAPPING_FILE)


def _kind(path: Path) -> str:
    """Returns what a mapping file says it is for, without reading the rest of it."""
    found = KIND_LINE.search(path.read_text(encoding="utf-8", errors="replace"))
    return BER if found is None else found[1]


def folder_of(name: str) -> Path:
    """Returns the folder of a format.

    Raises:
        MediationConfigError: There is no such format, or several have this name.
    """
    places = found().get(name, ())
    if len(places) == 1:
        return places[0]
    message, hint = f"`{name}` is not a known format", nearest(name, available())
    if places:
        message = f"`{name}` is the name of {len(places)} formats"
        hint = "rename one of: " + ", ".join(str(place) for place in places)
    raise MediationConfigError([Problem("format", message, hint)])
