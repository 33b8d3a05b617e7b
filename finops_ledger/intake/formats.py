"""Formats: find and load the TOML files that say how to read a source's file.

Unknown keys are errors that name the file, the place and the nearest known key.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import duckdb
from pydantic import BaseModel, ValidationError

from finops_ledger.core.errors import UsageError
from finops_ledger.intake.conditions import suggestion
from finops_ledger.intake.spec import Format

__all__ = ["Format", "find_format", "load_format", "shipped"]


def load_format(path: Path) -> Format:
    """Read a format file; raise :class:`UsageError` with every fault in it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    try:
        fmt = Format.model_validate(data)
    except ValidationError as error:
        lines = [_explain(e) for e in error.errors(include_url=False)]
        raise UsageError("\n".join(f"{path}: {line}" for line in lines)) from error
    _check_patterns(fmt, path)
    return fmt


def _check_patterns(fmt: Format, path: Path) -> None:
    """Refuse patterns for cells that Python knows and the engine does not (look-ahead, say)."""
    specs = fmt.fields.values()
    conditions = [*(r for s in specs for r in s.rules), *fmt.exclude.rules]
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


def _explain(error: Any) -> str:
    location = [str(part) for part in error["loc"]]
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        return f"{'.'.join(location)}: {message}" if location else message
    place: Any = Format
    for part in location[:-1]:
        place = _below(place, part)
    model = _bare(place)
    names = [f.alias or n for n, f in model.model_fields.items()] if _is_model(model) else []
    return f"unknown key {'.'.join(location)!r}{suggestion(location[-1], names)}"


def _is_model(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)


def _bare(type_: Any) -> Any:
    """Return a type without ``Annotated`` and ``| None``."""
    while True:
        if get_origin(type_) is Annotated:
            type_ = get_args(type_)[0]
        elif type(None) in get_args(type_):
            type_ = next(a for a in get_args(type_) if a is not type(None))
        else:
            return type_


def _below(type_: Any, part: str) -> Any:
    """Return the type that the key or position ``part`` has inside ``type_``."""
    type_ = _bare(type_)
    if _is_model(type_):
        names = {f.alias or n: f.annotation for n, f in type_.model_fields.items()}
        return names.get(part)
    inner = get_args(type_)
    if not inner:
        return None
    return inner[1] if get_origin(type_) is dict else inner[0]
