"""What the twin tells: steps that a person can read, and the charge that they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that rating did.

    Attributes:
        kind: ``guide``, ``classify``, ``rule``, ``free``, ``zero``, ``piece``, ``allowance``,
            ``throttle``, ``count``, ``line``, ``connect``, ``minimum``, ``maximum``, ``discount``, ``cap`` or ``rounding``.
        text: One sentence.
        amount: What it adds to the charge (negative: takes off); None where it moves no money.
            The amounts of all steps add up to the net charge.
        facts: The values behind the sentence, by name.
    """

    kind: str
    text: str
    amount: Decimal | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Charge:
    """A rated event as the twin sees it; money in currency units."""

    band: int = -1
    charged: int = 0
    covered: int = 0
    throttled: bool = False
    takes: list[tuple[Any, int]] = field(default_factory=list)
    """(grant, units) in the order asked; a grant stands here once."""
    connect: Decimal = Decimal(0)
    usage: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    discounts: list[int] = field(default_factory=list)
    """Discounts (book index) that took something, in order."""
    cap: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    steps: list[Step] = field(default_factory=list)

    @property
    def gross(self) -> Decimal:
        """Connect + usage."""
        return self.connect + self.usage

    def tell(self, kind: str, text: str, amount: Decimal | None = None, **facts: object) -> None:
        """Adds a step."""
        self.steps.append(Step(kind, text, amount, facts))


class NotRatedError(Exception):
    """An event that cannot be rated; ``status`` is a key of ``rating.reasons.REASONS``."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def money(micro: int) -> Decimal:
    """Returns currency units of 10^-6 units."""
    return Decimal(int(micro)).scaleb(-6)


def show(amount: Decimal) -> str:
    """Returns an amount with at least two decimals and no others that are zero."""
    text = f"{amount:.6f}".rstrip("0")
    return text + "0" * max(0, 2 - len(text.partition(".")[2]))
