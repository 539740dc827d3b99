"""Running numbers that a gateway gives its records: one behind the other, but for what was lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from traffic import tlv

if TYPE_CHECKING:
    from traffic.troubles import Planter

LOCAL_SEQUENCE: Final = tlv.tag_octets(20)
"""localSequenceNumber of gateway records (TS 32.298)."""
LOST: Final = 21
"""Records that never arrived."""


def renumbered(record: bytes, number: int) -> bytes:
    """Returns a gateway's record with another running number."""
    octets = number.to_bytes(number.bit_length() // 8 + 1, "big")
    whole, _ = tlv.parse(record)
    parts = tuple(
        replace(part, contents=octets) if part.tag == LOCAL_SEQUENCE else part
        for part in whole.parts or ()
    )
    return replace(whole, parts=parts).octets()


def count_planted(planter: Planter) -> None:
    """Counts the records of `pgw1` again where others were planted among them."""
    number: int | None = None
    for (source, _), draft in sorted(planter.drafts.items(), key=lambda item: item[0]):
        if source != "pgw1":
            continue
        first = draft.plan.reference if number is None else number
        if len(draft.records) != draft.plan.records or number is not None:
            draft.records = [
                renumbered(record, first + place) for place, record in enumerate(draft.records)
            ]
            number = first + len(draft.records)


def lose_records(planter: Planter) -> None:
    """Leaves out numbers before the last file of `pgw2`: its records never arrived."""
    draft = planter.last("pgw2")
    first = draft.plan.reference
    draft.records = [
        renumbered(record, first + LOST + place) for place, record in enumerate(draft.records)
    ]
    planter.add(
        "records_lost",
        draft,
        (),
        f"{LOST} records before this file never arrived: their running numbers are missing",
        {"source": "pgw2"},
        missing_records=[first, first + LOST - 1],
    )
