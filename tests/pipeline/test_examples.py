"""Commands that people read: the examples in ``--help`` and in the README name what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.main import huadan

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
COMMENT = re.compile(r"\s{2,}[^\s'\"{-].*$|\s+#.*$")


def commands(group: click.Group, context: click.Context) -> Iterator[click.Command]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from commands(command, click.Context(command, parent=context))
        yield command


def examples(text: str) -> list[str]:
    """Returns the commands of an epilog, each on one line, without what is said about it."""
    lines = re.sub(r"\\\n\s+", "", text).splitlines()
    joined: list[str] = []
    for line in lines:
        if joined and joined[-1].count("'") % 2:  # a quoted argument goes on
            joined[-1] += " " + line.strip()
        elif line.strip().startswith("huadan "):
            joined.append(line.strip())
    return [COMMENT.sub("", line.split(" | ")[0].split(" > ")[0]) for line in joined]


def parse(line: str) -> None:
    """Goes down to the command of a line and parses what stands behind it."""
    words = shlex.split(line)[1:]
    command: click.Command = huadan
    context = click.Context(huadan)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, line
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    command.make_parser(context).parse_args(list(words))


def test_examples_name_commands_and_options_that_there_are() -> None:
    seen = 0
    for command in commands(huadan, click.Context(huadan)):
        for line in examples(command.epilog or ""):
            parse(line)
            seen += 1
    assert seen > 80


def test_examples_name_files_that_a_new_workspace_has() -> None:
    epilogs = " ".join(command.epilog or "" for command in commands(huadan, click.Context(huadan)))
    named = set(re.findall(r"\bincoming/(\S+/\S+)", epilogs))
    assert named
    assert [name for name in named if not (ROOT / "samples/cdr" / name).is_file()] == []


def test_commands_of_the_readme_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shop = text.partition("```sh\nhuadan init")[2].partition("```")[0]
    for line in examples("huadan init" + shop):
        parse(line)
    for line in re.findall(r"^\| `(huadan [^`|]+)", text, re.MULTILINE):
        words = re.sub(r"\b[A-Z]+\b", "x", line).split(" \\")[0]
        parse(words.strip())
