"""Rates drawn books, subscribers and events by kernels and twin until very many were equal.

``python -m tests.rating.many --events 1000000`` compares each case (:mod:`tests.rating.compare`) and
looks whether the laws of :mod:`tests.rating.properties` hold. Rounds of cases are numbered; each is
drawn from its number alone, so that ``--first 17 --events 1`` repeats one. With ``--log`` finished
rounds are noted, and the next run goes on behind them if the code is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.rating.compare import cases, compare
from tests.rating.properties import CHECKS

BOOKS = 50
"""Books of a round."""
MOST, TIMES = 300, 20
"""Events of a case: so many from drawn bytes, repeated so often with noise."""
FEW = 150
"""Events of a case on which the laws are looked at, which rates them a dozen times."""
ROOMS = ("rating", "tariffs", "tests/rating")
HEAD = "round,books,events,rated,seconds"


def main(arguments: list[str] | None = None) -> int:
    """Compares at least ``--events`` events; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, metavar="ROUND")
    parser.add_argument("--log", type=Path, help="CSV of finished rounds, to go on later")
    options = parser.parse_args(arguments)
    number, seen = options.first, 0
    if options.log is not None:
        number, seen = _resume(options.log, number)
    while seen < options.events:
        begin = time.monotonic()
        books, events, rated = _round(number)
        seen += events
        took = time.monotonic() - begin
        if options.log is not None:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(f"{number},{books},{events},{rated},{took:.1f}\n")
        sys.stdout.write(f"round {number}: {seen:,} events equal, {took:.0f} s\n")
        sys.stdout.flush()
        number += 1
    return 0


def _round(number: int) -> tuple[int, int, int]:
    """Compares the cases of one round; returns (books, events, of them rated)."""
    books = events = rated = 0

    @seed(number)
    @settings(
        max_examples=BOOKS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(MOST, TIMES, 6), st.integers(0, 2**31))
    def run(case: tuple[Any, ...], where: int) -> None:
        nonlocal books, events, rated
        rated += compare(*case)
        book, data, rows, before = case
        for check in CHECKS:
            check((book, data, rows[:FEW], before), where)
        books += 1
        events += len(case[2])

    run()
    return books, events, rated


def _resume(log: Path, first: int) -> tuple[int, int]:
    """Returns (next round, events so far) of a log; begins it anew if the code has changed."""
    head = f"{HEAD},{_digest()}"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if not lines or lines[0] != head:
        log.write_text(head + "\n", encoding="utf-8")
        return first, 0
    rows = [[int(value) for value in line.split(",")[:4]] for line in lines[1:]]
    return max((row[0] + 1 for row in rows), default=first), sum(row[2] for row in rows)


def _digest() -> str:
    """Returns a digest of the code that is compared."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[2]
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
