"""Tax rates that change inside a cycle."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.billing.bills import bill_table, line_table
from rating.billing.charges import make_charges
from rating.billing.closing import Rules, close
from rating.billing.schema import FEE
from rating.billing.taxes import TaxClass, cut_by_rate
from rating.billing.tie import tie
from rating.billing.usage import usage_charges
from tests.rating.billing_world import rated_table
from tests.rating.test_billing_lines import CYCLE, ISSUE

DAY = 86_400_000_000
CHANGES = st.lists(
    st.tuples(
        st.integers(1, 31 * 24 - 1).map(lambda hour: CYCLE.start_us + hour * DAY // 24),
        st.sampled_from([0, 60_000, 90_000, 130_000]),
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(lambda pairs: tuple(sorted(pairs)))


def classes(
    included: tuple[tuple[int, int], ...], added: tuple[tuple[int, int], ...]
) -> dict[str, TaxClass]:
    return {
        "standard": TaxClass(60_000, included=True, changes=included, gl="2221"),
        "none": TaxClass(0, included=True),
        "added": TaxClass(190_000, included=False, changes=added),
    }


def spread(rated: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Returns the records at times all over the cycle."""
    start = rng.integers(CYCLE.start_us, CYCLE.end_us, rated.num_rows)
    at = rated.schema.get_field_index("start_time")
    column = pa.array(start, pa.int64()).cast(rated.schema.field(at).type)
    return rated.set_column(at, rated.schema.field(at), column)


def rate_at(tax: TaxClass, when_us: int) -> int:
    """The rate that holds, looked for the slow way."""
    starts = [start for start, _ in tax.changes]
    return (tax.rate, *(rate for _, rate in tax.changes))[bisect_right(starts, when_us)]


@given(st.integers(0, 2**32), st.integers(1, 80), CHANGES, CHANGES)
@settings(deadline=None, max_examples=30)
def test_every_rate_has_the_tax_of_its_usage(
    seed: int,
    n: int,
    included: tuple[tuple[int, int], ...],
    added: tuple[tuple[int, int], ...],
) -> None:
    rng = np.random.default_rng(seed)
    rated = spread(rated_table(rng, n, unit=10_000), rng)
    taxes = classes(included, added)
    lines = close(usage_charges(rated, CYCLE, taxes), Rules(1, 0, 10_000, 0, taxes), CYCLE)
    table, bills = line_table(lines, ISSUE), bill_table(lines, ISSUE)
    assert tie(rated, table, bills).problems == ()
    owed: Counter[tuple[str, str, int]] = Counter()
    starts = rated["start_time"].cast(pa.int64()).to_pylist()
    for row, start in zip(rated.to_pylist(), starts, strict=True):
        rate = rate_at(taxes[row["tax"]], start)
        owed[row["account_id"], row["tax"], rate] += row["net"]
    wanted = {
        key: (Decimal(net) * key[2] / taxes[key[1]].whole(key[2])).quantize(
            Decimal("0.01"), ROUND_HALF_UP
        )
        for key, net in owed.items()
        if key[2]
    }
    rows = table.to_pylist()
    told = [row for row in rows if row["kind"] == "tax"]
    got = {(row["account_id"], row["tax"], row["tax_rate"]): row["tax_amount"] for row in told}
    assert len(got) == len(told)
    assert got == wanted
    assert {row["gl_code"] for row in told if row["tax"] == "standard"} <= {"2221"}
    shares: Counter[tuple[str, str, int]] = Counter()
    for row in rows:
        if row["kind"] == "usage":
            shares[row["account_id"], row["tax"], row["tax_rate"]] += row["tax_amount"]
    assert {key: share for key, share in shares.items() if key[2]} == wanted


@given(CHANGES, st.integers(0, 30), st.integers(1, 31), st.integers(0, 10**9))
@settings(deadline=None, max_examples=60)
def test_a_fee_is_cut_by_days_and_nothing_of_it_is_lost(
    changes: tuple[tuple[int, int], ...], first: int, days: int, amount: int
) -> None:
    after = min(first + days, 31)
    begin = CYCLE.first_number
    taxes = {"vat": TaxClass(60_000, included=False, changes=changes)}
    fee = make_charges(
        1,
        {"account_id": "A1", "kind": FEE, "item": "Fee", "tax": "vat"},
        {
            "service_from": begin + first,
            "service_to": begin + after,
            "gross": amount,
            "net": amount,
        },
    )
    cut = cut_by_rate(fee, taxes, CYCLE)
    rates: dict[int, int] = {}
    for low, high, rate, net in zip(
        *(cut.numbers[name].tolist() for name in ("service_from", "service_to", "tax_rate", "net")),
        strict=True,
    ):
        rates |= dict.fromkeys(range(low - begin, high - begin), rate)
        assert abs(net * (after - first) - amount * (high - low)) < after - first
    last_instants = [CYCLE.midnight_us[day + 1] - 1 for day in range(first, after)]
    assert rates == {
        day: rate_at(taxes["vat"], last)
        for day, last in zip(range(first, after), last_instants, strict=True)
    }
    assert int(cut.numbers["net"].sum()) == int(cut.numbers["gross"].sum()) == amount


def test_a_line_without_tax_has_no_rate() -> None:
    taxes = classes((), ())
    rated = rated_table(np.random.default_rng(3), 40)
    rules = Rules(10_000, 0, 1_000_000, 0, taxes, line_gl="6600", bill_gl="6601")
    rows = line_table(close(usage_charges(rated, CYCLE, taxes), rules, CYCLE), ISSUE).to_pylist()
    rounding = [row for row in rows if row["kind"] == "rounding"]
    assert {(row["tax"] is None, row["gl_code"]) for row in rounding} == {
        (False, "6600"),
        (True, "6601"),
    }
    assert all((row["tax_rate"] is None) == (row["tax"] is None) for row in rows)


@pytest.mark.parametrize(("rate", "whole"), [(60_000, 1_060_000), (0, 1_000_000)])
def test_what_a_rate_is_a_part_of(rate: int, whole: int) -> None:
    assert TaxClass(0, included=True).whole(rate) == whole
    assert TaxClass(0, included=False).whole(rate) == 1_000_000
