"""What can go wrong while files are taken; facts are attributes, the words are built here."""

from __future__ import annotations


class CollectorError(Exception):
    """A source cannot be read as it is configured."""


class MissingFolderError(CollectorError):
    """The folder of a source does not exist or is not a folder."""

    def __init__(self, source: str, folder: str) -> None:
        super().__init__(source, folder)
        self.source = source
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"source {self.source!r}: {self.folder} is not a folder"
            "\nHint: create it, or correct `folder` of this source in huadan.toml"
        )


class FileChangedError(CollectorError):
    """A file changed while it was read; it is left for the next run."""

    def __init__(self, source: str, name: str) -> None:
        super().__init__(source, name)
        self.source = source
        self.name = name

    def __str__(self) -> str:
        return f"source {self.source!r}: {self.name!r} changed while it was read"
