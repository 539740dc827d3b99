"""A value made early: once, beside other work, its error told to whoever asks."""

from __future__ import annotations

import threading

import pytest

from pipeline.batch.early import Early


def test_the_value_is_made_once_and_beside_the_caller() -> None:
    may_end = threading.Event()
    made: list[str] = []

    def make() -> str:
        may_end.wait(10)
        made.append(threading.current_thread().name)
        return "book"

    early = Early(make)
    early.begin()
    early.begin()
    may_end.set()  # reached while it is being made: it does not hold us up
    assert [early.get(), early.get()] == ["book", "book"]
    assert len(made) == 1
    assert made[0] != threading.current_thread().name


def test_an_error_reaches_everyone_who_asks() -> None:
    def make() -> str:
        message = "the book is broken"
        raise ValueError(message)

    early = Early(make)
    early.begin()
    for _ in range(2):
        with pytest.raises(ValueError, match="the book is broken"):
            early.get()


def test_what_was_never_begun_is_a_mistake_and_not_a_hang() -> None:
    with pytest.raises(RuntimeError, match="never begun"):
        Early(lambda: 1).get()


def test_who_wants_to_know_is_told_when_it_is_there_or_failed() -> None:
    may_end, told = threading.Event(), threading.Event()

    def make() -> str:
        may_end.wait(10)
        message = "the book is broken"
        raise ValueError(message)

    early = Early(make)
    early.begin()
    early.after(told.set)
    assert not told.is_set()
    may_end.set()
    assert told.wait(10)
    told.clear()
    early.after(told.set)
    assert told.is_set()
    with pytest.raises(RuntimeError, match="never begun"):
        Early(lambda: 1).after(told.set)
