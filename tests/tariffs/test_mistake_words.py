"""Every sentence that a book's loader can say is said about some bad book."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tariffs.golden_mistakes import GOLDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = Path(__file__).parents[2] / "tariffs"
READERS = (
    *("cells", "context", "scalars", "decks", "decks_places", "exchange", "load"),
    *(path.stem for path in sorted(ROOM.glob("read_*.py"))),
)
POSITION = {"fail": 0, "add": 1, "Problem": 2}
"""Which argument of a call is the sentence."""


ELSEWHERE = ("Cannot be read: {why}.", "More problems in this file follow.")
"""Not of one file as written: `test_snapshot.py`, `test_bad_books.py`."""


def sentences(tree: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """Yields (line, expression) of each sentence that is told or raised in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            at = POSITION.get(name)
            if at is not None and len(node.args) > at:
                yield node.lineno, node.args[at]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {
            "msg",
            "message",
        }:
            yield node.lineno, node.value


def pattern(sentence: ast.expr) -> str | None:
    """Returns what a sentence looks like, None where it is not written at this place."""
    if isinstance(sentence, ast.IfExp):
        return pattern(sentence.body)
    if isinstance(sentence, ast.Constant) and isinstance(sentence.value, str):
        return re.escape(sentence.value)
    if not isinstance(sentence, ast.JoinedStr):
        return None
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*"
        for part in sentence.values
    )


def test_every_sentence_of_the_loader_is_said_about_a_bad_book() -> None:
    said = GOLDEN.read_text(encoding="utf-8")
    unsaid = []
    for name in READERS:
        tree = ast.parse((ROOM / f"{name}.py").read_text(encoding="utf-8"))
        for line, sentence in sentences(tree):
            looks = pattern(sentence)
            text = ast.unparse(sentence)
            if looks is None or any(one in text for one in ELSEWHERE):
                continue
            if not re.search(looks, said):
                unsaid.append(f"{name}.py:{line} {text}")
    assert unsaid == []
