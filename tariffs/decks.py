"""Reads the CSV tables of a book: zones, number prefixes, short codes, networks.

A deck may have 500,000 rows: rows are checked in one plain loop, and prefixes end as arrays. A
first line with the column names is required; a column ``note`` may follow and is not read.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import numpy as np

from tariffs.compiled import CALL_CLASSES, NO_ZONE
from tariffs.decks_fast import read_clean_numbers
from tariffs.errors import Problems, Source, nearest
from tariffs.model import NumberDeck, Zone, empty_deck

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tariffs.context import Context

NO_ZONE_MARK = "-"
NO_PARTY = "none"
SHORT_CODE = re.compile(r"[0-9A-Za-z*#]{1,20}|(?:urn|tel|sips?):[!-~]{1,100}")
"""What is dialled. Over IMS that may be a URI: an emergency call has no other party (RFC 5031)."""
MAX_DIGITS = 15
MAX_PROBLEMS_PER_FILE = 200
ZONE_CLASSES = {
    **{
        name: i
        for i, name in enumerate(CALL_CLASSES)
        if name not in {"none", "group", "on_net", "same_place"}
    },
    "national": CALL_CLASSES.index("long_distance"),
}
"""What ``zones.csv`` may say; ``national`` is local or long distance by area."""


def rows(
    file: str, data: bytes, columns: tuple[str, ...], problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    """Yields (line, values of the columns) of a CSV file; faulty rows are noted and left out."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(
            Source(file, line), f"Byte 0x{data[error.start]:02x} is not UTF-8.", "Save it as UTF-8."
        )
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        if head not in (list(columns), [*columns, "note"]):
            problems.add(
                Source(file, 1),
                f"The first line is {','.join(head)!r}.",
                f"It must be {','.join(columns)!r}; a column note may follow.",
            )
            return
        width = len(columns)
        for row in reader:
            if not row:
                continue
            if len(row) not in {width, len(head)}:
                few = "few" if len(row) < width else "many"
                problems.add(
                    Source(file, reader.line_num),
                    f"Too {few} values: {len(row)} in place of {len(head)}.",
                    f"The columns: {', '.join(head)}.",
                )
                continue
            yield reader.line_num, [value.strip() for value in row[:width]]
    except csv.Error as error:
        problems.add(Source(file, reader.line_num), f"Not CSV: {error}.", "Close the quotes.")


class Notes:
    """Notes problems of one deck, but not one for each of 500,000 rows."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._count = 0

    def add(self, line: int, message: str, hint: str = "") -> None:
        """Notes a problem; after the first 200 only that there are more."""
        self._count += 1
        if self._count <= MAX_PROBLEMS_PER_FILE:
            self._problems.add(Source(self._file, line), message, hint)
        elif self._count == MAX_PROBLEMS_PER_FILE + 1:
            self._problems.add(Source(self._file, line), "More problems in this file follow.")

    def unknown(self, line: int, what: str, name: str, allowed: Collection[str]) -> None:
        """Notes a name that is not one of the allowed."""
        if self._count <= MAX_PROBLEMS_PER_FILE:
            self.add(line, f"Unknown {what} {name!r}.", nearest(name, allowed))


def read_zones(file: str, data: bytes, context: Context) -> None:
    """Reads ``zones.csv`` into ``context.zones``; zone 0 is ``none``, no other party."""
    notes = Notes(file, context.problems)
    areas = context.head.areas
    context.zones[NO_PARTY] = Zone(NO_PARTY, Source(file, 1), 0, 0)
    for line, (name, call_class, area) in rows(
        file, data, ("zone", "call_class", "area"), context.problems
    ):
        if name in context.zones:
            first = context.zones[name].source.line
            notes.add(line, f"The zone {name!r} is written twice, first in line {first}.")
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            notes.add(line, f"{name!r} is no name for a zone.", "Small letters, digits and _.")
            continue
        if call_class not in ZONE_CLASSES:
            notes.unknown(line, "call class", call_class, ZONE_CLASSES)
        if area not in areas:
            notes.unknown(line, "area", area, areas[1:])
        context.zones[name] = Zone(
            name,
            Source(file, line),
            ZONE_CLASSES.get(call_class, 0),
            areas.index(area) if area in areas else 0,
        )


def read_numbers(file: str, data: bytes, context: Context) -> NumberDeck:
    """Reads ``numbers.csv``: prefix of the E.164 number without +, and its zone or ``-``."""
    notes = Notes(file, context.problems)
    index: dict[str, int] = {NO_ZONE_MARK: NO_ZONE}
    named = enumerate(context.zones.values())
    index.update((zone.name, i) for i, zone in named if zone.name != NO_PARTY and not zone.data)
    clean = read_clean_numbers(data, index)
    if clean is not None:
        return clean
    seen: dict[str, int] = {}
    zones: list[int] = []
    for line, (prefix, zone) in rows(file, data, ("prefix", "zone"), context.problems):
        digits = prefix.isascii() and prefix.isdigit()
        if not digits or len(prefix) > MAX_DIGITS or prefix[0] == "0":
            notes.add(
                line,
                f"{prefix!r} is not a prefix.",
                "1 to 15 digits of the international number, without + and leading zeros.",
            )
        elif prefix in seen:
            notes.add(
                line,
                f"The prefix {prefix} is written twice, first in line {seen[prefix]}.",
                "Keep one of them.",
            )
        elif zone not in index:
            notes.unknown(line, "zone", zone, index)
        else:
            seen[prefix] = line
            zones.append(index[zone])
    if not seen:
        return empty_deck()
    return NumberDeck(
        np.array([int(prefix) for prefix in seen], np.int64),
        np.array([len(prefix) for prefix in seen], np.int8),
        np.array(zones, np.int32),
        np.array(list(seen.values()), np.int32),
    )


def read_short_codes(file: str, data: bytes, context: Context) -> dict[str, int]:
    """Reads ``short_codes.csv``: what is dialled, as text → zone index."""
    notes = Notes(file, context.problems)
    named = enumerate(context.zones.values())
    index = {zone.name: i for i, zone in named if zone.name != NO_PARTY and not zone.data}
    found: dict[str, int] = {}
    for line, (code, zone) in rows(file, data, ("code", "zone"), context.problems):
        if not SHORT_CODE.fullmatch(code):
            allowed = "1 to 20 digits, letters, * or #; a URI such as urn:service:sos."
            notes.add(line, f"{code!r} is not a short code.", allowed)
        elif code in found:
            notes.add(line, f"The short code {code} is written twice.", "Keep one of them.")
        elif zone not in index:
            notes.unknown(line, "zone", zone, index)
        else:
            found[code] = index[zone]
    return found


def read_networks(file: str, data: bytes, context: Context) -> dict[str, int]:
    """Reads ``networks.csv``: MCC-MNC → roaming class index."""
    notes = Notes(file, context.problems)
    classes = context.head.roaming_classes
    found: dict[str, int] = {}
    for line, (network, roaming) in rows(file, data, ("network", "roaming"), context.problems):
        if not re.fullmatch(r"[0-9]{3}-[0-9]{2,3}|[A-Z]{3}[A-Z0-9]{2}", network):
            notes.add(
                line,
                f"{network!r} is not a network.",
                "Write MCC-MNC, such as 460-00, or a partner's TADIG code, such as DEUD1.",
            )
        elif network in found:
            notes.add(line, f"The network {network} is written twice.", "Keep one of them.")
        elif roaming not in classes:
            notes.unknown(line, "roaming class", roaming, classes)
        else:
            found[network] = classes.index(roaming)
    if 0 not in found.values():
        notes.add(1, "No network is home.", "List the operator's own networks with home.")
    return found
