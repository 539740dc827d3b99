"""Steps of a path through a format's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediation.formats.schema import Element


def visible(element: Element) -> list[str]:
    """Returns the names that a path may go on with at an element."""
    return [element.name] if element.name else [child.name for child in element.children]


def one_step(inside: tuple[Element, ...], path: str) -> list[Element] | None:
    """Returns the element that `path` begins with, and what its EXPLICIT tag wraps."""
    for child in inside:
        if path == child.name or (
            child.name and path.startswith((child.name + ".", child.name + "["))
        ):
            chain = [child]
            while chain[-1].kind == "EXPLICIT" and len(chain[-1].children) == 1:
                if chain[-1].children[0].name:
                    break
                chain.append(chain[-1].children[0])
            return chain
    return None
