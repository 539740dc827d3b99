"""Tables read in one go if nothing about them is unusual; else somebody slower says what is.

A clean table gives its columns in three shapes: numbers, codes with their distinct texts, and names
in order. Every method returns None where the table is not clean after all.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from mediation.edr import MISSING
from rating.kernels import scan
from rating.subscribers_columns import names_table
from rating.subscribers_read import LONGEST_NUMBER, Layout, codes

if TYPE_CHECKING:
    from tariffs.compiled import Int32, Int64

_BOM = b"\xef\xbb\xbf"
_SMALLEST_TABLE = 1024
_LARGEST = 2**31
"""Bytes of a file whose texts all fit one Arrow array."""


class CleanTable(Protocol):
    """A table whose rows are well-formed."""

    rows: int

    def digits(self, column: str) -> Int64 | None:
        """Returns numbers of 1 to 15 digits, MISSING where empty."""

    def coded(self, column: str) -> tuple[list[str], Int32] | None:
        """Returns distinct texts and the index of each row's; all empty if it is no column."""

    def empty(self, column: str) -> bool:
        """Returns whether a column of names has no text at all."""

    def names(self, column: str, otherwise: str = "") -> tuple[pa.StringArray, Int32] | None:
        """Returns the distinct texts in order and the index of each row's.

        Args:
            column: The column.
            otherwise: Column that gives the text where it is empty.
        """


def clean_table(data: bytes, suffix: str, layout: Layout) -> CleanTable | None:
    """Returns the table of a file (``.csv`` or ``.parquet``), None if anything is unusual."""
    return _CsvTable.read(data, layout) if suffix == ".csv" else _ParquetTable.read(data, layout)


class _CsvTable:
    """Columns as the kernel left them."""

    def __init__(self, data: bytes, rows: int, head: list[str], layout: Layout) -> None:
        self.rows = rows
        self._bytes = np.frombuffer(data, np.uint8)
        kinds = [_kind(name, layout) for name in head]
        self._kind = np.array(kinds, np.int8)
        self._slot = np.array([kinds[:i].count(kind) for i, kind in enumerate(kinds)], np.int64)
        self._of = {name: int(slot) for name, slot in zip(head, self._slot, strict=True)}
        numbers, texts, coded = (kinds.count(kind) for kind in range(3))
        self._numbers = np.empty(numbers * rows, np.int64)
        self._texts = np.empty(texts * rows, np.int64)
        self._codes = np.empty(coded * rows, np.int32)
        self._distinct = np.empty(coded * rows, np.int64)
        self._counts = np.zeros(coded, np.int64)

    @classmethod
    def read(cls, data: bytes, layout: Layout) -> _CsvTable | None:
        first = data.find(b"\n") + 1
        head = data[:first].removeprefix(_BOM).decode("utf-8", "replace").strip().split(",")
        wanted, allowed = set(layout.columns), set(layout.columns) | set(layout.optional)
        if len(set(head)) != len(head) or not wanted <= set(head) <= allowed:
            return None
        if b'"' in data or len(data) >= _LARGEST:
            return None
        if not data.endswith(b"\n"):
            data += b"\n"
        if not data.isascii():
            try:
                data.decode("utf-8")
            except UnicodeDecodeError:
                return None
        rows = int(scan.count_lines(np.frombuffer(data, np.uint8), first))
        table = cls(data, rows, head, layout)
        return table if table._scan(first) else None

    def _scan(self, first: int) -> bool:
        """Fills the columns; returns whether every row is clean."""
        size = max(_SMALLEST_TABLE, 1 << (4 * self.rows).bit_length())
        table = np.zeros(len(self._counts) * size, np.int32)
        failed = scan.scan_rows(
            self._bytes,
            first,
            self.rows,
            self._kind,
            self._slot,
            self._numbers,
            self._texts,
            self._codes,
            table,
            size - 1,
            self._distinct,
            self._counts,
        )
        return bool(failed < 0)

    def _own(self, array: np.ndarray[Any, Any], column: str) -> Any:  # noqa: ANN401  as the array
        """Returns a column's part of the array of its kind."""
        slot = self._of[column]
        return array[slot * self.rows : (slot + 1) * self.rows]

    def digits(self, column: str) -> Int64 | None:
        return self._own(self._numbers, column)  # type: ignore[no-any-return]

    def coded(self, column: str) -> tuple[list[str], Int32] | None:
        if column not in self._of:
            return [""], np.zeros(self.rows, np.int32)
        places = self._own(self._distinct, column)[: self._counts[self._of[column]]]
        return self._texts_of(places).to_pylist(), self._own(self._codes, column)

    def empty(self, column: str) -> bool:
        return not np.any(self._own(self._texts, column) & scan.LENGTH_MASK)

    def names(self, column: str, otherwise: str = "") -> tuple[pa.StringArray, Int32] | None:
        places = self._own(self._texts, column)
        if otherwise:
            empty = (places & scan.LENGTH_MASK) == 0
            places = np.where(empty, self._own(self._texts, otherwise), places)
        code, distinct = np.empty(self.rows, np.int32), np.empty(self.rows, np.int64)
        count = scan.sorted_codes(self._bytes, places, code, distinct)
        if count < 0:
            return _coded_names(pl.Series(self._texts_of(places), dtype=pl.String))
        return self._texts_of(distinct[:count]), code

    def _texts_of(self, places: Int64) -> pa.StringArray:
        """Returns the texts that stand at places; the file has less than 2 GiB."""
        size = int((places & scan.LENGTH_MASK).sum())
        offsets, out = np.empty(len(places) + 1, np.int32), np.empty(size, np.uint8)
        scan.gather(self._bytes, places, offsets, out)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(out)]
        return pa.Array.from_buffers(pa.string(), len(places), buffers)


def _coded_names(text: pl.Series) -> tuple[pa.StringArray, Int32]:
    """Returns the distinct texts in order and the index of each row's."""
    names, rows = codes(text)
    return names_table(names), rows.to_numpy()


class _ParquetTable:
    """Columns as Arrow read them; repeated texts stay dictionaries."""

    def __init__(self, table: pa.Table) -> None:
        self.rows = table.num_rows
        self._table = table

    @classmethod
    def read(cls, data: bytes, layout: Layout) -> _ParquetTable | None:
        import pyarrow.parquet as pq  # noqa: PLC0415  only for Parquet

        repeated = [name for name in layout.all_columns if _kind(name, layout) == scan.CODED]
        try:
            table = pq.read_table(io.BytesIO(data), read_dictionary=repeated)
        except (pa.ArrowException, OSError, ValueError):
            return None
        head = table.column_names
        if len(set(head)) != len(head) or not set(layout.columns) <= set(head):
            return None
        if not set(head) <= set(layout.all_columns):
            return None
        return cls(table.unify_dictionaries().combine_chunks())

    def _column(self, column: str) -> pa.Array:
        found = self._table.column(column)
        return found.chunk(0) if found.num_chunks else pa.array([], found.type)

    def digits(self, column: str) -> Int64 | None:
        found = self._column(column)
        if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
            text = pl.Series(found).fill_null("")
            number = text.str.strip_prefix("+").cast(pl.Int64, strict=False)
            if ((text != "") & number.is_null()).any():
                return None
        elif found.type == pa.int64():
            number = pl.Series(found)
        else:
            return None
        if number.len() and not ((number > 0) & (number < 10**LONGEST_NUMBER)).all():
            return None
        return number.fill_null(MISSING).to_numpy().astype(np.int64, copy=False)

    def coded(self, column: str) -> tuple[list[str], Int32] | None:
        if column not in self._table.column_names:
            return [""], np.zeros(self.rows, np.int32)
        found = self._column(column)
        if pa.types.is_date32(found.type):
            found = found.cast(pa.string())
        if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
            found = found.dictionary_encode()
        if not pa.types.is_dictionary(found.type) or found.dictionary.null_count:
            return None
        values = found.dictionary.cast(pa.string()).to_pylist()
        code = found.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return [*values, ""], code.astype(np.int32, copy=False)

    def empty(self, column: str) -> bool:
        found = self._column(column)
        return bool(found.null_count == len(found))

    def names(self, column: str, otherwise: str = "") -> tuple[pa.StringArray, Int32] | None:
        found = self._column(column)
        if not (pa.types.is_string(found.type) or pa.types.is_large_string(found.type)):
            return None
        text = pl.Series(found).fill_null("")
        if otherwise:
            instead = pl.Series(self._column(otherwise)).fill_null("")
            text = instead.zip_with(text == "", text)
        return _coded_names(text)


def _kind(column: str, layout: Layout) -> int:
    if column in layout.digits:
        return scan.DIGITS
    return scan.TEXT if column in layout.names else scan.CODED


__all__ = ["CleanTable", "clean_table"]
