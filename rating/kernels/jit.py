"""How the rating kernels are compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",  # a division by zero cannot raise, so calls need no check behind them
    "_nrt": False,  # nothing is allocated; without it each array read from a tuple is counted
}


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a small helper into its callers: an array is seven arguments of a real call."""
    compiled: Callable[..., Any] = njit(**OPTIONS, forceinline=True)(function)
    return compiled


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function that allocates nothing, raises nothing and holds no lock."""
    compiled: Callable[..., Any] = njit(**OPTIONS)(function)
    return compiled
