"""Text that is none, in fields that a mapping reads as text: shown, never lost, never other text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediation.decoder import decode_chunk
from mediation.formats import load_folder
from mediation.normalize import render_number, render_text
from mediation.trial import rows_of
from tests.mediation.cdr_records import memory, mo_call, tbcd, timestamp, wrap
from tests.mediation.opened import NO_RULES

if TYPE_CHECKING:
    from pathlib import Path

    from mediation.formats import Format

BAD = {
    b"\xff": r"\xff",
    b"\xc3": r"\xc3",  # cut in the middle of a character
    b"\xc0\xaf": r"\xc0\xaf",  # longer than it has to be
    b"\xed\xa0\x80": r"\xed\xa0\x80",  # a surrogate
    b"\xf4\x90\x80\x80": r"\xf4\x90\x80\x80",  # behind the last character
    b"a\x1b[2Jb": r"a\x1b[2Jb",
    b"a\nb\r\tc\x7f": r"a\x0ab\x0d\x09c\x7f",
    b"a\0b\0\0": r"a\x00b",
    "a\u0085b\u2028c".encode(): r"a\x85b\u2028c",
    rb"a\xff": r"a\x5cxff",
    rb"a\u2028": r"a\x5cu2028",
    rb"C:\data": r"C:\data",
    "名字 caf\u00e9\u3000\U0001f600".encode(): "名字 caf\u00e9\u3000\U0001f600",
}

MODULE = """Shown DEFINITIONS IMPLICIT TAGS ::= BEGIN
Item ::= CHOICE { item [1] Content, ... }
Content ::= SET {
  begun  [0] OCTET STRING OPTIONAL, utf8 [1] UTF8String OPTIONAL,
  ia5    [2] IA5String OPTIONAL, octets [3] OCTET STRING OPTIONAL,
  imsi   [4] OCTET STRING OPTIONAL, ...
}
END
"""
MAPPING = """title: Shown
module: shown.asn
record: Item
types:
  item:
    service: data
    direction: originating
    columns:
      start_time: timestamp begun
      served_imsi: tbcd imsi
      recording_entity: text utf8
      apn: text ia5
      trunk_in: text octets
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Format:
    folder = tmp_path_factory.mktemp("formats") / "shown"
    folder.mkdir()
    (folder / "shown.asn").write_text(MODULE)
    (folder / "mapping.yaml").write_text(MAPPING)
    (folder / "README.md").write_text("Shown\n")
    return load_folder(folder)


def record(octets: bytes) -> bytes:
    fields = {
        b"\x80": timestamp("261001080000+0800"),
        **dict.fromkeys((b"\x81", b"\x82", b"\x83"), octets),
        b"\x84": tbcd("460001012345678"),
    }
    return wrap(b"\xa1", b"".join(wrap(tag, inside) for tag, inside in fields.items()))


@pytest.mark.parametrize("octets", BAD)
def test_text_of_every_type_is_shown_alike(shown: Format, octets: bytes) -> None:
    [row] = rows_of(shown, [record(octets)])
    assert {row["recording_entity"], row["apn"], row["trunk_in"]} == {BAD[octets]}


@settings(max_examples=300)
@given(st.binary(max_size=12), st.binary(max_size=12))
@example(b"\xff", rb"\xff")
@example(rb"\xff", rb"\x5cxff")
@example("\u2028".encode(), rb"\u2028")
def test_other_octets_are_another_text(one: bytes, other: bytes) -> None:
    texts = [render_text(octets) for octets in (one, other)]
    assert (texts[0] == texts[1]) == (one.rstrip(b"\0") == other.rstrip(b"\0"))
    for text in texts:
        assert text.encode().decode() == text
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)


def test_bad_text_is_valid_in_arrow_and_parquet(tmp_path: Path) -> None:
    records = [mo_call(mscOutgoingTKGP=("tkgpName", octets)) for octets in BAD]
    chunk = decode_chunk(memory("3gpp_cs", records), range(len(records)), rules=NO_RULES)
    chunk.edr.validate(full=True)
    assert chunk.edr.column("trunk_out").to_pylist() == list(BAD.values())
    pq.write_table(pa.Table.from_batches([chunk.edr]), tmp_path / "rows.parquet")
    assert pq.read_table(tmp_path / "rows.parquet", columns=["trunk_out"]).column(
        0
    ).to_pylist() == [*BAD.values()]


def test_names_of_senders_hold_no_line_ends() -> None:
    # GSM 7-bit: A, line feed, escape, B.
    packed = 0x41 | 0x0A << 7 | 0x1B << 14 | 0x42 << 21
    assert render_number(b"\xd0" + packed.to_bytes(4, "little")) == r"A\x0a\x1bB"
