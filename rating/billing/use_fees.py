"""Fees that the use of an allowance costs: day passes, and whatever is paid when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rating.billing.charges import Names, make_charges
from rating.billing.schema import FEE
from tariffs.compile_definitions import option_allowances, owned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rating.billing.charges import Charges
    from rating.billing.cycle import Cycle
    from rating.state import CycleState
    from tariffs.model import Book, Fee, Option, Plan


def fees_of_use(book: Book) -> dict[str, Fee]:
    """Returns the fees of allowances that cost something when they are used, by name."""
    bought = option_allowances(book)
    givers: list[Plan | Option] = [*book.plans, *book.options]
    return {
        bought.get(id(one)) or owned(one.source, one.id): one.fee
        for giver in givers
        for one in giver.allowances
        if one.fee is not None
    }


def charge_use(
    state: CycleState, fees: dict[str, Fee], mine: NDArray[np.bool_], cycle: Cycle
) -> Charges:
    """Returns a line for each grant, or day of a grant by day, of which something was taken.

    What was given in an earlier cycle and used there is paid already; what comes whole from there is
    paid at its first use, at the price of when it was given. The account of whoever brings the
    allowance pays.

    Args:
        state: After rating.
        fees: By name of the allowance (:func:`fees_of_use`).
        mine: bool[charge groups], only these.
        cycle: The cycle.
    """
    book, own, data = state.compiled, state.instances, state.subscribers
    costs = np.array([name in fees for name in book.allowances], np.bool_)
    counter = state.balance_counters()
    instance = state.counter_instance[counter]
    some = costs[own.allowance[instance]] & (state.used[counter] > 0)
    earlier = own.granted < cycle.start_us
    unused = own.given == book.alw_quantity[own.allowance]
    some &= mine[own.group[instance]] & (~earlier | unused)[instance]
    counter, instance = counter[some], instance[some]
    begin, end = state.validity(counter)
    first, after = cycle.day_span(begin, end)
    allowance = own.allowance[instance]
    priced = [fees[book.allowances[at]] for at in allowance.tolist()]
    since = np.where(earlier[instance], own.granted[instance], begin)
    amount = np.array(
        [fee.amount_at(int(at)) for fee, at in zip(priced, since, strict=True)], np.int64
    )
    kinds = {id(fee): fee for fee in priced}
    code = {key: at for at, key in enumerate(kinds)}
    which = np.array([code[id(fee)] for fee in priced], np.int32)
    period = own.period[instance]

    def of_fee(texts: list[str]) -> Names:
        return Names.of(which, texts)

    return make_charges(
        len(amount),
        {
            "account_id": Names.of(data.account[period], data.accounts),
            "charge_group": Names.of(own.group[instance], data.groups),
            "subscriber_id": Names.of(own.subscriber[instance], data.names),
            "kind": FEE,
            "item": of_fee([fee.name for fee in kinds.values()]),
            "plan": Names.of(own.giver[instance], book.givers),
            "tax": of_fee([fee.tax for fee in kinds.values()]),
            "gl_code": of_fee([fee.gl for fee in kinds.values()]),
        },
        {
            "service_from": np.int64(cycle.first_number) + first,
            "service_to": np.int64(cycle.first_number) + np.maximum(after, first + 1),
            "gross": amount,
            "net": amount,
        },
    )
