"""Nodes and edges of a mapping as a tree, and how they are numbered for the plan's tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mediation.kernels import ops

if TYPE_CHECKING:
    from mediation.formats.schema import Element


@dataclass(slots=True)
class Edge:
    """What to do with an element: go down, begin a row or a record, run actions, pick."""

    kind: int = ops.LEAF
    node: Node | None = None
    actions: list[list[int]] = field(default_factory=list)
    texts: list[tuple[int, str] | None] = field(default_factory=list)
    picks: list[list[int]] = field(default_factory=list)
    code: int = 0
    position: int = -1
    group: int = 0


@dataclass(slots=True)
class Node:
    """A constructed element that the mapping reaches: an edge for each of its elements."""

    edges: dict[tuple[int, int], Edge] = field(default_factory=dict)

    def edge(self, element: Element) -> Edge:
        """Returns the edge of an element, made as needed."""
        key = (element.tag_class, element.tag_number)
        found = self.edges.get(key)
        if found is None:
            found = Edge()
            if element.constructed:
                found.kind = ops.DESCEND
                found.node = Node()
            self.edges[key] = found
        return found


def down(node: Node, path: tuple[Element, ...]) -> Edge:
    """Returns the edge at the end of `path`, made as needed."""
    edge = node.edge(path[0])
    for element in path[1:]:
        assert edge.node is not None  # noqa: S101 - only constructed elements have children
        edge = edge.node.edge(element)
    return edge


def tags(path: tuple[Element, ...]) -> tuple[tuple[int, int], ...]:
    """Returns class and number of every tag on a path."""
    return tuple((element.tag_class, element.tag_number) for element in path)


@dataclass(slots=True)
class Numbering:
    """Nodes, entries and actions as they are numbered."""

    nodes: list[Node] = field(default_factory=list)
    entries: list[list[int]] = field(default_factory=list)
    actions: list[list[int]] = field(default_factory=list)
    texts: list[tuple[int, str] | None] = field(default_factory=list)
    edges: list[dict[tuple[int, int], int]] = field(default_factory=list)
    picks: list[list[int]] = field(default_factory=list)

    def node(self, node: Node | None) -> int:
        """Numbers a node and everything below it; returns its number."""
        if node is None:
            return -1
        number = len(self.nodes)
        self.nodes.append(node)
        self.edges.append({})
        for key, edge in node.edges.items():
            self.edges[number][key] = self.entry(edge)
        return number

    def entry(self, edge: Edge) -> int:
        """Numbers an edge and everything below it; returns its number."""
        number = len(self.entries)
        first = self.chain(edge)
        picks = (len(self.picks), len(self.picks) + len(edge.picks))
        self.picks.extend(edge.picks)
        self.entries.append([edge.kind, -1, first, edge.code, edge.position, *picks, edge.group])
        self.entries[number][ops.ENT_CHILD] = self.node(edge.node)
        return number

    def chain(self, edge: Edge) -> int:
        """Numbers the actions of one field, linked; returns the first or -1."""
        first = len(self.actions)
        for offset, action in enumerate(edge.actions):
            linked = list(action)
            last = offset + 1 == len(edge.actions)
            linked[ops.ACT_NEXT] = -1 if last else first + offset + 1
            self.actions.append(linked)
        self.texts.extend(edge.texts)
        return first if edge.actions else -1
