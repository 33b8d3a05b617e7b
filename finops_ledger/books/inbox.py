"""What lies in the inbox, and what of it may be read now: neither half written nor left out by its name.

What may not be read is left where it is, with a message; nothing here opens a pipe or follows a link out.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from finops_ledger.books.config import Intake
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.names import printable, shortened
from finops_ledger.intake.containers import is_ignored

Verdict = Literal["imported", "known", "ignored", "left", "refused", "unrecognised", "failed"]
#: Verdicts of files that are not in the books although they should be: exit code 3.
NOT_IN = ("left", "refused", "unrecognised", "failed")

#: Endings that programs give to a download until it is whole.
_PARTIAL = (".part", ".partial", ".crdownload", ".filepart", ".download", ".tmp")
#: Bytes of a name in a file system; escaped, a name may grow beyond, and rebuilding writes it again.
_NAME_MAX = 255
_OWNER = "~$"


@dataclass
class FileReport:
    """What became of one file, or of one member of a container."""

    name: str
    verdict: Verdict
    message: str
    batch: str = ""
    source: str = ""
    rows: dict[str, Any] = field(default_factory=dict)
    control: str = ""
    problems: list[str] = field(default_factory=list)
    total: int = 0  #: problems in all; up to 1,000 are listed


def left(name: str, why: str) -> FileReport:
    """Report a file that stays where it is, to be looked at again."""
    return FileReport(name, "left", f"{name}: {why}")


def shown(path: Path) -> str:
    """Return a file's name as it is shown and recorded: one line, and a name that a file can have."""
    return shortened(printable(path.name), _NAME_MAX)


def waiting(space: Workspace, paths: Sequence[Path] | None) -> tuple[list[Path], list[FileReport]]:
    """Return the files to import, by name, and what is said of the others.

    ``paths``: files and folders named by the user, else the inbox. A folder stands for the files in it, not
    for its subfolders. A link is followed only where the user names it.

    Raises UsageError when a named path does not exist.
    """
    config = space.config.intake
    if not paths:
        return _folder(space.inbox, config) if space.inbox.is_dir() else ([], [])
    found: list[Path] = []
    told: list[FileReport] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{printable(str(path))}: there is no such file")
        more, said = _folder(path, config) if path.is_dir() else _sort([path], config, named=True)
        found += more
        told += said
    return found, told


def _folder(folder: Path, config: Intake) -> tuple[list[Path], list[FileReport]]:
    return _sort(sorted(p for p in folder.iterdir() if not p.name.startswith(".")), config)


def _sort(
    paths: Iterable[Path], config: Intake, *, named: bool = False
) -> tuple[list[Path], list[FileReport]]:
    found: list[Path] = []
    told: list[FileReport] = []
    for path in paths:
        name = shown(path)
        if not named and is_ignored(name, config.ignore):
            text = f"{name}: left out, as [intake] ignore in finops.toml says"
            told.append(FileReport(name, "ignored", text))
        elif why := obstacle(path, config, named=named):
            told.append(left(name, why))
        elif not path.is_dir():
            found.append(path)
    return found, told


def obstacle(path: Path, config: Intake, *, named: bool = False) -> str:
    """Say why a file must not be read now; nothing when it may be. Never blocks, whatever ``path`` is."""
    try:
        about = path.stat() if named else path.lstat()
        if stat.S_ISLNK(about.st_mode):
            return "a link is not followed out of the folder; put the file itself there"
        if stat.S_ISDIR(about.st_mode):
            return _of_folder(path)
        if not stat.S_ISREG(about.st_mode):
            return "not a file with contents (a pipe, socket or device)"
        if about.st_size > config.max_bytes:
            return (
                f"{about.st_size} bytes, and the limit is max_bytes = {config.max_bytes} under [intake] in "
                "finops.toml; raise it there if the file is sound"
            )
        return _by_name(path) or _by_use(path)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"


def _of_folder(path: Path) -> str:
    if not any(p for p in path.iterdir() if not p.name.startswith(".")):
        return ""
    return "a folder: files in it are not imported; name it to import them, or list it under [intake] ignore"


def _by_name(path: Path) -> str:
    """Say whether the name, or one beside it, tells that somebody is at work on the file."""
    name = path.name
    if name.lower().endswith(_PARTIAL):
        return "the name is that of a download that is not whole yet"
    if name.startswith(_OWNER):
        return "the mark of a program that has a workbook open; close the workbook"
    beside = next((b for b in _marks(name) if os.path.lexists(path.with_name(b))), None)
    if beside is None:
        return ""
    return (
        f"{printable(beside)} stands beside it: it is open in a program, or still being downloaded"
    )


def _marks(name: str) -> list[str]:
    return [
        f"{_OWNER}{name}", f"{_OWNER}{name[2:]}", f".~lock.{name}#", *(name + p for p in _PARTIAL)
    ]  # fmt: skip


def _by_use(path: Path) -> str:
    """Say whether a process has the file open for writing.

    Linux tells exactly: a lease to read is refused while somebody may write. Elsewhere, and where leases are
    not granted, this says nothing; that a file changes while it is read is seen in any case.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if sys.platform == "linux":
            import fcntl

            try:
                # Whoever opens the file while the lease is held makes the kernel send a signal: one that is
                # ignored unless asked for, else it would end this process.
                fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
                fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return "another process has it open for writing"
    finally:
        os.close(handle)
    return ""


Signature = tuple[int, int, int]


def signature(path: Path) -> Signature:
    """Return what changes when a file is written to or replaced: size, time and number."""
    about = path.stat()
    return about.st_size, about.st_mtime_ns, about.st_ino
