"""The sample file of a value-added service platform: picture messages, video calls, content.

Lines of the format ``content_csv``, drawn from the seed for subscribers who are there all month, and
planted ones whose charge is known.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "vas1"
LINES = 400
"""Lines that are drawn, beside the planted ones."""
NAME = f"{SOURCE}/{SOURCE}_000001_202611010000.csv"
COLUMNS = (
    *("kind", "event", "msisdn", "imsi", "partner", "start", "item", "count", "volume_kb"),
    *("duration_s", "amount", "currency", "network", "result"),
)
HOME, HONG_KONG = "46000", "45400"
BEGIN = dt.datetime(2026, 10, 1)  # noqa: DTZ001  the platform's own clock, as it writes it
SECONDS = 31 * 86_400
ITEMS = ("music", "ringtone", "game", "horoscope")
ABROAD = "+819012345678"
SERVICE = "12590"
"""Number of the content partner."""

PLANTED: tuple[tuple[str, str, dict[str, Any], dict[str, str]], ...] = (
    ("mms_on_net", "A picture to another subscriber", {"item": "picture"}, {"net": "0.300000"}),
    (
        "mms_international",
        "A picture to a number in Japan",
        {"item": "picture", "partner": ABROAD},
        {"net": "2.000000"},
    ),
    (
        "mms_abroad",
        "A picture sent from Hong Kong",
        {"item": "picture", "network": HONG_KONG},
        {"net": "3.000000"},
    ),
    (
        "video_call",
        "Two minutes and five seconds are three minutes",
        {"item": "clip", "duration_s": 125},
        {"net": "1.800000"},
    ),
    (
        "content_per_use",
        "A song",
        {"item": "music", "partner": SERVICE},
        {"net": "1.000000"},
    ),
    (
        "content_of_nobody",
        "Content for a number and an IMSI that nobody has",
        {"item": "game", "partner": SERVICE, "msisdn": "8619999999999", "imsi": "460009999999999"},
        {"destination": "suspended", "stage": "guide", "reason": "unknown_subscriber"},
    ),
)
"""Kind of trouble, note, cells that are said, what is expected."""


def write_platform_file(
    folder: Path, seed: int, subscribers_folder: Path
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Writes the file; returns its row of the table of files, and the planted lines.

    Args:
        folder: Where the folder of the platform goes.
        seed: The same seed and subscribers give the same bytes.
        subscribers_folder: Folder of ``subscribers.csv``.
    """
    people = _steady(subscribers_folder)
    rng = random.Random(seed)
    rows = [_drawn(rng, people, number) for number in range(LINES)]
    rows += [
        _row(rng, people, LINES + number, cells) for number, (_, _, cells, _) in enumerate(PLANTED)
    ]
    head = _line(dict(zip(COLUMNS, COLUMNS, strict=True)))
    lines = [_line(row) for row in rows]
    total = sum((Decimal(str(row["amount"])) for row in rows), Decimal(0))
    last = _line({"kind": "total", "event": len(rows), "amount": total})
    octets = b"".join([head, *lines, last])
    path = folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    offsets = [len(head)]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    entries = [
        {
            "kind": kind,
            "file": NAME,
            "note": note,
            "records": [{"record": LINES + number, "offset": offsets[LINES + number]}],
            "expected": _expected(expected),
        }
        for number, (kind, note, _, expected) in enumerate(PLANTED)
    ]
    row = {
        "file": NAME,
        "source": SOURCE,
        "sequence": 1,
        "records": len(rows),
        "bytes": len(octets),
        "filler_bytes": octets.count(b"\n"),  # line ends stand between records
        "sha256": hashlib.sha256(octets).hexdigest(),
    }
    return row, entries


def _expected(said: dict[str, str]) -> dict[str, Any]:
    """Returns what becomes of a planted line: it is rated unless it is said otherwise."""
    return {"destination": "rated", "records": 1, **said}


def _steady(folder: Path) -> list[tuple[str, str]]:
    """Returns (MSISDN, IMSI) of subscribers of plan easy who are there all month."""
    frame = pl.read_csv(folder / "subscribers.csv", infer_schema=False)
    once = frame.filter(pl.len().over("subscriber_id") == 1, pl.col("plan") == "easy")
    there = once.filter(pl.col("valid_to").is_null(), pl.col("valid_from") < "2026-10-01")
    numbers = there["msisdn"].str.strip_prefix("+").to_list()
    return list(zip(numbers, there["imsi"].to_list(), strict=True))


def _drawn(rng: random.Random, people: list[tuple[str, str]], number: int) -> dict[str, Any]:
    """Returns a line of everyday traffic."""
    kind = rng.choices(("picture", "clip", "content"), (45, 10, 45))[0]
    if kind == "content":
        cells: dict[str, Any] = {"item": rng.choice(ITEMS), "partner": SERVICE}
    elif kind == "clip":
        cells = {"item": "clip", "duration_s": rng.randrange(5, 900)}
    else:
        cells = {"item": "picture"}
    return _row(rng, people, number, cells)


def _row(
    rng: random.Random, people: list[tuple[str, str]], number: int, cells: dict[str, Any]
) -> dict[str, Any]:
    """Returns a line with what is not said filled in."""
    (msisdn, imsi), (other, _) = rng.sample(people, 2)
    start = BEGIN + dt.timedelta(seconds=rng.randrange(SECONDS))
    return {
        "kind": "content",
        "event": 100_000 + number,
        "msisdn": msisdn,
        "imsi": imsi,
        "partner": other,
        "start": f"{start:%Y-%m-%d %H:%M:%S}",
        "item": "picture",
        "count": 1,
        "volume_kb": f"{rng.randrange(40, 900)}.0",
        "duration_s": 0,
        "amount": "0.00",
        "currency": "CNY",
        "network": HOME,
        "result": "ok",
        **cells,
    }


def _line(row: dict[str, Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([row.get(name, "") for name in COLUMNS])
    return out.getvalue().encode()
