"""What huadan.toml names beside itself: number plans, time zones of nodes, validation rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.errors import MediationConfigError, Problem
from pipeline.normalization import Normalizations, load_normalizations

if TYPE_CHECKING:
    from mediation.validation import RuleSet
    from pipeline.config.load import Config
    from pipeline.workspace import Workspace


def load_settings(workspace: Workspace, config: Config) -> tuple[Normalizations, RuleSet]:
    """Returns how records are normalized, and how events are validated.

    Raises:
        MediationConfigError: a plan, a zone, a rule or a limit is wrong; carries every problem.
    """
    check_settings(workspace, config)
    return load_normalizations(workspace, config), _rules(workspace, config)


def check_settings(workspace: Workspace, config: Config) -> None:
    """Raises what :func:`load_settings` would; compiled kernels are loaded only where rules are set."""
    problems: list[Problem] = []
    for load in (load_normalizations, _rules):
        if load is _rules and not (config.validation or config.paths.validation):
            continue
        try:
            load(workspace, config)
        except MediationConfigError as error:
            problems += error.problems
    if problems:
        raise MediationConfigError(problems)


def _rules(workspace: Workspace, config: Config) -> RuleSet:
    from mediation.validation_rules import load_rules  # noqa: PLC0415 - see check_settings

    limits = {name: None if v == "none" else v for name, v in config.validation.items()}
    if not config.paths.validation:
        return load_rules(limits=limits)
    return load_rules(workspace.root / config.paths.validation, limits)
