"""The guide to a new format works as it stands: its files are written, its commands run.

A fence with a file name is that file; one with ``sh`` is run (``sh fails`` exits with 2); a
``text`` fence behind it holds lines that must appear in the output, whatever stands for a ``…``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "mediation" / "formats" / "GUIDE.md"
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HUADAN = 'huadan() {{ {python} -m pipeline.cli.main "$@"; }}\npython() {{ {python} "$@"; }}\n'


def run(script: str, folder: Path) -> tuple[int, str]:
    prelude = HUADAN.format(python=sys.executable) + "set -e\n"
    done = subprocess.run(
        ["/bin/sh", "-c", prelude + script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_every_step_of_the_guide_works(tmp_path: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    output = ""
    commands = 0
    for kind, rest, content in FENCE.findall(text):
        name = rest.strip()
        if kind == "sh":
            code, output = run(content, tmp_path)
            commands += 1
            assert code == (2 if name == "fails" else 0), output
        elif name:
            (tmp_path / name).write_text(content, encoding="utf-8")
        elif kind == "text":
            for line in content.splitlines():
                assert all(part.strip() in output for part in line.split("…")), f"{line}\n{output}"
    assert commands == 13


def test_what_the_guide_points_to_is_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets
    for target in targets:
        assert (GUIDE.parent / target).is_file(), target
