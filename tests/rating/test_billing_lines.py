from __future__ import annotations

import dataclasses
import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.billing.bills import Issue, bill_number, bill_table, line_table
from rating.billing.closing import Rules, close
from rating.billing.columns import canonical, combine, money
from rating.billing.cycle import month_cycle
from rating.billing.kernels.group import group_rows, sum_groups
from rating.billing.kernels.names import mark_used, renumber
from rating.billing.reference import group as twin
from rating.billing.reference import names as names_twin
from rating.billing.taxes import TaxClass
from rating.billing.tie import tie
from rating.billing.usage import usage_charges
from tests.rating.billing_world import rated_table

CYCLE = month_cycle("2026-10", "Asia/Shanghai")
ISSUE = Issue(CYCLE, "CNY", "ab" * 32, "cd" * 32)
TAXES = {
    "standard": TaxClass(60_000, included=True),
    "none": TaxClass(0, included=True),
    "added": TaxClass(190_000, included=False),
}
EXACT = Rules(1, 0, 1, 0, TAXES)
RULES = st.builds(
    Rules,
    st.sampled_from([1, 1000, 10_000]),
    st.integers(0, 3),
    st.sampled_from([1, 10_000, 50_000, 1_000_000]),
    st.integers(0, 3),
    st.just(TAXES),
)


def made(rated: pa.Table, rules: Rules) -> tuple[pa.Table, pa.Table]:
    lines = close(usage_charges(rated, CYCLE, rules.taxes), rules, CYCLE)
    return line_table(lines, ISSUE), bill_table(lines, ISSUE)


@given(st.integers(0, 2**32), st.integers(0, 200), RULES, st.sampled_from([1, 10_000]))
@settings(deadline=None, max_examples=40)
def test_rated_lines_and_bills_tie(seed: int, n: int, rules: Rules, unit: int) -> None:
    rated = rated_table(np.random.default_rng(seed), n, unit=unit)
    lines, bills = made(rated, rules)
    report = tie(rated, lines, bills)
    assert report.problems == ()
    assert report.records == n
    assert report.rated == report.usage == sum(rated["net"].to_pylist(), Decimal(0))
    assert report.lines == report.bills == sum(bills["total"].to_pylist(), Decimal(0))
    unit_of_total = Decimal(rules.bill_unit).scaleb(-6)
    assert all(total % unit_of_total == 0 for total in bills["total"].to_pylist())


@given(st.integers(0, 2**32), st.integers(1, 120), RULES)
@settings(deadline=None, max_examples=12)
def test_the_order_of_records_does_not_matter(seed: int, n: int, rules: Rules) -> None:
    rng = np.random.default_rng(seed)
    rated = rated_table(rng, n)
    shuffled = rated.take(pa.array(rng.permutation(n)))
    for one, other in zip(made(rated, rules), made(shuffled, rules), strict=True):
        assert one.equals(other)
        assert canonical(one).equals(one)


def test_usage_lines_are_the_groups_of_the_records() -> None:
    rated = rated_table(np.random.default_rng(7), 500)
    lines, _ = made(rated, EXACT)
    keys = ("account_id", "charge_group", "subscriber_id", "plan", "service", "call_class")
    keys = (*keys, "zone", "roaming", "rum", "tax", "gl_code")
    wanted: Counter[tuple[object, ...]] = Counter()
    counts: Counter[tuple[object, ...]] = Counter()
    for row in rated.to_pylist():
        key = (*(row[name] for name in keys), row["rule"])
        wanted[key] += row["net"]
        counts[key] += 1
    usage = [row for row in lines.to_pylist() if row["kind"] == "usage"]
    got = {(*(row[name] for name in keys), row["item"]): row for row in usage}
    assert len(got) == len(usage)
    assert {key: row["net"] for key, row in got.items()} == dict(wanted)
    assert {key: row["events"] for key, row in got.items()} == dict(counts)


def test_tax_included_and_added() -> None:
    rated = rated_table(np.random.default_rng(3), 300, unit=10_000)
    rules = dataclasses.replace(EXACT, bill_unit=10_000)
    lines, bills = made(rated, rules)
    for bill in bills.to_pylist():
        mine = [row for row in lines.to_pylist() if row["bill_number"] == bill["bill_number"]]
        net = {
            name: sum((r["net"] for r in mine if r["tax"] == name and r["kind"] == "usage"), 0)
            for name in TAXES
        }
        included = (net["standard"] * 6 / Decimal(106)).quantize(Decimal("0.01"))
        added = (net["added"] * 19 / Decimal(100)).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert bill["tax_added"] == added
        assert bill["tax_amount"] == included + added
        assert bill["total"] == sum(net.values()) + added
        assert bill["net"] == bill["total"] - bill["tax_amount"]
        shares = [r["tax_amount"] for r in mine if r["tax"] == "standard" and r["kind"] != "tax"]
        assert sum(shares) == included
        assert not [r for r in mine if r["kind"] == "tax" and r["tax"] == "none"]


def test_line_rounding_is_a_line_of_its_own() -> None:
    rated = rated_table(np.random.default_rng(11), 300)
    lines, bills = made(rated, dataclasses.replace(EXACT, line_unit=10_000))
    rows = lines.to_pylist()
    cent = Decimal("0.01")
    assert all(row["amount"] % cent == 0 for row in rows)
    assert any(row["kind"] == "rounding" and row["net"] != 0 for row in rows)
    for row in rows:
        if row["kind"] == "usage":
            assert abs(row["amount"] - row["net"]) < cent
    assert sum(row["amount"] for row in rows) == sum(bills["total"].to_pylist())


def test_lines_are_numbered_per_bill_in_order() -> None:
    lines, bills = made(rated_table(np.random.default_rng(5), 200), EXACT)
    numbers = lines["bill_number"].to_pylist()
    position = lines["line"].to_pylist()
    for number, count in zip(
        bills["bill_number"].to_pylist(), bills["lines"].to_pylist(), strict=True
    ):
        mine = [p for n, p in zip(numbers, position, strict=True) if n == number]
        assert mine == list(range(1, count + 1))


def test_a_bill_number_changes_with_what_it_is_made_of() -> None:
    number = bill_number("A1", ISSUE)
    assert number.startswith("202610-A1-")
    assert number == bill_number("A1", dataclasses.replace(ISSUE))
    others = [
        bill_number("A2", ISSUE),
        bill_number("A1", dataclasses.replace(ISSUE, book_digest="00")),
        bill_number("A1", dataclasses.replace(ISSUE, subscribers_digest="00")),
        bill_number("A1", dataclasses.replace(ISSUE, cycle=month_cycle("2026-11", "UTC"))),
    ]
    assert len({number, *others}) == 5


def changed(table: pa.Table, name: str, add: Decimal) -> pa.Table:
    """Returns the table with something added to the first value of a money column."""
    values = table[name].to_pylist()
    values[0] += add
    column = pa.array(values, table.schema.field(name).type)
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)


@pytest.mark.parametrize(
    ("table", "column", "says"),
    [
        (0, "net", "net of a rated record"),
        (1, "net", "net of a bill line"),
        (1, "amount", "do not add up to the bill"),
        (1, "tax_amount", "do not add up to the bill"),
        (2, "total", "do not add up to the bill"),
        (2, "net", "net . tax is not the total"),
    ],
)
def test_a_difference_of_a_millionth_is_found(table: int, column: str, says: str) -> None:
    rated = rated_table(np.random.default_rng(2), 100)
    tables = [rated, *made(rated, EXACT)]
    tables[table] = changed(tables[table], column, Decimal("0.000001"))
    report = tie(*tables)
    assert not report.closes
    assert any(re.search(says, problem) for problem in report.problems)


def test_a_lost_record_is_found() -> None:
    rated = rated_table(np.random.default_rng(2), 100)
    lines, bills = made(rated, EXACT)
    assert "differ from rated records" in tie(rated.slice(1), lines, bills).problems[0]
    assert not tie(rated, lines.slice(1), bills).closes
    assert not tie(rated, lines, bills.slice(1)).closes
    assert not tie(rated, lines, pa.concat_tables([bills, bills.slice(0, 1)])).closes


def test_amounts_too_large_to_be_summed_are_refused() -> None:
    rated = rated_table(np.random.default_rng(2), 8)
    huge = money(np.full(8, 10**18 - 1))
    for name in ("gross", "net", "usage_charge"):
        at = rated.schema.get_field_index(name)
        rated = rated.set_column(at, rated.schema.field(name), huge)
    with pytest.raises(OverflowError, match="too large to be summed"):
        usage_charges(rated, CYCLE, TAXES)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3), st.integers(-9, 9)),
        max_size=60,
    )
)
@settings(deadline=None)
def test_the_grouping_kernels_equal_their_twins(rows: list[tuple[int, int, int, int]]) -> None:
    keys = [np.asarray([row[n] for row in rows], np.int64) for n in range(4)]
    group = np.empty(len(rows), np.int32)
    first = np.empty(len(rows), np.int64)
    slots = np.full(128, -1, np.int32)
    groups = group_rows(keys[0], keys[1], keys[2], slots, group, first)
    wanted, wanted_first = twin.group_rows([row[:3] for row in rows])
    assert group.tolist() == wanted
    assert first[:groups].tolist() == wanted_first
    sums = np.zeros(groups, np.int64)
    sum_groups(group, keys[3], sums)
    assert sums.tolist() == twin.sum_groups(wanted, keys[3].tolist(), groups)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**40), st.integers(0, 2), st.integers(0, 2**61)), max_size=30
    )
)
@settings(deadline=None)
def test_combined_keys_order_rows_as_tuples_do(rows: list[tuple[int, int, int]]) -> None:
    columns = [np.asarray([row[n] for row in rows], np.int64) for n in range(3)]
    sizes = (2**40 + 1, 3, 2**61 + 1)
    key = combine(list(zip(columns, sizes, strict=True))).tolist()
    order = sorted(range(len(rows)), key=lambda at: rows[at])
    assert sorted(range(len(rows)), key=lambda at: key[at]) == order
    assert len(set(key)) == len(set(rows))


@given(st.lists(st.integers(-1, 4), max_size=30), st.sampled_from([np.int8, np.int32]))
@settings(deadline=None)
def test_the_name_kernels_equal_their_twins(told: list[int], kind: type[np.integer]) -> None:
    codes, table = np.asarray(told, kind), np.asarray([7, 0, 3, 2, 9], np.int32)
    used, out = np.zeros(5, np.bool_), np.empty(len(told), np.int32)
    mark_used(codes, used)
    renumber(codes, table, out)
    assert used.tolist() == names_twin.mark_used(told, 5)
    assert out.tolist() == names_twin.renumber(told, table.tolist())
