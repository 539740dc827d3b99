"""How much longer a record takes where a book goes to extremes; nothing may take three times as long.

``python -m tests.rating.extremes`` prints CPU nanoseconds per record of ordering and pricing on one
thread, best of a few runs, and the factor to the plain case.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rating.engine import Rater
from rating.subscribers import load_subscribers
from tests.rating.strategies_edr import edr_batch, plain_keys
from tests.rating.strategies_shop import at, call, line, write
from tests.tariffs.books import edited, make_book, plan_with

if TYPE_CHECKING:
    from tests.tariffs.changes import Change

EVENTS = 50_000
PEOPLE = 2_000
RUNS = 5
STEPS = 10_000
ALLOWANCES = 50
MOST = 3.0
VOICE = {"id": "voice", "when": {"service": "voice"}, "price": "minute"}
DATA = {"id": "data", "when": {"service": "data"}, "price": "volume"}
PRICE = "minute: {price: 0.30, per: 60 s}"


def steps(head: str) -> str:
    """Returns a price of many steps, a minute each."""
    listed = "".join(
        f"    - {{from: {minute} min, price: 0.{minute % 90 + 10}, per: 60 s}}\n"
        for minute in range(STEPS)
    )
    return f"minute:\n  {head}\n  steps:\n{listed}"


def minutes(count: int, quantity: str) -> list[dict[str, Any]]:
    """Returns allowances that all calls would take from."""
    return [
        {"id": f"a{k}", "quantity": quantity, "when": {"service": "voice"}} for k in range(count)
    ]


def case(rule: dict[str, Any], allowances: int, quantity: str, price: str = PRICE) -> Change:
    """Returns the change of the small book that makes a case."""
    given = minutes(allowances, quantity)
    plan = plan_with(rules=[rule], allowances=given, caps=[], discounts=[])
    return edited("prices.yaml", PRICE, price) | plan


CASES: dict[str, tuple[Change, dict[str, Any]]] = {
    "plain: a call, one step, one allowance": (case(VOICE, 1, "10 min"), {"duration": 480}),
    "100 GB in beats of 1 byte": (
        case(DATA, 1, "10 min")
        | edited("prices.yaml", "per: 1 MiB, beat: 1 KiB", "per: 1 MiB, beat: 1 B"),
        {"service": "data", "other_number": None, "duration": 0, "downlink": 10**11},
    ),
    "10,000 volume steps": (case(VOICE, 1, "10 min", steps("kind: volume")), {"duration": 360_000}),
    "10,000 steps counted over the cycle": (
        case(VOICE, 1, "10 min", steps("count: cycle")),
        {"duration": 60},
    ),
    "50 allowances, used up": (case(VOICE, ALLOWANCES, "1 s"), {"duration": 480}),
    "50 allowances, all of them taken from": (
        case(VOICE, ALLOWANCES, "10000 h"),
        {"duration": 480},
    ),
}


def nanoseconds(change: Change, event: dict[str, Any]) -> float:
    """Returns CPU time per record, ordering and pricing."""
    with tempfile.TemporaryDirectory() as folder:
        _, book = make_book(Path(folder) / "book", change)
        lines = [line(who, plan="plain") for who in range(1, PEOPLE + 1)]
        rater = Rater(book, load_subscribers(write(Path(folder) / "data", lines), book))
    rows = [call(1 + k % PEOPLE, at(1 + k % 28, k % 24), **event) for k in range(EVENTS)]
    batch = edr_batch(rows)
    prepared = rater.prepare(batch, plain_keys(batch))
    best = float("inf")
    for _ in range(RUNS):
        state = rater.open_cycle("2026-10")
        begin = time.thread_time()
        done = sum(int(part.cursor[0]) for part in rater.charges(prepared, state))
        best = min(best, (time.thread_time() - begin) / done)
    return best * 1e9


def main() -> int:
    """Prints the table; 1 if something takes too long."""
    plain, slow = 0.0, False
    for name, (change, event) in CASES.items():
        took = nanoseconds(change, event)
        plain = plain or took
        slow |= took > MOST * plain
        sys.stdout.write(f"{name:<44} {took:8.0f} ns {took / plain:6.2f} x\n")
        sys.stdout.flush()
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
