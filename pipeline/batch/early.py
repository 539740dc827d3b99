"""A value that is made in a thread of its own as soon as it is known to be needed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class Early(Generic[Value]):
    """Makes one value beside other work; who needs it waits for it and gets its error, if any."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._future: Future[Value] | None = None

    def begin(self) -> None:
        """Begins to make the value; a second call does nothing. Called by one thread only."""
        if self._future is None:
            pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="early")
            self._future = pool.submit(self._make)
            pool.shutdown(wait=False)

    @property
    def done(self) -> bool:
        """Whether :meth:`get` needs not wait."""
        return self._future is not None and self._future.done()

    def after(self, call: Callable[[], None]) -> None:
        """Calls `call` when the value is there, or failed; at once if it is by now.

        Raises:
            RuntimeError: nobody began.
        """
        self._begun().add_done_callback(lambda _: call())

    def get(self) -> Value:
        """Returns the value, the same each time, once it is there.

        Raises:
            RuntimeError: nobody began.
            Exception: what making the value raised.
        """
        return self._begun().result()

    def _begun(self) -> Future[Value]:
        if self._future is None:
            message = "the value was never begun"
            raise RuntimeError(message)
        return self._future
