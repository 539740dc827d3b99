"""Decoders that share no code with ours: asn1tools, and pycrate where it is installed.

pycrate is no dependency of the project; ``uv pip install --python .venv/bin/python pycrate`` adds it.
"""

# ruff: noqa: ANN401 - decoded ASN.1 values are of any type
from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediation import formats
from tests.mediation.cdr_records import specification

if TYPE_CHECKING:
    from collections.abc import Callable


def with_asn1tools(format_name: str, type_name: str, octets: bytes) -> Any:
    """Returns a value of one of a format's types as asn1tools reads it."""
    return specification(format_name).decode(type_name, octets)


def with_pycrate(format_name: str, type_name: str, octets: bytes) -> Any:
    """Returns the same as pycrate reads it."""
    for names in vars(pycrate_module(format_name)).values():
        if isinstance(names, type) and hasattr(names, type_name.replace("-", "_")):
            value = getattr(names, type_name.replace("-", "_"))
            value.from_ber(octets)
            return value.get_val()
    raise KeyError(type_name)


@functools.cache
def pycrate_module(format_name: str) -> Any:
    """Compiles a format's ASN.1 module with pycrate and imports what it wrote.

    Raises:
        ImportError: pycrate is not installed.
    """
    compiler = importlib.import_module("pycrate_asn1c.asnproc")
    texts = [path.read_text() for path in formats.load(format_name).module_files]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "compiled.py"
        compiler.GLOBAL.clear()
        compiler.compile_text(texts)
        compiler.generate_modules(compiler.PycrateGenerator, str(path))
        spec = importlib.util.spec_from_file_location(f"pycrate_{format_name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


DECODERS: dict[str, Callable[[str, str, bytes], Any]] = {
    "asn1tools": with_asn1tools,
    "pycrate": with_pycrate,
}
