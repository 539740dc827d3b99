"""Files of octets, opened and decoded as the pipeline does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mediation import formats
from mediation.batch_audit import total_notes, totals_of
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.reader import CdrFile, FileSettings, open_cdr_file
from mediation.validation import RuleSet

if TYPE_CHECKING:
    from pathlib import Path

NO_RULES = RuleSet(())


class Opener:
    """Opens files of octets; closes them all at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[CdrFile] = []

    def __call__(self, octets: bytes, name: str | None = None) -> CdrFile:
        """Returns the open file; its format is detected unless it is given."""
        number = len(self.files)
        path = self.folder / f"CD{number}"
        path.write_bytes(octets)
        self.files.append(open_cdr_file(path, f"{number:032x}", name, FileSettings(self.folder)))
        return self.files[-1]

    def close(self) -> None:
        """Closes every file."""
        for file in self.files:
            file.close()


def rows_of(chunk: DecodedChunk) -> list[dict[str, Any]]:
    """Returns EDR rows as dicts, start times as microseconds."""
    start = chunk.edr.schema.get_field_index("start_time")
    table = chunk.edr.set_column(start, "start_time", chunk.edr.column(start).cast(pa.int64()))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def decoded(file: CdrFile) -> tuple[DecodedChunk, list[dict[str, Any]], tuple[str, ...]]:
    """Returns a file's only chunk, its rows, and everything that is noted on it."""
    chunk = decode_chunk(file, range(file.n_records), rules=NO_RULES)
    totals = totals_of(formats.load(file.format_name), file.batches, chunk.sums)
    return chunk, rows_of(chunk), (*file.notes, *total_notes(totals))
