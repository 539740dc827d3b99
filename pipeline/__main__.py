"""``python -m pipeline`` is ``huadan``."""

from __future__ import annotations

from pipeline.cli.main import script

if __name__ == "__main__":
    script()
