"""Turns what pydantic found wrong into lines a person can act on: place, cause, nearest name."""

from __future__ import annotations

import re
import typing
from typing import TYPE_CHECKING, Any

from pipeline.errors import Problem
from pipeline.nearest import nearest

if TYPE_CHECKING:
    import tomllib

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")

Place = tuple[str | int, ...]


def syntax_problem(file: str, error: tomllib.TOMLDecodeError) -> Problem:
    """Returns the problem of a file that is not TOML."""
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    where = f"{file}:{found[1]}:{found[2]}" if found else file
    what = str(error).replace(found[0], "").strip() if found else str(error)  # or "(at end of …)"
    return Problem(where, f"not TOML: {what}")


def problems_of(
    error: ValidationError, model: type[BaseModel], file: str, text: str
) -> list[Problem]:
    """Returns every problem of a validation, in the order of the file."""
    lines = lines_of(text)
    found = [_problem(one, model, file, lines) for one in error.errors()]
    return [problem for _, problem in sorted(found, key=lambda pair: pair[0])]


def _problem(
    one: ErrorDetails, model: type[BaseModel], file: str, lines: dict[Place, int]
) -> tuple[int, Problem]:
    place: Place = tuple(one["loc"])
    line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 0)
    where = f"{file}:{line}" if line else file
    name = _dotted(place)
    kind = one["type"]
    if kind == "extra_forbidden":
        key = str(place[-1])
        problem = Problem(where, f"unknown key {name!r}", nearest(key, _fields(model, place[:-1])))
    elif kind == "missing":
        problem = Problem(where, f"{name} is missing")
    elif kind == "literal_error":
        allowed = re.findall(r"'([^']+)'", one["ctx"]["expected"])
        given = one["input"]
        problem = Problem(where, f"{name}: {given!r} is not known", nearest(str(given), allowed))
    else:
        message = one["msg"].removeprefix("Value error, ")
        problem = Problem(where, f"{name}: {message}" if name else message)
    return line, problem


def _dotted(place: Place) -> str:
    """Returns ``source[2].take`` for ("source", 1, "take"): counted as people count."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


def _fields(model: type[BaseModel], place: Place) -> list[str]:
    """Returns the names allowed in the table at `place`."""
    current: Any = model
    for part in place:
        if isinstance(part, int):
            continue
        current = current.model_fields[part].annotation
        arguments = typing.get_args(current)
        current = next((a for a in arguments if isinstance(a, type)), current)
    return sorted(current.model_fields)


def lines_of(text: str) -> dict[Place, int]:
    """Returns the line of each table and key of a TOML text, as far as a simple scan can tell."""
    lines: dict[Place, int] = {}
    table: Place = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            parts = tuple(part.strip('"') for part in header[2].split("."))
            table = parts
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                table = (*parts, counts[header[2]])
            lines[table] = number
        elif key := _KEY.match(line):
            lines[(*table, key[1])] = number
    return lines
