"""The words of a mapping file, for whoever writes one: codecs and columns."""

from __future__ import annotations

from mediation.columns import CODES, COLUMNS, INDEX, KIND, RECORD_NUMBER
from mediation.edr import EDR_SCHEMA
from mediation.flat.codecs import CODECS as FLAT_CODECS
from mediation.formats.codecs import CODECS


def codec_rows(*, flat: bool) -> list[dict[str, str]]:
    """Returns every codec: how it is written, what it reads, what it fills, what it means.

    Args:
        flat: Those of text and fixed records instead of those of BER.
    """
    if flat:
        return [
            {
                "codec": f"{codec.name}({codec.argument})" if codec.argument else codec.name,
                "fills": ", ".join(codec.columns) or f"any {' or '.join(codec.fills)}",
                "meaning": codec.meaning,
            }
            for codec in FLAT_CODECS.values()
        ]
    return [
        {
            "codec": f"{codec.name}({codec.argument})" if codec.argument else codec.name,
            "reads": ", ".join(sorted(_short(codec.reads))) or "no field",
            "fills": ", ".join(codec.columns) or f"any {' or '.join(codec.kinds)}",
            "meaning": codec.meaning,
        }
        for codec in CODECS.values()
    ]


def _short(kinds: frozenset[str]) -> set[str]:
    """Returns ASN.1 types with the many kinds of text as one word."""
    text = {kind for kind in kinds if kind.endswith("String")}
    return (set(kinds) - text) | ({"text"} if text else set())


def column_rows() -> list[dict[str, str]]:
    """Returns every column that a mapping may fill: its kind, its unit, its meaning."""
    rows = []
    for name in COLUMNS:
        known = {} if name == RECORD_NUMBER else EDR_SCHEMA.field(name).metadata or {}
        about = {key.decode(): value.decode() for key, value in known.items()}
        if name == RECORD_NUMBER:
            about = {"unit": "index", "meaning": "Running number of its node; in no EDR"}
        rows.append(
            {
                "column": name,
                "kind": "code" if name in CODES else KIND[INDEX[name]],
                "unit": about.get("unit", ""),
                "meaning": about.get("meaning", about.get("description", "")),
            }
        )
    return rows
