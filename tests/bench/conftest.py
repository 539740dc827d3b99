from __future__ import annotations

import pytest

from bench import cores, harness


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes each turn once, whoever is on the cores: tests look at what is told, not at speed."""
    monkeypatch.setattr(cores, "FIRST_LOOK_S", 0.0)
    monkeypatch.setattr(harness, "PATIENCE_S", 0.0)
    monkeypatch.setattr(harness, "ATTEMPTS", 1)
    monkeypatch.setattr(harness, "TURN_S", 0.0)
