"""Formats: find and load the TOML files that say how to read a source's file.

Unknown keys are errors that name the file, the place and the nearest known key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from finops_ledger.core.errors import UsageError
from finops_ledger.intake import toml
from finops_ledger.intake.conditions import suggestion
from finops_ledger.intake.spec import Format

__all__ = ["Format", "find_format", "load_format", "shipped"]


def load_format(path: Path) -> Format:
    """Read a format file; raise :class:`UsageError` with every fault in it.

    ``"?"`` is a question that a proposed format leaves open: it is named with what to decide.
    """
    _check_decided(path)
    fmt = _with_importer(toml.load(path, Format), path)
    _check_patterns(fmt, path)
    return fmt


def _with_importer(fmt: Format, path: Path) -> Format:
    """Find an importer that is named by a file beside the format."""
    name = fmt.file.importer
    if name is None or ".py:" not in name:
        return fmt
    file = fmt.file.model_copy(update={"importer": str(path.absolute().parent / name)})
    return fmt.model_copy(update={"file": file})


def _check_decided(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return  # the loader says what is wrong
    waiting = sorted(_undecided(data, ""))
    if not waiting:
        return
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        before, _, why = line.partition(" # ")
        if '"?"' in before and not line.startswith("#"):
            lines.append(f"{path}:{number}: {before.strip()}" + (f": {why}" if why else ""))
    told = lines or [f"{path}: {place}" for place in waiting]
    raise UsageError("\n".join([f'{path}: {len(waiting)} undecided ("?"):', *told]))


def _undecided(value: object, place: str) -> Iterator[str]:
    """Yield where ``"?"`` stands, but for the names of the file's own columns."""
    if value == "?":
        yield place
    elif isinstance(value, dict):
        for key, inner in value.items():
            if (place, key) not in {("file", "header"), ("file", "optional")} and key != "equals":
                yield from _undecided(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _undecided(inner, place)


def _check_patterns(fmt: Format, path: Path) -> None:
    """Refuse patterns for cells that Python knows and the engine does not (look-ahead, say)."""
    specs = fmt.fields.values()
    conditions = [
        *(c for s in specs for c in s.conditions()),
        *(c for r in fmt.exclude.rules for c in r.conditions()),
    ]
    conditions += [c for i in fmt.identities for c in i.unless]
    for pattern in {s.pattern for s in specs} | {c.pattern for c in conditions}:
        if pattern is None:
            continue
        try:
            duckdb.execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
        except duckdb.InvalidInputException as error:
            raise UsageError(f"{path}: pattern {pattern!r}: {error}") from error


def shipped() -> dict[str, Path]:
    """Return the formats that come with the program, by name."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_importers", package.parent / "importers"):
        if found := sorted(folder.glob("*/format.toml")):
            return {path.parent.name: path for path in found}
    return {}


def find_format(name: str, books_formats: Path | None) -> Path:
    """Return the file of a format: the books' own first, then the shipped ones."""
    own = {p.stem: p for p in sorted(books_formats.glob("*.toml"))} if books_formats else {}
    known = {**shipped(), **own}
    if name not in known:
        raise UsageError(
            f"unknown format {name!r}{suggestion(name, known)}; known: {', '.join(sorted(known))}"
        )
    return known[name]
