"""Variants of a format: explicit tags, other columns, mistakes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import asn1tools
import pytest

from mediation import decoder, formats
from mediation.decoder import decode_chunk
from mediation.errors import MediationConfigError
from mediation.normalize import NormalizationSettings
from mediation.reference.ber import decode_record
from mediation.time_zones import NO_ZONES
from mediation.validation import RuleSet
from tests.mediation.cdr_records import MO_CALL, memory, mo_call, random_value

if TYPE_CHECKING:
    from pathlib import Path

    from mediation.decoder import DecodedChunk
    from mediation.formats import Format

EXPLICIT = "variant_of: 3gpp_cs\ntitle: All tags explicit\ntags: explicit\n"


def variant(folder: Path, text: str) -> Format:
    (folder / "mapping.yaml").write_text(text)
    return formats.load_folder(folder)


def explicit_module() -> Any:  # noqa: ANN401 - asn1tools has no types
    """Returns asn1tools' idea of the same module with explicit tags."""
    texts = [path.read_text() for path in formats.load("3gpp_cs").module_files]
    assert all("IMPLICIT TAGS" in text for text in texts)
    explicit = "\n".join(text.replace("IMPLICIT TAGS", "EXPLICIT TAGS") for text in texts)
    return asn1tools.compile_string(explicit, "ber")


def decode(loaded: Format, records: list[bytes], monkeypatch: pytest.MonkeyPatch) -> DecodedChunk:
    monkeypatch.setattr(decoder.formats, "load", lambda _: loaded)
    zones = NormalizationSettings(time_zones=NO_ZONES.with_default("Asia/Kathmandu"))
    file = memory("variant", records)
    return decode_chunk(file, range(len(records)), zones, RuleSet(()))


def without_place(chunk: DecodedChunk) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "offset"} for row in chunk.edr.to_pylist()]


def test_explicit_tags_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = explicit_module()
    plain = formats.load("3gpp_cs")
    loaded = variant(tmp_path, EXPLICIT)
    rng = random.Random(5)
    values = [
        (rule.element.name, random_value(rule.element, rng, 0.8))
        for rule in plain.mapping.types
        for _ in range(20)
    ]
    explicit = [bytes(module.encode(plain.record, value)) for value in values]
    files = [str(path) for path in plain.module_files]
    specification = asn1tools.compile_files(files, "ber")
    implicit = [bytes(specification.encode(plain.record, value)) for value in values]
    assert explicit != implicit
    found = decode(loaded, explicit, monkeypatch)
    wanted = decode(plain, implicit, monkeypatch)
    assert found.records_decoded == wanted.records_decoded > len(values) // 2
    assert without_place(found) == without_place(wanted)


def test_the_walk_in_plain_python_reads_explicit_tags(tmp_path: Path) -> None:
    record = bytes(explicit_module().encode("CSRecord", ("moCallRecord", MO_CALL)))
    loaded = variant(tmp_path, EXPLICIT)
    assert decode_record(loaded, record) == decode_record(formats.load("3gpp_cs"), mo_call())


def test_a_variant_replaces_single_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = "start_time: local_time(bcd DDMMYYYYhhmmss) answerTime\n"
    columns += "      duration: seconds(ds up) callDuration\n"
    text = "variant_of: 3gpp_cs\ntypes:\n  moCallRecord:\n    columns:\n      " + columns
    record = mo_call(answerTime=bytes.fromhex("31102026235958"), callDuration=1301)
    (row,) = decode(variant(tmp_path, text), [record], monkeypatch).edr.to_pylist()
    assert row["start_time"].isoformat() == "2026-10-31T18:14:58+00:00"
    assert (row["utc_offset"], row["duration"]) == (345, 131)
    assert (row["served_imsi"], row["service"]) == (460001012345678, "voice")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("variant_of: 3gpp_cx\n", "did you mean `3gpp_cs`"),
        ("variant_of: 3gpp_cs\ntags: automatic\n", "allowed: explicit, implicit"),
        (
            "variant_of: 3gpp_cs\ntypes: {moCallRecord: {columns: {cause: integer callDurations}}}\n",
            "mapping.yaml:2: `callDurations`",
        ),
        ("variant_of: 3gpp_cs\nmodule: other.asn\n", "other.asn"),
    ],
)
def test_a_mistake_in_a_variant(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(MediationConfigError) as caught:
        variant(tmp_path, text)
    assert word in "\n".join(str(problem) for problem in caught.value.problems)
