"""What huadan.toml names beside itself: number plans, time zones of nodes, validation rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediation.errors import MediationConfigError, Problem
from mediation.validation_rules import load_rules
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
    problems: list[Problem] = []
    try:
        normalizations = load_normalizations(workspace, config)
    except MediationConfigError as error:
        problems += error.problems
    try:
        rules = _rules(workspace, config)
    except MediationConfigError as error:
        problems += error.problems
    if problems:
        raise MediationConfigError(problems)
    return normalizations, rules


def _rules(workspace: Workspace, config: Config) -> RuleSet:
    limits = {name: None if v == "none" else v for name, v in config.validation.items()}
    if not config.paths.validation:
        return load_rules(limits=limits)
    return load_rules(workspace.root / config.paths.validation, limits)
