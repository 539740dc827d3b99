"""What partners charge us: a dated table of our own by network, service and zone.

Where a roaming partner's record says what it charges, that is the cost of the event. Elsewhere the
table ``wholesale.csv`` says what it will charge: networks abroad for roaming, and for calls that leave
the home network whoever carries them to their zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tariffs.dated import Dated
    from tariffs.errors import Source

HOME_NETWORK = ""
"""In place of a network: the event happened in a home network."""


class WholesalePrice(NamedTuple):
    """What a partner takes from a date on; 10^-6 of the book's currency for every ``per`` units."""

    price: int
    per: int
    beat: int
    rum: int
    """Index in RUMS: seconds, total bytes or events."""
    source: Source

    def cost(self, units: int) -> int:
        """Returns the cost of a quantity in whole beats, 10^-6, rounded half up."""
        counted = -(-units // self.beat) * self.beat
        return (2 * counted * self.price + self.per) // (2 * self.per)


@dataclass(frozen=True, slots=True)
class WholesaleRate:
    """A partner's rates for some events; None: any direction that charges the served party, any zone."""

    partner: str
    network: str
    service: int
    direction: int | None
    zone: int | None
    price: Dated[WholesalePrice]

    def fits(self, network: str, service: int, direction: int, zone: int) -> bool:
        """Tells whether the rate is meant for an event."""
        return (
            (network, service) == (self.network, self.service)
            and self.direction in (None, direction)
            and self.zone in (None, zone)
        )


def rate_of(
    rates: Iterable[WholesaleRate],
    network: str,
    service: int,
    direction: int,
    zone: int,
    when_us: int,
) -> tuple[WholesaleRate, WholesalePrice] | None:
    """Returns the first rate that is meant for an event and has a price at its start, None if none.

    Args:
        rates: Those of the book, in the order of the table.
        network: Where the event happened, HOME_NETWORK in all home networks.
        service: Index in SERVICES.
        direction: Index in DIRECTIONS.
        zone: Index in the book's zones.
        when_us: Start of the event, UTC microseconds.
    """
    for one in rates:
        price = one.price.at(when_us)
        if price is not None and one.fits(network, service, direction, zone):
            return one, price
    return None
