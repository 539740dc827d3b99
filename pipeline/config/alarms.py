"""Tables of huadan.toml that say from when somebody is to be told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.config.section import Section


class Suspense(Section):
    """``[suspense]``: how long an item may wait."""

    overdue_days: Annotated[float, Field(gt=0, le=3_660)] = 7.0
    """Age from which an item of suspense is overdue: counted in metrics and in the list."""
