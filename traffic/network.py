"""The demo operator's network: number plan, areas, visited networks and elements.

All numbers are fake. The home network is 460-00, its mobile numbers begin with 86 199, and the
two digits behind that name the area of the subscriber; other operators use 86 188.
"""

from __future__ import annotations

from dataclasses import dataclass

TIME_ZONE = "Asia/Shanghai"
HOME_OFFSET = 480
"""Minutes that the home network's clock is ahead of UTC; it knows no summer time."""

AREAS = ("north", "south", "east")
AREA_CODES = (10, 20, 21)
"""Two digits of each area, in mobile numbers (199AA…), IMSIs (46000AA…) and fixed lines (0AA…)."""

OWN_PREFIX = 86_199
OTHER_PREFIX = 86_188
HOME_IMSI_PREFIX = 46_000

EMERGENCY = (110, 119, 120)
SERVICE_LINE = 10_086
PREMIUM = 12_590

FOREIGN = (
    (1, 10),
    (44, 10),
    (49, 11),
    (33, 9),
    (81, 10),
    (82, 10),
    (65, 8),
    (852, 8),
    (853, 8),
    (886, 9),
    (66, 9),
    (61, 9),
)
"""Country codes that subscribers call, each with the number of digits that follow it."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network that serves subscribers: its MCC-MNC and the clock its switches write."""

    code: str
    zone: str

    @property
    def plmn(self) -> int:
        """Three octets of TS 24.008 as a big-endian number (460-00 is 64 F0 00)."""
        mcc, mnc = self.code.split("-")
        third = int(mnc[2]) if len(mnc) == 3 else 15
        octets = (
            int(mcc[1]) << 4 | int(mcc[0]),
            third << 4 | int(mcc[2]),
            int(mnc[1]) << 4 | int(mnc[0]),
        )
        return octets[0] << 16 | octets[1] << 8 | octets[2]


NETWORKS = (
    Network("460-00", TIME_ZONE),
    Network("454-00", "Asia/Hong_Kong"),
    Network("440-10", "Asia/Tokyo"),
    Network("450-05", "Asia/Seoul"),
    Network("525-01", "Asia/Singapore"),
    Network("520-01", "Asia/Bangkok"),
    Network("262-01", "Europe/Berlin"),
    Network("208-01", "Europe/Paris"),
    Network("234-15", "Europe/London"),
    Network("310-410", "America/New_York"),
    Network("505-01", "Australia/Sydney"),
)
"""Index 0 is the home network; the others are visited by roamers."""


@dataclass(frozen=True, slots=True)
class Source:
    """One network element whose files are collected.

    Attributes:
        name: Folder and first part of its file names.
        format: Format of its records.
        area: Index into AREAS of the subscribers it serves first; -1 for all areas alike.
        address: E.164 number of a switch (recording entity), or IPv4 address of a gateway.
        blocked: Whether its files have TS 32.297 file and record headers.
    """

    name: str
    format: str
    area: int
    address: int
    blocked: bool = False


SOURCES = (
    Source("msc1", "3gpp_cs", 0, 8_619_900_900_001),
    Source("msc2", "3gpp_cs", 1, 8_619_900_900_002),
    Source("msc3", "3gpp_cs", 2, 8_619_900_900_003),
    Source("pgw1", "3gpp_ps", -1, 0x0A0A_0001),
    Source("pgw2", "3gpp_ps", -1, 0x0A0A_0002, blocked=True),
)

SERVICE_CENTRE = 8_619_900_800_001

PLAN_SHARES = (
    ("easy", 0.25),
    ("talk_58", 0.17),
    ("talk_106", 0.14),
    ("family_156", 0.16),
    ("data_50", 0.08),
    ("data_200", 0.06),
    ("night_owl", 0.05),
    ("business", 0.06),
    ("globe_298", 0.03),
)
"""Plans of the demo book and the share of the subscribers in each."""
