"""Interleaved runs, medians of ratios, and a spin calibration beside every result.

Neighbours on a shared machine come and go within seconds, so an absolute rate says little and a
ratio of two rates taken minutes apart says less. Contestants therefore take turns (A B A B …), a
ratio is formed pair by pair, and the median of the pairs is what is reported.
"""

from __future__ import annotations

import resource
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.kernels.spin import spin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SPIN_ROUNDS = 50_000_000


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


def _rate(contestant: Contestant) -> float:
    begin = time.perf_counter()
    contestant.work()
    return contestant.records / (time.perf_counter() - begin)


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
    for contestant in (ours, *peers):
        progress(f"warm up {contestant.name}")
        contestant.work()
    calibrations = [calibrate()]
    our_rates: list[float] = []
    peer_rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for turn in range(rounds):
        progress(f"round {turn + 1} of {rounds}")
        our_rates.append(_rate(ours))
        for peer in peers:
            peer_rates[peer.name].append(_rate(peer))
        calibrations.append(calibrate())
    return Result(
        stage=stage,
        records=ours.records,
        threads=ours.threads,
        records_per_s=round(statistics.median(our_rates)),
        peak_rss_bytes=peak_rss_bytes(),
        calibration=statistics.median(calibrations),
        peers=tuple(_compare(peer, our_rates, peer_rates[peer.name]) for peer in peers),
    )


def _compare(peer: Contestant, our_rates: list[float], their_rates: list[float]) -> Peer:
    ratios = [mine / theirs for mine, theirs in zip(our_rates, their_rates, strict=True)]
    return Peer(
        name=peer.name,
        threads=peer.threads,
        records_per_s=round(statistics.median(their_rates)),
        ratio=round(statistics.median(ratios), 1),
    )
