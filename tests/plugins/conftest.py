"""Ledgers in, codes and lines out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.parser import printer

Found = list[tuple[str, int]]


def _found(errors: list[Any]) -> Found:
    """Return code and line of each error; all must be ours, complete and printable."""
    # A corrupted amount may break a native balance too; that one is Beancount's to tell.
    errors = [error for error in errors if type(error).__name__ != "BalanceError"]
    for error in errors:
        assert getattr(error, "code", None), printer.format_error(error)
        assert error.message.startswith(f"[{error.code}] ")
        assert isinstance(error.source["filename"], str)
        assert printer.format_error(error)
    return [(error.code, error.source["lineno"]) for error in errors]


@pytest.fixture
def check() -> Callable[[str], Found]:
    """Load a ledger text and return what the plugins say."""

    def run(text: str) -> Found:
        return _found(loader.load_string(text)[1])

    return run


@pytest.fixture
def messages() -> Callable[[str], list[str]]:
    """Load a ledger text and return the messages."""

    def run(text: str) -> list[str]:
        return [error.message for error in loader.load_string(text)[1]]

    return run


@pytest.fixture
def vary() -> Callable[..., tuple[str, int]]:
    """Change one thing in a text and return it with the line that ends in ``; <mark>``."""

    def run(text: str, old: str, new: str, mark: str = "") -> tuple[str, int]:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
        lines = [n for n, line in enumerate(text.splitlines(), 1) if line.endswith(f"; {mark}")]
        return text, lines[0] if mark else 1

    return run


@pytest.fixture
def books(tmp_path: Path) -> Callable[..., Found]:
    """Write main file and manifest, load them, and return what the plugins say.

    ``@HEAD@`` in the ledger stands for the hash of the manifest's last line.
    """

    def run(ledger: str, manifest: bytes | None) -> Found:
        if manifest is not None:
            (tmp_path / "subledger").mkdir(exist_ok=True)
            (tmp_path / "subledger" / "manifest.jsonl").write_bytes(manifest)
            last = (manifest.split(b"\n")[:-1] or [b""])[-1]
            ledger = ledger.replace("@HEAD@", hashlib.sha256(last).hexdigest())
        main = tmp_path / "main.beancount"
        main.write_text(ledger, encoding="utf-8")
        return _found(loader.load_file(str(main))[1])

    return run


@pytest.fixture
def chain() -> Callable[[list[dict[str, Any]]], bytes]:
    """Write objects as manifest lines, each with the hash of the line before it."""

    def run(objects: list[dict[str, Any]]) -> bytes:
        data, previous = b"", ""
        for each in objects:
            line = json.dumps({"prev": previous, **each}).encode()
            previous = hashlib.sha256(line).hexdigest()
            data += line + b"\n"
        return data

    return run
