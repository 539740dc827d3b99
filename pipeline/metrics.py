"""A Prometheus textfile at the end of a run, for node exporter's textfile collector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.result import RunResult

FILE_NAME = "huadan.prom"


def write_metrics(reports: Path, result: RunResult) -> Path:
    """Writes the last run's numbers; replaced as a whole, so a scrape never sees half of it."""
    registry = CollectorRegistry()

    def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"huadan_{name}", text, labels, registry=registry)

    records = gauge("run_records", "Records of the last run by destination.", ("destination",))
    for destination, count in result.destinations.items():
        records.labels(destination).set(count)
    suspended = gauge("run_suspended_records", "Suspended records by stage.", ("stage",))
    for stage, count in sorted(result.total.records.suspended.items()):
        suspended.labels(stage).set(count)
    files = gauge("run_files", "Files of the last run by state.", ("state",))
    for state, count in result.files.items():
        files.labels(state).set(count)
    seconds = gauge("run_stage_seconds", "Thread seconds by stage.", ("stage",))
    for stage, spent in result.stage_seconds.items():
        seconds.labels(stage).set(spent)
    gauge("run_duration_seconds", "Wall seconds of the last run.").set(result.seconds)
    gauge("run_net_currency_units", "Sum of net of rated events.").set(result.total.net / 1e6)
    gauge("sequence_gaps", "Missing file sequence numbers.").set(
        sum(gap.count for gap in result.gaps)
    )
    gauge("run_exit_code", "Exit code of the last run.").set(int(result.exit_code))
    reports.mkdir(exist_ok=True)
    path = reports / FILE_NAME
    write_to_textfile(str(path), registry)
    return path
