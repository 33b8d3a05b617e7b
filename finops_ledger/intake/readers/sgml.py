"""The SGML of OFX version 1: elements whose end tags may be left out where they hold a value.

A small tokenizer: the five characters that the specification escapes are the only entities, and a
declaration of any kind refuses the file.
"""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Final

from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.nodes import Node
from finops_ledger.intake.readers.statement import text_lines

_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<cdata>.*?)\]\]>|<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9._]*)\s*(?P<empty>/?)>"
    r"|(?P<text>[^<]+)|(?P<other><)",
    re.DOTALL,
)
_ESCAPES = re.compile(r"&(amp|lt|gt|quot|apos|nbsp);")
_DEPTH: Final = 64
#: Aggregates whose end tag the specification never lets be left out.
_AGGREGATES: Final = {
    "OFX", "BANKMSGSRSV1", "CREDITCARDMSGSRSV1", "STMTTRNRS", "CCSTMTTRNRS", "STMTRS", "CCSTMTRS",
    "BANKTRANLIST", "STMTTRN", "LEDGERBAL", "AVAILBAL", "BANKACCTFROM", "CCACCTFROM", "STATUS",
}  # fmt: skip


def parse(path: Path, encoding: str, folder: Path, limits: Limits) -> Node:
    """Return the ``OFX`` element of a file.

    Raises:
        InputRefused: no such element, tags that do not fit, declarations, an end that is missing.
    """
    size = path.stat().st_size
    if size > limits.max_workbook_bytes:
        raise raw.refuse(path.name, "record-too-long", f"{size:,} bytes of one document", 1,
                         expected=f"at most {limits.max_workbook_bytes:,}")  # fmt: skip
    lines = [text for _, text in text_lines(path, encoding, folder, limits)]
    head = next((n for n, t in enumerate(lines) if re.search(r"<OFX>", t, re.IGNORECASE)), None)
    if head is None:
        raise raw.refuse(
            path.name, "kind-wrong", "no OFX element in this file", 1, expected="<OFX>"
        )
    at = lines[head].upper().index("<OFX>")
    return _build("\n".join([lines[head][at:], *lines[head + 1 :]]), head + 1, path.name)


def _build(text: str, line: int, name: str) -> Node:
    root = Node("", line)
    stack = [root]
    for found in _TOKEN.finditer(text):
        if found["other"]:
            raise raw.refuse(name, "xml-unsafe", "a declaration or a broken tag", line,
                             value=text[found.start() : found.start() + 40], expected="elements")  # fmt: skip
        said = found["cdata"] if found["cdata"] is not None else found["text"]
        if said is not None:
            top = stack[-1]
            value = said if found["text"] is None else _ESCAPES.sub(_character, said)
            if not value.strip():
                value = ""
            if value and top.children:
                raise raw.refuse(name, "xml-broken", "text beside elements", line,
                                 value=value.strip()[:100], expected="a tag")  # fmt: skip
            if value and top is root:
                raise raw.refuse(name, "xml-broken", "text behind the end", line,
                                 value=value.strip()[:100])  # fmt: skip
            top.text += value
        elif found["end"]:
            _close(stack, found["tag"].upper(), line, name)
        else:
            # A value that was begun ends where the next tag begins.
            if stack[-1].text.strip():
                stack.pop()
            node = Node(found["tag"].upper(), line)
            stack[-1].children.append(node)
            stack.append(node)
            if len(stack) > _DEPTH:
                raise raw.refuse(
                    name, "too-deep", f"more than {_DEPTH} elements in one another", line
                )
            if found["empty"]:
                stack.pop()
        line += found.group().count("\n")
    if len(stack) > 1:
        raise raw.refuse(name, "file-short", f"{stack[1].tag} has no end: the file came short", line,
                         expected=f"</{stack[1].tag}>")  # fmt: skip
    if len(root.children) > 1:
        raise raw.refuse(name, "xml-broken", "a second document", root.children[1].line,
                         expected="one OFX element")  # fmt: skip
    return root.children[0]


def _close(stack: list[Node], tag: str, line: int, name: str) -> None:
    """End an element, and the values and empty elements in it whose own end was left out."""
    if all(n.tag != tag for n in stack[1:]):
        raise raw.refuse(
            name, "xml-broken", "the end of what was not begun", line, value=f"</{tag}>"
        )
    while stack[-1].tag != tag:
        open_ = stack.pop()
        if open_.tag in _AGGREGATES:
            raise raw.refuse(name, "xml-broken", f"{open_.tag} has no end", open_.line,
                             value=f"</{tag}>", expected=f"</{open_.tag}>")  # fmt: skip
        # An element without value and end: what seemed to be in it stands beside it.
        stack[-1].children += open_.children
        open_.children = []
    stack.pop()


def _character(found: re.Match[str]) -> str:
    return unescape(found[0])
