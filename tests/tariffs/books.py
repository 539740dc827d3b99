"""A small book as files, which tests change in one place to see what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tariffs.compile import compile_book
from tariffs.errors import BookError, Problem
from tariffs.load import load_book

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

FILES = {
    "book.yaml": """\
currency: CNY
time_zone: Asia/Shanghai
country_code: 86
taxes:
  vat: {rate: 9 %, included: yes}
gl_codes:
  4010: Usage
services:
  voice: {tax: vat, gl_code: 4010}
  sms: {tax: vat, gl_code: 4010}
  data: {tax: vat, gl_code: 4010}
areas: [north, south]
roaming_classes: [asia]
""",
    "calendar.yaml": """\
day_types:
  holiday:
    days: [2026-10-01 to 2026-10-07]
""",
    "time_models.yaml": """\
business_day:
  bands:
    - {band: peak, days: weekdays, from: 08:00, to: 20:00}
  otherwise: off_peak
""",
    "prices.yaml": """\
minute: {price: 0.30, per: 60 s}
cheap: {price: 0.15, per: 60 s}
message: {price: 0.10, per: 1 message}
volume: {price: 0.29, per: 1 MiB, beat: 1 KiB}
""",
    "zones.csv": """\
zone,call_class,area
north,national,north
abroad,international,
police,emergency,
""",
    "numbers.csv": """\
prefix,zone
86,north
44,abroad
""",
    "short_codes.csv": """\
code,zone
110,police
""",
    "networks.csv": """\
network,roaming
460-00,home
440-10,asia
""",
    "discounts/all.yaml": """\
half: {percent: 50 %, for: friends}
""",
    "plans/plain.yaml": """\
name: Plain
fees:
  - {id: monthly, amount: 10.00, tax: vat, gl_code: 4010}
rules:
  - {id: police, when: {service: voice, class: emergency}, price: free}
  - {id: voice, when: {service: voice}, time: business_day, price: {peak: minute, off_peak: cheap}}
  - {id: sms, when: {service: sms, direction: originating}, price: message}
  - {id: data, when: {service: data, direction: originating}, price: volume}
allowances:
  - {id: minutes, quantity: 10 min, when: {service: voice, roaming: home}}
discounts: [half]
caps:
  - {id: data, amount: 100.00, when: {service: data}}
""",
}


def write_book(folder: Path, changed: dict[str, str | bytes | None] | None = None) -> Path:
    """Writes the small book with some files replaced, added, or (None) left out."""
    files: dict[str, str | bytes | None] = {**FILES, **(changed or {})}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            path.write_text(content, encoding="utf-8")
    return folder


def edited(name: str, old: str, new: str) -> dict[str, str | bytes | None]:
    """Returns the change of one text in one file; the text must be there once."""
    assert FILES[name].count(old) == 1, old
    return {name: FILES[name].replace(old, new)}


def problems_of(
    folder: Path, changed: dict[str, str | bytes | None] | None = None
) -> list[Problem]:
    """Returns what is said about the changed book; empty where it loads."""
    write_book(folder, changed)
    try:
        load_book(folder)
    except BookError as error:
        return error.problems
    return []


def make_book(
    folder: Path, changed: dict[str, str | bytes | None] | None = None
) -> tuple[Book, CompiledBook]:
    """Returns the changed book, loaded and compiled."""
    book = load_book(write_book(folder, changed))
    return book, compile_book(book)


def plan_with(**parts: object) -> dict[str, str | bytes | None]:
    """Returns the plan file with some of its keys replaced."""
    plan = yaml.load(FILES["plans/plain.yaml"], Loader=yaml.BaseLoader)  # noqa: S506
    plan.update(parts)
    return {"plans/plain.yaml": yaml.safe_dump(plan, sort_keys=False)}
