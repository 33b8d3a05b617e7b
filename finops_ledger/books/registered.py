"""The registers that the items of live reconciliations add up to, read back from their files: many days in one query.

A day proves itself daily, and so do all days before it; a query for each would cost more with each day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from finops_ledger.books import recharging
from finops_ledger.books.jobs import claims_account, component_of
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import plain
from finops_ledger.recon.entries import EMPTY, Register, open_by_class, registers_of

#: A live reconciliation: leg, counterparty, day.
Key = tuple[str, str, date]
#: The open items of a live reconciliation by class, as its line states them.
Open = dict[str, dict[str, Any]]
#: So many bytes of files of items are added up at once.
_AT_ONCE: Final = 64 * 1024**2


def register_faults(space: Workspace) -> list[str]:
    """Compare the registers of every live reconcile line with the items in its Parquet file."""
    found: list[str] = []
    there: list[Key] = []
    for key, line in sorted(space.state.reconciled.items()):
        missing = [f for f in line["files"] if not (space.root / f).is_file()]
        if missing:
            found.append(f"{_place(key)}: {missing[0]} is named by the manifest and is not there")
        else:
            there.append(key)
    for key, made in of_items(space, there):
        stated = {a: Register.of(r) for a, r in space.state.reconciled[key]["registers"].items()}
        for account in sorted({*made, *stated}):
            one, other = stated.get(account, EMPTY), made.get(account, EMPTY)
            if one != other:
                found.append(
                    f"{_place(key)}: {account}: the register says {_told(one)}, "
                    f"the items are {_told(other)}"
                )
    return sorted(found)


def of_items(space: Workspace, keys: Sequence[Key]) -> Iterator[tuple[Key, dict[str, Register]]]:
    """Give the registers of each live reconciliation, as its items add up to them; by leg, counterparty and day."""
    for (name, who), group in groupby(sorted(keys), key=lambda key: key[:2]):
        leg, component = space.legs.of(name, who), component_of(space, who)
        claims = claims_account(space, who)
        for some in _chunks(space, group):
            paths = [path for _, path in some if path is not None]
            read = iter(registers_of(space.local, paths, leg, component, claims))
            for key, path in some:
                made = {} if path is None else next(read)
                # What customers owe by decisions stands in the line itself.
                yield key, made | recharging.registers(space.state.reconciled[key])


def open_items(space: Workspace, keys: Sequence[Key]) -> Iterator[tuple[Key, Open]]:
    """Give the open items of each live reconciliation by class, as its file has them."""
    for some in _chunks(space, sorted(keys)):
        read = iter(open_by_class(space.local, [path for _, path in some if path is not None]))
        for key, path in some:
            yield key, {} if path is None else next(read)


def _chunks(space: Workspace, keys: Iterable[Key]) -> Iterator[list[tuple[Key, Path | None]]]:
    """Cut days, each with its file of items if it has one, so that what is added up at once stays bounded."""
    chunk: list[tuple[Key, Path | None]] = []
    held = 0
    for key in keys:
        files = space.state.reconciled[key]["files"]
        path = next((space.root / f for f in files if "/breaks/" in f), None)
        size = path.stat().st_size if path else 0
        if chunk and held + size > _AT_ONCE:
            yield chunk
            chunk, held = [], 0
        chunk.append((key, path))
        held += size
    if chunk:
        yield chunk


def _place(key: Key) -> str:
    name, who, day = key
    return f"{name} {who} {day.isoformat()}"


def _told(one: Register) -> str:
    shown = f"{one.count} items, debits {plain(one.debits)}, credits {plain(one.credits)}"
    return f"{shown} ({one.digest[7:15]}…)"
