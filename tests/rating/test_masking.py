from __future__ import annotations

import pytest

from rating.billing.wording import masked_number
from rating.masking import mask_number


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (8619910000001, "86199******01"),
        ("+8619910000001", "+86199******01"),
        (460001234567890, "46000********90"),
        (13900000001, "13900****01"),
        (6834123, "6****23"),
        (683412, "****12"),
        (12590, "12590"),
        (110, "110"),
        (None, ""),
    ],
)
def test_two_digits_behind_stay_and_at_least_four_are_hidden(
    number: int | str | None, shown: str
) -> None:
    assert mask_number(number) == shown


def test_a_bill_shows_what_a_log_shows() -> None:
    assert masked_number(8619910000001) == f"+{mask_number(8619910000001)}"
