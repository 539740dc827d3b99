"""Adds to an explanation who pays the charge, where somebody else does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from rating.billing.wording import amount_text
from rating.cycles import to_us
from rating.reference.payers import Purses
from rating.reference.steps import Step, money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import pyarrow as pa

    from rating.explain.explanation import Explanation
    from rating.subscribers import Subscribers
    from tariffs.model import Book


def with_payer(
    found: Explanation,
    edr: Mapping[str, Any],
    before: pa.RecordBatch | None,
    book: Book,
    data: Subscribers,
    begin_us: int,
) -> Explanation:
    """Returns an explanation with the account that pays, and why.

    Args:
        found: The explanation of a rated event.
        edr: Its EDR, column to value.
        before: Rated records of the charge group's earlier events of the cycle, in event order.
        book: The book as written.
        data: The subscriber data.
        begin_us: Begin of the cycle, UTC µs.
    """
    if not book.payments or not len(data.payers.subscriber):
        return found
    own = found.facts["account_id"]
    purses = Purses(book, data, begin_us)
    if before is not None:
        name = before.column("subscriber_id").cast("string")
        for row in before.filter(pc.equal(name, found.facts["subscriber_id"])).to_pylist():
            purses.pay(row, to_us(row["start_time"]))
    share = purses.pay({**edr, **found.facts}, to_us(edr["start_time"]))
    if share is None:
        return found
    net, paid = found.facts["net"], money(share.amount)
    text = f"{share.payment.name} ({share.payment.source}): account {share.account} pays"
    text += f" {amount_text(paid)}"
    if share.limit is not None:
        text += f"; of {amount_text(money(share.limit))} in the cycle it had paid"
        text += f" {amount_text(money(share.before))}"
    rest = net - paid
    text += f". Account {own} pays the rest, {amount_text(rest)}." if rest else "."
    facts = {
        "payment": share.payment.id,
        "account_id": share.account,
        "paid": paid,
        "own_account_id": own,
        "own_part": rest,
        "source": str(share.payment.source),
    }
    step = Step("payer", text, None, facts)
    return replace(
        found,
        steps=(*found.steps, step),
        facts={**found.facts, "account_id": share.account},
    )
