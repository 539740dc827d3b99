"""The golden book and a handful of subscribers, written as files, for tests of the rating core."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rating.cycles import to_us
from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook

BOOK = Path(__file__).parents[1] / "cases" / "golden_book"
HEAD = (
    "subscriber_id,account_id,charge_group,msisdn,imsi,plan,role,vpmn_group,home_area,"
    "valid_from,valid_to"
)
FRIENDS_HEAD = "subscriber_id,number,valid_from,valid_to"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NUMBER = 8_619_900_000_000


def golden_book() -> CompiledBook:
    """The compiled golden book; its one plan is ``golden``."""
    return compile_book(load_book(BOOK))


def write(folder: Path, lines: list[str], friends: list[str] | None = None) -> Path:
    """Writes subscriber files and returns the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "subscribers.csv").write_text("\n".join([HEAD, *lines]) + "\n")
    if friends is not None:
        (folder / "friends.csv").write_text("\n".join([FRIENDS_HEAD, *friends]) + "\n")
    return folder


def line(number: int, **changes: object) -> str:
    """One subscriber row; ``number`` makes the id, the MSISDN and the IMSI."""
    row = {
        "subscriber_id": f"S{number}",
        "account_id": f"A{number}",
        "charge_group": "",
        "msisdn": f"+{NUMBER + number}",
        "imsi": str(460_000_000_000_000 + number),
        "plan": "golden",
        "role": "single",
        "vpmn_group": "",
        "home_area": "north",
        "valid_from": "2026-01-01",
        "valid_to": "",
    } | changes
    return ",".join(str(row[name]) for name in HEAD.split(","))


def at(day: int, hour: int = 12, minute: int = 0, second: int = 0, month: int = 10) -> int:
    """UTC microseconds of a time in Shanghai, 2026."""
    return to_us(dt.datetime(2026, month, day, hour, minute, second, tzinfo=SHANGHAI))


def call(number: int, start: int, duration: int = 60, **changes: object) -> dict[str, Any]:
    """A voice EDR of a subscriber of :func:`line`."""
    return {
        "served_imsi": 460_000_000_000_000 + number,
        "other_number": 8_618_800_000_001,
        "start_time": start,
        "duration": duration,
    } | changes
