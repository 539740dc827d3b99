from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mediation import formats
from mediation.formats.advice import advice
from tests.mediation.test_formats import MAPPING, MODULE, write

if TYPE_CHECKING:
    from pathlib import Path


def told(folder: Path, mapping: str, module: str = MODULE) -> list[str]:
    return [str(problem) for problem in advice(formats.load_folder(write(folder, mapping, module)))]


def test_what_a_charge_needs_and_what_may_fill_it(tmp_path: Path) -> None:
    mapping = MAPPING.replace("      duration: integer seconds\n", "")
    module = MODULE.replace("[1]  OCTET STRING OPTIONAL,", "[1]  OCTET STRING OPTIONAL,\n"
                            "  nodeName [60] OCTET STRING OPTIONAL,\n"
                            "  inner [61] SEQUENCE { volumeSent [0] INTEGER OPTIONAL } OPTIONAL,\n"
                            "  called [62] OCTET STRING OPTIONAL,")  # fmt: skip
    found = told(tmp_path, mapping, module)
    for line in (
        "mapping.yaml:6: `call` fills no `recording_entity` (perhaps `nodeName`)",
        "mapping.yaml:6: `call` fills no `duration` (perhaps `seconds`)",
        "mapping.yaml:6: `call` fills no `other_number` (perhaps `called`)",
    ):
        assert line in found
    assert any("`inner.volumeSent` (INTEGER) may matter for charging" in line for line in found)
    assert not any("`start_time`" in line or "served" in line for line in found)


def test_record_types_that_are_left_out(tmp_path: Path) -> None:
    module = MODULE.replace("call [0] Call", "call [0] Call, message [1] Part")
    assert any(
        "record type `message` is not mapped" in line for line in told(tmp_path, MAPPING, module)
    )


def test_a_trunk_has_no_subscriber(tmp_path: Path) -> None:
    mapping = MAPPING.replace("      served_imsi: tbcd imsi\n", "")
    assert any("served_imsi" in line for line in told(tmp_path, mapping))
    trunk = mapping.replace("direction: originating", "direction: transit")
    assert not any("served_imsi" in line for line in told(tmp_path, trunk))


def test_what_the_file_fills_is_not_asked_of_its_records() -> None:
    whole = formats.load("huawei_cs")
    first, *_ = whole.mapping.types
    without = dataclasses.replace(
        first, columns=tuple(one for one in first.columns if one.column != "recording_entity")
    )
    for filled in (False, True):
        assert whole.mapping.file is not None
        columns = {"recording_entity": "node"} if filled else {}
        around = dataclasses.replace(whole.mapping.file, columns=columns)
        mapping = dataclasses.replace(whole.mapping, types=(without,), file=around)
        found = [str(problem) for problem in advice(dataclasses.replace(whole, mapping=mapping))]
        assert any("fills no `recording_entity`" in line for line in found) != filled


FLAT = """
title: Flat
kind: delimited
records: {type: kind, fields: [kind, imsi, begin, seconds, sent, price, node]}
types:
  call:
    value: C
    service: voice
    direction: originating
    columns: {served_imsi: digits imsi, start_time: epoch(s) begin, other_number: number node}
  message:
    value: M
    service: sms
    direction: gateway_out
    columns: {start_time: epoch(s) begin, trunk_in: "text node when price=0", cause: integer sent}
"""


def test_text_formats_are_told_as_well(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(FLAT)
    found = [str(problem) for problem in advice(formats.load_folder(tmp_path))]
    assert found == [
        "mapping.yaml:6: `call` fills no `duration` (perhaps `seconds`)",
        "mapping.yaml:6: `call`: `price` (text) may matter for charging (it feeds no column)",
        "mapping.yaml:11: `message` fills no `events` (no field looks like it)",
        "mapping.yaml:11: `message` fills no `other_number` (no field looks like it)",
    ]


def test_the_text_formats_that_come_with_it_leave_nothing_out() -> None:
    for name in formats.available():
        if formats.kind_of(name) != formats.BER:
            assert not advice(formats.load(name))
