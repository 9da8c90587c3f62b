from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from export_session.record import RunRecord
from export_session.report.html import render

VOID = {"meta", "img", "input", "br", "wbr", "rect", "path"}


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, tag: str, cls: str = "") -> list[Node]:
        return [n for n in self.walk() if n.tag == tag and cls in ["", *(n.attributes.get("class") or "").split()]]

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class Tree(HTMLParser):
    """Builds the tree and insists that every tag is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack = [Node("")]
        self.feed(page)
        self.close()
        assert [node.tag for node in self.stack] == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        node = Node(tag, dict(attrs))
        self.stack[-1].children.append(node)
        if tag not in VOID:
            self.stack.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def parsed(record: RunRecord) -> Node:
    return Tree(render(record)).stack[0]


def by_id(page: Node, name: str) -> Node:
    (node,) = (node for node in page.walk() if node.attributes.get("id") == name)
    return node
