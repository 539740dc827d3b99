"""`/metrics` and `/health` of `watch`."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

if TYPE_CHECKING:
    from pathlib import Path

LATENCY_BUCKETS = (0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3600)


class WatchMetrics:
    """What only `watch` can know; what is committed, :mod:`pipeline.reports.metrics` counts."""

    def __init__(self, textfile: Path) -> None:
        self._textfile = textfile
        self.registry = CollectorRegistry()
        self.failures = self._counter("batch_failures", "Batches that failed; tried again.")
        self.reloads = self._counter("reloads", "Reloads of book and configuration.", "result")
        self.ready = self._gauge("ready_files", "Complete files not taken yet.")
        self.ready_bytes = self._gauge("ready_bytes", "Bytes of complete files not taken yet.")
        self.waiting_since = self._gauge("oldest_ready_seconds", "Age of the oldest ready file.")
        self.source_up = self._gauge("source_up", "1 if the source can be read.", "source")
        self.book_current = self._gauge(
            "book_current", "0: the files are broken, an older book is in use."
        )
        self.book_current.set(1)
        self.seconds = Histogram(
            "huadan_watch_batch_seconds",
            "Wall seconds of a batch.",
            registry=self.registry,
            buckets=LATENCY_BUCKETS,
        )
        self.latency = Histogram(
            "huadan_watch_arrival_to_publication_seconds",
            "From when a file was seen to be complete to when its batch was published.",
            registry=self.registry,
            buckets=LATENCY_BUCKETS,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"huadan_watch_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"huadan_watch_{name}", text, labels, registry=self.registry)

    def forget_source(self, name: str) -> None:
        """Drops the series of a source that is no longer configured."""
        with suppress(KeyError):  # it was never looked at
            self.source_up.remove(name)

    def page(self) -> bytes:
        """Returns all metrics as text: ours, the process's, and those of what is committed."""
        pages = [bytes(generate_latest(registry)) for registry in (self.registry, REGISTRY)]
        if self._textfile.exists():
            pages.append(self._textfile.read_bytes())
        return b"".join(pages)


@dataclass(slots=True)
class Health:
    """What is wrong at the moment, by topic; well if nothing is."""

    troubles: dict[str, str] = field(default_factory=dict)
    beat: float = field(default_factory=time.monotonic)
    stuck_seconds: float = 600.0
    """Silence of the main loop after which it is taken for stuck."""

    def trouble(self, topic: str, what: str | None) -> bool:
        """Notes or clears a trouble; returns whether that is news."""
        news = self.troubles.get(topic) != what
        if what is None:
            self.troubles.pop(topic, None)
        else:
            self.troubles[topic] = what
        return news

    def report(self) -> tuple[int, dict[str, object]]:
        """Returns an HTTP status and a JSON-ready object."""
        silent = time.monotonic() - self.beat
        troubles = dict(self.troubles)
        if silent > self.stuck_seconds:
            troubles["loop"] = f"no sign of life for {silent:.0f} s"
        return (503 if troubles else 200), {"healthy": not troubles, "troubles": troubles}


class Server:
    """Serves both pages until it is stopped."""

    def __init__(self, address: str, port: int, metrics: WatchMetrics, health: Health) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, metrics.page())
                elif self.path == "/health":
                    status, report = health.report()
                    self._answer(status, "application/json", json.dumps(report).encode())
                else:
                    self._answer(404, "text/plain", b"/metrics or /health\n")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
                """Says nothing: scrapes are no news."""

        self._server = ThreadingHTTPServer((address, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
