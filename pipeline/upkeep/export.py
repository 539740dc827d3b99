"""``huadan export``: a published table in one file, masked, with pseudonyms, or in full."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pipeline.arrow import plain
from pipeline.errors import UsageError
from pipeline.ledger.store import Ledger
from pipeline.nearest import nearest
from pipeline.suspense.withdrawn import Withdrawn
from pipeline.writing import writing
from rating.masking import mask_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.workspace import Workspace

Privacy = Literal["masked", "pseudonyms", "plain"]
TABLES: Final = ("edr", "rated", "billed", "suspense", "audit", "duplicates", "alarms")
NUMBERS: Final = ("served_imsi", "served_msisdn", "served_imei", "other_number", "dialled")
TEXTS: Final = ("other_text",)
PLACES: Final = ("area", "cell")
OCTETS: Final = ("raw",)
KEY_VARIABLE: Final = "HUADAN_PSEUDONYM_KEY"
SHORTEST_KEY: Final = 16
PSEUDONYM_OCTETS: Final = 12


def read_key(file: Path | None) -> bytes:
    """Returns the key of pseudonyms, from a file or the environment.

    Raises:
        UsageError: there is none, or it is too short to keep anything secret.
    """
    if file is not None:
        try:
            key = file.read_bytes().strip()
        except OSError as error:
            message = f"{file} cannot be read: {error.strerror}"
            raise UsageError(message) from None
    else:
        key = os.environ.get(KEY_VARIABLE, "").encode()
    if len(key) < SHORTEST_KEY:
        message = f"the key of pseudonyms has {len(key)} octets; it needs {SHORTEST_KEY}"
        hint = f"give --key-file or ${KEY_VARIABLE}; `openssl rand -hex 32` makes one"
        raise UsageError(message, hint)
    return key


def pseudonym(key: bytes, value: int | str) -> str:
    """Returns the pseudonym of a number: keyed BLAKE2b, equal for equal numbers and keys."""
    secret = hashlib.blake2b(key, digest_size=64).digest()
    return hashlib.blake2b(
        str(value).encode(), digest_size=PSEUDONYM_OCTETS, key=secret, person=b"huadan-number"
    ).hexdigest()


def export(
    workspace: Workspace, table: str, target: Path, privacy: Privacy, key: bytes = b""
) -> int:
    """Writes a published table as one Parquet or CSV file; returns how many rows it has.

    Masked numbers are texts with asterisks, pseudonyms hexadecimal texts; places (area, cell) and
    raw octets are left out unless all is plain. Lists, such as the allowances that an event took
    from, are JSON texts in CSV, octets hexadecimal.

    Args:
        workspace: Where.
        table: Folder, or folder below it: ``rated``, ``rated/cycle=2026-10``,
            ``billed/cycle=2026-10/bills``.
        target: A file that ends in .parquet or .csv; it is there when all of it is written.
        privacy: What becomes of numbers.
        key: Key of the pseudonyms.

    Raises:
        UsageError: there is no such table, or the file cannot be written.
    """
    workspace.require()
    if table.split("/", maxsplit=1)[0] not in TABLES:
        message = f"there is no table {table!r}"
        raise UsageError(message, nearest(table, list(TABLES)))
    if target.suffix not in {".parquet", ".csv"}:
        message = f"{target.name} does not end in .parquet or .csv"
        raise UsageError(message)
    with Ledger(workspace.ledger_file) as ledger:
        outputs = ledger.outputs(f"{table.rstrip('/')}/")
        gone = Withdrawn(workspace.root, ledger.outputs("withdrawn/"))
    if not outputs:
        message = f"nothing is published below {table}/"
        raise UsageError(message, "`huadan status` shows what there is")
    hide = _hider(privacy, key)
    partial = target.with_name(f"{target.name}.part")
    rows = 0
    first: pa.Schema = None
    writer: pq.ParquetWriter | pa_csv.CSVWriter | None = None
    try:
        for output in outputs:
            read = pq.ParquetFile(workspace.root / output.path).read()
            some = gone.rows_left(read, output.path) if table.startswith("edr") else read
            some = hide(plain(some))
            some = _flat(some) if target.suffix == ".csv" else some
            if writer is not None:
                _require_same(some.schema, first, output.path)
            with writing(target):
                if writer is None:
                    partial.touch(0o600)
                    kind = pq.ParquetWriter if target.suffix == ".parquet" else pa_csv.CSVWriter
                    writer, first = kind(partial, some.schema), some.schema
                writer.write_table(some)
            rows += some.num_rows
        with writing(target):
            if writer is not None:
                writer.close()
            partial.replace(target)
    except BaseException:  # also where a published file cannot be read
        partial.unlink(missing_ok=True)
        raise
    return rows


def _require_same(schema: pa.Schema, first: pa.Schema, path: str) -> None:
    """Refuses files of several kinds.

    Raises:
        UsageError: the columns differ from those of the first file.
    """
    if schema.names != first.names:
        message = f"{Path(path).parent} holds another kind of table"
        raise UsageError(message, f"name one of them, such as {Path(path).parent}")


def _flat(table: pa.Table) -> pa.Table:
    """Returns a table with lists as JSON text and octets as hex: CSV holds text only, and drops nothing."""
    for place, field in enumerate(table.schema):
        is_list = pa.types.is_list(field.type)
        if is_list or pa.types.is_binary(field.type):
            values = table.column(place).to_pylist()
            texts = [
                None if one is None else json.dumps(one) if is_list else one.hex() for one in values
            ]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def _hider(privacy: Privacy, key: bytes) -> Callable[[pa.Table], pa.Table]:
    if privacy == "plain":
        return lambda table: table
    known: dict[int | str, str] = {}

    def shown(value: int | str) -> str:
        if value not in known:
            known[value] = mask_number(value) if privacy == "masked" else pseudonym(key, value)
        return known[value]

    def hide(table: pa.Table) -> pa.Table:
        table = table.drop_columns([n for n in (*PLACES, *OCTETS) if n in table.schema.names])
        for name in (*NUMBERS, *TEXTS):
            if name not in table.schema.names:
                continue
            texts = [None if v is None else shown(v) for v in table.column(name).to_pylist()]
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, pa.array(texts, pa.string()))
        return table

    return hide
