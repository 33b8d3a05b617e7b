"""XML as it streams by: small trees with line numbers, cut off where a reader says so.

The standard parser with everything dangerous switched off (defusedxml): a document type, an entity
or an external reference refuses the file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits

_CHUNK = 1 << 16
_DEPTH = 64


@dataclass(slots=True)
class Node:
    """One element: its local name and namespace, where it begins, its text and children."""

    tag: str
    line: int
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, path: str) -> list[Node]:
        """Return the elements below a path of local names, like ``Bal/Amt``."""
        found = [self]
        for name in path.split("/"):
            found = [c for node in found for c in node.children if c.tag == name]
        return found

    def first(self, *paths: str) -> Node | None:
        """Return the first element of the first path that has one."""
        return next((found[0] for p in paths if (found := self.all(p))), None)

    def value(self, *paths: str) -> str:
        """Return the text of the first such element that has one, without blanks around it."""
        return next((t for p in paths for n in self.all(p) if (t := n.text.strip())), "")

    def leaves(self, *paths: str) -> list[str]:
        """Return the texts of all such elements."""
        return [t for p in paths for n in self.all(p) if (t := n.text.strip())]


class _Tree:
    """Target of the parser: builds nodes, hands out those whose name is in ``cut`` when they end."""

    def __init__(self, name: str, cut: Collection[str], limits: Limits) -> None:
        self.name, self.cut, self.limits = name, cut, limits
        self.stack: list[Node] = []
        self.texts: list[list[str]] = []
        self.done: list[tuple[Node, tuple[Node, ...]]] = []
        self.held = 0  #: size of what is kept, about
        self.parser: Any = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, local = tag.rpartition("}")
        line = self.parser.parser.CurrentLineNumber
        node = Node(local, line, space.removeprefix("{"), dict(attributes))
        if len(self.stack) >= _DEPTH:
            raise raw.refuse(
                self.name, "too-deep", f"more than {_DEPTH} elements in one another", line
            )
        if self.stack:
            self.stack[-1].children.append(node)
        self.stack.append(node)
        self.texts.append([])
        self._hold(len(tag) + sum(len(k) + len(v) for k, v in attributes.items()) + 32)

    def end(self, tag: str) -> None:
        node = self.stack.pop()
        node.text = "".join(self.texts.pop())
        if node.tag in self.cut:
            self.done.append((node, tuple(self.stack)))
            if self.stack:
                self.stack[-1].children.pop()
            self.held = 0

    def data(self, text: str) -> None:
        if self.stack:
            self.texts[-1].append(text)
            self._hold(len(text) + 8)

    def close(self) -> None:
        """End of the document."""

    def _hold(self, size: int) -> None:
        self.held += size
        if self.held > self.limits.max_record_bytes:
            raise raw.refuse(
                self.name, "record-too-long",
                f"more than {self.limits.max_record_bytes:,} bytes without an end",
                self.parser.parser.CurrentLineNumber,
                expected="shorter elements; an own limit is set by max_record_bytes in [intake]",
            )  # fmt: skip


def stream(
    path: Path, name: str, cut: Collection[str], limits: Limits
) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Yield the elements of some names when they end, each with the elements around it.

    What was yielded is cut out of its parent, so that a large file needs little memory.

    Raises:
        InputRefused: not well-formed XML, a document type or entity, too deep, too large.
    """
    tree = _Tree(name, cut, limits)
    parser = DefusedXMLParser(target=tree, forbid_dtd=True)
    tree.parser = parser
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                parser.feed(chunk) if chunk else parser.close()
            except DefusedXmlException as error:
                raise raw.refuse(
                    name, "xml-unsafe", "a document type, an entity or an external reference",
                    parser.parser.CurrentLineNumber, value=type(error).__name__,
                    expected="plain XML",
                ) from error  # fmt: skip
            except (ParseError, ValueError, LookupError) as error:
                line = getattr(error, "position", (1, 0))[0]
                raise raw.refuse(
                    name, "xml-broken", f"not well-formed XML: {error}", line,
                    expected="a whole XML document",
                ) from error  # fmt: skip
            yield from tree.done
            tree.done = []
            if not chunk:
                return
