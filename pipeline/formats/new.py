"""``huadan format new``: lays out the folder of a format, ready to compile."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from string import Template
from typing import Final

from mediation import formats
from pipeline.errors import HuadanError, UsageError
from pipeline.writing import writing

SKELETON: Final = Path(formats.__file__).parent.parent / "format_skeleton"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]*$")
KINDS: Final = {"ber": "callRecord", "delimited": "call", "fixed_width": "call"}
"""Kind of format, a folder of the skeleton, to the one record type that it begins with."""

FILES: Final = {
    "module.asn": "{name}.asn",
    "mapping.yaml": "mapping.yaml",
    "README.md": "README.md",
    "test.py.txt": "test_{name}.py",
}
"""File of the skeleton to file of the format; the README is that of all kinds."""


def lay_out(name: str, folder: Path, kind: str = "ber") -> list[Path]:
    """Writes a new format's files; returns them.

    Args:
        name: Name of the format: small letters, digits, underscores.
        folder: Where formats stand; made as needed.
        kind: One of KINDS.

    Raises:
        UsageError: The name cannot be used or is taken.
    """
    if not NAME.match(name):
        message = f"{name!r} cannot name a format"
        raise UsageError(message, "use small letters, digits and underscores, such as acme_pbx")
    target = folder / name
    if target.exists() or name in formats.available():
        message = f"there is a format {name!r} already"
        raise UsageError(message, "choose another name, or edit that one")
    words = [word.capitalize() for word in name.split("_") if word]
    type_name = "".join(words) if words[0][0].isalpha() else "Cdr" + "".join(words)
    values = {"name": name, "Type": type_name, "record": KINDS[kind]}
    made = []
    try:
        with writing(target):
            target.mkdir(parents=True)
            for source, pattern in FILES.items():
                text = _skeleton(kind, source)
                if not text:
                    continue
                path = target / pattern.format(name=name)
                path.write_text(Template(text).substitute(values), encoding="utf-8")
                made.append(path)
    except HuadanError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return made


def _skeleton(kind: str, source: str) -> str:
    """Returns a file of a kind's skeleton, else the one for all kinds; nothing if it has none."""
    for path in (SKELETON / kind / source, SKELETON / source):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""
