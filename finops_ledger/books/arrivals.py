"""From a file as it came to what is read: itself, or the members of a container, each with its source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from finops_ledger.books.config import Source
from finops_ledger.books.inbox import shown
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import FinopsError
from finops_ledger.core.names import within
from finops_ledger.intake import containers
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec import Format

_NEAREST = 3
_PLAIN = re.compile(r"[\w .,()+@=&~#%-]+", re.ASCII)
_LIKE_ENOUGH = 0.5


@dataclass(frozen=True)
class Arrival:
    """One file to read: what lies in the inbox, or a member of it."""

    path: Path  #: where the bytes to read are
    name: str  #: as messages call it: ``report.csv``, ``march.zip/report.csv``
    names: tuple[str, ...]  #: names that say source and day, the first that any source takes
    sha256: str
    size: int
    member: str | None = None


@dataclass(frozen=True)
class Opened:
    """A file as it came, and what is to be read of it."""

    path: Path
    name: str
    sha256: str
    arrivals: tuple[Arrival, ...]
    ignored: tuple[str, ...] = ()

    @property
    def contained(self) -> bool:
        """Whether the file is a container."""
        return self.arrivals[0].member is not None


@contextmanager
def opened(space: Workspace, path: Path, sha256: str, only: str | None = None) -> Iterator[Opened]:
    """Yield a file with its members, unpacked below ``subledger`` until the block ends.

    ``only``: the one member to take. Raises InputRefused when a container cannot be unpacked whole.
    """
    name = shown(path)
    base = space.root / "subledger"
    base.mkdir(exist_ok=True)
    if containers.kind(path) is None:
        size = path.stat().st_size
        with _plainly_named(path, base) as readable:
            yield Opened(path, name, sha256, (Arrival(readable, name, (name,), sha256, size),))
        return
    intake = space.config.intake
    with TemporaryDirectory(prefix=".intake-", dir=base) as folder:
        found = containers.unpack(
            path, Path(folder), intake.limits, intake.ignore, name=name, only=only
        )
        alone = len(found.members) == 1
        arrivals = tuple(
            Arrival(
                m.path,
                within(name, m.name),
                (PurePosixPath(m.name).name, *((name,) if alone else ())),
                m.sha256,
                m.size,
                m.name,
            )
            for m in found.members
            if only in (None, m.name)
        )
        yield Opened(path, name, sha256, arrivals, found.ignored)


@contextmanager
def _plainly_named(path: Path, base: Path) -> Iterator[Path]:
    """Yield a path that the engine reads as it stands: it takes ``[1]`` and ``*`` in a name for a pattern."""
    if _PLAIN.fullmatch(path.name):
        yield path
        return
    with TemporaryDirectory(prefix=".intake-", dir=base) as folder:
        link = Path(folder) / re.sub(r"[^\w.]+", "_", path.name, flags=re.ASCII)[-64:]
        link.symlink_to(path.absolute())
        yield link


@dataclass(frozen=True)
class Found:
    """The source of a file, its format, and the name that told."""

    source: Source
    format: Format
    name: str


def source_of(space: Workspace, arrival: Arrival) -> Found | str:
    """Find the one source that takes a file by its name; else say why there is none."""
    for name in arrival.names:
        named = [s for s in space.config.sources if s.takes(name)]
        if len(named) == 1:
            return Found(named[0], space.format(named[0].format), name)
        if named:
            fitting = [
                Found(s, f, name)
                for s in named
                if recognises(f := space.format(s.format), arrival.path, space.config.intake.limits)
            ]
            if len(fitting) == 1:
                return fitting[0]
            listed = ", ".join(s.name for s in named)
            return (
                f"sources {listed} all take this name and the header does not decide; "
                "narrow their 'match'"
            )
    text = (
        "no source in finops.toml takes a file of this name; add one under [[sources]], or "
        "rename the file as a source's 'match' says"
    )
    if arrival.member is not None:
        text += "; or leave the member out: [intake] ignore"
    near = nearest(space, arrival)
    return f"{text}. Nearest: {'; '.join(near)}" if near else text


def nearest(space: Workspace, arrival: Arrival) -> list[str]:
    """Name the sources that a file nobody takes could be for: by its header first, then by its name."""
    found: list[tuple[bool, Any, str]] = []
    for source in space.config.sources:
        likeness = max(_likeness(name, source.match) for name in arrival.names)
        try:
            fmt = space.format(source.format)
            fits = recognises(fmt, arrival.path, space.config.intake.limits)
        except FinopsError:
            fits = False
        if fits or likeness >= _LIKE_ENOUGH:
            told = f"{source.name} (match = {source.match!r}{', the header fits' if fits else ''})"
            found.append((not fits, -likeness, told))
    return [told for _, _, told in sorted(found)[:_NEAREST]]


def _likeness(name: str, pattern: str) -> Any:
    """Say how like two names are, from 0 to 1: digits and wildcards, which vary by day, do not count."""
    one, other = (re.sub(r"[\d*?]+", "", text.casefold()) for text in (name, pattern))
    return SequenceMatcher(None, one, other).ratio()


def unread(found: Sequence[tuple[Arrival, str]]) -> str:
    """Say in one line which files no source takes."""
    return "; ".join(f"{arrival.name}: {why}" for arrival, why in found)
