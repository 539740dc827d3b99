"""How much longer a record takes where a book goes to extremes; nothing may take three times as long.

``python -m tests.rating.extremes`` prints CPU nanoseconds per record of ordering and pricing on one
thread and the factor to the plain case. The cases are run in turns, and of each the best turn counts:
another's work on the same core slows a turn, never quickens it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rating.engine import Rater
from rating.subscribers import load_subscribers
from tests.rating.strategies_edr import edr_batch, plain_keys
from tests.rating.strategies_shop import at, call, line, write
from tests.tariffs.books import edited, make_book, plan_with

if TYPE_CHECKING:
    from rating.prepare import Prepared as Batch
    from tests.tariffs.changes import Change

EVENTS = 50_000
PEOPLE = 2_000
TURNS = 12
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
    "50 allowances, none used up": (
        case(VOICE, ALLOWANCES, "10000 h"),
        {"duration": 480},
    ),
}


@dataclass
class Prepared:
    """A case that is ready to be rated again and again."""

    rater: Rater
    batch: Batch
    best: float = float("inf")
    """Least CPU time per record so far, seconds."""

    @classmethod
    def of(cls, change: Change, event: dict[str, Any]) -> Prepared:
        """Makes the book, the people and the records of a case."""
        with tempfile.TemporaryDirectory() as folder:
            _, book = make_book(Path(folder) / "book", change)
            lines = [line(who, plan="plain") for who in range(1, PEOPLE + 1)]
            rater = Rater(book, load_subscribers(write(Path(folder) / "data", lines), book))
        rows = [call(1 + k % PEOPLE, at(1 + k % 28, k % 24), **event) for k in range(EVENTS)]
        batch = edr_batch(rows)
        return cls(rater, rater.prepare(batch, plain_keys(batch)))

    def turn(self) -> None:
        """Orders and prices the records once."""
        state = self.rater.open_cycle("2026-10")
        begin = time.thread_time()
        done = sum(int(part.cursor[0]) for part in self.rater.charges(self.batch, state))
        self.best = min(self.best, (time.thread_time() - begin) / done)


def main() -> int:
    """Prints the table; 1 if something takes too long."""
    cases = {name: Prepared.of(*case) for name, case in CASES.items()}
    for _ in range(TURNS):
        for prepared in cases.values():
            prepared.turn()
    plain = next(iter(cases.values())).best
    for name, prepared in cases.items():
        times = prepared.best / plain
        sys.stdout.write(f"{name:<44} {prepared.best * 1e9:8.0f} ns {times:6.2f} x\n")
    return int(any(prepared.best > MOST * plain for prepared in cases.values()))


if __name__ == "__main__":
    sys.exit(main())
