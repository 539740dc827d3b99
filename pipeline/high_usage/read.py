"""Alarms that batches have published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.errors import UsageError
from pipeline.high_usage.alarms import KINDS, ORDER
from pipeline.ledger.store import Ledger
from pipeline.nearest import nearest
from pipeline.published import batch_of
from rating.masking import mask_number

if TYPE_CHECKING:
    import datetime as dt

    from pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which alarms: of a batch, a kind, a day; None for all."""

    batch: str | None = None
    kind: str | None = None
    day: dt.date | None = None


def read_alarms(workspace: Workspace, chosen: Chosen, *, unmask: bool = False) -> pl.DataFrame:
    """Returns alarms, batch by batch, with the batch that told them.

    Raises:
        UsageError: The kind or the batch is unknown.
    """
    workspace.require()
    if chosen.kind is not None and chosen.kind not in KINDS:
        message = f"there is no kind of alarm {chosen.kind!r}"
        raise UsageError(message, nearest(chosen.kind, list(KINDS)))
    if not workspace.ledger_file.exists():
        return pl.DataFrame()
    with Ledger(workspace.ledger_file) as ledger:
        names = [batch.name for batch in ledger.batches()]
        paths = {batch_of(o.path): o.path for o in ledger.outputs() if o.path.startswith("alarms/")}
    if chosen.batch is not None and chosen.batch not in names:
        message = f"there is no batch {chosen.batch!r}"
        raise UsageError(message, nearest(chosen.batch, names) if names else "")
    frames = [
        pl.read_parquet(workspace.root / path)
        .with_columns(pl.lit(batch).alias("batch"))
        .with_columns(pl.col("kind", "unit").cast(pl.String))
        for batch, path in sorted(paths.items())
        if chosen.batch in {None, batch}
    ]
    if not frames:
        return pl.DataFrame()
    found = pl.concat(frames, how="diagonal_relaxed")  # earlier files lack the latest columns
    found = found.with_columns(
        pl.lit(None, kind).alias(name)
        for name, kind in (("account_id", pl.String), ("percent", pl.Int32))
        if name not in found.columns
    )
    found = found.select("batch", pl.exclude("batch")).sort("batch", *ORDER)
    if chosen.kind is not None:
        found = found.filter(pl.col("kind") == chosen.kind)
    if chosen.day is not None:
        found = found.filter(pl.col("day") == chosen.day)
    if not unmask:
        numbers = pl.col("served_imsi", "served_msisdn").map_elements(
            mask_number, return_dtype=pl.String
        )
        found = found.with_columns(numbers)
    return found


def as_rows(alarms: pl.DataFrame) -> list[dict[str, Any]]:
    """Returns alarms as people read them: a record by its name, numbers without idle zeros."""
    return [
        {
            "batch": one["batch"],
            "kind": one["kind"],
            "subscriber": one["subscriber_id"],
            "account": one["account_id"],
            "msisdn": one["served_msisdn"],
            "imsi": one["served_imsi"],
            "day": one["day"],
            "start": one["start_time"],
            "value": _plain(one["value"]),
            "limit": _plain(one["limit"]),
            "percent": one["percent"],
            "unit": one["unit"],
            "record": _name(one, ""),
            "with": _name(one, "with_"),
        }
        for one in alarms.to_dicts()
    ]


def _plain(value: Any) -> str:  # noqa: ANN401 - a Decimal
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _name(one: dict[str, Any], front: str) -> str | None:
    if one[f"{front}file_id"] is None:
        return None
    return f"{one[f'{front}file_id']}:{one[f'{front}offset']}:{one[f'{front}container']}"
