from __future__ import annotations

from typing import TYPE_CHECKING

from bench import harness
from bench.harness import Contestant, compete

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_contestants_take_turns_and_the_ratio_is_the_median_of_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harness, "calibrate", lambda: 1.0)
    clock = iter(range(1_000_000))
    seconds = {"ours": iter([9, 1, 2, 4]), "theirs": iter([9, 10, 10, 80])}
    now = 0.0
    turns: list[str] = []

    def work(name: str) -> Callable[[], None]:
        def run() -> None:
            nonlocal now
            turns.append(name)
            now += next(seconds[name])

        return run

    monkeypatch.setattr(harness.time, "perf_counter", lambda: now + 0 * next(clock))
    result = compete(
        "stage",
        Contestant("ours", 1, 100, work("ours")),
        [Contestant("theirs", 2, 100, work("theirs"))],
        rounds=3,
    )
    assert turns == ["ours", "theirs"] * 4  # the first pair is the warm-up
    assert result.records_per_s == 50  # median of 100/1, 100/2, 100/4
    (peer,) = result.peers
    assert peer.records_per_s == 10  # median of 10, 10, 1.25
    assert peer.ratio == 10.0  # median of 10, 5, 20; the medians' own ratio would be 5


def test_calibration_and_memory_are_plausible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SPIN_ROUNDS", 1_000_000)
    assert harness.calibrate() > 1
    assert harness.peak_rss_bytes() > 10_000_000
