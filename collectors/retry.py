"""Trying again after a lost connection: later each time, and never all at the same moment."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from collectors.errors import LostError

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how soon."""

    tries: int = 4
    first_seconds: float = 1.0
    """Pause after the first failure; doubled each time."""
    longest_seconds: float = 60.0

    def pause(self, failures: int) -> float:
        """Returns seconds to wait after so many failures, between half and all of the step."""
        step = min(self.longest_seconds, self.first_seconds * 2.0 ** (failures - 1))
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def call(self, action: Callable[[], Value]) -> Value:
        """Returns ``action()``; after a lost connection it is tried again.

        Raises:
            LostError: the last try failed, too. And what else `action` raises, at once.
        """
        for failures in range(1, self.tries):
            try:
                return action()
            except LostError:
                time.sleep(self.pause(failures))
        return action()
