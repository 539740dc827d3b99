"""How the records of each source are normalized: number plans and time zones of huadan.toml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from mediation.errors import MediationConfigError, Problem
from mediation.format_folders import look_in
from mediation.formats.strings import Document
from mediation.normalize import NormalizationSettings
from mediation.number_plan_file import (
    load_number_plan,
    number_plans,
    plan_of,
    read_number_plan,
)
from mediation.time_zones import NO_ZONES, read_time_zones
from pipeline.config.load import load_config
from pipeline.config.problems import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mediation.number_plan import NumberPlan
    from pipeline.config.load import Config
    from pipeline.workspace import Workspace

TABLE = "numbering"
DEFAULT_PLAN = "cn"
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Normalizations:
    """The settings of each source; those of one that was removed are the workspace's."""

    workspace: NormalizationSettings
    by_source: dict[str, NormalizationSettings]

    def of(self, source: str) -> NormalizationSettings:
        """Returns the settings of a source by name."""
        return self.by_source.get(source, self.workspace)


def load_normalizations(workspace: Workspace, config: Config) -> Normalizations:
    """Returns how the records of each source are normalized.

    Raises:
        mediation.errors.MediationConfigError: a plan or a table of zones is wrong; carries every
            problem.
    """
    found = _Loader(workspace)
    numbers = found.workspace_plan(config)
    zones = NO_ZONES
    if config.paths.time_zones:
        zones = found.read(read_time_zones, config.paths.time_zones) or NO_ZONES
    common = NormalizationSettings(numbers, zones)
    by_source = {}
    for source in config.source:
        own = replace(common, repair_integers=source.repair_integers)
        if source.numbering:
            plan = found.plan(source.numbering, f"numbering of source {source.name}")
            own = replace(own, numbers=plan or numbers)
        if source.time_zone:
            try:
                own = replace(own, time_zones=zones.with_default(source.time_zone))
            except ValueError as error:
                found.wrong(f"time_zone of source {source.name}: {error}")
        by_source[source.name] = own
    if found.problems:
        raise MediationConfigError(found.problems)
    return Normalizations(common, by_source)


class _Loader:
    """Reads what huadan.toml names; keeps every problem."""

    def __init__(self, workspace: Workspace) -> None:
        self.root = workspace.root
        self.file = workspace.config_file
        self.problems: list[Problem] = []

    def wrong(self, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file.name, message, hint))

    def workspace_plan(self, config: Config) -> NumberPlan:
        block = {key: _strings(value) for key, value in config.numbering.items()}
        name = block.pop("plan", DEFAULT_PLAN)
        base = self.plan(str(name), "numbering.plan") or load_number_plan(DEFAULT_PLAN)
        text = self.file.read_text(encoding="utf-8")
        lines = {tuple(str(part) for part in place): line for place, line in lines_of(text).items()}
        document = Document(self.file, lines=lines)
        plan = plan_of(document, block, (TABLE,), base)
        self.problems += document.problems
        return plan

    def plan(self, name: str, what: str) -> NumberPlan | None:
        """Returns a plan of the package by name, or one of a file of the workspace."""
        if name in number_plans():
            return load_number_plan(name)
        if name.endswith((".yaml", ".yml")):
            return self.read(read_number_plan, name)
        known = ", ".join(number_plans())
        self.wrong(f"{what}: there is no plan `{name}`", f"known: {known}; or name a .yaml file")
        return None

    def read(self, reader: Callable[[Path], Read], name: str) -> Read | None:
        """Returns what a reader makes of a file of the workspace, None if it is wrong."""
        try:
            return reader(self.root / name)
        except MediationConfigError as error:
            self.problems += error.problems
            return None


def _strings(value: object) -> object:
    """Returns a TOML value as the plan's reader takes it: texts, lists, blocks."""
    if isinstance(value, list):
        return [_strings(item) for item in value]
    if isinstance(value, dict):
        return {key: _strings(item) for key, item in value.items()}
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def formats_folder(workspace: Workspace) -> Path:
    """Returns where formats of one's own stand: as huadan.toml says, else ``formats``."""
    if workspace.config_file.is_file():
        named = load_config(workspace).paths.formats
        return workspace.root / (named or "formats")
    return workspace.root / "formats"


def normalization_here(workspace: Workspace) -> NormalizationSettings:
    """Returns how a file is normalized that belongs to no source, and finds formats of one's own.

    In a workspace its settings hold, elsewhere the defaults; a folder ``formats`` is used either
    way.
    """
    look_in(formats_folder(workspace))
    if not workspace.config_file.is_file():
        return NormalizationSettings(load_number_plan(DEFAULT_PLAN))
    return load_normalizations(workspace, load_config(workspace)).workspace
