from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import yaml

from traffic.clock import Span, month_of
from traffic.network import SOURCES
from traffic.population import Population
from traffic.samples import write_samples
from traffic.sessions import session_events
from traffic.subscribers import make_subscribers
from traffic.switches import switch_events

if TYPE_CHECKING:
    from traffic.generate import Generated
    from traffic.table import Events

SAMPLES = Path(__file__).parents[2] / "samples"


class SmallSamples(NamedTuple):
    folder: Path
    subscribers: Path
    generated: Generated
    outcomes: dict


@pytest.fixture(scope="session")
def october() -> Span:
    return month_of(date(2026, 10, 1))


@pytest.fixture(scope="session")
def people(october: Span) -> Population:
    return Population.from_frame(make_subscribers(1_000, 7)).during(october.start, october.end)


@pytest.fixture(scope="session")
def small_samples(tmp_path_factory: pytest.TempPathFactory) -> SmallSamples:
    root = tmp_path_factory.mktemp("samples")
    generated = write_samples(
        root / "cdr",
        5,
        records=4_000,
        files=45,
        subscribers_folder=root / "subscribers",
        troubles_file=root / "troubles.yaml",
        workers=1,
    )
    outcomes = yaml.safe_load((root / "troubles.yaml").read_text("utf-8"))
    return SmallSamples(root / "cdr", root / "subscribers", generated, outcomes)


@pytest.fixture(scope="session")
def some_events(people: Population, october: Span) -> dict[str, Events]:
    """A few hundred events of a switch and of a gateway."""
    made = {}
    for source, draw in ((SOURCES[1], switch_events), (SOURCES[4], session_events)):
        rng = np.random.default_rng(11)
        made[source.format] = draw(people, source, rng, 400, october, 2_147_483_500)
    return made
