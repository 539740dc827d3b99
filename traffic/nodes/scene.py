"""What the records of all nodes are drawn from: people, numbers, places and a clock that goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from traffic.digits import INTERNATIONAL, NATIONAL, UNKNOWN, tbcd
from traffic.encode import time_stamp
from traffic.network import FOREIGN, HOME_OFFSET, OTHER_PREFIX, OWN_PREFIX, SERVICE_LINE

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    Value = dict[str, Any]
    Record = tuple[str, Any]

BEGIN = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
HOME = b"\x64\xf0\x00"
PEOPLE = 50_000


@dataclass(frozen=True, slots=True)
class Person:
    """A subscriber: IMSI (15 digits), MSISDN (13), IMEI (15)."""

    imsi: str
    msisdn: str
    imei: str


@dataclass(slots=True)
class Scene:
    """Everything that is drawn for one file; the same seed draws the same.

    Attributes:
        rng: Where chance comes from.
        now: UTC seconds at which the next record is closed.
        number: Records so far.
    """

    rng: random.Random
    now: int = BEGIN
    number: int = 0
    trunks: tuple[bytes, ...] = field(default=tuple(b"TG%03d" % number for number in range(40)))

    def step(self) -> int:
        """Goes on to the next record; returns when it is closed, UTC seconds."""
        self.number += 1
        self.now += self.rng.choice((0, 0, 0, 1))
        return self.now

    def person(self) -> Person:
        """Returns one of the home network's subscribers."""
        row = self.rng.randrange(PEOPLE)
        area = 10 + row % 3 * 5
        return Person(
            f"46000{area}{row:08d}", f"{OWN_PREFIX}{area}{row:06d}", f"35{row * 7919:012d}0"
        )

    def party(self) -> tuple[int, str]:
        """Returns whom people call: type of number, and the digits as dialled."""
        luck, rng = self.rng.random(), self.rng
        if luck < 0.45:
            return UNKNOWN, self.person().msisdn[2:]
        if luck < 0.70:
            return NATIONAL, f"{OTHER_PREFIX % 1000}{rng.randrange(10**8):08d}"
        if luck < 0.85:
            return INTERNATIONAL, f"{OTHER_PREFIX}{rng.randrange(10**8):08d}"
        if luck < 0.93:
            return UNKNOWN, f"0{rng.choice((10, 20, 21))}{rng.randrange(10**8):08d}"
        if luck < 0.96:
            return UNKNOWN, str(SERVICE_LINE)
        country, digits = rng.choice(FOREIGN)
        return UNKNOWN, f"00{country}{rng.randrange(10 ** (digits - 1), 10**digits)}"

    def seconds(self) -> int:
        """Returns how long a call lasts: many short ones, few long ones."""
        return min(int(self.rng.lognormvariate(4.2, 1.2)) + 1, 7_000)

    def octets(self) -> tuple[int, int]:
        """Returns octets sent and received of one container."""
        down = min(int(self.rng.lognormvariate(13.0, 3.0)), 1 << 34)
        return down // self.rng.randrange(5, 40) + 60, down + 60

    def some(self, share: float) -> bool:
        """Returns True so often."""
        return self.rng.random() < share


def number(digits: str, first: int = INTERNATIONAL) -> bytes:
    """Returns an AddressString or BCDDirectoryNumber; `first` is its type of number and plan."""
    return bytes([first]) + tbcd(digits)


def stamp(seconds: int) -> bytes:
    """Returns a TimeStamp of TS 32.298 on the home network's clock."""
    return time_stamp(seconds, HOME_OFFSET)


def local(seconds: int) -> datetime:
    """Returns the wall clock of the home network."""
    return datetime.fromtimestamp(seconds, UTC) + timedelta(minutes=HOME_OFFSET)


def chosen(scene: Scene, shares: dict[str, int]) -> Iterator[str]:
    """Yields kinds of records for ever, as often as their shares say."""
    kinds, weights = list(shares), list(shares.values())
    while True:
        yield from scene.rng.choices(kinds, weights, k=256)
