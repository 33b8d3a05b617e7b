"""Writing so that a kill at any moment leaves the old or the new, never half of it.

Every change to a workspace goes through these functions. Each ends in one or more *steps*; a test
hooks :data:`on_step` to kill the process at the n-th of them and shows that the next run repairs it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from finops_ledger.core.ids import sha256_file

TEMP_PREFIX = ".tmp-"
#: What an interrupted command can leave: our own temporary names, and the copies that a reader works on.
_LEFT_BEHIND = (TEMP_PREFIX, ".intake-")


def _nothing(unused_name: str) -> None:
    return None


#: Called before each irreversible step with its name. Tests replace it.
on_step: Callable[[str], None] = _nothing


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(temp: Path, target: Path) -> None:
    """Give a finished temporary file its name: fsync, rename, fsync of the folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync_file(temp)
    on_step(f"publish {target.name}")
    temp.replace(target)
    sync_folder(target.parent)
    on_step(f"published {target.name}")


def temp_beside(target: Path) -> Path:
    """Return the temporary name under which ``target`` is written before it is published."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent / f"{TEMP_PREFIX}{target.name}"


def write_atomic(target: Path, data: bytes) -> None:
    """Replace ``target`` by ``data`` in one step; a reader sees the old bytes or the new."""
    temp = temp_beside(target)
    on_step(f"write {target.name}")
    with temp.open("wb") as file:
        file.write(data)
    publish(temp, target)


def copy_atomic(origin: Path, target: Path) -> None:
    """Copy a file so that ``target`` appears whole or not at all."""
    temp = temp_beside(target)
    on_step(f"copy {target.name}")
    shutil.copyfile(origin, temp)
    publish(temp, target)


@contextmanager
def copying(origin: Path, target: Path) -> Iterator[Future[tuple[Path, str]]]:
    """Copy a file beside what is done meanwhile.

    The future is the copy's temporary name, under which it is on disk then, and its SHA-256. :func:`publish` gives it
    its own name; without that it is removed at the end.
    """
    temp = temp_beside(target)
    on_step(f"copy {target.name}")

    def copy() -> tuple[Path, str]:
        shutil.copyfile(origin, temp)
        digest = sha256_file(temp)
        _sync_file(temp)
        return temp, digest

    with ThreadPoolExecutor(1) as beside:
        copied = beside.submit(copy)
        try:
            yield copied
        finally:
            wait([copied])
            temp.unlink(missing_ok=True)


def append_line(path: Path, line: bytes) -> None:
    """Append one line with its newline, and fsync: the commit point. A part of a line counts for nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    on_step("commit")
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        rest = line + b"\n"
        while rest:  # a full disk may take a part; the next write then says so
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    if new:
        sync_folder(path.parent)
    on_step("committed")


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    on_step(f"remove {path.name}")
    path.unlink(missing_ok=True)


def clear_temporary(root: Path) -> list[Path]:
    """Remove the files and folders that an interrupted write left behind; return the paths removed."""
    gone = []
    for folder, folders, names in os.walk(
        root
    ):  # one pass: there are folders for every day of the books
        gone += [Path(folder, n) for n in (*folders, *names) if n.startswith(_LEFT_BEHIND)]
        folders[:] = [n for n in folders if not n.startswith(_LEFT_BEHIND)]
    for path in sorted(gone):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return sorted(gone)
