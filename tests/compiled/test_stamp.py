from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import compiled
from compiled.stamp import BELOW, ROOT

PACKAGE = Path(compiled.__file__).parent
ROOMS = ("mediation", "tariffs", "rating", "traffic", "bench")
OUTSIDE = {"__future__", "numpy", "numba", "llvmlite", "typing", "collections", "compiled"}
USER = """
from compiled.jit import kernel
from rating.kernels.helper import helped

@kernel
def used(value):
    return helped(value)
"""
HELPER = """
from compiled.jit import kernel

@kernel
def helped(value):
    return value * {factor}
"""
KEPT = """
import sys
from rating.kernels.helper import helped
from rating.kernels.user import used
print(helped(5), sum(helped.stats.cache_hits.values()), "numba.np.linalg" in sys.modules)
print(used(0.5), sum(used.stats.cache_hits.values()), "numba.np.linalg" in sys.modules)
"""
ASK = "from rating.kernels.user import used; print(used(5), sum(used.stats.cache_hits.values()))"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A room with a kernel that uses a helper in another file."""
    root = tmp_path / "tree"
    shutil.copytree(PACKAGE, root / "compiled", ignore=shutil.ignore_patterns("__pycache__"))
    kernels = root / "rating" / "kernels"
    kernels.mkdir(parents=True)
    (kernels / "__init__.py").touch()
    (kernels.parent / "__init__.py").touch()
    (kernels / "user.py").write_text(USER)
    (kernels / "helper.py").write_text(HELPER.format(factor=2))
    return root


def ask(tree: Path, script: str = ASK, **more: str) -> list[str]:
    """Calls the kernel in a process of its own; returns the answer and how often the cache had it."""
    environment = {**os.environ, "PYTHONPATH": str(tree), **more}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_kernel_is_compiled_anew_when_its_helper_has_changed(tree: Path) -> None:
    assert ask(tree) == ["10", "0"]
    assert ask(tree) == ["10", "1"]
    (tree / "rating" / "kernels" / "helper.py").write_text(HELPER.format(factor=3))
    assert ask(tree) == ["15", "0"]


def test_what_was_compiled_is_read_without_waking_the_compiler(tree: Path) -> None:
    assert ask(tree) == ["10", "0"]
    kept = ["10", "1", "False"]
    compiled_now = ["1.0", "0", "True"]
    assert ask(tree, KEPT) == kept + compiled_now


def test_without_a_folder_to_write_kernels_are_compiled_each_time(tree: Path) -> None:
    for folder in (tree / "rating" / "kernels", tree):
        (folder / "__pycache__").write_text("no folder")
    home = tree / "home"
    home.write_text("no folder")
    nowhere = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "NUMBA_CACHE_DIR": ""}
    assert ask(tree, **nowhere) == ["10", "0"]


@pytest.mark.parametrize("room", ROOMS)
def test_kernels_hold_code_of_kernels_only(room: str) -> None:
    allowed = {room, *BELOW.get(room, ())}
    files = [*(ROOT / room).glob("kernels/*.py"), *(ROOT / room).glob("*/kernels/*.py")]
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            for name in names:
                first = name.split(".")[0]
                inside = first in allowed and ".kernels" in name
                assert inside or first in OUTSIDE, f"{file} imports {name}"
                assert (
                    name != "numba"
                    or not hasattr(node, "names")
                    or "njit" not in {one.name for one in node.names}
                ), file
