"""Interleaved runs, medians of ratios, and a spin calibration beside every result.

Neighbours on a shared machine come and go within seconds, so an absolute rate says little and a
ratio of two rates taken minutes apart says less. Contestants therefore take turns (A B A B …), each
turn is taken again while a neighbour was on its cores, a ratio is formed pair by pair, and the
median of the pairs is what is reported.
"""

from __future__ import annotations

import resource
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.cores import Cores
from bench.kernels.spin import spin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SPIN_ROUNDS = 50_000_000
ATTEMPTS = 6
"""A turn is taken at most this often until its cores were quiet before and after it."""
PATIENCE_S = 5.0
"""Before a turn we wait at most this long for quiet cores."""
TURN_S = 1.0
"""Work that is done sooner is repeated: short turns would meet fewer neighbours than long ones."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work: `work` does it once and `records` says how many records that is."""

    name: str
    threads: int
    records: int
    work: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Peer:
    """What a peer reached beside us; `ratio` is the median of ours over theirs, pair by pair."""

    name: str
    threads: int
    records_per_s: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark: rates are medians over the rounds, `calibration` is million spins a second."""

    stage: str
    records: int
    threads: int
    records_per_s: int
    peak_rss_bytes: int
    calibration: float
    peers: tuple[Peer, ...]
    quiet: float | None = None
    """Share of the turns that count, 0 to 1, whose cores were quiet; None: not looked at."""
    notes: tuple[str, ...] = ()
    """What could not be measured, and why."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as one JSON-ready object."""
        return asdict(self)


def calibrate() -> float:
    """Returns how many million spin steps this core does in a second just now."""
    spin(1)
    begin = time.perf_counter()
    spin(SPIN_ROUNDS)
    return round(SPIN_ROUNDS / (time.perf_counter() - begin) / 1e6, 1)


def peak_rss_bytes() -> int:
    """Returns the peak resident set of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(frozen=True, slots=True)
class _Turn:
    rate: float
    quiet: bool


def _rate(contestant: Contestant) -> float:
    times, seconds, begin = 0, 0.0, time.perf_counter()
    while not times or seconds < TURN_S:
        contestant.work()
        times += 1
        seconds = time.perf_counter() - begin
    return times * contestant.records / seconds


def _turn(contestant: Contestant, cores: Cores) -> _Turn:
    """Lets a contestant work until no neighbour was there; everyone is treated alike."""
    for _ in range(ATTEMPTS):
        before = cores.wait(contestant.threads, PATIENCE_S)
        rate = _rate(contestant)
        turn = _Turn(rate, before and cores.quiet(contestant.threads))
        if turn.quiet:
            break
    return turn


def compete(
    stage: str,
    ours: Contestant,
    peers: Sequence[Contestant],
    rounds: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Result:
    """Returns medians over `rounds` interleaved rounds, each of us and then every peer once.

    Everyone is warmed up with one run that does not count: compilation, caches, first touch.
    """
    cores = Cores()
    contestants = (ours, *peers)
    for contestant in contestants:
        progress(f"warm up {contestant.name}")
        contestant.work()
    calibrations = [calibrate()]
    turns: dict[str, list[_Turn]] = {one.name: [] for one in contestants}
    for number in range(rounds):
        for contestant in contestants:
            progress(f"round {number + 1} of {rounds}: {contestant.name}")
            turns[contestant.name].append(_turn(contestant, cores))
        calibrations.append(calibrate())
    rates = {name: [turn.rate for turn in taken] for name, taken in turns.items()}
    return Result(
        stage=stage,
        records=ours.records,
        threads=ours.threads,
        records_per_s=round(statistics.median(rates[ours.name])),
        peak_rss_bytes=peak_rss_bytes(),
        calibration=statistics.median(calibrations),
        peers=tuple(_compare(peer, rates[ours.name], rates[peer.name]) for peer in peers),
        quiet=round(statistics.mean(turn.quiet for taken in turns.values() for turn in taken), 2),
    )


def _compare(peer: Contestant, our_rates: list[float], their_rates: list[float]) -> Peer:
    ratios = [mine / theirs for mine, theirs in zip(our_rates, their_rates, strict=True)]
    return Peer(
        name=peer.name,
        threads=peer.threads,
        records_per_s=round(statistics.median(their_rates)),
        ratio=round(statistics.median(ratios), 1),
    )
