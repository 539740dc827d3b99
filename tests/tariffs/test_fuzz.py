"""Whatever is in the files, loading ends in a book or in a list of problems."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tariffs import check_book, compile_book
from tariffs.errors import BookError, Problem
from tariffs.load import load_book
from tests.tariffs.books import FILES, write_book

NAMES = sorted(FILES)
SNIPPETS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "-",
            ":",
            "[]",
            "{}",
            "[a, b]",
            "{a: b}",
            "{2026-01-01: 1}",
            "{not: home}",
            "none",
            "\n",
            '"',
            "&a",
            "*a",
            "? x",
            "%",
            "0",
            "\t",
            "\x00",
            "!!float 1",
            "---\n",
            "٣",
        ]
    ),
    st.text(max_size=6),
)


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, str | bytes | None]:
    """Draws a file with one stretch of its text, or one word of it, replaced."""
    name = draw(st.sampled_from(NAMES))
    text = FILES[name]
    start = draw(st.integers(0, len(text)))
    length = draw(st.integers(0, 20))
    if draw(st.booleans()):
        while 0 < start < len(text) and text[start - 1] not in " \n,{[":
            start -= 1
        rest = text[start:]
        length = min((rest.find(stop) for stop in ",}]\n" if stop in rest), default=len(rest))
    changed = text[:start] + draw(SNIPPETS) + text[start + length :]
    return {name: changed.encode("utf-8", "surrogatepass")}


@given(mutations())
@settings(deadline=None, max_examples=80)
@example({"prices.yaml": b"[]"})
@example({"book.yaml": b"x"})
@example({"plans/plain.yaml": b"--- a\n--- b\n"})
@example({"numbers.csv": b""})
@example({"prices.yaml": b"a: " + b"[" * 5000})
def test_a_mutated_book_loads_or_tells_its_problems(change: dict[str, str | bytes | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        problems: list[Problem] = []
        try:
            book = load_book(write_book(Path(folder), change))
            check_book(book, compile_book(book))
        except BookError as error:
            problems = error.problems
    assert all(one.line >= 1 and one.message for one in problems)
