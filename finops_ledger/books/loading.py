"""The books as Beancount loads them: the one place where that happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAIN = "main.beancount"


@dataclass(frozen=True)
class Loaded:
    """All entries, in Beancount's order, what it and the plugins found wrong, and the options."""

    root: Path
    entries: list[Any]
    errors: list[Any]
    options: dict[str, Any]

    def messages(self) -> list[str]:
        """Return each error as ``file:line: message``, files seen from the workspace."""
        return [f"{self.place(e.source)}: {e.message}" for e in self.errors]

    def place(self, meta: dict[str, Any] | None) -> str:
        """Return where an entry stands: file and line."""
        name, line = (meta or {}).get("filename", ""), (meta or {}).get("lineno", 0)
        path = Path(name)
        if path.is_absolute() and path.is_relative_to(self.root.resolve()):
            name = path.relative_to(self.root.resolve()).as_posix()
        return f"{name}:{line}"

    def transactions(self) -> Iterator[Any]:
        """Yield the transactions, in order."""
        from beancount.core.data import Transaction

        return (e for e in self.entries if isinstance(e, Transaction))


def load(root: Path) -> Loaded:
    """Load a workspace's books: parse, book, run plugins, pad, balance, validate."""
    from beancount import loader  # heavy: only where books are really loaded

    entries, errors, options = loader.load_file(str((root / MAIN).resolve()))
    return Loaded(root, entries, errors, options)
