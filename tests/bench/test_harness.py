from __future__ import annotations

from typing import TYPE_CHECKING

from bench import cores, harness
from bench.cores import Cores
from bench.harness import Contestant, compete

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Neighbours:
    """Cores that are quiet as a list says: two answers to each turn, before it and after it."""

    def __init__(self, *answers: bool) -> None:
        self.answers = iter(answers)

    def wait(self, _threads: int, _seconds: float) -> bool:
        return next(self.answers)

    def quiet(self, _threads: int) -> bool:
        return next(self.answers)


def test_contestants_take_turns_and_the_ratio_is_the_median_of_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harness, "calibrate", lambda: 1.0)
    monkeypatch.setattr(harness, "Cores", lambda: Neighbours(*[True] * 12))
    monkeypatch.setattr(harness, "TURN_S", 0.5)
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


def test_a_turn_is_taken_again_while_a_neighbour_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SPIN_ROUNDS", 1_000)
    monkeypatch.setattr(harness, "TURN_S", 0.0)
    monkeypatch.setattr(harness, "ATTEMPTS", 3)
    first, second = [True, False, False, True, True], [True, False] * 3
    monkeypatch.setattr(harness, "Cores", lambda: Neighbours(*first, *second))
    turns: list[int] = []
    ours = Contestant("ours", 1, 100, lambda: turns.append(1))
    result = compete("stage", ours, [], rounds=2)
    assert len(turns) == 1 + 3 + 3  # warm-up, the third try was quiet, none of three was
    assert result.quiet == 0.5


def test_short_work_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SPIN_ROUNDS", 1_000)
    monkeypatch.setattr(harness, "TURN_S", 0.05)
    monkeypatch.setattr(harness, "Cores", lambda: Neighbours(*[True] * 2))
    ours = Contestant("ours", 1, 100, lambda: harness.time.sleep(0.01))
    result = compete("stage", ours, [], rounds=1)
    assert 2_000 < result.records_per_s < 10_000  # of one piece of work, not of the whole turn


def test_cores_are_quiet_while_probes_take_what_the_fastest_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "FIRST_LOOK_S", 0.0)
    seconds = iter([0.0, 2.0, 0.0, 2.2, 0.0, 2.4, 0.0, 1.9])
    watched = Cores()
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += next(seconds)
        return now

    monkeypatch.setattr(cores.time, "perf_counter", clock)
    watched._fastest = float("inf")
    assert [watched.quiet(1) for _ in range(4)] == [True, True, False, True]


def test_calibration_and_memory_are_plausible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SPIN_ROUNDS", 1_000_000)
    assert harness.calibrate() > 1
    assert harness.peak_rss_bytes() > 10_000_000
