"""huadan.toml: what a person may set, with every mistake told at once."""

from __future__ import annotations

import os
import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from collectors.local import LocalFolder
from mediation.format_folders import look_in
from mediation.framing_steps import read_steps
from pipeline.config_problems import problems_of, syntax_problem
from pipeline.errors import ConfigError, Problem, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace

NAME = re.compile(r"[A-Za-z0-9_.-]+")


def _source_name(value: str) -> str:
    if not NAME.fullmatch(value):
        message = "letters, digits, dot, dash and underscore only"
        raise ValueError(message)
    return value


def _sequence_pattern(value: str) -> str:
    try:
        pattern = re.compile(value)
    except re.error as error:
        message = f"not a regular expression: {error}"
        raise ValueError(message) from None
    if value and "sequence" not in pattern.groupindex:
        message = r"has no group (?P<sequence>\d+)"
        raise ValueError(message)
    return value


def _framing(value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
    """Returns framing steps that mediation can read."""
    read_steps(value)
    return value


class Section(BaseModel):
    """Base of all tables: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Section):
    """One ``[[source]]``: where files come from and how they are read."""

    name: Annotated[str, AfterValidator(_source_name)]
    folder: str
    pattern: str = "*"
    format: str | None = None
    take: Literal["copy", "link", "move"] = "copy"
    sequence: Annotated[str, AfterValidator(_sequence_pattern)] = ""
    settle_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    marker: str = ""
    framing: Annotated[str | tuple[str, ...] | None, AfterValidator(_framing)] = None
    block_octets: Annotated[int, Field(ge=0)] = 0
    max_record_octets: Annotated[int, Field(ge=16)] = 1 << 20
    file_header_octets: Annotated[int, Field(ge=0)] | None = None
    cdr_header_octets: Annotated[int, Field(ge=0)] | None = None
    numbering: str = ""
    """Number plan of this source's switches (default: the workspace's)."""
    time_zone: str = ""
    """Zone of this source's nodes that `paths.time_zones` does not list."""
    repair_integers: bool = False
    """Negative integers are counters that lost their leading zero octet."""


class Paths(Section):
    """``[paths]``: inputs that people edit, relative to the workspace."""

    book: str = "book"
    subscribers: str = "subscribers"
    validation: str = ""
    """Validation rules of one's own (default: the package's)."""
    formats: str = ""
    """Formats of one's own (default: ``formats``, if there is such a folder)."""
    time_zones: str = ""
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


class Config(Section):
    """The whole of huadan.toml."""

    paths: Paths = Paths()
    run: Run = Run()
    numbering: dict[str, Any] = {}
    """``plan`` and what of it is different here; see `pipeline.normalization`."""
    partials: Partials = Partials()
    validation: dict[str, int | str | None] = {}
    """Limits of the validation rules by name: a number, an instant, or "none"."""
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

    def source_named(self, name: str) -> Source:
        """Returns a source; files of a source that was removed are read with defaults."""
        found = [source for source in self.source if source.name == name]
        return found[0] if found else Source(name=name, folder=".")

    def collectors(self, root: Path) -> list[LocalFolder]:
        """Returns one collector per source, in order of name."""
        return [
            LocalFolder(
                name=source.name,
                folder=root / source.folder,
                pattern=source.pattern,
                take=source.take,
                sequence=re.compile(source.sequence) if source.sequence else None,
                settle_seconds=source.settle_seconds,
                marker=source.marker,
            )
            for source in sorted(self.source, key=lambda source: source.name)
        ]


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
    return config
