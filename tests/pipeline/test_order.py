from __future__ import annotations

import random
import threading
import time

import pytest

from pipeline.batch.early import Early
from pipeline.batch.order import Team
from pipeline.batch.runner import LocalRunner


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_gates_are_passed_in_order_by_any_number_of_threads(threads: int) -> None:
    team: Team[int, int] = Team(threads, gates=2)
    passed: list[list[int]] = [[], []]

    def work(number: int, item: int) -> int:
        time.sleep(random.random() / 500)
        with team.gates[0].turn(number):
            passed[0].append(item)
        time.sleep(random.random() / 500)
        with team.gates[1].turn(number):
            passed[1].append(item)
        return item * item

    assert team.run(iter(range(40)), work) == [n * n for n in range(40)]
    assert passed == [list(range(40)), list(range(40))]


def test_no_more_items_are_alive_than_threads_and_one() -> None:
    team: Team[int, None] = Team(3, gates=1)
    lock = threading.Lock()
    alive = most = 0

    def work(number: int, _: int) -> None:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        if number == 0:
            time.sleep(0.05)
        with team.gates[0].turn(number):
            pass
        with lock:
            alive -= 1

    team.run(iter(range(30)), work)
    assert most <= 4


def test_no_more_workers_compute_than_threads() -> None:
    team: Team[int, None] = Team(2, gates=1)
    lock = threading.Lock()
    computing = most = 0

    def work(number: int, _: int) -> None:
        nonlocal computing, most
        with lock:
            computing += 1
            most = max(most, computing)
        time.sleep(0.002)
        with lock:
            computing -= 1
        with team.gates[0].turn(number):
            time.sleep(0.001)

    team.run(iter(range(30)), work)
    assert most == 2


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_core_is_left_to_what_all_wait_for_until_it_is_there(threads: int) -> None:
    may_end = threading.Event()
    book = Early(may_end.wait)
    book.begin()
    team: Team[int, None] = Team(threads, gates=1, beside=book)
    lock = threading.Lock()
    computing = 0
    most = {False: 0, True: 0}

    def work(number: int, _: int) -> None:
        nonlocal computing
        with lock:
            computing += 1
            most[book.done] = max(most[book.done], computing)
        time.sleep(0.002)
        with lock:
            computing -= 1
        if number == 20:
            may_end.set()
            book.get()
        with team.gates[0].turn(number):
            pass

    team.run(iter(range(60)), work)
    assert most == {False: max(1, threads - 1), True: threads}


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_failure_stops_everybody(threads: int) -> None:
    team: Team[int, None] = Team(threads, gates=1)
    begun: list[int] = []

    def work(number: int, item: int) -> None:
        begun.append(item)
        if item == 5:
            message = "broken"
            raise OSError(message)
        with team.gates[0].turn(number):
            time.sleep(0.001)

    with pytest.raises(OSError, match="broken"):
        team.run(iter(range(1000)), work)
    assert len(begun) < 20


def test_a_failing_source_of_items_is_told() -> None:
    def items() -> object:
        yield 1
        message = "cannot open"
        raise ValueError(message)

    team: Team[int, int] = Team(2, gates=0)
    with pytest.raises(ValueError, match="cannot open"):
        team.run(items(), lambda _, item: item)  # type: ignore[arg-type]


def test_the_local_runner_keeps_order_and_tells_failures() -> None:
    runner = LocalRunner(3)
    assert runner.map(lambda n: n + 1, range(20)) == list(range(1, 21))

    def broken(n: int) -> int:
        return 1 // (n - 3)

    with pytest.raises(ZeroDivisionError):
        runner.map(broken, range(20))
