"""The tariff book: files that people edit, compiled to flat arrays.

``load_book(folder)`` reads, ``compile_book(book)`` makes arrays, ``check_book(book, compiled)``
finds holes. The functions are imported when they are first used, so that importing the package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tariffs.check import check_book
    from tariffs.compile import compile_book
    from tariffs.load import load_book

__all__ = ["check_book", "compile_book", "load_book"]

_HOMES = {
    "check_book": "tariffs.check",
    "compile_book": "tariffs.compile",
    "load_book": "tariffs.load",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # the module protocol
    """Returns a public function, imported now."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module 'tariffs' has no attribute {name!r}"
    raise AttributeError(msg)
