"""Time zones of nodes whose records carry none: a table by recording entity, as data.

A record then holds wall-clock time only. `TimeZones` knows which zone the node keeps and turns
wall-clock times into UTC and offset. Two rules where clocks change: a time that comes twice is the
first one, and a time that does not exist is read with the offset before the change.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from mediation.errors import MediationConfigError, nearest
from mediation.formats.strings import Document, read_document

if TYPE_CHECKING:
    from pathlib import Path

    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]

TOP_KEYS: Final = ("default", "nodes")
FIXED: Final = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)$")
FIRST: Final = -(2**62)
"""Where the first offset of a zone begins: before any time."""
YEARS: Final = (1990, 2100)
"""Changes of clocks are known from the first year until the second."""


def _frozen(values: list[int]) -> Int64s:
    array = np.array(values, np.int64)
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class TimeZones:
    """Which zone each node keeps, and what its wall clock means.

    Attributes:
        names: Zone by number: an IANA name, or a fixed ``+hh:mm``.
        nodes: Recording entity to zone; a key that ends with ``*`` is the beginning of names.
        default: Zone of the nodes that are not listed; -1 none.
        starts: int64[n], wall-clock microseconds since 1970 from which an offset holds, sorted
            within a zone; the first one of a zone is `FIRST`.
        offsets: int64[n], minutes east of UTC from there on.
        spans: int64[zones + 1], zone z owns ``starts[spans[z]:spans[z + 1]]``.
    """

    names: tuple[str, ...] = ()
    nodes: dict[str, int] = field(default_factory=dict)
    default: int = -1
    starts: Int64s = field(default_factory=lambda: _frozen([]))
    offsets: Int64s = field(default_factory=lambda: _frozen([]))
    spans: Int64s = field(default_factory=lambda: _frozen([0]))

    @property
    def empty(self) -> bool:
        """True if no zone is declared at all."""
        return not self.names

    def zone_of(self, entity: str | None) -> int:
        """Returns the number of a recording entity's zone, -1 if none is declared.

        The whole name decides before its longest listed beginning, that before the default. A
        leading ``+`` says nothing.
        """
        name = (entity or "").removeprefix("+")
        if name in self.nodes:
            return self.nodes[name]
        for length in range(len(name), -1, -1):
            zone = self.nodes.get(f"{name[:length]}*")
            if zone is not None and name:
                return zone
        return self.default

    def with_default(self, name: str) -> TimeZones:
        """Returns this table with another default.

        Raises:
            ValueError: There is no such zone; says which is nearest.
        """
        if reason := _unknown(name):
            raise ValueError(reason)
        names = [*self.names, name]
        return _table(names, self.nodes, len(names) - 1)


NO_ZONES: Final = TimeZones()
"""No zone is declared: wall-clock time cannot become UTC."""


def read_time_zones(path: Path) -> TimeZones:
    """Reads a ``time_zones.yaml``: `default`, and `nodes` by recording entity.

    Raises:
        MediationConfigError: With every mistake, its line and the nearest zone.
    """
    document = read_document(path)
    for key in document.root:
        if key not in TOP_KEYS:
            document.problem((key,), f"`{key}` is not a key here", nearest(key, TOP_KEYS))
    names: list[str] = []

    def number(value: object, keys: tuple[str, ...]) -> int:
        name = document.text(value, keys, f"the zone of `{keys[-1]}`")
        if name and (reason := _unknown(name)):
            document.problem(keys, reason)
        if name not in names:
            names.append(name)
        return names.index(name)

    default = -1
    if "default" in document.root:
        default = number(document.root["default"], ("default",))
    nodes: dict[str, int] = {}
    listed = document.block(document.root.get("nodes", {}), ("nodes",), "`nodes`")
    for entity, zone in listed.items():
        keys = ("nodes", entity)
        key = entity.removeprefix("+")
        _check_node(document, keys, key, nodes)
        nodes[key] = number(zone, keys)
    if not names:
        document.problem((), "neither `default` nor `nodes` names a zone")
    if document.problems:
        raise MediationConfigError(document.problems)
    return _table(names, nodes, default)


def _check_node(document: Document, keys: tuple[str, ...], key: str, nodes: dict[str, int]) -> None:
    if key in {"", "*"}:
        document.problem(keys, f"`{keys[-1]}` names no node", "what holds for all is `default`")
    elif "*" in key[:-1]:
        document.problem(keys, f"`{keys[-1]}`: a `*` may stand at the end only")
    elif key in nodes:
        document.problem(keys, f"`{keys[-1]}` is listed twice, with and without +")


def _unknown(name: str) -> str:
    """Returns why a zone's name cannot be used, an empty text if it can."""
    if FIXED.match(name):
        return ""
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = nearest(name, sorted(zoneinfo.available_timezones()))
        if hint.startswith("allowed"):  # hundreds of names help nobody
            hint = "write an IANA name such as Asia/Shanghai, or +hh:mm"
        return f"`{name}` is no time zone; {hint}"
    return ""


def _table(names: list[str], nodes: dict[str, int], default: int) -> TimeZones:
    starts: list[int] = []
    offsets: list[int] = []
    spans = [0]
    for name in names:
        for start, minutes in _changes(name):
            starts.append(start)
            offsets.append(minutes)
        spans.append(len(starts))
    return TimeZones(
        tuple(names), nodes, default, _frozen(starts), _frozen(offsets), _frozen(spans)
    )


def _changes(name: str) -> list[tuple[int, int]]:
    """Returns (wall-clock microseconds from which it holds, offset in minutes) of a zone."""
    if fixed := FIXED.match(name):
        minutes = int(fixed[2]) * 60 + int(fixed[3])
        return [(FIRST, -minutes if fixed[1] == "-" else minutes)]
    zone = zoneinfo.ZoneInfo(name)

    def offset_at(second: int) -> int:
        moment = dt.datetime.fromtimestamp(second, dt.UTC).astimezone(zone)
        return int((moment.utcoffset() or dt.timedelta()).total_seconds()) // 60

    first = int(dt.datetime(YEARS[0], 1, 1, tzinfo=dt.UTC).timestamp())
    last = int(dt.datetime(YEARS[1], 1, 1, tzinfo=dt.UTC).timestamp())
    before = offset_at(first)
    found = [(FIRST, before)]
    for day in range(first, last, 86_400):
        after = offset_at(day + 86_400)
        if after == before:
            continue
        low, high = day, day + 86_400
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_at(middle) == before else (low, middle)
        # The later of both readings of the change: what comes twice is the first one, and what
        # does not exist still has the offset before.
        found.append(((high + max(before, after) * 60) * 1_000_000, after))
        before = after
    return found
