"""A proposal in the making: values with the reason for each, and ``?`` where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

UNDECIDED = "?"
_SHORT = 44


def toml(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key(str(k))} = {toml(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    raise TypeError(f"no TOML for {value!r}")


def key(name: str) -> str:
    """Write a key, in quotes where it must be."""
    plain = name and all(c.isascii() and (c.isalnum() or c in "_-") for c in name)
    return name if plain else json.dumps(name, ensure_ascii=False)


def count(number: int, noun: str) -> str:
    """Write ``1 row``, ``2 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def comment(text: str) -> str:
    """Return a text that is safe in a comment: one line, nothing that moves or hides."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass
class Table:
    """One table of the file: its head, keys with value and reason, remarks below it."""

    head: str
    keys: list[tuple[str, object, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def put(self, name: str, value: object, why: str = "") -> None:
        """Say what a key is, and why."""
        self.keys.append((name, value, why))

    def lines(self) -> list[str]:
        """Return the table as lines of TOML."""
        out = [self.head] if self.head else []
        texts = [f"{key(name)} = {_spread(value)}" for name, value, _ in self.keys]
        # Reasons stand below one another, as far as the values are short.
        short = [
            len(t)
            for t, (_, _, why) in zip(texts, self.keys, strict=True)
            if why and len(t) <= _SHORT
        ]
        width = max(short, default=0)
        for text, (_, _, why) in zip(texts, self.keys, strict=True):
            out.append(f"{text:<{width}} # {comment(why)}" if why else text)
        return [*out, *(f"# {comment(r)}" for r in self.remarks)]


def _spread(value: object) -> str:
    """Write long lists over several lines."""
    text = toml(value)
    if len(text) <= 96 or not isinstance(value, Sequence) or isinstance(value, str):
        return text
    lines, line = ["["], " "
    for item in value:
        part = f" {toml(item)},"
        if len(line) + len(part) > 98:
            lines.append(line)
            line = " "
        line += part
    return "\n".join([*lines, line, "]"])
