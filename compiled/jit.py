"""How kernels are compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numba
from numba.core import config

from compiled.kept import Kept
from compiled.stamp import LOCATORS

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",  # a division by zero cannot raise, so calls need no check behind them
    "_nrt": False,  # nothing is allocated; without it every call counts references atomically
}

NAMED: Final = "CACHE_LOCATOR_CLASSES"
"""Where numba's configuration names the classes; its module has no static attributes."""


def njit(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: ANN401
    """Returns numba's decorator of this name, with a cache that no update makes dangerous.

    Where nothing can be kept (no folder can be written), kernels are compiled in each process.
    """

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        made: Callable[..., Any] = numba.njit(**options | {"cache": False})(function)
        before = getattr(config, NAMED)
        setattr(config, NAMED, LOCATORS)
        try:
            if options.get("cache"):
                vars(made)["_cache"] = Kept(function)  # type: ignore[no-untyped-call]
        except RuntimeError:  # numba: no locator available
            return made
        finally:
            setattr(config, NAMED, before)
        return made

    return compiled


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a small helper into its callers: an array is seven arguments of a real call."""
    return njit(**OPTIONS, forceinline=True)(function)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function that allocates nothing, raises nothing and holds no lock."""
    return njit(**OPTIONS)(function)
