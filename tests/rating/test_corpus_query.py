"""The part of the golden corpus that a query can say, asked of duckdb: steps, beats, cover, rounding.

The query sees prices and allowances as rows and quantities as integers; it knows nothing of the
kernels. Amounts are integers of 10^-6, so that equality is exact.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from tariffs import load_book
from tariffs.cases import load_cases
from tariffs.compiled import RUMS, STEP_KINDS
from tariffs.model import FREE
from tests.rating.test_corpus import CORPUS

if TYPE_CHECKING:
    from tariffs.cases import Case, Usage
    from tariffs.model import Book, Price, Rule

BOOKS = ("steps", "allowances", "rounding_half_up", "rounding_up", "rounding_down")
MODES = ("half_up", "half_even", "up", "down")
WHOLE = 2**62
FEWEST = 100

STEPS = """
create table steps as select event, price::hugeint as price, per::hugeint as per,
  beat::hugeint as beat, start::hugeint as start, until::hugeint as until from step_rows
"""
QUERY = """
with covered as (
  select *, least((quantity + beat0 - 1) // beat0, left_units // beat0) * beat0 as cover from events
), rest as (
  select *, greatest(quantity - cover, 0) as priced from covered
), lines as (
  select event, (2 * price * units + per) // (2 * per) as amount
  from (
    select event, price, per,
      (least(priced, until) - start + beat - 1) // beat * beat as units
    from rest join steps using (event) where priced > start
  )
), usage as (
  select rest.*, coalesce(sum(amount), 0)::hugeint as steps_sum
  from rest left join lines using (event) group by all
), charged as (
  select *, case when priced = 0 then 0
    else connect + least(greatest(steps_sum, minimum), maximum) end as exact
  from usage
)
select event, cover, case mode
    when 'half_up' then (2 * exact + unit) // (2 * unit)
    when 'up' then (exact + unit - 1) // unit
    else exact // unit end * unit as charge
from charged order by event
"""


def _plain(case: Case, book: Book) -> tuple[Usage, Rule, Price] | None:
    """Returns usage, rule and price of a case that the query can say, None of any other."""
    usage = case.usages[0]
    if len(case.usages) > 1 or usage.record or usage.network or usage.friend or usage.by != "S1":
        return None
    if (
        case.others
        or case.subscriber
        or case.tables
        or case.spent
        or usage.direction != "originating"
    ):
        return None
    plan = book.plan(case.plan.values[-1] or "")
    rules = (one for one in plan.rules if one.source and _names(one, usage))
    rule = next(rules)
    [*names] = rule.price.values[-1] or ()
    price = plan.prices.get(names[0][1])
    if len(case.plan.values) > 1 or len(names) > 1 or names[0][1] == FREE or price is None:
        return None
    steps = price.steps.values[-1] or ()
    if STEP_KINDS[price.kind] != "graduated" or any(step.flat for step in steps):
        return None
    simple = not rule.minimum.values[-1] and rule.zero_duration_free
    return (usage, rule, price) if simple and "charge" in case.expected else None


def _names(rule: Rule, usage: Usage) -> bool:
    from tariffs.compiled import DIRECTIONS, SERVICES  # noqa: PLC0415  beside their only use

    return (
        SERVICES.index(usage.service) in rule.when.services
        and DIRECTIONS.index(usage.direction) in rule.when.directions
    )


def _measured(usage: Usage, price: Price) -> int:
    down = usage.quantity
    counted = {"total_bytes": down + usage.uplink, "uplink_bytes": usage.uplink}
    if RUMS[price.rum] == "events":
        return usage.quantity if usage.kind == "events" else 1
    return counted.get(RUMS[price.rum], down)


def _left(case: Case, price: Price, book: Book) -> int | None:
    """Returns what the one allowance of a plan has left; None: there are several, or limits."""
    every = [
        one for one in book.plan(case.plan.values[-1] or "").allowances if one.rum == price.rum
    ]
    if not every:
        return 0
    [one, *more] = every
    if (
        more
        or one.limits
        or one.bands
        or one.prorate
        or one.shared
        or one.daily
        or one.beat
        or len(one.quantity.values) > 1
    ):
        return None
    return case.left[one.id][1] if one.id in case.left else one.quantity.values[-1]


def _row(number: int, case: Case, book: Book, usage: Usage, price: Price) -> dict[str, Any] | None:
    left = _left(case, price, book)
    first = (price.steps.values[-1] or ())[0]
    if left is None or len(book.plan(case.plan.values[-1] or "").caps) * usage.quantity > 20:
        return None
    return {
        "event": number,
        "quantity": _measured(usage, price),
        "beat0": first.beat,
        "left_units": left,
        "connect": price.connect.values[-1] or 0,
        "minimum": price.minimum.values[-1] or 0,
        "maximum": WHOLE if price.maximum.values[-1] is None else price.maximum.values[-1],
        "mode": MODES[book.event_rounding.mode],
        "unit": book.event_rounding.unit,
    }


def test_duckdb_comes_to_the_same() -> None:
    events: list[dict[str, Any]] = []
    steps: list[dict[str, int]] = []
    expected: list[tuple[str, int]] = []
    for name in BOOKS:
        folder = Path(CORPUS) / name
        book = load_book(folder)
        for case in load_cases(book):
            found = _plain(case, book)
            row = _row(len(events), case, book, found[0], found[2]) if found else None
            if found is None or row is None:
                continue
            rungs = found[2].steps.values[-1] or ()
            ends = [*(one.start for one in rungs[1:]), WHOLE]
            for rung, until in zip(rungs, ends, strict=True):
                price = rung.price.values[-1] or 0
                rate = {"price": price, "per": rung.per, "beat": rung.beat}
                steps.append({"event": row["event"], "start": rung.start, "until": until, **rate})
            events.append(row)
            expected.append((f"{name}: {case.source} {case.name}", case.expected["charge"]))
    assert len(events) >= FEWEST
    with duckdb.connect() as connection:
        connection.register("event_rows", pa.Table.from_pylist(events))
        connection.register("step_rows", pa.Table.from_pylist(steps))
        connection.execute("create table events as from event_rows")
        connection.execute(STEPS)
        got = [row[2] for row in connection.execute(QUERY).fetchall()]
    wrong = [
        (name, want, int(have))
        for (name, want), have in zip(expected, got, strict=True)
        if want != have
    ]
    assert wrong == []
