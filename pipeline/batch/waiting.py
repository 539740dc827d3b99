"""Where parts of calls wait between batches: the latest file under ``waiting/`` holds all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.ledger.model import Output
    from pipeline.ledger.store import Ledger
    from pipeline.workspace import Workspace

FOLDER: Final = "waiting/"


def kept(ledger: Ledger) -> Output | None:
    """Returns the file of the parts that wait, None if none do."""
    stored = ledger.latest_outputs(FOLDER)
    return stored[0] if stored and stored[0].rows else None


def read_waiting(workspace: Workspace, ledger: Ledger) -> pa.Table | None:
    """Returns the parts that wait (EDR_SCHEMA), None if none do."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - a status without such parts does without

    from mediation.edr import EDR_SCHEMA  # noqa: PLC0415

    file = kept(ledger)
    return None if file is None else pq.read_table(workspace.root / file.path).cast(EDR_SCHEMA)
