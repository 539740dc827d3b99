"""The Arrow side of decoding: outputs that grow, dictionaries, the finished EDR batch."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa

from mediation.columns import BITS, CODES, COLUMNS, EDR_COLUMNS, INDEX, KIND
from mediation.edr import EDR_SCHEMA
from mediation.kernels.pack import pack_identity, pack_rows
from mediation.normalize import RENDERERS

if TYPE_CHECKING:
    from collections.abc import Callable

    Int32s = np.ndarray[tuple[int], np.dtype[np.int32]]
    Int64s = np.ndarray[tuple[int], np.dtype[np.int64]]
    Octets = np.ndarray[tuple[int], np.dtype[np.uint8]]

WIDTHS: Final = (64, 32, 16, 8)
TYPES: Final[dict[int, Any]] = {64: np.int64, 32: np.int32, 16: np.int16, 8: np.int8}
ROUND_ROWS: Final = 64
OUTSIDE: Final = -2
"""The action of texts that no action saw."""


def _arrow_types() -> tuple[tuple[Any, Any], ...]:
    """Arrow type of each column, and of its indices where it is a dictionary."""
    kinds = [EDR_SCHEMA.field(name).type for name in EDR_COLUMNS]
    return tuple(
        (kind, kind.index_type if pa.types.is_dictionary(kind) else None) for kind in kinds
    )


ARROW_TYPES: Final = _arrow_types()


class OutputPlan(Protocol):
    """What packing needs to know of a format's plan."""

    @property
    def type_names(self) -> tuple[str, ...]:
        """Record types by code."""

    @property
    def active(self) -> Int32s:
        """int32[...], the columns that the format can fill."""

    @property
    def texts(self) -> tuple[tuple[int, str | Callable[[bytes], str]] | None, ...]:
        """Per action, the column of its texts and what renders them."""


class Texts:
    """The dictionaries of one chunk: octets that the kernel numbered become text once.

    Attributes:
        slots: int32[power of two], the kernel's hash table.
        interned: int64[capacity * 3], the kernel's distinct texts.
        count: int64[1], how many there are.
        codes: int32[capacity], index in the column's dictionary by text, -1 null.
        words: Per column, its dictionary.
    """

    def __init__(self, plan: OutputPlan, data: Octets, capacity: int = 1024) -> None:
        self.plan = plan
        self.data = data
        self.slots = np.full(capacity * 2, -1, np.int32)
        self.interned = np.empty(capacity * 3, np.int64)
        self.count = np.zeros(1, np.int64)
        self.codes = np.empty(capacity, np.int32)
        self.known = 0
        self.words: dict[int, dict[str, int]] = {
            text[0]: {} for text in plan.texts if text is not None
        }

    def grow(self) -> None:
        """Doubles the room; texts keep their numbers."""
        from mediation.kernels.intern import rehash  # noqa: PLC0415 - beside its only use

        capacity = len(self.codes) * 2
        self.slots = np.full(capacity * 2, -1, np.int32)
        self.interned = np.concatenate((self.interned, np.empty_like(self.interned)))
        self.codes = np.concatenate((self.codes, np.empty_like(self.codes)))
        rehash(self.data, self.slots, self.interned, int(self.count[0]))

    def add(self, column: int, word: str) -> int:
        """Returns the number of a text that stands in no record; before any record is walked."""
        number = int(self.count[0])
        while number >= len(self.codes):
            self.grow()
        self.interned[number * 3 : number * 3 + 3] = (0, 0, OUTSIDE)
        words = self.words.setdefault(column, {})
        self.codes[number] = words.setdefault(word, len(words)) if word else -1
        self.count[0] = self.known = number + 1
        return number

    def render(self) -> None:
        """Turns the texts that are new since the last call into dictionary entries."""
        count = int(self.count[0])
        if count == self.known:
            return
        octets = self.data.data
        fresh = self.interned[self.known * 3 : count * 3].tolist()
        places = zip(range(self.known, count), fresh[::3], fresh[1::3], fresh[2::3], strict=True)
        for number, offset, length, action in places:
            place = self.plan.texts[action]
            if place is None:
                message = f"action {action} made a text but has no renderer"
                raise AssertionError(message)
            column, renderer = place
            render = RENDERERS[renderer] if isinstance(renderer, str) else renderer
            word = render(octets[offset : offset + length].tobytes())
            words = self.words[column]
            self.codes[number] = words.setdefault(word, len(words)) if word else -1
        self.known = count


class Output:
    """The values of a chunk's EDR columns, kept in Arrow memory so that no copy is needed."""

    def __init__(self, plan: OutputPlan) -> None:
        self.plan = plan
        self.rows = 0
        self.capacity = 0
        lines = dict.fromkeys(WIDTHS, 0)
        lines[64] = 1  # line 0 of int64 is the offset
        lines[32] = 1  # line 0 of int32 is the container
        layout: list[int] = []
        self.line: dict[int, tuple[int, int]] = {}
        for column in plan.active[plan.active < len(EDR_COLUMNS)].tolist():
            width = BITS[column]
            layout += [column, width, lines[width], int(KIND[column] == "text")]
            self.line[column] = (width, lines[width])
            lines[width] += 1
        self.layout = np.array(layout, np.int32)
        self.lines = lines
        self.nulls = np.zeros(len(COLUMNS), np.int64)
        self.buffers: dict[int, Any] = {}
        self.values: dict[int, np.ndarray[Any, Any]] = {}
        self.bits_buffer: Any = None
        self.bits: np.ndarray[Any, Any] = np.empty((0, 0), np.uint8)

    def reserve(self, rows: int) -> None:
        """Makes room for `rows` rows in all; what was packed stays."""
        if rows <= self.capacity and self.capacity:
            return
        capacity = max(-(-rows // ROUND_ROWS) * ROUND_ROWS, ROUND_ROWS)
        for width in WIDTHS:
            count = self.lines[width]
            self.buffers[width] = pa.allocate_buffer(max(count, 1) * capacity * width // 8)
            fresh = np.frombuffer(self.buffers[width], TYPES[width]).reshape(-1, capacity)
            if self.rows:
                fresh[:, : self.rows] = self.values[width][:, : self.rows]
            self.values[width] = fresh
        self.bits_buffer = pa.allocate_buffer(len(COLUMNS) * capacity // 8)
        bits = np.frombuffer(self.bits_buffer, np.uint8).reshape(len(COLUMNS), -1)
        bits[:] = 255
        if self.rows:
            used = -(-self.rows // 8)
            bits[:, :used] = self.bits[:, :used]
        self.bits = bits
        self.capacity = capacity

    def append(
        self,
        columns: np.ndarray[Any, Any],
        rows: Int32s,
        dense: bool,  # noqa: FBT001 - mirrors the kernel
        codes: Int32s,
        row_record: Int32s,
        row_container: Int32s,
        first: int,
        offsets: Int64s,
    ) -> None:
        """Packs the chosen rows of a block behind what is there; there must be room."""
        values = self.values
        pack_rows(
            columns, rows, int(dense), self.layout, codes, self.rows,
            values[64], values[32], values[16], values[8], self.bits, self.nulls,
        )  # fmt: skip
        pack_identity(
            row_record, row_container, rows, first, offsets, self.rows, values[64][0], values[32][0]
        )
        self.rows += len(rows)

    def buffer(self, width: int, line: int) -> Any:  # noqa: ANN401 - pyarrow has no stubs
        """Returns the values of one output line as an Arrow buffer."""
        octets = width // 8
        return self.buffers[width].slice(line * self.capacity * octets, self.rows * octets)

    def batch(self, file_id: str, words: dict[int, dict[str, int]]) -> pa.RecordBatch:
        """Returns everything packed as one batch in EDR_SCHEMA, rows in packing order."""
        self.reserve(1)
        rows = self.rows
        zeros = pa.py_buffer(np.zeros(rows, np.int32))
        file_ids = pa.Array.from_buffers(pa.int32(), rows, [None, zeros], 0)
        arrays = [
            pa.DictionaryArray.from_arrays(file_ids, pa.array([file_id], pa.string()), safe=False),
            pa.Array.from_buffers(pa.int64(), rows, [None, self.buffer(64, 0)], 0),
            pa.Array.from_buffers(pa.int32(), rows, [None, self.buffer(32, 0)], 0),
        ]
        empty = pa.py_buffer(np.zeros(rows, np.int64))
        for column, (kind, index_type) in enumerate(ARROW_TYPES):
            place = self.line.get(column)
            nulls = rows if place is None else int(self.nulls[column])
            if place is None:
                buffers = [empty, empty]
            else:
                per_column = self.capacity // 8
                bits = self.bits_buffer.slice(column * per_column, -(-rows // 8))
                buffers = [bits if nulls else None, self.buffer(*place)]
            if index_type is None:
                arrays.append(pa.Array.from_buffers(kind, rows, buffers, nulls))
                continue
            indices = pa.Array.from_buffers(index_type, rows, buffers, nulls)
            dictionary = self.dictionary(column, words)
            arrays.append(pa.DictionaryArray.from_arrays(indices, dictionary, safe=False))
        return pa.RecordBatch.from_arrays(arrays, schema=EDR_SCHEMA)

    def dictionary(self, column: int, words: dict[int, dict[str, int]]) -> pa.StringArray:
        """Returns the dictionary of a column: its vocabulary, or the texts of this chunk."""
        name = COLUMNS[column]
        if name in CODES:
            return vocabulary(CODES[name])
        if column == INDEX["record_type"]:
            return vocabulary(self.plan.type_names)
        return pa.array(list(words.get(column, ())), pa.string())


@cache
def vocabulary(words: tuple[str, ...]) -> pa.StringArray:
    """Returns words as an Arrow array; made once."""
    return pa.array(words, pa.string())
