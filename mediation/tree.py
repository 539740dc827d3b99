"""Single values as nested Python: the elements around the records, or one record to look at.

Slow and forgiving: what the module does not name is left out, and what cannot be read ends its
level. Records by the million go through the kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediation.tlv import read_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from mediation.formats.schema import Element

    Tree = bytes | dict[str, "Tree"] | list["Tree"]

MAX_DEPTH: Final = 32


def read_tree(data: np.ndarray, at: int, limit: int, element: Element, depth: int = 0) -> Tree:
    """Returns the content of the value that begins at `at`.

    Args:
        data: uint8[n], the file.
        at: Where its tag begins.
        limit: Octets that may be read.
        element: What it is.
        depth: Levels around it.

    Returns:
        The octets of a primitive value; the elements of a list; of anything else its elements by
        name. Of an element that comes twice the last one counts.
    """
    head = read_head(data, at, limit)
    if head is None or depth > MAX_DEPTH:
        return b""
    end = limit if head.end is None else min(head.end, limit)
    if not head.constructed:
        return data[head.content : end].tobytes()
    inside = _children(data, head.content, end, element.children, depth)
    if not element.is_list:
        return {name: tree for name, tree, _ in inside}
    alternatives = len(element.children) > 1
    return [{name: tree} if alternatives else tree for name, tree, _ in inside]


def _children(
    data: np.ndarray, at: int, end: int, elements: Sequence[Element], depth: int
) -> Iterator[tuple[str, Tree, int]]:
    """Yields name, content and place of the elements from `at` that the module knows."""
    known = {(element.tag_class, element.tag_number): element for element in elements}
    while at < end:
        head = read_head(data, at, end)
        if head is None or head.tag == (0, 0):
            return
        element = known.get(head.tag)
        if element is not None:
            yield element.name, read_tree(data, at, end, element, depth + 1), at
        after = head.end if head.end is not None else end_of_value(data, head.content, end)
        if after is None or after > end:
            return
        at = after


def end_of_value(data: np.ndarray, at: int, limit: int) -> int | None:
    """Returns where a value of indefinite length whose content is at `at` ends, None if nowhere."""
    ends: list[int | None] = [None]
    while ends:
        if ends[-1] is not None:
            at = ends.pop() or at
            continue
        head = read_head(data, at, limit)
        if head is None or len(ends) > MAX_DEPTH:
            return None
        if head.tag == (0, 0) and head.end == head.content:
            at = head.content
            ends.pop()
        else:
            if head.end is not None and head.end > limit:
                return None
            at = head.content
            ends.append(head.end)
    return at


def look_up(tree: Tree | None, path: str) -> Tree | None:
    """Returns what stands at a dotted path, None where nothing does.

    ``list[field=value]`` is the first element of a list whose field holds `value` as ASCII.
    """
    while path and tree is not None:
        if not isinstance(tree, dict):
            return None
        key = _key(tree, path)
        if key is None:
            return None
        tree, path = tree[key], path[len(key) :]
        if path.startswith("["):
            wanted, _, path = path[1:].partition("]")
            tree = _chosen(tree, wanted)
        path = path.removeprefix(".")
    return tree


def _key(tree: dict[str, Tree], path: str) -> str | None:
    """Returns the key that a path begins with; names may hold dots themselves."""
    for key in tree:
        if path == key or path.startswith((key + ".", key + "[")):
            return key
    return None


def _chosen(items: Tree, wanted: str) -> Tree | None:
    """Returns the first element of a list that says what is wanted."""
    name, _, value = wanted.partition("=")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get(name) == value.encode():
            return item
    return None
