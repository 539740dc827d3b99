"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    """Returns the version, or a word for a checkout that is not installed."""
    try:
        return installed_version("huadan")
    except PackageNotFoundError:
        return "checkout"
