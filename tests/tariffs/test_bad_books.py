"""Each kind of mistake in a book: the message names file, line, value, and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tariffs.errors import BookError
from tariffs.load import load_book
from tests.tariffs.books import edited, problems_of, write_book
from tests.tariffs.changes import PLAN, Change, appended, price
from tests.tariffs.golden_mistakes import MISTAKES, kept

if TYPE_CHECKING:
    from pathlib import Path

KEPT = kept()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_words(name: str, tmp_path: Path) -> None:
    change, file, line, words = MISTAKES[name]
    problems = problems_of(tmp_path, change)
    here = [str(one) for one in problems if one.file == file and one.line == line]
    assert here, [str(one) for one in problems]
    assert any(all(word in text for word in words) for text in here), here
    update = "python -m tests.tariffs.golden_mistakes writes the file; review the difference"
    assert [str(one) for one in problems] == KEPT.get(name), update


def test_there_is_no_word_about_a_mistake_that_is_gone() -> None:
    assert KEPT.keys() == MISTAKES.keys()


def test_the_book_that_the_mistakes_are_made_in_is_sound(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == []


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    change: Change = {
        **edited("book.yaml", "9 %", "109 %"),
        **price("{price: -1, per: 60 s}"),
        **appended("numbers.csv", "49x,abroad\n50,abrod\n"),
        **edited(PLAN, "discounts: [half]", "discounts: [halv]"),
    }
    places = [(one.file, one.line) for one in problems_of(tmp_path, change)]
    wanted = [("book.yaml", 5), ("numbers.csv", 4), ("numbers.csv", 5), (PLAN, 11)]
    assert set(wanted) <= set(places)
    assert ("prices.yaml", 2) in places
    assert places == sorted(places)


def test_a_folder_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="does not exist"):
        load_book(tmp_path / "nowhere")


def test_a_deck_full_of_mistakes_does_not_flood(tmp_path: Path) -> None:
    rows = "".join(f"{number},nowhere\n" for number in range(100_000, 102_000))
    problems = problems_of(tmp_path, appended("numbers.csv", rows))
    assert len(problems) < 250
    assert any("More problems" in one.message for one in problems)


def test_an_error_keeps_its_facts_across_processes(tmp_path: Path) -> None:
    import pickle  # noqa: PLC0415

    write_book(tmp_path, edited("book.yaml", "9 %", "109 %"))
    with pytest.raises(BookError) as caught:
        load_book(tmp_path)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert again.problems == caught.value.problems
    assert str(again) == str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("49x,far\n", "'49x'"),
        ("0049,far\n", "'0049'"),
        ("100007,far\n", "twice, first in line 9"),
        ("49,fra\n", "'fra'"),
        ("49\n", "Too few"),
        ("\n49,fra\n", "'fra'"),
        ('"49,far\n', "Not CSV"),
    ],
)
def test_a_mistake_in_a_large_deck_is_told_as_in_a_small_one(
    row: str, words: str, tmp_path: Path
) -> None:
    rows = "".join(f"{number},far\n" for number in range(100_000, 130_000))
    change = {
        **appended("zones.csv", "far,international,\n"),
        "numbers.csv": f"prefix,zone\n{rows}{row}",
    }
    (problem,) = problems_of(tmp_path, change)
    assert problem.file == "numbers.csv"
    assert problem.line == 30_002 + (row[0] == "\n")
    assert words in problem.message


def test_a_head_that_is_no_yaml_does_not_blame_the_other_files(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, edited("book.yaml", "[asia]", "[asia"))
    assert {one.file for one in problems} == {"book.yaml"}
