"""Who pays an event, one after the other with a sum for each payer's limit: the twin of the bill run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tariffs.compiled import CALL_CLASSES, CLOCKS, DIRECTIONS, FOREVER, SERVICES
from tariffs.reference.lookup import band_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rating.subscribers import Subscribers
    from tariffs.model import Book
    from tariffs.payments import PaidUsage, Payment


class Share(NamedTuple):
    """What another account pays of an event; amounts in 10^-6."""

    payment: Payment
    account: str
    amount: int
    before: int
    """What it had paid of the cycle before."""
    limit: int | None
    """None: there is none."""


@dataclass(slots=True)
class Purses:
    """What others have paid for subscribers of a cycle so far.

    Attributes:
        book: The book as written.
        data: The subscriber data.
        begin_us: Begin of the cycle, UTC µs.
        spent: (payment, charge group, subscriber) → 10^-6.
    """

    book: Book
    data: Subscribers
    begin_us: int
    spent: dict[tuple[int, str, str], int] = field(default_factory=dict)

    def pay(self, row: Mapping[str, Any], start_us: int) -> Share | None:
        """Returns what another account pays of a rated record, and takes note of it.

        Args:
            row: The record, RATED_SCHEMA column → value; after the earlier ones of its subscriber.
            start_us: Its start, UTC µs.
        """
        for number, payment in enumerate(self.book.payments):
            limit = payment.limit_at(self.begin_us)
            account = self._payer(number, row["subscriber_id"], start_us)
            if limit is None or account is None:
                continue
            if not any(self._meant(one, row, start_us) for one in payment.usage):
                continue
            key = number, row["charge_group"], row["subscriber_id"]
            before = self.spent.get(key, 0)
            if before >= limit:
                continue
            net = int(row["net"].scaleb(6))
            self.spent[key] = before + net
            most = None if limit == FOREVER else limit
            return Share(payment, account, min(net, limit - before), before, most)
        return None

    def _payer(self, payment: int, subscriber: str, start_us: int) -> str | None:
        """Returns the account that pays a payment for a subscriber at an instant."""
        rows = self.data.payers
        for row in range(len(rows.payment)):
            if (
                rows.payment[row] == payment
                and self.data.names[rows.subscriber[row]].as_py() == subscriber
                and rows.valid_from[row] <= start_us < rows.valid_to[row]
            ):
                return str(rows.accounts[rows.account[row]].as_py())
        return None

    def _meant(self, usage: PaidUsage, row: Mapping[str, Any], start_us: int) -> bool:
        """Returns whether a payment is for a record."""
        zones = [zone.name for zone in self.book.zones]
        event_class = (
            SERVICES.index(row["service"]),
            DIRECTIONS.index(row["direction"]),
            CALL_CLASSES.index(row["call_class"]),
            zones.index(row["zone"]),
            self.book.roaming_classes.index(row["roaming"]),
        )
        if not usage.when.holds(*event_class):
            return False
        offset = None if CLOCKS[usage.clock] == "book" else row["utc_offset"]
        band = band_at(self.book, usage.time_model, start_us, offset)
        return usage.bands is None or self.book.bands.index(band) in usage.bands
