"""``[high_usage]`` of huadan.toml: limits beyond which usage is told; what is not set is not looked at."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.config.section import Section
from tariffs import scalars


def _amount(value: Any) -> int:  # noqa: ANN401 - whatever TOML holds
    """Returns an amount in millionths; money is text, because TOML's decimals are floats."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        message = f'{value!r}: write an amount as text, such as "200.00"'
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError
    return scalars.amount(str(value))


def _quantity(value: Any, kind: str, example: str) -> int:  # noqa: ANN401 - whatever TOML holds
    """Returns a quantity in seconds or bytes."""
    found, size = scalars.quantity(value) if isinstance(value, str) else ("", 0)
    if found != kind or size == 0:
        message = f"{value!r}: write {kind} as text, such as {example!r}"
        raise ValueError(message)
    return size


Amount = Annotated[int, BeforeValidator(_amount)]
Seconds = Annotated[int, BeforeValidator(partial(_quantity, kind="seconds", example="2 h"))]
Octets = Annotated[int, BeforeValidator(partial(_quantity, kind="bytes", example="10 GB"))]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""A number of events; the most is beyond what anybody makes, and fits the columns of alarms."""


class Call(Section):
    """``[high_usage.call]``: one call."""

    duration: Seconds | None = None
    charge: Amount | None = None


class Session(Section):
    """``[high_usage.session]``: one record of a data session, all its containers."""

    volume: Octets | None = None
    charge: Amount | None = None


class Day(Section):
    """``[high_usage.day]``: what a subscriber uses on one day of the book's time zone."""

    duration: Seconds | None = None
    volume: Octets | None = None
    messages: Count | None = None
    charge: Amount | None = None


class Credit(Section):
    """``[high_usage.credit]``: an account's usage of a cycle against its credit limit."""

    percent: tuple[Annotated[int, Field(ge=1, le=500)], ...] = ()
    """Shares of the limit that are told when they are passed."""

    @field_validator("percent")
    @classmethod
    def _ascending(cls, percent: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(percent)) < len(percent):
            message = f"{list(percent)}: a share is written twice"
            raise ValueError(message)
        return tuple(sorted(percent))


class Fraud(Section):
    """``[high_usage.fraud]``: what one SIM cannot do, or seldom does."""

    overlap: Seconds | None = None
    """Calls that one SIM begins while another one of its calls has this long to go."""
    premium_calls: Count | None = None
    premium_within: Seconds = 600
    """So many calls to premium numbers that begin within so long."""
    country_change: Seconds | None = None
    """Usage in two countries within less than this."""
    places: str = ""
    """CSV of ``network,area,latitude,longitude``; an empty area is the whole network."""
    fastest_km_per_hour: Annotated[int, Field(ge=1, le=100_000)] = 1_000

    @model_validator(mode="after")
    def _burst_is_of_several(self) -> Fraud:
        if self.premium_calls == 1:
            message = "premium_calls: a burst is of 2 calls or more"
            raise ValueError(message)
        return self


Tadig = Annotated[str, Field(pattern=r"^[A-Z0-9]{5}$")]


class Nrtrde(Section):
    """``[high_usage.nrtrde]``: what roaming partners are told of their subscribers."""

    sender: Tadig | Literal[""] = ""
    """Our TADIG code."""
    partners: dict[str, Tadig] = Field(default={})
    """Network of a SIM, MCC-MNC → TADIG code of the partner."""

    @model_validator(mode="after")
    def _is_whole(self) -> Nrtrde:
        if bool(self.partners) != bool(self.sender):
            message = "sender and partners belong together: our TADIG code, and theirs by network"
            raise ValueError(message)
        for network in self.partners:
            if not re.fullmatch(r"[0-9]{3}-[0-9]{2,3}", network):
                message = f"partners: {network!r} is not MCC-MNC, such as 262-01"
                raise ValueError(message)
        return self


class HighUsage(Section):
    """``[high_usage]``."""

    call: Call = Call()
    session: Session = Session()
    day: Day = Day()
    credit: Credit = Credit()
    fraud: Fraud = Fraud()
    nrtrde: Nrtrde = Nrtrde()

    @property
    def wanted(self) -> bool:
        """Returns whether anything is looked for."""
        return self != HighUsage()
