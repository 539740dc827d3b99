from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from pipeline.cli.main import main
from pipeline.ledger.store import Ledger
from pipeline.operate import operate_recycle, operate_run
from pipeline.reports.finish import finish
from pipeline.reports.metrics import fill_registry
from pipeline.reports.svg import bars, columns, short
from pipeline.suspense.journal import read_suspense
from tests.pipeline.parted import SHOP
from tests.pipeline.test_recycle import hide_subscribers
from tests.pipeline.world import make_workspace
from traffic.generate import generate

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

OPERATIONS = Path(__file__).resolve().parents[2] / "samples" / "operations"
NAME = re.compile(r"\bhuadan_[a-z_]+")
PROMTOOL = shutil.which("promtool")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("report")
    generate(folder / "traffic", 2_000, subscribers_folder=SHOP / "subscribers", files=6)
    workspace = make_workspace(folder / "ws", folder / "traffic")
    hide_subscribers(workspace, 5)
    operate_run(workspace)
    return workspace


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_dashboard_and_alerts_use_metrics_that_a_run_writes(ran: Workspace) -> None:
    written = set(NAME.findall((ran.reports / "huadan.prom").read_text(encoding="utf-8")))
    dashboard = (OPERATIONS / "dashboard.json").read_text(encoding="utf-8")
    alerts = (OPERATIONS / "alerts.yaml").read_text(encoding="utf-8")
    assert len(json.loads(dashboard)["panels"]) >= 12
    rules = yaml.safe_load(alerts)["groups"][0]["rules"]
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)
    used = set(NAME.findall(dashboard)) | set(NAME.findall(alerts))
    assert len(used) > 12
    assert used <= written


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool (Debian: prometheus)")
def test_prometheus_takes_the_rules_and_the_metrics(ran: Workspace) -> None:
    assert PROMTOOL is not None
    rules = sorted(OPERATIONS.glob("alerts*.yaml"))
    subprocess.run([PROMTOOL, "check", "rules", *map(str, rules)], check=True, capture_output=True)
    with (ran.reports / "huadan.prom").open("rb") as metrics:
        done = subprocess.run(
            [PROMTOOL, "check", "metrics"], check=False, stdin=metrics, capture_output=True
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_sample_dag_and_units_are_well_formed() -> None:
    compile((OPERATIONS / "airflow_dag.py").read_text(encoding="utf-8"), "dag", "exec")
    unit = (OPERATIONS / "huadan-run.service").read_text(encoding="utf-8")
    assert "SuccessExitStatus=3 75" in unit
    assert "OnCalendar=" in (OPERATIONS / "huadan-run.timer").read_text(encoding="utf-8")


def test_counters_are_what_is_committed(ran: Workspace) -> None:
    before = values((ran.reports / "huadan.prom").read_text(encoding="utf-8"))
    items = read_suspense(ran).open.count
    assert sum(v for k, v in before.items() if k.startswith("huadan_suspense_items")) == items
    assert before['huadan_records_total{destination="rated"}'] > 1_000
    by_source = sum(v for k, v in before.items() if k.startswith("huadan_run_source_records"))
    assert by_source == sum(v for k, v in before.items() if k.startswith("huadan_records_total"))
    operate_recycle(ran)
    after = values((ran.reports / "huadan.prom").read_text(encoding="utf-8"))
    assert after['huadan_batches_total{kind="recycle"}'] == 1
    assert after['huadan_recycled_items_total{became="suspended"}'] == items
    assert (
        after['huadan_records_total{destination="rated"}']
        == before['huadan_records_total{destination="rated"}']
    )


def test_items_become_overdue(ran: Workspace) -> None:
    with Ledger(ran.ledger_file) as ledger:
        for days, overdue in ((1, False), (9, True)):
            registry = CollectorRegistry()
            fill_registry(registry, ran, ledger, now=time.time() + days * 86_400)
            found = values(generate_latest(registry).decode())
            assert (found["huadan_suspense_overdue_items"] > 0) == overdue
            assert found["huadan_suspense_oldest_seconds"] >= days * 86_400


def page_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Path:
    with pytest.raises(SystemExit) as stop:
        main(["report", *arguments])
    assert stop.value.code == 0
    return Path(capsys.readouterr().out.strip())


def test_pages_are_self_contained_and_private(
    ran: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ran.reports / "batch-000001.html"
    assert page.stat().st_mode & 0o777 == 0o600
    day = page_of(capsys, "--day", "2026-10-01", "-w", str(ran.root))
    assert day.name == "day-2026-10-01.html"
    for path in (page, day, page_of(capsys, "batch-000001", "-w", str(ran.root))):
        text = path.read_text(encoding="utf-8")
        assert text.count("<svg") >= 2
        assert not re.search(r'(?:src|href)="(?!data:)|@import|url\(', text)
        assert "The balance closes" in text
    with pytest.raises(SystemExit) as stop:
        main(["report", "--day", "2020-01-01", "-w", str(ran.root)])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "files begin on 2026-10-01" in said
    assert "huadan audit --by day" in said


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_opens_in_a_browser_without_errors(ran: Workspace, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    log = tmp_path / "log"
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--enable-logging=stderr", "--v=0", f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1000,1600", f"--screenshot={picture}",
            (ran.reports / "batch-000001.html").as_uri(),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    log.write_text(done.stderr, encoding="utf-8")
    assert done.returncode == 0
    assert "CONSOLE" not in done.stderr
    assert picture.stat().st_size > 20_000


def test_a_configuration_that_broke_meanwhile_does_not_fail_a_committed_batch(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path / "ws")
    workspace.config_file.write_text("[run\n", encoding="utf-8")
    with Ledger(workspace.ledger_file) as ledger:
        finish(workspace, ledger, None)
    assert not workspace.reports.exists()


def test_plots_of_nothing_and_of_odd_names() -> None:
    assert bars([]).startswith("<svg")
    assert "&lt;b&gt;" in bars([("<b>", 1, "1")])
    assert 'height="190.0"' in columns(["a"], {"x": [4]})
    assert [short(v) for v in (0, 950, 1_500, 2e6, 3e9)] == ["0", "950", "1.5k", "2M", "3G"]
