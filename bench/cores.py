"""Whether the cores are ours alone just now: a virtual core is often one half of a real one.

Where a neighbour works on the other half, whatever fills a core's units takes up to twice as long,
for seconds, and then does not. A probe of two milliseconds tells the two apart.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from bench.kernels.spin import spin_wide

PROBE_ROUNDS = 1_000_000
"""Some two milliseconds."""
TOLERANCE = 1.15
"""A probe may take this much longer than the fastest one; beside a neighbour it takes 1.5 to 2.5."""
FIRST_LOOK_S = 2.0
PAUSE_S = 0.02


class Cores:
    """Watches the cores by probes; the fastest probe so far is what an undisturbed core does."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor()
        self._fastest = float("inf")
        spin_wide(1)
        end = time.monotonic() + FIRST_LOOK_S
        while time.monotonic() < end:
            self._probe()
            time.sleep(PAUSE_S)

    def quiet(self, threads: int) -> bool:
        """Returns whether `threads` cores at once do what the fastest probe did."""
        probes = [self._threads.submit(self._probe) for _ in range(threads)]
        slowest = max(probe.result() for probe in probes)
        return slowest <= TOLERANCE * self._fastest

    def wait(self, threads: int, seconds: float) -> bool:
        """Returns whether `threads` cores became quiet within `seconds`."""
        end = time.monotonic() + seconds
        while not self.quiet(threads):
            if time.monotonic() > end:
                return False
            time.sleep(PAUSE_S)
        return True

    def _probe(self) -> float:
        begin = time.perf_counter()
        spin_wide(PROBE_ROUNDS)
        seconds = time.perf_counter() - begin
        self._fastest = min(self._fastest, seconds)
        return seconds
