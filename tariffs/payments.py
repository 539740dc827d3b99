"""What of a subscriber's usage another account pays: rules of the book, looked at after pricing.

The subscriber data says which account pays which payment for whom (``payers.csv``); the book says
what a payment is for and up to how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tariffs.compiled import FOREVER

if TYPE_CHECKING:
    from tariffs.dated import Dated
    from tariffs.errors import Source
    from tariffs.model import Conditions


@dataclass(frozen=True, slots=True)
class PaidUsage:
    """Events of some classes that start in some bands of a time model.

    ``time_model`` is an index, ``bands`` are book-wide ones, None: all. ``clock`` is an index in
    CLOCKS: which local time the bands look at.
    """

    source: Source
    when: Conditions
    time_model: int
    bands: frozenset[int] | None
    clock: int


@dataclass(frozen=True, slots=True)
class Payment:
    """What another account pays: events that one of ``usage`` is for.

    ``limit``: the most that it pays for one subscriber in a cycle, 10^-6, None: everything. Where it
    has no value at the cycle's beginning, the payment does not exist.
    """

    id: str
    name: str
    source: Source
    usage: tuple[PaidUsage, ...]
    limit: Dated[int] | None

    def limit_at(self, when_us: int) -> int | None:
        """Returns the limit of a cycle that begins at an instant; FOREVER: there is none.

        None: the payment does not exist then.
        """
        return FOREVER if self.limit is None else self.limit.at(when_us)
