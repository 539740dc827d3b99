"""Base of all tables of huadan.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
