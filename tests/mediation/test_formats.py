from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from mediation import formats
from mediation.errors import MediationConfigError
from mediation.formats.outline import Outline, read_outline
from mediation.formats.schema import SchemaError, load_schema
from mediation.reference.ber import decode_record
from mediation.trial import rows_of
from tests.mediation.cdr_records import wrap

if TYPE_CHECKING:
    from pathlib import Path

    from mediation.formats.schema import Element

MODULE = """
Tiny DEFINITIONS IMPLICIT TAGS ::= BEGIN
Record ::= CHOICE { call [0] Call, ... }
Call ::= SET {
  imsi     [1]  OCTET STRING OPTIONAL,
  began    [2]  OCTET STRING OPTIONAL,
  seconds  [3]  EXPLICIT INTEGER OPTIONAL,
  group    [40] Group OPTIONAL,
  Extra    Group OPTIONAL,
  bare     Bare OPTIONAL,
  parts    [5]  SEQUENCE OF Part OPTIONAL,
  names    [6]  SEQUENCE OF Group OPTIONAL,
  kind     [7]  ENUMERATED { first(0), second(1), ... } OPTIONAL,
  ended    [8]  OCTET STRING OPTIONAL,
  ...
}
Group ::= CHOICE { name [0] OCTET STRING, digits [1] INTEGER }
Bare ::= CHOICE { left [50] INTEGER, right [51] INTEGER }
Part ::= SEQUENCE { octets [0] INTEGER OPTIONAL, kind [1] INTEGER OPTIONAL,
                   more [2] SEQUENCE OF More OPTIONAL }
More ::= SEQUENCE { units [0] INTEGER OPTIONAL }
END
""".replace("  Extra    Group OPTIONAL,\n", "")
MAPPING = """
title: Tiny
module: tiny.asn
record: Record
types:
  call:
    service: voice
    direction: originating
    columns:
      served_imsi: tbcd imsi
      start_time: timestamp began
      duration: integer seconds
      trunk_in: text group.name
      rating_group: integer bare.right
"""


def write(folder: Path, mapping: str = MAPPING, module: str = MODULE) -> Path:
    (folder / "tiny.asn").write_text(module)
    (folder / "mapping.yaml").write_text(mapping)
    return folder


def problems(folder: Path, mapping: str) -> list[str]:
    with pytest.raises(MediationConfigError) as caught:
        formats.load_folder(write(folder, mapping))
    return [str(problem) for problem in caught.value.problems]


def test_the_package_brings_its_formats() -> None:
    assert {"3gpp_cs", "3gpp_ps"} <= set(formats.available())
    for name in formats.available("ber"):
        loaded = formats.load(name)
        assert loaded.name == name
        assert (loaded.folder / "README.md").is_file()
        assert all(path.is_file() for path in loaded.module_files)


def test_loading_twice_gives_the_same_object() -> None:
    assert formats.load("3gpp_cs") is formats.load("3gpp_cs")


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(MediationConfigError, match="did you mean `3gpp_cs`"):
        formats.load("3gpp-cs")


def test_a_tag_over_a_choice_is_explicit(tmp_path: Path) -> None:
    write(tmp_path)
    (call,) = load_schema([tmp_path / "tiny.asn"], "Record")
    by_name = {child.name: child for child in call.children}
    assert (by_name["imsi"].kind, by_name["imsi"].constructed) == ("OCTET STRING", False)
    assert by_name["group"].constructed
    assert [child.tag_number for child in by_name["group"].children] == [0, 1]
    assert by_name["seconds"].kind == "EXPLICIT"
    assert by_name["seconds"].children[0].kind == "INTEGER"
    assert by_name["bare.left"].tag_number == 50


def test_a_folder_is_a_format_without_any_python(tmp_path: Path) -> None:
    loaded = formats.load_folder(write(tmp_path))
    assert loaded.plan.type_names == ("call",)
    assert loaded.title == "Tiny"


def test_a_record_that_is_no_choice_is_called_as_its_type(tmp_path: Path) -> None:
    mapping = MAPPING.replace("record: Record", "record: Call").replace("  call:", "  Call:")
    tiny = formats.load_folder(write(tmp_path, mapping))
    assert [element.name for element in tiny.schema] == ["Call"]
    call = wrap(b"\x31", bytes.fromhex("810864000021436587f982092610011200002b0800"))
    [row] = rows_of(tiny, [call])
    assert (row["record_type"], row["served_imsi"]) == ("Call", 460000123456789)


def test_every_mistake_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    mapping = (
        MAPPING.replace("tbcd imsi", "tbdc imsi")
        .replace("timestamp began", "timestamp begun")
        .replace("duration: integer", "duraton: integer")
        .replace("service: voice", "service: voise")
        .replace("text group.name", "plmn group.digits")
        + "      service: lookup(nothing) imsi\n      utc_offset: integer seconds\nextra: 1\n"
    )
    found = problems(tmp_path, mapping)
    assert len(found) == 8
    text = "\n".join(found)
    for word in (
        "mapping.yaml:10: `tbdc` is no codec (did you mean `tbcd`?)",
        "mapping.yaml:11: `begun`: there is no `begun` (did you mean `began`?)",
        "mapping.yaml:12: `duraton` is no EDR column (did you mean `duration`?)",
        "mapping.yaml:7: `voise` is no service (did you mean `voice`?)",
        "`plmn` reads",
        "`nothing` is no table",
        "`utc_offset` is filled by the engine",
        "`extra` is not a key here",
    ):
        assert word in text, found


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("tbcd imsi", "octets seconds", "`octets` reads"),
        ("tbcd imsi", "tbcd", "there is no ``"),
        ("tbcd imsi", "text imsi", "cannot fill `served_imsi`"),
        ("timestamp began", "octets began", "is filled by timestamp"),
        ("timestamp began", "timestamp previous.began", "under `rows` only"),
        ("tbcd imsi", "tbcd parts.octets", "is a list"),
        ("integer seconds", "integer parts[kind=x].octets", "`x` is no number"),
        ("integer seconds", "integer parts[sort=1].octets", "there is no `sort`"),
        ("integer seconds", "integer parts[!kind=1].octets", "does not read as `field=value`"),
        ("integer seconds", "integer names[digits=1].digits", "have no field to compare"),
        ("integer seconds", "integer seconds when kind=third", "none of first, second"),
        ("integer seconds", "integer seconds when group=1", "cannot be compared"),
        ("integer seconds", "integer seconds when parts", "cannot be compared"),
        ("integer seconds", "integer seconds began", "takes one path"),
        ("integer seconds", "between began", "takes two paths"),
        ("integer seconds", "between began seconds", "`between` reads"),
        ("integer seconds", "until began", "under `rows` only"),
        ("service: voice", "service: voice\n    rows: {parts: {rows: {octets: {}}}}", "come from"),
        ("integer bare.right", "constant many", "followed by an integer"),
        ("rating_group: integer bare.right", "rat: constant 40000", "`rat` holds numbers from"),
        ("integer bare.right", "location imsi", "fills area, not `rating_group`"),
        ("  call:", "  cal:", "no record type"),
        ("types:", "types: []\ntables:\n  t: {GG: voice}\nmore:", "not an octet"),
        ("record: Record", "record: Recordd", "Recordd is not defined"),
        ("      served_imsi: tbcd imsi", "      x: [", "cannot be read as YAML"),
        ("title: Tiny", "title: Tiny\ntitle: Again", "stands here twice"),
        ("timestamp began", "local_time(bcd YYMM) began", "must have YY, MM, DD, hh, mm, ss"),
        ("timestamp began", "clock(bcd YYMMDD hhmmss) began", "takes two paths"),
        ("timestamp began", "timestamp began imsi", "takes one path"),
        ("timestamp began", "clock(bcd YYMMDD hhmmss) began begun", "there is no `begun`"),
        ("integer seconds", "seconds(fortnights) seconds", "has a unit of us, ms"),
        ("integer seconds", "seconds(ms up) imsi", "`seconds` reads ENUMERATED or INTEGER"),
        ("types:\n", "modules: {x: 1}\ntypes:\n  call: {modules: itself}\nmore:\n", "module `x`"),
        ("types:\n", "modules: {}\ntypes:\n  call: {modules: part}\nmore:\n", "no `part`"),
    ],
)
def test_one_mistake(tmp_path: Path, old: str, new: str, word: str) -> None:
    assert old in MAPPING
    assert word in "\n".join(problems(tmp_path, MAPPING.replace(old, new)))


def test_rows_come_from_a_list(tmp_path: Path) -> None:
    rows = "    rows:\n      seconds:\n        uplink: integer octets\n"
    assert "rows come from a list" in problems(tmp_path, MAPPING + rows)[0]


def test_scalars_stay_text(tmp_path: Path) -> None:
    # YAML 1.1 would read the octets 0E1 and NO as a float and a truth value.
    tables = 'tables:\n  codes: {"10": voice, 1F: video}\n'
    loaded = formats.load_folder(write(tmp_path, MAPPING + tables))
    assert loaded.mapping.tables == {"codes": {0x10: "voice", 0x1F: "video"}}


def test_a_module_that_does_not_parse_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(MediationConfigError, match=r"tiny\.asn"):
        formats.load_folder(write(tmp_path, module="nonsense"))


def test_a_type_that_contains_itself_is_refused(tmp_path: Path) -> None:
    module = MODULE.replace("octets [0] INTEGER OPTIONAL", "inner [0] Part OPTIONAL")
    (tmp_path / "tiny.asn").write_text(module)
    with pytest.raises(SchemaError, match="nested deeper"):
        load_schema([tmp_path / "tiny.asn"], "Record")


OUTER_MODULE = MODULE.replace(
    "END",
    """
File ::= CHOICE { batch [APPLICATION 1] Batch, notice [APPLICATION 2] Notice, lone [0] Call }
Batch ::= SEQUENCE {
  head [0] INTEGER OPTIONAL, calls [1] Calls OPTIONAL, audit [2] Audit OPTIONAL, ...
}
Notice ::= SEQUENCE { head [0] INTEGER OPTIONAL, ... }
Calls ::= SEQUENCE OF Record
Audit ::= SEQUENCE { numbers [0] SEQUENCE OF INTEGER OPTIONAL, ... }
END""",
)
OUTER = """
outer:
  type: File
  records:
    batch: calls
    notice: none
    lone: itself
"""


def test_outer_value(tmp_path: Path) -> None:
    loaded = formats.load_folder(write(tmp_path, MAPPING + OUTER, OUTER_MODULE))
    assert [(root.name, root.itself, len(root.path)) for root in loaded.outer] == [
        ("batch", False, 1),
        ("notice", False, 0),
        ("lone", True, 0),
    ]
    assert (loaded.outer[0].path[0].name, loaded.outer[0].element.tag_number) == ("calls", 1)
    alone = MAPPING + "outer:\n  type: Batch\n  records: {Batch: calls}\n"
    root = formats.load_folder(write(tmp_path, alone, OUTER_MODULE)).outer[0]
    assert (root.name, root.element.tag_class, root.element.tag_number) == ("Batch", 0, 16)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch: calls", "batch: cals", "did you mean `calls`?"),
        ("batch: calls", "batch: audit.numbers", "holds nothing of the type that `record` names"),
        ("batch: calls", "batch: head", "`head` is INTEGER; records come from"),
        ("    notice: none\n", "", "`notice` is missing (give the path"),
        ("notice: none", "notice: itself", "is not one of the types of `record`"),
        ("notice: none", "notices: none", "did you mean `notice`?"),
        ("type: File", "type: Files", "Files is not defined"),
        ("type: File", "typ: File", "did you mean `type`?"),
    ],
)
def test_mistakes_in_an_outer_value(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in OUTER
    with pytest.raises(MediationConfigError) as caught:
        formats.load_folder(write(tmp_path, MAPPING + OUTER.replace(old, new), OUTER_MODULE))
    text = " / ".join(str(problem) for problem in caught.value.problems)
    assert message in text
    assert "mapping.yaml:" in text


def test_what_holds_rows_has_no_position_of_its_own(tmp_path: Path) -> None:
    inner = "        rows: {more: {uplink: integer units}}\n"
    rows = "    rows:\n      parts:\n        container_sequence: position\n" + inner
    assert "belong to the rows inside" in problems(tmp_path, MAPPING + rows)[0]


def test_only_rows_read_the_elements_that_become_rows(tmp_path: Path) -> None:
    mapping = MAPPING.replace("integer seconds", "integer parts[kind=1].octets")
    rows = "    rows:\n      parts:\n        uplink: integer octets\n"
    assert "only those can read their fields" in problems(tmp_path, mapping + rows)[0]


def test_a_constant_of_a_code_is_a_word_of_its_vocabulary(tmp_path: Path) -> None:
    column = "      service: constant sms when kind=second\n"
    assert formats.load_folder(write(tmp_path, MAPPING + column))
    wrong = problems(tmp_path, MAPPING + column.replace("sms", "smss"))
    assert "`smss` is no service (did you mean `sms`?)" in wrong[0]


@pytest.mark.parametrize("unwanted", [True, False])
def test_an_outline_is_kept_unless_python_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, unwanted: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", unwanted)
    folder = write(tmp_path, MAPPING)
    formats.load_folder(folder)
    assert (read_outline(folder) is None) == unwanted


def test_an_outline_is_kept_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    kept = tmp_path / "__pycache__" / "outline.json"
    folder = write(tmp_path, MAPPING + OUTER + "least_values: 2\n", OUTER_MODULE)
    assert read_outline(folder) is None
    loaded = formats.load_folder(folder)
    outline = read_outline(folder)
    assert outline == Outline(loaded.schema, loaded.outer, 2)
    assert formats.load_folder(folder).mapping == loaded.mapping
    for path in (folder / "tiny.asn", folder / "mapping.yaml"):
        before = path.read_text()
        path.write_text(before + "\n")
        assert read_outline(folder) is None
        path.write_text(before)
    for damage in ("", "{}", kept.read_text()[:-40], '["x"]'):
        kept.write_text(damage)
        assert read_outline(folder) is None
        assert formats.load_folder(folder).mapping == loaded.mapping
    assert read_outline(folder) == outline


def test_least_values(tmp_path: Path) -> None:
    assert "it is a number from 1 to 4" in problems(tmp_path, MAPPING + "least_values: 9\n")[0]


def test_every_mistake_of_the_module_is_reported_beside_those_of_the_mapping(
    tmp_path: Path,
) -> None:
    module = (
        MODULE.replace("[1]  OCTET STRING", "[1]  OCTETS")
        .replace("[40] Group OPTIONAL", "[2] Grup OPTIONAL")
        .replace("octets [0] INTEGER", "octets [0] UTCTime")
    )
    write(tmp_path, MAPPING.replace("duration: integer", "duraton: integer"), module)
    with pytest.raises(MediationConfigError) as caught:
        formats.load_folder(tmp_path)
    lines = {line.strip(): at for at, line in enumerate(module.splitlines(), 1)}
    at = {word: next(n for text, n in lines.items() if text.startswith(word)) for word in
          ("imsi", "group", "Part ")}  # fmt: skip
    text = str(caught.value)
    for words in (
        f"tiny.asn:{at['imsi']}: `imsi` of `Call`: type `OCTETS` is not defined",
        f"tiny.asn:{at['group']}: `group` of `Call`: type `Grup` is not defined",
        "(did you mean `Group`?)",
        f"tiny.asn:{at['Part ']}: `octets` of `Part`: type `UTCTime`",
        f"tiny.asn:{at['group']}: `group` of `Call` has tag [2], as has `began`",
        "`duraton` is no EDR column (did you mean `duration`?)",
    ):
        assert words in text, text


def test_a_module_that_is_no_asn1_says_line_and_what_was_expected(tmp_path: Path) -> None:
    write(tmp_path, module=MODULE.replace("Call ::=", "Call :="))
    with pytest.raises(MediationConfigError) as caught:
        formats.load_folder(tmp_path)
    assert "tiny.asn:4: not ASN.1 at column 6, near `Call :=" in str(caught.value)
    assert "expected ::=" in str(caught.value)


CODES_OF = """
tables:
  causes: {"01": "16", "02": "-1"}
  services: {"1F": video}
"""


def test_a_table_turns_codes_into_numbers(tmp_path: Path) -> None:
    mapping = MAPPING.replace("types:", CODES_OF + "types:") + (
        "      cause: lookup(causes) group.digits\n      service: lookup(services) group.name\n"
    )
    mapping = mapping.replace("      trunk_in: text group.name\n", "")
    loaded = formats.load_folder(write(tmp_path, mapping))
    call = bytes.fromhex("81 08 64000021436587f9 82 09 2610010930002b0800")
    for choice, cause, service in (
        ("810101", 16, "voice"),
        ("810102", -1, "voice"),
        ("810103", None, "voice"),
        ("80011f", None, "video"),
    ):
        record = wrap(b"\xa0", call + wrap(b"\xbf\x28", bytes.fromhex(choice)))
        [row] = rows_of(loaded, [record])
        assert (row["cause"], row["service"]) == (cause, service)
        [twin] = decode_record(loaded, record)
        assert (twin["cause"], twin["service"]) == (cause, service)


def test_a_table_holds_what_its_column_may_hold(tmp_path: Path) -> None:
    mapping = MAPPING.replace("types:", CODES_OF.replace("-1", "40000") + "types:") + (
        "      cause: lookup(causes) group.digits\n      rat: lookup(services) group.digits\n"
    )
    found = problems(tmp_path, mapping)
    assert any("table `causes` says `40000`, which is no cause" in line for line in found)
    assert any("table `services` says `video`, which is no rat" in line for line in found)


def test_a_format_is_the_same_whether_it_was_loaded_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which elements are one object, too: identities tell elements apart."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = tmp_path / "again"
    shutil.copytree(
        formats.folder_of("3gpp_cs"), folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    first, second = (places(formats.load_folder(folder).schema) for _ in range(2))
    assert first == second


def places(schema: tuple[Element, ...]) -> list[tuple[str, int]]:
    """Returns every element on every path, by name and by the number of its object."""
    numbers: dict[int, int] = {}
    found = []

    def visit(element: Element, path: str) -> None:
        found.append((path, numbers.setdefault(id(element), len(numbers))))
        for child in element.children:
            visit(child, f"{path}.{child.name}")

    for element in schema:
        visit(element, element.name)
    return found
