"""Order among worker threads: the same bytes for any number of them.

Units of work are numbered. Steps without state run in parallel; a step with state (the duplicate
keys, the running balances) is a gate that units pass one by one in the order of their numbers.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.batch.early import Early

Item = TypeVar("Item")
Result = TypeVar("Result")


class StoppedError(Exception):
    """Another worker failed; this one gives up quietly."""


class Gate:
    """Lets units through in the order of their numbers, 0 first, each exactly once."""

    def __init__(self, permits: threading.Semaphore) -> None:
        self._permits = permits
        self._changed = threading.Condition()
        self._next = 0
        self._stopped = False

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Waits for the unit's turn and holds it while the block runs.

        Who waits gives back the permit to use a core, so that another worker can use it.

        Raises:
            StoppedError: a worker failed while this one waited.
        """
        self._wait(number)
        yield
        with self._changed:
            self._next = number + 1
            self._changed.notify_all()

    def _wait(self, number: int) -> None:
        with self._changed:
            if self._next == number and not self._stopped:
                return
        with self.aside(), self._changed:
            self._changed.wait_for(lambda: self._stopped or self._next == number)
            if self._stopped:
                raise StoppedError

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Gives the worker's permit back while the block waits for something."""
        self._permits.release()
        try:
            yield
        finally:
            self._permits.acquire()

    def stop(self) -> None:
        """Wakes everybody who waits, to give up."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class Team(Generic[Item, Result]):
    """Worker threads that take numbered items one by one; memory is bounded by the workers.

    One worker more than cores: it fills the core of one that waits at a gate. At most
    ``threads`` of them compute at a time, and never more than that plus one item is alive.

    Args:
        threads: How many compute at a time.
        gates: How many steps have state.
        beside: What all of them will wait for. While it is being made they leave a core to it, if
            there are several: it is done sooner, and what they do meanwhile they do in time.
    """

    def __init__(self, threads: int, gates: int, beside: Early[Any] | None = None) -> None:
        self._threads = max(1, threads)
        busy = beside is not None and not beside.done and self._threads > 1
        self._permits = threading.Semaphore(self._threads - busy)
        if beside is not None and busy:
            beside.after(self._permits.release)
        self.gates = [Gate(self._permits) for _ in range(gates)]
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def run(self, items: Iterator[Item], work: Callable[[int, Item], Result]) -> list[Result]:
        """Returns ``work(number, item)`` of every item, in order.

        `items` is advanced under a lock, so it may be a generator with state.

        Raises:
            BaseException: the first failure of any worker, after all have stopped.
        """
        results: dict[int, Result] = {}
        numbered = enumerate(items)
        count = self._threads + (self._threads > 1)
        workers = [
            threading.Thread(
                target=self._work, args=(numbered, work, results), name=f"worker-{n}", daemon=True
            )
            for n in range(count)
        ]
        for thread in workers:
            thread.start()
        try:
            for thread in workers:
                thread.join()
        except BaseException as error:
            self._fail(error)
            for thread in workers:
                thread.join()
            raise
        if self._error is not None:
            raise self._error
        return [results[number] for number in range(len(results))]

    def _work(
        self,
        numbered: Iterator[tuple[int, Item]],
        work: Callable[[int, Item], Result],
        results: dict[int, Result],
    ) -> None:
        try:
            while True:
                with self._permits:
                    with self._lock:
                        step = None if self._error else next(numbered, None)
                    if step is None:
                        return
                    results[step[0]] = work(*step)
        except StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - handed to the caller of run()
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self._error is None:
                self._error = error
        for gate in self.gates:
            gate.stop()
