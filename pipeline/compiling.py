"""Says why a first run takes minutes: the kernels are compiled for this machine, once."""

from __future__ import annotations

from functools import lru_cache
from time import monotonic

from numba.core import event

from pipeline.logs import log

SILENT_S = 2.0
"""What is compiled sooner is not worth a word."""


class Teller(event.Listener):
    """Hears of every function that is compiled, not of those that the cache holds."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._told = False

    def on_start(self, event: event.Event) -> None:
        """A function is to be compiled: tells it if compiling has taken long already."""
        del event
        now = monotonic()
        if self._began is None:
            self._began = now
        if not self._told and now - self._began > SILENT_S:
            self._told = True
            log().info("compiling_kernels", once="after installation", takes="a minute or two")

    def on_end(self, event: event.Event) -> None:
        """Nothing is told of the end."""


@lru_cache(maxsize=1)
def tell_compiling() -> None:
    """Logs it once in a process when kernels have to be compiled."""
    event.register("numba:compile", Teller())  # type: ignore[no-untyped-call]
