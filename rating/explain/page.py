"""An explained charge as one HTML page for the call centre: self-contained, good to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rating.billing.page import environment
from rating.billing.wording import amount_text

if TYPE_CHECKING:
    from decimal import Decimal

    from rating.explain.explanation import Explanation
    from rating.reference.steps import Step

SECTIONS = (
    ("What it is", ("guide", "classify", "rule")),
    ("Rows of the tariff book", ("row",)),
    ("How it was charged", ()),
)
"""Title and kinds of steps; the last one has all the others."""


def render_explanation(told: Explanation) -> str:
    """Returns the page of an explanation."""
    named = {kind for _, kinds in SECTIONS for kind in kinds}
    sections = []
    for title, kinds in SECTIONS:
        chosen = [s for s in told.steps if (s.kind in kinds if kinds else s.kind not in named)]
        if chosen:
            sections.append((title, [_cells(step) for step in chosen]))
    template = environment().get_template("explanation.html.j2")
    text: str = template.render(
        heading=told.heading,
        sections=sections,
        total=None if told.total is None else amount_text(told.total),
        currency=told.currency,
        reason=told.reason,
        checked=told.stored is not None,
        book=told.facts.get("book_digest", ""),
    )
    return text


def _cells(step: Step) -> dict[str, str]:
    return {"kind": step.kind, "text": step.text, "amount": _amount(step.amount)}


def _amount(amount: Decimal | None) -> str:
    return "" if amount is None else amount_text(amount)
