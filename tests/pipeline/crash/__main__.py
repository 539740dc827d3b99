"""``make crash``: every step killed, random moments, every write refused; all must come out equal."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.pipeline.crash.launch import BROKEN, FULL, library
from tests.pipeline.crash.stages import STAGES, Ground, small_traffic


def main() -> int:
    """Disturbs every stage; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=200, help="random kills of all stages")
    parser.add_argument("--every", type=int, default=1, help="refuse every n-th write only")
    parser.add_argument("--seed", type=int, default=1)
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
        for stage in stages:
            ground = Ground(stage, folder, traffic)
            hit = sum(ground.kill_at_step(at) for at in range(1, ground.steps + 1))
            shares = [chance.random() for _ in range(-(-asked.moments // len(stages)))]
            killed = sum(ground.kill_at_moment(share) for share in shares)
            refused = 0
            for error in (FULL, BROKEN):
                for at in range(1, ground.calls + 1, asked.every):
                    refused += ground.refuse(at, error).code != 0
            sys.stdout.write(
                f"{stage.name}: killed at {hit} of {ground.steps} steps and at {killed} of"
                f" {len(shares)} moments; {refused} refused writes ended it; all equal\n"
            )
            sys.stdout.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
