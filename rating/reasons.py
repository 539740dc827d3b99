"""Why an event was not rated: the statuses of the kernels, by name.

Everything but ``direction_not_charged`` goes to suspense; that one is a named rule that discards
(law 1): the leg of a gateway or a direction that nothing in the book prices.
"""

from __future__ import annotations

from dataclasses import dataclass

from rating.kernels import guide


@dataclass(frozen=True, slots=True)
class Reason:
    """One way not to be rated.

    Attributes:
        name: Name in suspense and in the audit.
        stage: Stage of the road, one of ``mediation.edr.SUSPENSE_STAGES``.
        sentence: For the person who looks at it; ``{what}`` stands for the class or plan.
    """

    name: str
    stage: str
    sentence: str


REASONS: dict[int, Reason] = {
    guide.UNKNOWN_SUBSCRIBER: Reason(
        "unknown_subscriber",
        "guide",
        "No subscriber has this IMSI or number at the event's start; it is recycled when the "
        "subscriber data knows it.",
    ),
    guide.NO_ZONE: Reason(
        "no_zone", "classify", "No prefix or short code of the book fits the other party."
    ),
    guide.NO_PRICE: Reason("no_price", "rate", "The book has no price for {what}."),
    guide.UNKNOWN_NETWORK: Reason(
        "unknown_network",
        "classify",
        "The visited network is not in the book's networks, and there is no price for {what}.",
    ),
    guide.IMPLAUSIBLE_QUANTITY: Reason(
        "implausible_quantity",
        "rate",
        "The measured quantity is negative or beyond 366 days or 2^60 units.",
    ),
    guide.OVERFLOW: Reason(
        "overflow", "rate", "The charge exceeds 999,999,999,999.999999 of the currency."
    ),
    guide.NO_PARTNER_CHARGE: Reason(
        "no_partner_charge",
        "rate",
        "The rule prices what the partner charges; the record has no charge, or the book has no "
        "exchange rate for its currency at that time.",
    ),
    guide.NOT_CHARGED: Reason(
        "direction_not_charged", "rate", "Nothing in the book prices this service and direction."
    ),
}
"""Reason of each status but 0, which is rated."""

NOT_CHARGED = guide.NOT_CHARGED
"""The status that discards by rule."""
