"""Where the records of a JSON file stand, and the paths of their values."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finops_ledger.intake.infer.look import LIMIT, Look, refuse
from finops_ledger.intake.readers.json_columns import parse, word

_DEEP = 12


def documents(path: Path, kind: str) -> Look:
    """Look at a JSON document, or at JSON lines."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    whole = True
    if kind == "jsonl":
        listed = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        whole, listed = len(listed) <= LIMIT, listed[:LIMIT]
        parsed = [(n, parse(line, path.name, n)) for n, line in listed]
        place = _common([d for _, d in parsed])
        met = [(n, _at(d, place)) for n, d in parsed]
    else:
        document = parse(text, path.name)
        found = max(_lists(document, ()), key=lambda f: len(f[1]), default=None)
        if found is None:
            if not isinstance(document, dict):
                raise refuse(path, "no list of records is seen", "objects in a list")
            found = ((), [document])
        place = found[0]
        met = list(enumerate(found[1][:LIMIT], 1))
        whole = len(found[1]) <= LIMIT
    records = [(n, dict(_leaves(r, ()))) for n, r in met if isinstance(r, dict)]
    if not records:
        raise refuse(path, "no records are seen", "objects in a list")
    return _put(kind, place, records, whole, [r for _, r in met])


def _put(
    kind: str, place: tuple[str, ...], records: list[tuple[int, dict[str, str | None]]], whole: bool,
    raw: list[Any],
) -> Look:  # fmt: skip
    counted = Counter(name for _, record in records for name in record)
    shapes = {name for r in raw for name in _shapes(r, ())}
    columns = [c for c in counted if c not in shapes]
    found = Look(kind, file={"kind": kind}, whole=whole)
    if place:
        found.file["records"] = ".".join(map(_key, place))
        found.why["records"] = f"{len(records):,} objects stand there"
    absent = [c for c in columns if counted[c] < len(records)]
    if absent:
        found.file["optional"] = absent
        found.why["optional"] = "not in every record"
        found.file["header"] = [c for c in columns if c not in absent]
    if place or shapes & set(counted) or any(_holds_list(r) for r in raw):
        found.file["extra_columns"] = "ignore"
        found.why["extra_columns"] = (
            "lists within a record and fields around the records are no cells"
        )
    found.columns = columns
    found.lines = [n for n, _ in records]
    found.rows = [[record.get(c) or None for c in columns] for _, record in records]
    return found


def _holds_list(node: Any) -> bool:
    values = node.values() if isinstance(node, dict) else ()
    return any(isinstance(v, list) or _holds_list(v) for v in values)


def _key(name: str) -> str:
    return (
        name if re.fullmatch(r"[^.\[\]\"|*?^$\s]+", name) else json.dumps(name, ensure_ascii=False)
    )


def _leaves(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    for name, value in node.items():
        here = (*path, _key(name))
        if isinstance(value, dict):
            if len(here) < _DEEP:
                yield from _leaves(value, here)
        elif not isinstance(value, list):
            told = word(value)
            yield ".".join(here), None if told is None else str(told)


def _shapes(node: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the path of each object and list: it is no cell, even where another record has null there."""
    for name, value in node.items() if isinstance(node, dict) else ():
        here = (*path, _key(name))
        if isinstance(value, (dict, list)):
            yield ".".join(here)
            yield from _shapes(value, here)


def _lists(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield each list of objects, with its path."""
    if len(path) > _DEEP:
        return
    if isinstance(node, list):
        if node and all(isinstance(item, dict) for item in node):
            yield path, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _lists(value, (*path, name))


def _common(documents: list[Any]) -> tuple[str, ...]:
    """Return the one key under which every line holds its record; none when lines are records."""
    keys = {tuple(d) if isinstance(d, dict) else () for d in documents}
    if len(keys) == 1 and len(only := keys.pop()) == 1:
        name = str(only[0])
        if all(isinstance(d[name], dict) for d in documents):
            return (name,)
    return ()


def _at(document: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        document = document[name]
    return document
