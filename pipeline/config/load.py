"""huadan.toml: what a person may set, with every mistake told at once."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator

from mediation.format_folders import look_in
from pipeline.config.alarms import Suspense
from pipeline.config.formats import format_problems
from pipeline.config.problems import problems_of, syntax_problem
from pipeline.config.section import Section
from pipeline.config.source import Source as Source  # noqa: PLC0414 - a part of this
from pipeline.errors import ConfigError, Problem, UsageError
from pipeline.high_usage.section import HighUsage

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


def _path(text: str) -> str:
    if "\0" in text:
        message = "a path cannot have a NUL in it"
        raise ValueError(message)
    return text


PathText = Annotated[str, AfterValidator(_path)]


class Paths(Section):
    """``[paths]``: inputs that people edit, relative to the workspace."""

    book: PathText = "book"
    subscribers: PathText = "subscribers"
    validation: PathText = ""
    """Validation rules of one's own (default: the package's)."""
    formats: PathText = ""
    """Formats of one's own (default: ``formats``, if there is such a folder)."""
    time_zones: PathText = ""
    """Zones of the nodes whose records carry none."""


class Run(Section):
    """``[run]``: size, threads and thresholds."""

    threads: Annotated[int, Field(ge=0, le=256)] = 0
    records_per_chunk: Annotated[int, Field(ge=1024, le=4_194_304)] = 131_072
    suspense_threshold_percent: Annotated[float, Field(ge=0, le=100)] = 1.0
    suspense_threshold_files: Annotated[int, Field(ge=0)] = 0
    partitions: Annotated[int, Field(ge=1, le=4096)] = 16
    max_unpacked_bytes: Annotated[int, Field(ge=1)] = 16_000_000_000


class Partials(Section):
    """``[partials]``: how long the parts of a call wait for each other before they are rated.

    Hours of the records' own time, never of the wall clock. The bill run puts together all that
    has come, so these only move provisional charges.
    """

    wait_hours: Annotated[float, Field(gt=0, le=8_784)] = 24.0
    """Silence after which no more parts are expected."""
    longest_hours: Annotated[float, Field(gt=0, le=8_784)] = 24.0
    """Length at which a call that still goes on is rated so far."""


class Duplicates(Section):
    """``[duplicates]``: how far back an event is compared with those of earlier batches."""

    window_days: Annotated[int, Field(ge=1, le=3_660)] = 60


class Watch(Section):
    """``[watch]``: when `huadan watch` makes a batch, and where it can be asked how it is."""

    scan_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
    """How often sources are looked at; local folders also wake it."""
    batch_files: Annotated[int, Field(ge=1)] = 256
    batch_megabytes: Annotated[int, Field(ge=1)] = 256
    batch_seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """How long a ready file waits for others at most."""
    address: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """Of /metrics and /health; 0: a free one, which the log tells."""


class Config(Section):
    """The whole of huadan.toml."""

    paths: Paths = Paths()
    run: Run = Run()
    numbering: dict[str, Any] = Field(default={})
    """``plan`` and what of it is different here; see `pipeline.normalization`."""
    partials: Partials = Partials()
    watch: Watch = Watch()
    duplicates: Duplicates = Duplicates()
    high_usage: HighUsage = HighUsage()
    validation: dict[str, int | str | None] = Field(default={})
    """Limits of the validation rules by name: a number, an instant, or "none"."""
    suspense: Suspense = Suspense()
    source: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Config:
        names = [source.name for source in self.source]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"source names must be unique; twice: {', '.join(twice)}"
            raise ValueError(message)
        return self

    @property
    def threads(self) -> int:
        """Returns the number of worker threads: as set, else one per usable core."""
        return self.run.threads or len(os.sched_getaffinity(0))

    def source_named(self, name: str, was: str | None = None) -> Source:
        """Returns a source; files of one that was removed are read with defaults, by format `was`."""
        found = [source for source in self.source if source.name == name]
        return found[0] if found else Source(name=name, folder=".", format=was)


def load_config(workspace: Workspace) -> Config:
    """Returns the workspace's configuration; its formats are known from then on.

    Raises:
        UsageError: the folder is not a workspace.
        ConfigError: the file is wrong; carries every problem with its line and nearest name.
    """
    workspace.require()
    path = workspace.config_file
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise UsageError(message, "it must be a UTF-8 text file") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), [syntax_problem(path.name, error)]) from None
    problems: list[Problem] = []
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        problems = problems_of(error, Config, path.name, text)
        raise ConfigError(str(path), problems) from None
    problems = [
        Problem(path.name, f"{what}: {workspace.root / folder} is not a folder")
        for what, folder in (
            ("paths.book", config.paths.book),
            ("paths.subscribers", config.paths.subscribers),
            *([("paths.formats", config.paths.formats)] if config.paths.formats else []),
        )
        if not (workspace.root / folder).is_dir()
    ]
    if problems:
        raise ConfigError(str(path), problems)
    look_in(workspace.root / (config.paths.formats or "formats"))
    if problems := format_problems(config.source, path.name, text):
        raise ConfigError(str(path), problems)
    return config
