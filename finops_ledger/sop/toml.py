"""Reading TOML into checked models: unknown keys are errors with a suggestion, never a traceback."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from finops_ledger.core.errors import UsageError

M = TypeVar("M", bound=BaseModel)


def load(path: Path, model: type[M]) -> M:
    """Read a TOML file into ``model``; raise UsageError that names file, key and what to write."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = [_fault(model, fault) for fault in error.errors()]
        raise UsageError("\n".join(f"{path}: {line}" for line in lines)) from error


def _fault(model: type[BaseModel], fault: Any) -> str:
    place = ".".join(str(p) for p in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{place}: {fault['msg']}"
    word = str(fault["loc"][-1])
    near = difflib.get_close_matches(word, sorted(_keys(model)), n=1)
    return f"unknown key {place!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _keys(model: type[BaseModel]) -> set[str]:
    found: set[str] = set()
    waiting: list[Any] = [model]
    seen: set[Any] = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if isinstance(one, type) and issubclass(one, BaseModel):
            for name, info in one.model_fields.items():
                found.add(name)
                waiting.append(info.annotation)
        else:
            waiting.extend(getattr(one, "__args__", ()))
    return found
