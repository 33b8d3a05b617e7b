"""Reading TOML into checked models: every fault is named with its line and key, never a traceback."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from finops_ledger.core.errors import UsageError
from finops_ledger.intake.conditions import suggestion

M = TypeVar("M", bound=BaseModel)


def load(path: Path, model: type[M]) -> M:
    """Read a TOML file into ``model``; raise UsageError with every fault in it.

    An unknown key comes with the nearest known one; where the key stands once, with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = _meant(error.errors(include_url=False))
        lines = [f"{path}{_line(text, fault)}: {_explain(model, fault)}" for fault in faults]
        raise UsageError("\n".join(lines)) from error


def _meant(faults: list[Any]) -> list[Any]:
    """Leave out what a value of several forms is not: of a table, that it is no word."""
    words = [f for f in faults if f["loc"] and str(f["loc"][-1]).startswith("literal[")]
    told = {f["loc"][:n] for f in faults if f not in words for n in range(len(f["loc"]))}
    return [f for f in faults if f not in words or f["loc"][:-1] not in told]


def _line(text: str, fault: Any) -> str:
    """Return ``:line`` of the key that a fault is about, when just one line can be meant."""
    keys = [part for part in fault["loc"] if isinstance(part, str)]
    if not keys:
        return ""
    key = re.escape(keys[-1])
    stands = re.compile(rf'^\s*(\[+[^\]]*\b{key}"?\]|"?{key}"?\s*=)|[{{,]\s*"?{key}"?\s*=')
    found = [number for number, line in enumerate(text.splitlines(), 1) if stands.search(line)]
    return f":{found[0]}" if len(found) == 1 else ""


def _explain(model: type[BaseModel], error: Any) -> str:
    location = [str(part) for part in error["loc"]]
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        return f"{'.'.join(location)}: {message}" if location else message
    place: Any = model
    for part in location[:-1]:
        place = _below(place, part)
    table = _bare(place)
    names = [f.alias or n for n, f in table.model_fields.items()] if _is_model(table) else []
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
