"""Parts of calls between batches: those that wait, and what becomes of them at a batch's end.

After the units of a batch, the parts that waited before and those that came are put together
(``mediation.partials``). Complete calls are rated, and so are calls of which no more is expected
and calls that go on for very long; the other parts wait in a file of the batch. The result is a
function of the set of parts and of the batch's clock, which is made of the records' own times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.edr import EDR_SCHEMA, SUSPENSE_SCHEMA
from mediation.partials.assemble import assemble
from mediation.partials.rules import HOUR_US, all_rules
from pipeline.arrow import joined, micros
from pipeline.batch.accounting import DESTINATIONS, NOT_CHARGED_RULES, Account, net_of
from pipeline.batch.chain import UnitResult
from pipeline.batch.sheet import CARRIED, Sheet
from pipeline.batch.tally import MERGED, RATED, SUSPENDED, WAITING, exact_sum, flow_of, weigh
from pipeline.batch.waiting import FOLDER
from pipeline.billing.cycle_files import PARTS
from pipeline.high_usage.usage import usage_of
from pipeline.parquet import write
from pipeline.suspense.calls import CALLS, parts_of_suspended
from pipeline.suspense.rows import event_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mediation.partials.assemble import Calls
    from pipeline.batch.money import Money
    from pipeline.config.load import Partials
    from pipeline.high_usage.section import HighUsage
    from pipeline.ledger.model import Output
    from rating.engine import Rater
    from rating.rated import Rated
    from rating.state import CycleState

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a batch's end needs to settle parts.

    Attributes:
        name: The batch.
        staging: Its folder.
        rater: Who rates.
        state_of: Running balances of a cycle.
        config: How long parts wait.
        flush: Nothing waits any longer.
        limits: Beyond which usage is told.
        money: What is rated is added to it.
    """

    name: str
    staging: Path
    rater: Rater
    state_of: Callable[[str], CycleState]
    config: Partials
    flush: bool
    limits: HighUsage
    money: Money

    def settle(self, before: pa.Table | None, units: Sequence[UnitResult]) -> UnitResult | None:
        """Rates what is due and keeps the rest; None if there are no parts at all.

        Args:
            before: Parts that waited before this batch, None if there are none.
            units: The batch's units, in order.

        Returns:
            As of a unit. Its sheets are changes to those of the parts' files, which counted them as
            waiting; that of ``CARRIED`` is the whole sheet of the parts that waited before.
        """
        came = [pa.Table.from_batches([u.parts]) for u in units if u.parts is not None]
        tables = [*([before] if before is not None else []), *came]
        if not tables:
            return None
        parts = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
        calls = assemble(parts, all_rules())
        due = self._due(calls, max((u.clock for u in units if u.clock is not None), default=None))
        place, net, rated, suspense = self._rate(calls, due)
        carried = before.num_rows if before is not None else 0
        sheets = _sheets(parts, place, net, carried)
        for _, one in rated:
            self.money.add(one.table)
        account = Account(sheets, suspense, net_of([one for _, one in rated]))
        outputs = [
            *(self._write(f"rated/cycle={cycle}", one.table) for cycle, one in rated),
            *([self._write("suspense", suspense)] if suspense.num_rows else []),
            *self._suspended_calls(parts, calls, place),
            write(_by_name(parts.filter(pa.array(place == WAITING))), self.staging, self._kept),
        ]
        usage = usage_of([(cycle, one.table) for cycle, one in rated], self.limits)
        return UnitResult(outputs, account, usage=usage)

    def _suspended_calls(
        self, parts: pa.Table, calls: Calls, place: NDArray[np.int8]
    ) -> list[Output]:
        """Writes the parts of calls that went to suspense: their row there names the first only."""
        table = parts_of_suspended(parts, calls, place >= SUSPENDED)
        return [write(table, self.staging, f"{CALLS}{self.name}.parquet")] if table.num_rows else []

    @property
    def _kept(self) -> str:
        return f"{FOLDER}{self.name}.parquet"

    def _due(self, calls: Calls, clock: int | None) -> Mask:
        """Returns which calls are rated now."""
        if self.flush:
            return np.ones(len(calls.complete), np.bool_)
        longest = round(self.config.longest_hours * HOUR_US)
        due: Mask = calls.complete | (calls.end - calls.begin >= longest)
        if clock is not None:
            due |= calls.end + round(self.config.wait_hours * HOUR_US) <= clock
        return due

    def _rate(
        self, calls: Calls, due: Mask
    ) -> tuple[NDArray[np.int8], NDArray[np.int64], list[tuple[str, Rated]], pa.RecordBatch]:
        """Rates calls; returns destination and net of each part, the rating, suspense rows."""
        place = np.where(due[calls.call], np.int8(MERGED), np.int8(WAITING))
        net = np.zeros(len(place), np.int64)
        # The part that names a call stands for it in the balance.
        head = np.empty(len(due), np.int64)
        naming = np.flatnonzero(calls.place == 0)
        head[calls.call[naming]] = naming
        head = head[due]
        events = joined(calls.events.filter(pa.array(due)).to_batches(), EDR_SCHEMA)
        prepared = self.rater.prepare(events)
        cycles = self.rater.cycles(prepared)
        rated = [(name, self.rater.rate(prepared, self.state_of(name))) for name in cycles]
        suspense = []
        for _, one in rated:
            place[head[one.row]] = RATED
            net[head[one.row]] = micros(one.table.column("net"))
            place[head[one.unrated.row]] = DESTINATIONS[one.unrated.status]
            suspended = one.unrated.suspended
            if len(suspended):
                words = suspended.to_batch(self.rater.compiled, self.rater.subscribers)
                picked = events.take(pa.array(suspended.row))
                none: list[bytes | None] = [None] * len(suspended)
                lengths = np.zeros(len(suspended), np.int64)
                suspense.append(event_rows(picked, lengths, none, words))
        rated = [(name, one) for name, one in rated if one.table.num_rows]
        return place, net, rated, joined(suspense, SUSPENSE_SCHEMA)

    def _write(self, folder: str, rows: pa.RecordBatch) -> Output:
        path = f"{folder}/{self.name}{PARTS}.parquet"
        return write(pa.Table.from_batches([rows]), self.staging, path)


def _sheets(
    parts: pa.Table, place: NDArray[np.int8], net: NDArray[np.int64], carried: int
) -> list[tuple[str, Sheet]]:
    """Returns what changes in the sheets; the first `carried` parts are from earlier batches."""
    sheets = []
    if carried:
        sheet = _sheet(parts.slice(0, carried), place[:carried], net[:carried])
        sheet.records.read = sheet.events.read = carried
        sheets.append((CARRIED, sheet))
    came = parts.column("file_id").combine_chunks()[carried:].dictionary_encode()
    codes = came.indices.to_numpy()
    for code, name in enumerate(came.dictionary.to_pylist()):
        mine = carried + np.flatnonzero(codes == code)
        if len(mine):
            sheet = _sheet(parts.take(pa.array(mine)), place[mine], net[mine])
            sheet.records.waiting -= len(mine)
            sheet.events.waiting -= len(mine)
            for flow in sheet.amounts:  # the unit read them, as waiting
                flow.waiting -= flow.read
                flow.read = 0
            sheets.append((name, sheet))
    return sheets


def _sheet(parts: pa.Table, place: NDArray[np.int8], net: NDArray[np.int64]) -> Sheet:
    """Returns where parts went; a part is one record and one event."""
    rated = net[place == RATED]
    rule = NOT_CHARGED_RULES[0]
    sheet = Sheet(
        records=flow_of(place, rule),
        events=flow_of(place, rule),
        net=exact_sum(rated),
        zero_rated=int(np.count_nonzero(rated == 0)),
    )
    weigh(sheet, parts.combine_chunks(), place, rule)
    return sheet


def _by_name(parts: pa.Table) -> pa.Table:
    """Returns parts by name, with dictionaries that hold what occurs, in order of text."""
    plain = parts.cast(
        pa.schema(
            [
                field.with_type(field.type.value_type)
                if pa.types.is_dictionary(field.type)
                else field
                for field in parts.schema
            ]
        )
    ).sort_by([(name, "ascending") for name in ("file_id", "offset", "container")])
    return plain.cast(EDR_SCHEMA)
