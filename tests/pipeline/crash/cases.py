"""What is done to each stage, in which order, and a log of it."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pipeline.crash.launch import BROKEN, FULL
from tests.pipeline.crash.stages import STAGES, Ground, small_traffic

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import Any

    Disturbance = tuple[Ground, str, str, Callable[[], bool]]
    """Of which stage, what kind, which one of it, and what does it and returns whether it hit."""

KINDS = ("steps", "moments", "full disk", "broken disk")
TOGETHER = (("steps", "moments"), ("full disk",), ("broken disk",))
PREFIX = "crash-"


def disturbances(ground: Ground, asked: argparse.Namespace, part: int) -> Iterator[Disturbance]:
    """Lists what a worker does to a stage."""

    def step(at: int) -> Callable[[], bool]:
        return lambda: ground.kill_at_step(at)

    def moment(share: float) -> Callable[[], bool]:
        return lambda: ground.kill_at_moment(share)

    def refusal(at: int, error: int) -> Callable[[], bool]:
        return lambda: ground.refuse(at, error).failed

    def chosen(last: int) -> Iterator[int]:
        every = takewhile(lambda at: at <= last, count(1, asked.every))
        return (at for number, at in enumerate(every) if number % asked.workers == part)

    chance = random.Random(f"{asked.seed} {ground.stage.name}")
    shares = [chance.random() for _ in range(asked.moments)]
    for at in chosen(ground.steps):
        yield ground, "steps", f"step {at}", step(at)
    for share in shares[part :: asked.workers]:
        yield ground, "moments", f"moment {share:.4f}", moment(share)
    for name, error in (("full disk", FULL), ("broken disk", BROKEN)):
        for at in chosen(ground.calls):
            yield ground, name, f"{name} at call {at}", refusal(at, error)


def plan(asked: argparse.Namespace, part: int, folder: Path) -> list[Disturbance]:
    """Prepares the stages; returns what a worker does, in order, less what the log has."""
    done = {(line["stage"], line["name"]) for line in read(asked.log)}
    listed: list[Disturbance] = []
    traffic = small_traffic(folder)
    for stage in STAGES:
        if asked.stage in {None, stage.name}:
            ground = Ground(stage, folder, traffic)
            listed += disturbances(ground, asked, part)
            tell(f"{stage.name}: {ground.steps} steps, {ground.calls} calls")
    random.Random(asked.seed).shuffle(listed)
    return [
        one
        for kinds in TOGETHER
        for one in listed
        if one[1] in kinds
        and one[1] in (asked.kind or KINDS)
        and (one[0].stage.name, one[2]) not in done
    ]


def disturb(planned: list[Disturbance], end: float, log: Path) -> None:
    """Does them in order, as far as the time lasts, each with a line in the log."""
    for ground, kind, name, disturbed in planned:
        if time.monotonic() > end:
            break
        begin = time.monotonic()
        line: dict[str, Any] = {
            "stage": ground.stage.name,
            "kind": kind,
            "name": name,
            "different": None,
        }
        try:
            line["hit"] = disturbed()
        except (AssertionError, TimeoutError) as error:
            line["different"] = str(error)
            tell(f"DIFFERENT: {ground.stage.name}, {name}: {error}")
        line["seconds"] = round(time.monotonic() - begin, 2)
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def work(asked: argparse.Namespace, part: int) -> None:
    """Does a worker's part."""
    end = time.monotonic() + 60 * asked.minutes
    memory = Path("/dev/shm")  # noqa: S108 - made by mkdtemp
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=memory if memory.is_dir() else None))
    try:
        planned = plan(asked, part, folder)
        tell(f"worker {part + 1}: {len(planned)} to do")
        disturb(planned, end, asked.log)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tell(line: str) -> None:
    """Says a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read(log: Path) -> list[dict[str, Any]]:
    """Returns what was done."""
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
