"""What the checks of ``verify`` read: manifest, recorded state laid out aside, loaded books."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from finops_ledger.books import recorded
from finops_ledger.books.expected import Touches
from finops_ledger.books.workspace import Workspace
from finops_ledger.subledger.engine_duckdb import DuckEngine
from finops_ledger.subledger.manifest import Manifest, State

MAIN = "main.beancount"


class Evidence:
    """Everything that checks look at, each part read once and only if asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.manifest = Manifest(self.root, Touches())
        self._stack = ExitStack()

    def __enter__(self) -> Evidence:
        return self

    def __exit__(
        self,
        unused_type: type[BaseException] | None,
        unused_error: BaseException | None,
        unused_trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @cached_property
    def state(self) -> State:
        """The fold of the manifest; IntegrityError when its chain is broken."""
        return self.manifest.read()

    @cached_property
    def engine(self) -> DuckEngine:
        """An engine for Parquet files alone."""
        engine = DuckEngine()
        self._stack.callback(engine.close)
        return engine

    @cached_property
    def aside(self) -> Workspace:
        """A scratch workspace: the same rows under recorded rules and decisions, no journal yet.

        What people have changed since the last command is not in it, nor are formats that the
        program ships by now.
        """
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="finops-")))
        root, shipped = folder / "books", folder / "formats"
        root.mkdir()
        for name in ("subledger", "archive", "accounts.beancount"):
            (root / name).symlink_to(self.root / name)
        recorded.put_rules(self.root, self.state.rules, root, shipped)
        recorded.put_decisions(self.root, self.state.decisions.values(), root)
        space = Workspace.open(root, shipped)
        self._stack.callback(space.close)
        return space

    @cached_property
    def loaded(self) -> tuple[list[Any], list[Any], dict[str, Any]]:
        """Entries, errors and options of the books as Beancount loads them, past its cache.

        The cache goes by the times of included files; the manifest, which a plugin reads, is none
        of them.
        """
        from beancount import loader  # heavy: only where books are really loaded

        load = getattr(loader, "_uncached_load_file", loader.load_file)
        entries, errors, options = load(str(self.root / MAIN), None, None, None)
        return entries, errors, options

    def place(self, path: str | Path) -> str:
        """Name a file from the workspace's root."""
        path = Path(path)
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )
