"""What an inspection looks like: lines for people, objects for programs, numbers masked."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from mediation.columns import QUANTITIES
from pipeline.masking import MASKED_NUMBERS, MASKED_PLACES, MASKED_TEXTS
from rating.masking import mask_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mediation.inspector import Node
    from pipeline.inspection.inspect import Part

HEX_SHOWN: Final = 24
"""Content bytes that are shown of a value on the terminal; JSON has all of them."""

NUMBER: Final = re.compile(r"\+?\d{8,}")
"""Digits that may be somebody's number: of all values, only times and codes have fewer in a row."""

MOMENT: Final = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
)
"""A date and time in 14 digits; of the numbers that begin so, only those in time fields are."""

PLACE: Final = re.compile(r"location|cell|area_?code|routing_?area|tracking_?area", re.IGNORECASE)
"""Names of fields that say where somebody was."""
HIDDEN_PLACE: Final = "***"

HIDDEN_KEYS: Final = ("file_id", "record_bytes")
OF_THE_RECORD: Final = ("file_id", "offset")
"""Columns of an event row that its record has said already."""
NOTHING_AT_ZERO: Final = (*QUANTITIES, "dialled_zeros", "container")
"""Columns of an event row in which 0 says nothing; elsewhere it is a code like any other."""


def mask_value(text: str) -> str:
    """Returns a value's text with every number in it masked."""
    return NUMBER.sub(lambda found: mask_number(found[0]), text)


@dataclass(frozen=True, slots=True)
class Shower:
    """Turns parts of a file into text or objects.

    Attributes:
        unmask: Whether numbers and places are shown, and octets whose meaning is not known.
    """

    unmask: bool

    def head(self, head: dict[str, Any]) -> str:
        """Returns the lines about the file."""
        shown = {
            name: "; ".join(value) if isinstance(value, list) else value
            for name, value in head.items()
            if name not in HIDDEN_KEYS
        }
        return "".join(
            f"{name.replace('_', ' '):>16}  {value}\n"
            for name, value in shown.items()
            if value not in {None, ""}
        )

    def lines(self, part: Part) -> str:
        """Returns the lines about a part, the first one empty."""
        what = f"record {part.number}" if part.number else part.kind
        words = [what, part.name, f"at {part.offset}", f"{part.length} bytes", part.outcome]
        out = ["", " · ".join(word for word in words if word)]
        if part.failure is not None:
            failure = part.failure
            where = f" in {failure.tag_path}" if failure.tag_path else ""
            out.append(
                f"  {failure.stage}: {failure.reason} at {failure.offset}{where}: {failure.detail}"
            )
        out += (line for node in part.nodes for line in self._lines(node, 0))
        for number, row in enumerate(part.rows, 1):
            out.append(f"  event row {number} of {len(part.rows)}")
            out += (f"{'':11}{name:<20}  {value}" for name, value in self._row(row).items())
        return "\n".join(out) + "\n"

    def object(self, part: Part) -> dict[str, Any]:
        """Returns a part as one JSON-ready object."""
        found: dict[str, Any] = {"kind": part.kind, "offset": part.offset, "length": part.length}
        if part.number:
            found |= {"record": part.number, "outcome": part.outcome}
        if part.name:
            found["type"] = part.name
        found["failure"] = None if part.failure is None else asdict(part.failure)
        found["tags"] = [self._plain(node) for node in part.nodes]
        if part.rows:
            found["rows"] = [self._row(row) for row in part.rows]
        return found

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Returns what an event row says: neither nothing nor a quantity of 0."""
        said = {
            name: value
            for name, value in row.items()
            if value is not None
            and (value != 0 or name not in NOTHING_AT_ZERO)
            and name not in OF_THE_RECORD
        }
        if self.unmask:
            return said
        for name in said.keys() & {*MASKED_NUMBERS, *MASKED_TEXTS}:
            said[name] = mask_value(str(said[name]))
        return said | dict.fromkeys(said.keys() & {*MASKED_PLACES}, HIDDEN_PLACE)

    def _plain(self, node: Node) -> dict[str, Any]:
        value, raw = self._shown(node)
        plain: dict[str, Any] = {
            "tag": node.tag,
            "name": node.name,
            "offset": node.offset,
            "length": node.length,
            "error": node.error,
        }
        if node.children:
            return plain | {"children": [self._plain(child) for child in node.children]}
        return plain | {"value": value, "hex": None if raw is None else raw.hex()}

    def _lines(self, node: Node, depth: int) -> Iterator[str]:
        value, raw = self._shown(node)
        name = node.name or ("(unknown)" if node.tag else "(unreadable)")
        text = f"{node.offset:>9}  {'  ' * depth}{node.tag} {name}"
        if value is not None:
            text += f" = {value}"
        if not node.children:
            if raw is None:
                text += f"  <{len(node.raw)} bytes>"
            elif raw:
                more = " …" if len(raw) > HEX_SHOWN else ""
                text += f"  <{raw[:HEX_SHOWN].hex(' ')}{more}>"
        if node.error:
            text += f"  ERROR: {node.error}"
        yield text
        for child in node.children:
            yield from self._lines(child, depth + 1)

    def _shown(self, node: Node) -> tuple[str | int | bool | None, bytes | None]:
        """Returns value and octets of a primitive; None for octets that would tell a number."""
        if node.children:
            return None, None
        if self.unmask:
            return node.value, node.raw
        if node.value is None or PLACE.search(node.name):
            # Without a known meaning, it could be anybody's number.
            shown = None if node.value is None else HIDDEN_PLACE
            return shown, None if node.raw else b""
        if not isinstance(node.value, str):
            return node.value, node.raw
        if "time" in node.name.lower() and MOMENT.fullmatch(node.value):
            return node.value, node.raw
        masked = mask_value(node.value)
        return masked, node.raw if masked == node.value else None


def json_lines(objects: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yields each object as one line of JSON."""
    for each in objects:
        yield json.dumps(each, ensure_ascii=False, default=str) + "\n"
