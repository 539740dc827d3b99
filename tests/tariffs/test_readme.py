from __future__ import annotations

import re
from pathlib import Path

ROOM = Path(__file__).parents[2] / "tariffs"
CORPUS = Path(__file__).parents[1] / "corpus"
LINK = re.compile(r"\]\(([^)#]+)\)")


def section() -> str:
    text = (ROOM / "README.md").read_text(encoding="utf-8")
    return text.partition("## Where it is shown")[2].partition("\n## ")[0]


def test_what_the_table_names_is_there() -> None:
    links = LINK.findall(section())
    assert len(links) > 60
    assert [link for link in links if not (ROOM / link).resolve().exists()] == []


def test_every_file_of_the_corpus_is_in_the_table() -> None:
    named = {(ROOM / link).resolve() for link in LINK.findall(section())}
    files = {path.resolve() for path in CORPUS.glob("*/tests/*.yaml")}
    assert sorted(path.as_posix() for path in files - named) == []
