"""Paths into documents: where records and their values stand in JSON and in XML.

JSON::

    data.transactions     a key within a key; a list on the way to records is walked
    detail[0].admin       an element of a list, from 0
    items[].fees          each element, said outright (only on the way to records)
    accounts.*.entries    each value of an object (only on the way to records)
    "a.b".c               a key that holds a dot, or another of these signs
    refunds?              may be absent (only on the way to records)
    ^.order_id            from the object around the record; ^^ from the one around that
    $.request_id          from the document
    code|product_code     the first that is filled; of records, the first that is there

XML: local names joined by ``/``, ``@name`` for an attribute, ``.`` for the record's own text,
``../`` for the element around it, ``/a/b`` from the document, ``*`` for any one element, ``a|b``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Final

#: A key, a position, ``...`` for each element of a list, None for each value of an object.
Step = str | int | EllipsisType | None

_STEP = re.compile(r'"((?:[^"\\]|\\["\\])+)"|\[(\d{0,6})\]|(\*)|([^.\[\]"|*?^$\s][^.\[\]"|*?]*)')
_NAME = r"[^/@|.*\s\[\]][^/@|*\s\[\]]*"
_ELEMENT = re.compile(rf"/?(?:\.\./)*(?:(?:{_NAME}|\*)/)*(?:{_NAME}|\*|@{_NAME}|\.)", re.UNICODE)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """One path: where it starts and its steps."""

    text: str
    up: int  #: 0: from the record; 1, 2, …: from an object around it; -1: from the document
    steps: tuple[Step, ...]
    optional: frozenset[int] = frozenset()  #: positions of steps that may be absent

    @property
    def keys(self) -> tuple[str | None, ...]:
        """The keys on the way, lists left out; None is any key."""
        return tuple(s for s in self.steps if s is None or isinstance(s, str))

    @property
    def single(self) -> bool:
        """Whether the path leads to one value."""
        return not any(s is None or s is ... for s in self.steps)


def json_path(text: str) -> JsonPath:
    """Read one path; :class:`ValueError` says what is wrong with it."""
    rest, up = text, 0
    if start := re.match(r"(\$|\^+)(?:\.|$|(?=\[))", text):
        up = -1 if start[1] == "$" else len(start[1])
        rest = text[start.end() :]
    steps: list[Step] = []
    optional: set[int] = set()
    at, dotted = 0, True
    while at < len(rest):
        found = _STEP.match(rest, at)
        bracket = found is not None and found[2] is not None
        if found is None or (dotted == bracket and not (bracket and not steps)):
            raise ValueError(f"not a path: {text!r}, at {rest[at:]!r}")
        quoted, index, star, name = found.groups()
        if index is not None:
            steps.append(int(index) if index else ...)
        elif star:
            steps.append(None)
        else:
            steps.append(re.sub(r"\\(.)", r"\1", quoted) if quoted else name)
        at, dotted = found.end(), False
        if rest[at : at + 1] == "?":
            optional.add(len(steps) - 1)
            at += 1
        if rest[at : at + 1] == ".":
            at, dotted = at + 1, True
    if dotted and rest:
        raise ValueError(f"not a path: {text!r} ends with a dot")
    return JsonPath(text, up, tuple(steps), frozenset(optional))


def json_records(text: str) -> tuple[JsonPath, ...]:
    """Read the paths of the records, the first that is there counts; ``""`` is the document."""
    return tuple(json_path(part) for part in text.split("|"))


def json_column(text: str) -> tuple[JsonPath, ...]:
    """Read the paths of a column, the first that is filled counts; each leads to one value."""
    found = tuple(json_path(part) for part in _alternatives(text))
    for path in found:
        if not path.steps or not path.single or path.optional:
            raise ValueError(f"a column is one value: {text!r} has [], * or ?, or no key")
    return found


def _alternatives(text: str) -> list[str]:
    """Split at ``|`` outside quotes."""
    return [m[0] for m in re.finditer(r'(?:"(?:[^"\\]|\\.)*"|[^|"])+', text)] or [""]


def element_column(text: str) -> tuple[str, ...]:
    """Read the XML paths of a column; :class:`ValueError` for what is none."""
    found = tuple(text.split("|"))
    for part in found:
        element_path(part)
        if "*" in part.lstrip("./").split("/") and not part.startswith(("/", "../")):
            raise ValueError(f"a column is one value: {text!r} has *")
    return found


def element_path(text: str) -> str:
    """Check one XML path."""
    if not _ELEMENT.fullmatch(text):
        raise ValueError(f"not a path: {text!r}; names joined by /, @name, ../ or .")
    return text


class _Missing:
    """A place that is not there; another one than ``null``, which is there and empty."""

    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Wrong:
    """What stands where a path wanted something else."""

    found: Any


class PathMissing(Exception):
    """The way to the records breaks off; the argument is how far it goes."""


def follow(node: Any, steps: tuple[Step, ...]) -> Any:
    """Return what stands at a path: a scalar, None for ``null``, :data:`MISSING`, :class:`Wrong`.

    An empty text or list where an object is wanted is nothing: so writes PHP an empty object.
    """
    for step in steps:
        if node is None:
            return MISSING
        if isinstance(step, str):
            if isinstance(node, dict):
                node = node.get(step, MISSING)
                if node is MISSING:
                    return MISSING
                continue
        elif isinstance(step, int) and isinstance(node, list):
            if step >= len(node):
                return MISSING
            node = node[step]
            continue
        if node in ("", [], {}):
            return MISSING
        return Wrong(node)
    return node


def walk(document: Any, paths: tuple[JsonPath, ...]) -> list[tuple[Any, tuple[Any, ...]]]:
    """Return the records at the first of some paths that is there; see :func:`_walk`."""
    for path in paths[:-1]:
        try:
            return _walk(document, path)
        except PathMissing:
            continue
    return _walk(document, paths[-1])


def _walk(document: Any, path: JsonPath) -> list[tuple[Any, tuple[Any, ...]]]:
    """Return the records at a path, each with the objects around it, the outermost first.

    Raises:
        PathMissing: a step that may not be absent is absent, null, or no object.
    """
    nodes: list[tuple[Any, tuple[Any, ...]]] = [(document, ())]
    for at, step in enumerate(path.steps):
        found: list[tuple[Any, tuple[Any, ...]]] = []
        for node, around in nodes:
            found += _step(node, around, step, at, path)
        nodes = found
    last = len(path.steps) - 1
    records = []
    for node, around in nodes:
        if node is None:
            if last in path.optional:
                continue
            raise PathMissing(path.text or "the document")
        records += [(item, around) for item in _flat(node)]
    return records


def _step(
    node: Any, around: tuple[Any, ...], step: Step, at: int, path: JsonPath
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    if isinstance(step, int):
        if isinstance(node, list) and step < len(node):
            yield node[step], around
        elif at not in path.optional:
            raise PathMissing(path.text)
        return
    if step is ...:
        if not isinstance(node, list):
            raise PathMissing(path.text)
        yield from ((item, around) for item in node)
        return
    for item in _flat(node):
        if isinstance(item, dict) and step is None:
            yield from ((value, (*around, item)) for value in item.values())
        elif isinstance(item, dict) and step in item:
            yield item[step], (*around, item)
        elif at not in path.optional:
            raise PathMissing(path.text)


def _flat(node: Any) -> Iterator[Any]:
    """Yield a node, or what is in it if it is a list (lists in lists, too)."""
    if not isinstance(node, list):
        yield node
        return
    stack = [iter(node)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, list):
                stack.append(iter(item))
                break
            yield item
        else:
            stack.pop()


def leaves(node: Any, stop: set[int]) -> Iterator[tuple[str, ...]]:
    """Yield the keys on the way to every scalar below a node; objects whose id is in ``stop`` end it.

    Without recursion: a document may be nested as deep as its parser allows.
    """
    stack: list[tuple[Any, tuple[str, ...]]] = [(node, ())]
    while stack:
        at, keys = stack.pop()
        if isinstance(at, dict):
            if id(at) not in stop:
                stack += [(value, (*keys, key)) for key, value in at.items()]
        elif isinstance(at, list):
            stack += [(value, keys) for value in at]
        else:
            yield keys
