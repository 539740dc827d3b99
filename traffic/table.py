"""Events before they are written: int64 columns, one row per record, one per container.

A column that a kind of record does not have, or an optional field that is absent, holds MISSING.
Times are UTC seconds; the offset of the clock that wrote them stands beside them in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from traffic.digits import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

KINDS: Final = (
    "moCallRecord",
    "mtCallRecord",
    "roamingRecord",
    "incGatewayRecord",
    "outGatewayRecord",
    "transitRecord",
    "moSMSRecord",
    "mtSMSRecord",
    "ssActionRecord",
    "sGWRecord",
    "pGWRecord",
)
"""Alternatives of the record CHOICEs that traffic consists of; a row's kind is an index here."""

COLUMNS: Final = (
    "imsi",
    "imei",
    "msisdn",
    "calling",
    "called",
    "seizure",
    "answer",
    "release",
    "offset",
    "duration",
    "cause",
    "reference",
    "entity",
    "trunk_in",
    "trunk_out",
    "plmn",
    "lac",
    "cell",
    "service_code",
    "action",
    "sequence",
    "local_sequence",
    "charging_id",
    "address",
    "node",
    "apn",
    "rat",
    "clock",
)
CONTAINER_COLUMNS: Final = (
    "rating_group",
    "local_sequence",
    "first",
    "last",
    "usage",
    "condition",
    "uplink",
    "downlink",
    "report",
    "service_id",
    "offset",
)
COLUMN: Final = {name: index for index, name in enumerate(COLUMNS)}
CONTAINER_COLUMN: Final = {name: index for index, name in enumerate(CONTAINER_COLUMNS)}

TEXTS: Final = (b"cmnet", b"ims", b"ICMSC1", b"ICMSC2", b"OMOB01", b"PSTN01", b"INTL01", b"SERV01")
"""Names that columns point to by index: access points, then trunk groups."""
TEXT: Final = {text.decode(): index for index, text in enumerate(TEXTS)}


@dataclass(frozen=True, slots=True)
class Events:
    """Records of one part of one file, in the order in which they ended.

    Attributes:
        kind: Index into KINDS, int8[n].
        values: int64[len(COLUMNS), n].
        containers: int64[len(CONTAINER_COLUMNS), m].
        container_first: First container of each row, int64[n].
        container_count: How many containers each row has, int64[n].
    """

    kind: NDArray[np.int8]
    values: Ints
    containers: Ints
    container_first: Ints
    container_count: Ints

    def __len__(self) -> int:
        return len(self.kind)

    def column(self, name: str) -> Ints:
        """Returns one column by name."""
        found: Ints = self.values[COLUMN[name]]
        return found


def new_values(rows: int) -> Ints:
    """Returns an event table in which everything is missing."""
    return np.full((len(COLUMNS), rows), MISSING, dtype=np.int64)


def no_containers(rows: int) -> tuple[Ints, Ints, Ints]:
    """Returns containers, first and count of rows that have none."""
    return (
        np.empty((len(CONTAINER_COLUMNS), 0), np.int64),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
    )
