"""What a batch goes on from: tariff book, subscribers, earlier keys, running balances."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.batch.keys import BatchKeys
from pipeline.compiling import tell_compiling
from pipeline.logs import log
from pipeline.parquet import write
from pipeline.settings import load_settings
from pipeline.upkeep.damage import require_unchanged
from rating.cycles import cycle_before
from rating.engine import Rater
from rating.opening import CARRIED
from rating.state import CycleState
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from pathlib import Path

    from mediation.key_store import Day
    from mediation.validation import RuleSet
    from pipeline.batch.early import Early
    from pipeline.config.load import Config
    from pipeline.flusher import Flusher
    from pipeline.ledger.model import Output
    from pipeline.ledger.store import Ledger
    from pipeline.normalization import Normalizations
    from pipeline.workspace import Workspace


@dataclass(slots=True)
class Running:
    """The state that batches hand on to each other."""

    loading: Early[Rater]
    normalization: Normalizations
    rules: RuleSet
    keys: BatchKeys
    root: Path
    latest: dict[str, Output]
    """Cycle → stored state of the latest batch that touched it."""
    balances: dict[str, list[Path]] = field(default_factory=dict)
    """Cycle → its balances: billed ones, else those of the latest batch that touched it."""
    states: dict[str, CycleState] = field(default_factory=dict)

    @property
    def rater(self) -> Rater:
        """Returns the rater; waits until book and subscribers are loaded."""
        return self.loading.get()

    @property
    def digest(self) -> str:
        """Returns what the provisional rating depends on beside the files."""
        parts = (self.rater.compiled.digest, self.rater.subscribers.digest)
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def state_of(self, cycle: str) -> CycleState:
        """Returns the running balances of a cycle: as the last batch left them, else new."""
        if cycle not in self.states:
            rater = self.rater
            before = self._before(cycle)
            if cycle in self.latest:
                require_unchanged(self.root, [self.latest[cycle]])
                table = pq.read_table(self.root / self.latest[cycle].path)
                opening = rater.open_cycle(cycle, before).opening
                self.states[cycle] = CycleState.from_table(
                    table, cycle, rater.compiled, rater.subscribers, opening
                )
                if orphans := self.states[cycle].orphans:
                    log().warning("balances_without_grant", cycle=cycle, count=len(orphans))
            else:
                self.states[cycle] = rater.open_cycle(cycle, before)
        return self.states[cycle]

    def _before(self, cycle: str) -> pa.Table | None:
        """Returns the balances of the cycle before, None if nothing of them lives on."""
        if not self.rater.carries:
            return None
        return read_balances(self.balances.get(cycle_before(cycle), []))

    def write(self, folder: Path, name: str, threads: int, flusher: Flusher) -> list[Output]:
        """Writes what later batches go on from: keys, and the balances of every cycle touched."""
        with ThreadPoolExecutor(threads) as pool:
            keys = pool.submit(self.keys.outputs)
            states = [
                pool.submit(make, self.states[cycle], folder, f"cycle={cycle}/{name}", flusher)
                for cycle in sorted(self.states)
                for make in (_write_state, _write_balances)
            ]
            return keys.result() + [state.result() for state in states]


def _write_state(state: CycleState, folder: Path, name: str, flusher: Flusher) -> Output:
    """Writes balances as the next batch reads them."""
    return write(state.to_table(), folder, f"state/{name}.parquet", flusher)


def _write_balances(state: CycleState, folder: Path, name: str, flusher: Flusher) -> Output:
    """Writes balances as people read them."""
    balances = pa.Table.from_batches([state.balances()])
    return write(balances, folder, f"balances/{name}.parquet", flusher)


def load_rater(workspace: Workspace, config: Config) -> Rater:
    """Returns the rater of the workspace's book and subscribers.

    Raises:
        tariffs.errors.BookError: the book is broken.
        rating.errors.SubscriberDataError: the subscriber data is broken.
    """
    tell_compiling()
    compiled = compile_book(load_book(workspace.root / config.paths.book))
    subscribers = load_subscribers(workspace.root / config.paths.subscribers, compiled)
    return Rater(compiled, subscribers)


def open_running(
    workspace: Workspace,
    config: Config,
    ledger: Ledger,
    loading: Early[Rater],
    key_days: dict[int, Day] | None = None,
) -> Running:
    """Loads what the next batch goes on from; the rater comes from `loading`, when it is there.

    `key_days` is what batches of one process hand on, see :class:`pipeline.batch.keys.BatchKeys`.
    """
    loading.begin()
    normalization, rules = load_settings(workspace, config)
    keys = BatchKeys(workspace.root, ledger, config.duplicates.window_days, key_days)
    latest: dict[str, Output] = {}
    for output in ledger.latest_outputs("state/"):
        latest[output.path.split("/")[1].removeprefix("cycle=")] = output
    balances = _balances(workspace, ledger)
    return Running(loading, normalization, rules, keys, workspace.root, latest, balances)


def _balances(workspace: Workspace, ledger: Ledger) -> dict[str, list[Path]]:
    """Returns where the balances of each cycle are: billed ones, else the latest provisional."""
    found: dict[str, list[Path]] = {}
    for output in ledger.latest_outputs("balances/"):
        found[output.path.split("/")[1].removeprefix("cycle=")] = [workspace.root / output.path]
    billed: dict[str, list[Path]] = {}
    for output in ledger.outputs("billed/"):
        _, cycle, table = output.path.split("/")[:3]
        if table == "balances":
            path = workspace.root / output.path
            billed.setdefault(cycle.removeprefix("cycle="), []).append(path)
    return found | billed


def read_balances(paths: list[Path]) -> pa.Table | None:
    """Returns balances as one table, None where there are none."""
    import pyarrow as pa  # noqa: PLC0415 - beside its use

    tables = [pq.read_table(path, columns=list(CARRIED)) for path in paths]
    return pa.concat_tables(tables).unify_dictionaries() if tables else None
