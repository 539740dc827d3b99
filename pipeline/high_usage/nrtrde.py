"""NRTRDE files: what subscribers of partners used in our network, for their fraud control.

One file a partner and batch, GSMA TD.35 release 2.1, written with asn1tools through the module of
the format ``nrtrde``. A partner's files are numbered from 1 without holes; a batch that is taken back
gives its numbers back. The time at which a file was made available is the end of its last event:
what is published has no clock in it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asn1tools
import polars as pl

from mediation import formats
from pipeline.parquet import write_octets
from pipeline.published import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.high_usage.section import Nrtrde
    from pipeline.ledger.model import Output

COLUMNS: Final = (
    *NAME,
    "service",
    "direction",
    "served_imsi",
    "served_msisdn",
    "served_imei",
    "other_number",
    "dialled",
    "dialled_zeros",
    "start_time",
    "utc_offset",
    "duration",
    "uplink",
    "downlink",
    "visited_network",
    "area",
    "cell",
    "recording_entity",
    "apn",
    "charging_id",
    "call_reference",
    "cause",
)
TELEPHONY, RECEIVED_MESSAGE, SENT_MESSAGE = b"11", b"21", b"22"
"""Teleservices (3GPP TS 22.003)."""
MOST_EVENTS: Final = 100_000
"""Events of one file; more make another file."""
FOLDER: Final = "settlement/nrtrde"

Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class NrtrdeWriter:
    """Writes the files of one batch.

    Attributes:
        wanted: Who we are and who the partners are.
        home: Networks that are ours, MCC-MNC.
        sent: How many files each partner has got.
    """

    wanted: Nrtrde
    home: frozenset[str]
    sent: Counter[str]

    def write(self, folder: Path, events: pl.LazyFrame) -> Iterator[Output]:
        """Yields the files of a batch, partner by partner.

        Args:
            folder: Where the batch is staged.
            events: Rows of EDR_SCHEMA with COLUMNS.
        """
        roamers = self._roamers(events)
        module = None
        for (partner,), rows in roamers.group_by("partner", maintain_order=True):
            for some in rows.iter_slices(MOST_EVENTS):
                module = module or asn1tools.compile_files(
                    [str(path) for path in formats.load("nrtrde").module_files]
                )
                self.sent[str(partner)] += 1
                number = self.sent[str(partner)]
                octets = module.encode("Nrtrde", self._content(str(partner), number, some))
                name = f"{FOLDER}/{partner}/NR{self.wanted.sender}{partner}{number:07d}"
                yield write_octets(memoryview(octets), folder, name, some.height)

    def _roamers(self, events: pl.LazyFrame) -> pl.DataFrame:
        """Returns events of partners' SIMs in our networks, by partner, in event order."""
        imsi = pl.col("served_imsi").cast(pl.String).str.zfill(15)
        partner = pl.lit(None, pl.String)
        # The longest network first: six digits may begin as another one's five.
        for network in sorted(self.wanted.partners, key=len):
            tadig = pl.lit(self.wanted.partners[network])
            mine = imsi.str.starts_with(network.replace("-", ""))
            partner = pl.when(mine).then(tadig).otherwise(partner)
        visited = pl.col("visited_network").cast(pl.String)
        return (
            events.filter(pl.col("served_imsi").is_not_null())
            .with_columns(partner.alias("partner"))
            .filter(pl.col("partner").is_not_null())
            .filter(visited.is_null() | visited.is_in(list(self.home)))
            .sort("partner", "start_time", *NAME)
            .collect()
        )

    def _content(self, partner: str, number: int, rows: pl.DataFrame) -> dict[str, Any]:
        events = [event_of(row, self.wanted.sender) for row in rows.iter_rows(named=True)]
        end = max(row[0] + dt.timedelta(seconds=row[1]) for row in _ends(rows))
        return {
            "specificationVersionNumber": 2,
            "releaseVersionNumber": 1,
            "sender": self.wanted.sender.encode(),
            "recipient": partner.encode(),
            "sequenceNumber": f"{number:07d}".encode(),
            "fileAvailableTimeStamp": f"{end:%Y%m%d%H%M%S}".encode(),
            "utcTimeOffset": b"+0000",
            "callEvents": events,
            "callEventsCount": len(events),
        }


def _ends(rows: pl.DataFrame) -> Iterator[tuple[dt.datetime, int]]:
    return zip(rows["start_time"].to_list(), rows["duration"].to_list(), strict=True)


def event_of(row: dict[str, Any], sender: str) -> Event:
    """Returns an EDR as asn1tools takes a CallEvent; what the EDR does not know is left out."""
    data = row["service"] in {"data", "content", "mms"}
    received = row["direction"] == "terminating"
    event: dict[str, Any] = {
        "imsi": bcd(f"{row['served_imsi']:015d}"),
        **_time(row),
        "callEventDuration": row["duration"],
        "servingNetwork": sender.encode(),
        **_some(
            row, ("locationArea", "area"), ("cellId", "cell"), ("causeForTermination", "cause")
        ),
    }
    for name, column in (("msisdn", "served_msisdn"), ("imei", "served_imei")):
        if row[column] is not None:
            event[name] = bcd(str(row[column]))
    if data:
        event |= {"dataVolumeIncoming": row["downlink"], "dataVolumeOutgoing": row["uplink"]}
        event |= _some(row, ("chargingId", "charging_id"))
        if row["apn"] is not None:
            event["accessPointNameNI"] = row["apn"].encode()
        return "gprs", event
    message = row["service"] == "sms"
    code = (RECEIVED_MESSAGE if received else SENT_MESSAGE) if message else TELEPHONY
    event |= {
        "serviceCode": ("teleServiceCode", code),
        **_some(row, ("callReference", "call_reference")),
    }
    if row["recording_entity"] is not None:
        event["recEntityId"] = row["recording_entity"].encode()
    other = row["other_number"]
    if received:
        return "mtc", event | ({} if other is None else {"callingNumber": str(other).encode()})
    if other is not None:
        event["connectedNumber"] = str(other).encode()
    if row["dialled"] is not None:
        event["dialledDigits"] = f"{'0' * (row['dialled_zeros'] or 0)}{row['dialled']}".encode()
    return "moc", event


def _time(row: dict[str, Any]) -> dict[str, bytes]:
    """Returns local time and offset; UTC where the switch wrote no offset."""
    minutes = row["utc_offset"] or 0
    local = row["start_time"] + dt.timedelta(minutes=minutes)
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return {
        "callEventStartTimeStamp": f"{local:%Y%m%d%H%M%S}".encode(),
        "utcTimeOffset": offset.encode(),
    }


def _some(row: dict[str, Any], *pairs: tuple[str, str]) -> dict[str, Any]:
    """Returns the elements whose columns have a value."""
    return {name: row[column] for name, column in pairs if row[column] is not None}


def bcd(digits: str) -> bytes:
    """Returns digits, high nibble first, filled up with F."""
    return bytes.fromhex(digits + "f" * (len(digits) % 2))


def sent_before(paths: Sequence[str]) -> Counter[str]:
    """Returns how many files each partner has got, from the paths of committed outputs."""
    return Counter(Path(path).parent.name for path in paths if path.startswith(f"{FOLDER}/"))
