"""Why a charge is what it is: every step, and the check that the steps add up to it."""

from rating.explain.explanation import Explanation, ExplanationError
from rating.explain.one import explain
from rating.explain.record import RecordName, explain_record, group_numbers

__all__ = [
    "Explanation",
    "ExplanationError",
    "RecordName",
    "explain",
    "explain_record",
    "group_numbers",
]
