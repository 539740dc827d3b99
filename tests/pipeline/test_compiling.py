from __future__ import annotations

import json
from typing import TYPE_CHECKING

from numba import njit
from numba.core import event

from pipeline import compiling, logs

if TYPE_CHECKING:
    import pytest


def test_long_compiling_is_told_once_and_short_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("info", None, unmask=False)
    clock = iter([0.0, 1.0, 3.0, 4.0])
    monkeypatch.setattr(compiling, "monotonic", lambda: next(clock))
    teller = compiling.Teller()
    told: list[int] = []
    for _ in range(4):
        teller.on_start(event.Event("numba:compile", event.EventStatus.START))
        told.append(len(capsys.readouterr().err.splitlines()))
    assert told == [0, 0, 1, 0]


def test_what_is_compiled_is_heard_of() -> None:
    teller = compiling.Teller()
    with event.install_listener("numba:compile", teller):
        njit(lambda number: number + 1)(1)
    assert teller._began is not None


def test_what_the_log_says(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", None, unmask=False)
    teller = compiling.Teller()
    teller._began = 0.0
    teller.on_start(event.Event("numba:compile", event.EventStatus.START))
    assert json.loads(capsys.readouterr().err)["event"] == "compiling_kernels"
