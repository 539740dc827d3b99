"""Reads a large, faultless number deck in one go.

500,000 rows in a plain loop take seconds. This path takes a deck only if nothing is wrong with
it; anything else goes to the loop of ``tariffs.decks``, which tells what and where.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from tariffs.model import NumberDeck

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGE = 256 * 1024
"""Bytes from which the import of pyarrow pays."""

PREFIX = "^[1-9][0-9]{0,14}$"


def read_clean_numbers(data: bytes, zones: Mapping[str, int]) -> NumberDeck | None:
    """Returns the deck of a ``numbers.csv``, None where anything about it is unusual.

    Args:
        data: The file.
        zones: Zone name → index, with the mark for no zone.
    """
    head, _, body = data.partition(b"\n")
    lines = body.count(b"\n") + (not body.endswith(b"\n"))
    if len(data) < LARGE or b'"' in data or b"\r" in data or head.strip() != b"prefix,zone":
        return None
    from pyarrow import ArrowInvalid, compute, csv, string  # noqa: PLC0415  # only for large decks

    try:
        table = csv.read_csv(
            io.BytesIO(data),
            csv.ReadOptions(use_threads=False),
            csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(column_types={"prefix": string(), "zone": string()}),
        )
    except (ArrowInvalid, UnicodeDecodeError):
        return None
    prefix = table.column("prefix").combine_chunks()
    zone = table.column("zone").combine_chunks().dictionary_encode()
    names = zone.dictionary.to_pylist()
    fine = compute.all(compute.match_substring_regex(prefix, PREFIX)).as_py()
    if not fine or len(prefix) != lines or any(name not in zones for name in names):
        return None
    digits = compute.utf8_length(prefix).to_numpy(zero_copy_only=False).astype(np.int8)
    value = prefix.cast("int64").to_numpy(zero_copy_only=False)
    if np.unique(value).size != value.size:
        # No leading zeros: equal prefixes are equal numbers.
        return None
    index = np.array([zones[name] for name in names], np.int32)
    codes = zone.indices.to_numpy(zero_copy_only=False)
    return NumberDeck(value, digits, index[codes], np.arange(2, lines + 2, dtype=np.int32))
