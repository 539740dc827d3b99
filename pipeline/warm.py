"""``python -m pipeline.warm``: compiles the kernels once, so that the first real run starts fast.

The compiled code is kept beside the sources. What is compiled is what a run uses: the smallest
sample file of each source goes through collection, rating and billing in a scratch workspace.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pipeline import logs
from pipeline.operate import operate_bill, operate_run
from pipeline.shop import create, sample_traffic


def warm() -> None:
    """Runs and bills a little traffic in a folder that is removed afterwards."""
    samples = sample_traffic()
    if samples is None:
        return
    logs.set_up("error", None, unmask=False)
    with tempfile.TemporaryDirectory(prefix="huadan-warm-") as scratch:
        workspace = create(Path(scratch, "shop"), traffic=False)
        for source in sorted(path for path in samples.iterdir() if path.is_dir()):
            smallest = min(source.glob("*.ber"), key=lambda path: path.stat().st_size)
            shutil.copy(smallest, workspace.root / "incoming" / source.name)
        operate_run(workspace)
        operate_bill(workspace)


if __name__ == "__main__":
    warm()
