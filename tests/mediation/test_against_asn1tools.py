from __future__ import annotations

from tests.mediation.against_asn1tools import run


def test_clean_records_of_every_type_equal_asn1tools_field_by_field() -> None:
    # Each format: 1,500 records, its types in turn. The module's command line compares more.
    assert run(1500, seed=20261001) > 2500
