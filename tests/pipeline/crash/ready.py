"""What the crash tests' fork server has ready before it starts commands.

The server imports all that commands import, and does none of their work: polars has threads from
its first use on, and a process with threads cannot be forked.
"""

from __future__ import annotations

import gc
import pkgutil
import sys
from importlib import import_module

from numba.core.dispatcher import Dispatcher

import mediation.formats
from mediation.partials.rules import all_rules

ROOMS = ("collectors", "mediation", "tariffs", "rating", "pipeline")
FORMATS = ("3gpp_cs", "3gpp_ps")


def import_rooms() -> None:
    """Imports every module, also those that commands import late."""
    for room in ROOMS:
        for found in pkgutil.walk_packages(import_module(room).__path__, f"{room}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)


def load_formats() -> None:
    """Reads the formats of the traffic: they are kept for the life of a process."""
    for name in FORMATS:
        mediation.formats.load(name)
    all_rules()


def load_kernels() -> None:
    """Loads what is compiled already: every process would do it again."""
    kernels = {
        id(value): value
        for module in list(sys.modules.values())
        for value in list(vars(module).values())
        if isinstance(value, Dispatcher)
    }
    for kernel in kernels.values():
        cache = getattr(kernel, "_cache", None)  # numba has no other way to ask what is compiled
        if cache is not None and hasattr(cache, "_cache_file"):
            for signature, *_ in cache._cache_file._load_index():
                kernel.compile(signature)


import_rooms()
load_formats()
load_kernels()
gc.freeze()  # no collection writes to pages that processes share
