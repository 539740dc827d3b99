from __future__ import annotations

from typing import Any

import pytest

from mediation import formats
from tests.mediation.other_decoders import DECODERS
from tests.mediation.second_opinion import run

RECORDS = 150
"""Of each format, its types in turn; `make second` compares more."""


@pytest.mark.parametrize("format_name", formats.available("ber"))
@pytest.mark.parametrize("reader", DECODERS)
def test_clean_records_of_every_type_are_what_others_read(format_name: str, reader: str) -> None:
    if reader == "pycrate":
        pytest.importorskip("pycrate_asn1c", reason="pycrate is not installed, see other_decoders")
    seen = run(format_name, reader, RECORDS, seed=20261001)
    assert seen.records.total() == RECORDS
    assert seen.rows.total() > RECORDS // 6


def test_another_value_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    read = DECODERS["asn1tools"]

    def lies(format_name: str, type_name: str, octets: bytes) -> Any:  # noqa: ANN401
        kind, value = read(format_name, type_name, octets)
        return kind, {**value, "causeForTerm": 17}

    monkeypatch.setitem(DECODERS, "asn1tools", lies)
    with pytest.raises(AssertionError, match="cause"):
        run("3gpp_cs", "asn1tools", RECORDS)
