"""What the ledger says about a workspace, for people and programs."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from pipeline.batch.waiting import read_waiting
from pipeline.billing.adjust import next_step
from pipeline.collection.collect import offered
from pipeline.config.load import load_config
from pipeline.ledger.store import Ledger
from pipeline.ledger.sums import files_by_state
from pipeline.settings import check_settings
from pipeline.upkeep.sequences import plain_gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ledger.model import Batch
    from pipeline.workspace import Workspace

_NONE_WAIT = {"records": 0, "calls": 0, "oldest": None}


def read_status(workspace: Workspace, last: int = 0) -> dict[str, Any]:
    """Returns backlog, runs (the `last` so many; 0: all), bills and gaps as one JSON-ready object."""
    config = load_config(workspace)
    check_settings(workspace, config)  # for its mistakes: better now than at night
    if not workspace.ledger_file.exists():
        return {
            "files": {"committed": 0, "suspended": 0, "waiting": 0},
            "offered": offered(config, workspace, None),
            "batches": [],
            "bills": [],
            "rollbacks": [],
            "gaps": [],
            "record_gaps": [],
            "partials": _NONE_WAIT,
        }
    with Ledger(workspace.ledger_file) as ledger:
        outdated = ledger.outdated()
        bills = ledger.batches("bill")
        replaced = _replaced(bills)
        states = files_by_state(ledger)
        return {
            "files": {
                "committed": states.get("committed", 0),
                "suspended": states.get("suspended", 0),
                "waiting": states.get("taken", 0),
            },
            "offered": offered(config, workspace, ledger),
            "batches": [
                {"name": batch.name, "state": batch.state, **batch.summary}
                for batch in ledger.last_runs(last)
            ],
            "bills": [
                {
                    "name": batch.name,
                    "cycle": batch.cycle,
                    "state": batch.state,
                    "outdated": outdated.get(batch.name),
                    "next": next_step(ledger, batch.cycle or "")
                    if batch.name in outdated
                    else None,
                    "replaced_by": replaced.get(batch.name),
                    **batch.summary,
                }
                for batch in bills
            ],
            "rollbacks": [
                {"made": one.made, "batch": one.batch, "files": one.files}
                for one in ledger.rollbacks()
            ],
            "gaps": [
                {"source": gap.source, "first": gap.first, "last": gap.last}
                for gap in ledger.gaps()
            ],
            "record_gaps": [plain_gap(gap) for gap in ledger.records.gaps()],
            "partials": _waiting_parts(workspace, ledger),
        }


def _replaced(bills: Sequence[Batch]) -> dict[str, str]:
    """Returns by bill run, oldest first, the next one of its cycle: only the last one's bills count."""
    replaced: dict[str, str] = {}
    last: dict[str | None, str] = {}
    for one in bills:
        if one.cycle in last:
            replaced[last[one.cycle]] = one.name
        last[one.cycle] = one.name
    return replaced


def _waiting_parts(workspace: Workspace, ledger: Ledger) -> dict[str, Any]:
    """Returns how many parts of calls wait for others, and since when on the calls' own clock."""
    parts = read_waiting(workspace, ledger)
    if parts is None:
        return _NONE_WAIT
    from mediation.partials.assemble import assemble  # noqa: PLC0415 - only where parts wait
    from mediation.partials.rules import all_rules  # noqa: PLC0415

    calls = assemble(parts.unify_dictionaries(), all_rules())
    oldest = calls.events.sort_by("start_time").slice(0, 1).to_pylist()[0]
    zone = timezone(timedelta(minutes=oldest["utc_offset"] or 0))
    return {
        "records": parts.num_rows,
        "calls": calls.events.num_rows,
        "oldest": oldest["start_time"].astimezone(zone).isoformat(),
    }
