"""Runs a tariff book's test cases: by the kernels and by the twin, against what is expected."""

from rating.trial.judge import Failure, filled, judge
from rating.trial.run import Outcome, Trial

__all__ = ["Failure", "Outcome", "Trial", "filled", "judge"]
