"""``make crash``: every step killed, random moments, every write refused; all must come out equal.

What was done is in a log, a line of JSON each: begun again with the same log, only the rest is done.
Kills come first, then full disks, then broken ones; the stages are mixed, so that a part of them
says something about the whole.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.pipeline.crash.cases import KINDS, PREFIX, read, tell, work
from tests.pipeline.crash.launch import library
from tests.pipeline.crash.stages import STAGES


def summary(log: Path) -> int:
    """Says what was done by stage and kind; returns how many were different."""
    lines = read(log)
    count = Counter((line["stage"], line["kind"]) for line in lines)
    hit = Counter((line["stage"], line["kind"]) for line in lines if line.get("hit"))
    wrong = sum(line["different"] is not None for line in lines)
    for (stage, kind), done in sorted(count.items()):
        tell(f"{stage}, {kind}: {done} done, {hit[stage, kind]} of them ended it")
    tell(f"{len(lines)} done, {wrong} different")
    return wrong


def main() -> int:
    """Disturbs every stage; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50, help="random kills of each stage")
    parser.add_argument("--every", type=int, default=1, help="every n-th step and write only")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no more after")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="at a time")
    parser.add_argument("--log", type=Path, help="where what was done stands; goes on from there")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these")
    parser.add_argument("--stage", choices=[stage.name for stage in STAGES])
    asked = parser.parse_args()
    if library() is None:
        sys.stderr.write("there is no C compiler; the faults cannot be built\n")
        return 2
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        asked.log = asked.log or Path(folder) / "log"
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=work, args=(asked, part)) for part in range(asked.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        wrong = summary(asked.log)
    return int(wrong > 0 or any(worker.exitcode for worker in workers))


if __name__ == "__main__":
    sys.exit(main())
