"""How tables become Parquet: compact, deterministic, durable, and hashed on the way out."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from collectors.digest import digest_of, new_digest
from pipeline.flusher import flush, open_new
from pipeline.ledger.model import Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.flusher import Flusher

STATISTICS = ("start_time", "served_msisdn", "offset", "net", "bill_number")
"""Columns that readers filter by; statistics on all columns cost time and say little."""


LARGE_DICTIONARY = 1 / 16
"""Entries per row from which a dictionary does not pay."""


WRITE_BATCH = 1 << 16
"""Values that the writer handles at a time; its default of 1,024 costs a fifth more time."""


@lru_cache(maxsize=32)
def write_options(schema: pa.Schema) -> dict[str, Any]:
    """Returns arguments of ``pq.write_table`` for a schema.

    Dictionaries only for columns that are dictionaries; whole numbers and times split by octet,
    because their upper octets hardly change; money as plain INT64. Then LZ4, which costs a third
    of zstd's time for a tenth more room. Unsigned columns are hashes: nothing makes them smaller,
    so nothing is tried.
    """
    encodings: dict[str, str] = {}
    compression: dict[str, str] = {}
    leaves = dict(_leaves(schema))
    for name, kind in leaves.items():
        hashed = pa.types.is_unsigned_integer(kind)
        compression[name] = "none" if hashed else "lz4"
        if hashed or pa.types.is_decimal(kind):
            encodings[name] = "PLAIN"
        elif pa.types.is_integer(kind) or pa.types.is_temporal(kind):
            encodings[name] = "BYTE_STREAM_SPLIT"
    return {
        "compression": compression,
        "use_dictionary": [name for name, kind in leaves.items() if _repeats(name, kind)] or False,
        "column_encoding": encodings or None,
        "write_statistics": [name for name in schema.names if name in STATISTICS] or False,
        "store_decimal_as_integer": True,
        "version": "2.6",
        "data_page_size": 1 << 20,
        "write_batch_size": WRITE_BATCH,
    }


def _leaves(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    """Yields the path and type of every column as Parquet stores it."""
    for column in schema:
        if pa.types.is_list(column.type):
            for child in column.type.value_type:
                yield f"{column.name}.list.element.{child.name}", child.type
        else:
            yield column.name, column.type


def _repeats(leaf: str, kind: pa.DataType) -> bool:
    """Returns whether the texts of a leaf are few: dictionaries, and names inside lists."""
    return bool(pa.types.is_dictionary(kind) or ("." in leaf and pa.types.is_string(kind)))


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


def write(table: pa.Table, folder: Path, path: str, flusher: Flusher | None = None) -> Output:
    """Writes a table below `folder`, fsynced, and returns what was written.

    The name itself becomes durable when the commit fsyncs the folders.
    """
    return write_octets(memoryview(encode(table)), folder, path, table.num_rows, flusher)


def write_octets(
    octets: memoryview, folder: Path, path: str, rows: int, flusher: Flusher | None = None
) -> Output:
    """Writes a file of `rows` rows below `folder` and returns what was written.

    The flusher does it, if there is one: then it is durable when the flusher's block ends, and the
    octets may not change until then.
    """
    if flusher is None:
        return write_pieces((octets,), folder, path, rows)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = digest_of(octets)
    flusher.write(open_new(target, len(octets)), octets)
    return Output(path, digest, rows, len(octets))


def write_pieces(
    pieces: Iterable[memoryview], folder: Path, path: str, rows: int, flusher: Flusher | None = None
) -> Output:
    """Writes a file whose content comes piece by piece; only its fsync is the flusher's."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = new_digest(), 0
    handle = open_new(target)
    try:
        for rest in pieces:
            digest.update(rest)
            size += len(rest)
            while rest:
                rest = rest[os.write(handle, rest) :]  # noqa: PLW2901 - what is left of it
    except BaseException:
        os.close(handle)
        raise
    (flusher.flush if flusher else flush)(handle)
    return Output(path, digest.hexdigest(), rows, size)
