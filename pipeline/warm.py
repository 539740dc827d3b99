"""``python -m pipeline.warm``: compiles the kernels once, so that the first real run starts fast.

The compiled code is kept beside the sources. What is compiled is what a run uses: the smallest
sample file of each source goes through collection, rating and billing in a scratch workspace, and a
few lines and blocks through the kernels of formats that are not BER.
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
            smallest = min(source.iterdir(), key=lambda path: path.stat().st_size)
            shutil.copy(smallest, workspace.root / "incoming" / source.name)
        operate_run(workspace)
        operate_bill(workspace)
        warm_flat(Path(scratch))


def warm_flat(scratch: Path) -> None:
    """Decodes a file of each format that is not BER."""
    from mediation import formats  # noqa: PLC0415 - the run above has loaded what it needs
    from mediation.decoder import decode_chunk  # noqa: PLC0415
    from mediation.reader import FileSettings, open_cdr_file  # noqa: PLC0415
    from traffic.nodes import NODES, Lines, write_node_file  # noqa: PLC0415

    for name in sorted(name for name, node in NODES.items() if isinstance(node, Lines)):
        path = scratch / name
        write_node_file(name, 50, 1, path)
        if name in formats.available():
            with open_cdr_file(path, "0" * 32, name, FileSettings(scratch)) as file:
                decode_chunk(file, range(file.n_records))


if __name__ == "__main__":
    warm()
