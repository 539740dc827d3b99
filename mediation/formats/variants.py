"""Variants: a mapping that is another format's but for what it says itself.

In ``mapping.yaml`` of the variant::

    variant_of: 3gpp_cs   # module, record, tables, types and all else come from there
    tags: explicit        # every tag of the module wraps the universal one, whatever the module says
    types:
      moCallRecord:
        columns:          # a column that stands here replaces the other format's
          start_time: local_time(bcd YYMMDDhhmmss) answerTime
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.format_folders import MAPPING_FILE
from mediation.formats.strings import read_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mediation.formats.strings import Document

VARIANT: Final = "variant_of"
TAGS: Final = "tags"
TAG_MODES: Final = ("explicit", "implicit")


def inherit(document: Document, folder: Path, folder_of: Callable[[str], Path]) -> Path:
    """Completes a variant's mapping from the format that it varies.

    Args:
        document: The mapping file; what it does not say is filled in, at every level.
        folder: Where it stands.
        folder_of: Finds the folder of a format by its name.

    Returns:
        The folder of its modules: its own where it names one, else the other format's.

    Raises:
        MediationConfigError: There is no such format.
    """
    if VARIANT not in document.root:
        return folder
    name = document.text(document.root[VARIANT], (VARIANT,), f"`{VARIANT}`")
    base_folder = folder_of(name) if name else folder
    base = read_document(base_folder / MAPPING_FILE)
    if VARIANT in base.root:
        message = f"`{name}` is a variant itself; name the format that it varies"
        document.problem((VARIANT,), message, str(base.root[VARIANT]))
        return folder
    own_module = "module" in document.root
    document.root = merged(base.root, document.root)
    document.base = base
    document.problems += base.problems
    return folder if own_module else base_folder


def merged(base: dict[str, object], own: dict[str, object]) -> dict[str, object]:
    """Returns `base` with everything that `own` says; blocks of keys are merged key by key."""
    result = dict(base)
    for key, value in own.items():
        before = result.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        result[key] = merged(before, value) if both else value  # type: ignore[arg-type] # both are
    return result


def tag_mode(document: Document) -> str | None:
    """Returns ``EXPLICIT`` or ``IMPLICIT`` where the mapping decides, None where the module does."""
    said = document.root.get(TAGS)
    if said is None or said in TAG_MODES:
        return None if said is None else str(said).upper()
    document.problem((TAGS,), f"`{TAGS}` is `{said}`", f"allowed: {', '.join(TAG_MODES)}")
    return None
