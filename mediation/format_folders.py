"""Where formats are looked for: the package, ``$HUADAN_FORMATS``, and folders that were named.

An operator's own formats stand in a folder of the workspace, so that adding one does not touch the
installation. This module imports nothing heavy.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).parent / "formats"
VARIABLE: Final = "HUADAN_FORMATS"
MAPPING_FILE: Final = "mapping.yaml"

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
