"""One SSH connection that threads share, and the thread whose event loop serves it.

Whatever becomes of the connection, every call of :meth:`SshSession.run` ends: with what the work
gives, with what went wrong, or, when another thread ended the session or nothing was heard for
long, with an error that says so.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

Value = TypeVar("Value")

FAREWELL_S = 1.0
"""What is under way when a session is ended may take so long to hear of it, and again as long to be
cancelled, before its loop stops."""
GRACE = 2.0
"""A caller waits this many times as long as its work may take: the loop itself may be stuck."""
CONNECT_STEPS = 3
"""To connect, to log in, to start SFTP: each may take the time allowed."""

logging.getLogger("asyncio").setLevel(logging.ERROR)  # lost connections are told by us


class SshSession:
    """A connection with an SFTP client on it; made connected."""

    def __init__(
        self, host: str, port: int, timeout_seconds: float, options: dict[str, Any]
    ) -> None:
        """Connects and starts SFTP.

        Args:
            host: Where the server is.
            port: Its port.
            timeout_seconds: How long connecting, logging in, and each piece of work may take.
            options: More for :func:`asyncssh.connect`: whom to trust, as whom to log in.

        Raises:
            asyncssh.Error, OSError, TimeoutError: what went wrong.
        """
        self._timeout_seconds = timeout_seconds
        self._ended = False
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # what matters comes back from `run`
        threading.Thread(target=self._serve, name="sftp", daemon=True).start()
        try:
            opened = self._opened(host, port, options)
            self._connection, self._client = self._wait(opened, CONNECT_STEPS * timeout_seconds)
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise

    def run(self, work: Callable[[asyncssh.SFTPClient], Awaitable[Value]]) -> Value:
        """Returns what the work gives.

        Raises:
            TimeoutError: it took longer than allowed.
            asyncssh.SFTPConnectionLost: the session was ended before or meanwhile.
            asyncssh.Error, OSError: what else went wrong.
        """

        async def bounded() -> Value:
            return await asyncio.wait_for(work(self._client), self._timeout_seconds)

        try:
            return self._wait(bounded(), self._timeout_seconds)
        except (asyncio.CancelledError, concurrent.futures.CancelledError):
            raise _ended() from None

    def end(self) -> None:
        """Ends the connection; whoever still waits for work on it is told."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop)

    def _wait(self, work: Coroutine[Any, Any, Value], seconds: float) -> Value:
        with self._lock:  # so that nothing is given to a loop that is about to stop
            if self._ended:
                work.close()
                raise _ended()
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(GRACE * seconds)

    async def _opened(
        self, host: str, port: int, options: dict[str, Any]
    ) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        seconds = self._timeout_seconds
        limits = {"connect_timeout": seconds, "login_timeout": seconds}
        connection = await asyncssh.connect(
            host, port, keepalive_interval=seconds, **limits, **options
        )
        try:
            return connection, await asyncio.wait_for(connection.start_sftp_client(), seconds)
        except BaseException:
            connection.abort()
            raise

    async def _stop(self) -> None:
        """Lets all work hear that the connection is gone, and cancels what does not."""
        self._connection.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, deaf = await asyncio.wait(others, timeout=FAREWELL_S)
            for task in deaf:
                task.cancel()
            if deaf:
                await asyncio.wait(deaf, timeout=FAREWELL_S)
        self._loop.stop()

    def _serve(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


def _ended() -> asyncssh.SFTPConnectionLost:
    return asyncssh.SFTPConnectionLost("the connection was ended")
