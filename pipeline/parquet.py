"""How tables become Parquet: compact, deterministic, durable, and hashed on the way out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from collectors.digest import digest_of

if TYPE_CHECKING:
    from pathlib import Path

STATISTICS = ("start_time", "served_msisdn", "offset", "net", "bill_number")
"""Columns that readers filter by; statistics on all columns cost time and say little."""


LARGE_DICTIONARY = 1 / 16
"""Entries per row from which a dictionary does not pay."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a batch: where it will be published, and what it must contain."""

    path: str
    digest: str
    rows: int
    bytes: int


@lru_cache(maxsize=32)
def write_options(schema: pa.Schema) -> dict[str, Any]:
    """Returns arguments of ``pq.write_table`` for a schema.

    Unsigned columns are hashes: nothing makes them smaller, so nothing is tried.

    Dictionary encoding only for dictionary columns, DELTA_BINARY_PACKED for integers and times,
    money as INT64: see reference measurements in README.md.
    """
    dictionaries: list[str] = []
    encodings: dict[str, str] = {}
    statistics: list[str] = []
    for column in schema:
        kind = column.type
        if pa.types.is_dictionary(kind):
            dictionaries.append(column.name)
        elif _is_integer(kind) and not pa.types.is_unsigned_integer(kind):
            encodings[column.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
            for child in kind.value_type:
                leaf = f"{column.name}.list.element.{child.name}"
                if _is_integer(child.type):
                    encodings[leaf] = "DELTA_BINARY_PACKED"
                else:
                    dictionaries.append(leaf)
        if column.name in STATISTICS:
            statistics.append(column.name)
    hashes = all(pa.types.is_unsigned_integer(column.type) for column in schema)
    return {
        "compression": "none" if hashes else "zstd",
        "compression_level": None if hashes else 1,
        "use_dictionary": dictionaries or False,
        "column_encoding": encodings or None,
        "write_statistics": statistics or False,
        "store_decimal_as_integer": True,
        "version": "2.6",
        "data_page_size": 1 << 20,
    }


def _is_integer(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind):
        return bool(kind.precision <= 18)
    return bool(
        pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date32(kind)
    )


def encode(table: pa.Table) -> pa.Buffer:
    """Returns a table as Parquet bytes; the same table always gives the same bytes."""
    options = write_options(table.schema)
    many = _large_dictionaries(table)
    if many:
        kept = [name for name in options["use_dictionary"] or [] if name not in many]
        options = {**options, "use_dictionary": kept or False}
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def _large_dictionaries(table: pa.Table) -> set[str]:
    """Returns dictionary columns that are better written as plain text.

    A dictionary is written whole: the names of 200,000 subscribers for 100,000 rows cost nine times
    the time of the plain names and, sorted as they are, twice the bytes.
    """
    return {
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pa.types.is_dictionary(column.type)
        and any(
            len(chunk.dictionary) > LARGE_DICTIONARY * max(len(chunk), 1) for chunk in column.chunks
        )
    }


def write(table: pa.Table, folder: Path, path: str) -> Output:
    """Writes a table below `folder`, fsynced, and returns what was written.

    The name itself becomes durable when the commit fsyncs the folders.
    """
    buffer = encode(table)
    view = memoryview(buffer)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        rest = view
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    return Output(path, digest_of(view), table.num_rows, len(view))
