"""An explained charge, as text and as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rating.billing.wording import amount_text

if TYPE_CHECKING:
    from rating.reference.steps import Step

_WIDTH = 76
"""Columns of a sentence in the text; the amounts stand to the right of it."""


class ExplanationError(Exception):
    """The steps do not add up to the charge, or not to the one that was stored: a bug."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every step of one charge.

    Attributes:
        heading: What was used, when and by whom, in one line.
        steps: What rating did, in order.
        total: The net charge, the sum of the steps' amounts; None if the event was not rated.
        currency: ISO 4217.
        reason: Why the event was not rated, None if it was.
        stored: The charge on the rated record, if it was given; equal to the total.
        facts: Values of the event and the charge, by name.
    """

    heading: str
    steps: tuple[Step, ...]
    total: Decimal | None
    currency: str
    reason: str | None = None
    stored: Decimal | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.total is None:
            return
        added = sum((step.amount for step in self.steps if step.amount is not None), Decimal(0))
        if added != self.total:
            message = f"{self.heading}: the steps add up to {added}, the charge is {self.total}"
            raise ExplanationError(message)
        if self.stored is not None and self.stored != self.total:
            message = f"{self.heading}: explained as {self.total}, but stored as {self.stored}"
            raise ExplanationError(message)

    def lines(self) -> list[str]:
        """Returns the explanation as lines of text, amounts aligned at the right."""
        out = [self.heading, ""]
        for step in self.steps:
            *before, last = _wrapped(step.text, _WIDTH)
            out.extend(f"  {part}" for part in before)
            amount = "" if step.amount is None else f"{amount_text(step.amount):>12}"
            out.append(f"  {last:<{_WIDTH}}{amount}".rstrip())
        if self.total is None:
            return [*out, "", f"  Not rated: {self.reason}"]
        label = f"Charge, {self.currency}"
        rule = "  " + "-" * (_WIDTH + 12)
        return [*out, rule, f"  {label:<{_WIDTH}}{amount_text(self.total):>12}"]

    def text(self) -> str:
        """Returns the explanation as one text."""
        return "\n".join(self.lines()) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Returns the explanation for programs: plain types, amounts as text."""
        return {
            "heading": self.heading,
            "steps": [
                {
                    "kind": step.kind,
                    "text": step.text,
                    "amount": _plain(step.amount),
                    "facts": _plain(step.facts),
                }
                for step in self.steps
            ],
            "total": _plain(self.total),
            "currency": self.currency,
            "reason": self.reason,
            "facts": _plain(self.facts),
        }


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever a fact is
    """Returns a value in types that JSON has; money keeps its digits as text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    # numpy's scalars know their Python value
    return value.item() if hasattr(value, "item") else str(value)


def _wrapped(text: str, width: int) -> list[str]:
    """Returns a text cut at blanks into lines of at most a width; later lines are indented."""
    out: list[str] = []
    line = ""
    for word in text.split():
        if line.strip() and len(line) + 1 + len(word) > width:
            out.append(line)
            line = "  " + word
        else:
            line = f"{line} {word}" if line.strip() else line + word
    return [*out, line]
