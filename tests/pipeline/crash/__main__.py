"""``make crash``: every step killed, random moments, every write refused; all must come out equal.

The disturbances of all stages are mixed, so that a part of them says something about the whole.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pipeline.crash.launch import BROKEN, FULL, library
from tests.pipeline.crash.stages import STAGES, Ground, small_traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Disturbance = tuple[Ground, str, str, Callable[[], bool]]
    """Of which stage, what kind, which one of it, and what does it and returns whether it hit."""

TOLD_EVERY = 60.0
KINDS = ("steps", "moments", "full disk", "broken disk")


def disturbances(ground: Ground, shares: list[float], every: int) -> Iterator[Disturbance]:
    """Lists what is done to a stage."""

    def step(at: int) -> Callable[[], bool]:
        return lambda: ground.kill_at_step(at)

    def moment(share: float) -> Callable[[], bool]:
        return lambda: ground.kill_at_moment(share)

    def refusal(at: int, error: int) -> Callable[[], bool]:
        return lambda: ground.refuse(at, error).failed

    for at in range(1, ground.steps + 1, every):
        yield ground, "steps", f"step {at}", step(at)
    for share in shares:
        yield ground, "moments", f"moment {share:.4f}", moment(share)
    for name, error in (("full disk", FULL), ("broken disk", BROKEN)):
        for at in range(1, ground.calls + 1, every):
            yield ground, name, f"{name} at call {at}", refusal(at, error)


def disturb(planned: list[Disturbance], minutes: float) -> int:
    """Does them in order, as far as the time lasts; returns how many gave something else."""
    end = time.monotonic() + 60 * minutes
    told = time.monotonic()
    done: Counter[tuple[str, str]] = Counter()
    hit: Counter[tuple[str, str]] = Counter()
    wrong = 0
    for ground, kind, name, disturbed in planned:
        if time.monotonic() > end:
            break
        try:
            hit[ground.stage.name, kind] += disturbed()
        except (AssertionError, TimeoutError) as error:
            wrong += 1
            sys.stdout.write(f"DIFFERENT: {ground.stage.name}, {name}: {error}\n")
        done[ground.stage.name, kind] += 1
        if time.monotonic() > told + TOLD_EVERY:
            told = time.monotonic()
            sys.stdout.write(f"{done.total()} of {len(planned)} done, {wrong} different\n")
        sys.stdout.flush()
    of = Counter((ground.stage.name, kind) for ground, kind, _, _ in planned)
    for (stage, kind), count in of.items():
        sys.stdout.write(
            f"{stage}, {kind}: {done[stage, kind]} of {count} done,"
            f" {hit[stage, kind]} of them ended it\n"
        )
    sys.stdout.write(f"{done.total()} of {len(planned)} done, {wrong} different\n")
    return wrong


def main() -> int:
    """Disturbs every stage; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=250, help="random kills of all stages")
    parser.add_argument("--every", type=int, default=1, help="every n-th step and write only")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no more after")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these")
    parser.add_argument("--stage", choices=[stage.name for stage in STAGES])
    asked = parser.parse_args()
    if library() is None:
        sys.stderr.write("there is no C compiler; the faults cannot be built\n")
        return 2
    memory = Path("/dev/shm")  # noqa: S108 - made by mkdtemp
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir=memory if memory.is_dir() else None))
    chance = random.Random(asked.seed)
    stages = [stage for stage in STAGES if asked.stage in {None, stage.name}]
    try:
        traffic = small_traffic(folder)
        planned: list[Disturbance] = []
        for stage in stages:
            ground = Ground(stage, folder, traffic)
            shares = [chance.random() for _ in range(-(-asked.moments // len(stages)))]
            wanted = asked.kind or KINDS
            planned += [d for d in disturbances(ground, shares, asked.every) if d[1] in wanted]
            sys.stdout.write(f"{stage.name}: {ground.steps} steps, {ground.calls} calls\n")
        chance.shuffle(planned)
        wrong = disturb(planned, asked.minutes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
