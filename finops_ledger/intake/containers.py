"""Containers: gzip and zip files, known by their first bytes, and what they hold.

Everything in a container is somebody else's claim: names, sizes, kinds. A member's name is never used as a
path; sizes are counted while unpacking, whatever was declared; what a member cannot be is refused with its name.
Excel and OpenDocument files are zips too, and no containers.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import stat
import struct
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.names import printable
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.raw import refuse

_CHUNK = 1 << 20
#: So much may come out of any container before its ratio counts: small files of blanks shrink to nothing.
_RATIO_FROM = 16 << 20
_NAME_LENGTH = 1024
_DIRECTORY_MAX = 16 << 20
_END_REACH = (
    1 << 16
) + 512  #: where the end of a zip is looked for: its longest comment, and its records
_NO_LIMITS = Limits(max_unpacked_bytes=sys.maxsize, max_ratio=sys.maxsize, max_members=sys.maxsize)
#: First bytes of containers that are not opened.
_OTHERS = (
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")
_DRIVE = re.compile(r"[A-Za-z]:")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, NotImplementedError,
    RuntimeError, ValueError, KeyError, IndexError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One file out of a container, unpacked to ``path`` under a name of ours."""

    name: str
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Unpacked:
    """What a container holds, in its own order; ``ignored`` are the names left out as told."""

    members: tuple[Member, ...]
    ignored: tuple[str, ...] = ()


def kind(path: Path) -> str | None:
    """Return ``gzip``, ``zip``, the name of a container that is not opened, or None for any other file."""
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return None if _is_document(path) else "zip"
    if head[257:262] == b"ustar":
        return "tar"
    if _BZIP2.match(head):
        return "bzip2"
    return next((name for magic, name in _OTHERS if head.startswith(magic)), None)


def _directory_size(path: Path) -> int:
    """Return how long a zip says its list of entries is: it is held in memory, each entry many times its size."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _END_REACH, 0))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        return 0  # no zip at all, as whoever opens it will say
    size: int = struct.unpack_from("<L", tail, end + 12)[0]
    wide = tail.rfind(b"PK\x06\x06", 0, end)
    if wide >= 0 and len(tail) >= wide + 48:
        size = max(size % 0xFFFFFFFF, struct.unpack_from("<Q", tail, wide + 40)[0])
    return size


def _is_document(path: Path) -> bool:
    """Say whether a zip is an Excel or an OpenDocument file."""
    if _directory_size(path) > _DIRECTORY_MAX:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names:
                return True
            if "mimetype" not in names:
                return False
            with archive.open("mimetype") as file:
                return file.read(64).startswith(b"application/vnd.oasis.opendocument.")
    except _BROKEN:
        return False


def is_ignored(name: str, patterns: tuple[str, ...]) -> bool:
    """Say whether a name, or its last part, is one that is left out; case does not count."""
    names = {name.casefold(), PurePosixPath(name).name.casefold()}
    return any(fnmatchcase(n, p.casefold()) for n in names for p in patterns)


def unpack(
    path: Path,
    folder: Path,
    limits: Limits,
    ignore: tuple[str, ...] = (),
    *,
    name: str | None = None,
    only: str | None = None,
) -> Unpacked:
    """Unpack a container into ``folder``, each member under a name of ours.

    Args:
        path: a file of :func:`kind` gzip or zip; of another kind it is refused.
        folder: an empty folder.
        limits: how much may come out.
        ignore: patterns of member names to leave out.
        name: the container's name where ``path`` has another one.
        only: the one member to unpack; the others are listed with an empty digest and nothing unpacked.

    Raises:
        InputRefused: broken, a bomb, encrypted, or a member that is none: another container, a link, a
            name that is a path. Names the member.
    """
    shown = printable(name or path.name)
    found = kind(path)
    unpacker = _Unpacker(path, shown, folder, limits)
    if found == "gzip":
        return unpacker.of_gzip(shown)
    if found == "zip":
        return unpacker.of_zip(ignore, only)
    raise refuse(shown, "archive-kind", f"a {found} file is not opened", expected="gzip or zip")


@contextmanager
def member_file(path: Path, member: str | None) -> Iterator[Path]:
    """Yield the file to read: ``path`` itself, or its member unpacked to a folder that is then removed.

    For originals that were taken in once: no limit holds any more. Raises InputRefused when the container
    cannot be unpacked, KeyError when it has no such member.
    """
    if member is None:
        yield path
        return
    with TemporaryDirectory(prefix="finops-") as folder:
        found = unpack(path, Path(folder), _NO_LIMITS, only=member)
        one = next((m for m in found.members if m.sha256), None)
        if one is None:
            raise KeyError(f"{path.name} has no member {member}")
        yield one.path


def gzip_member(name: str) -> str:
    """Return the name of what a gzip file holds: its own without ``.gz``; the name inside is not trusted."""
    return name[:-3] if name.lower().endswith(".gz") and len(name) > len(".gz") else name


class _Unpacker:
    """Unpacks one container, counting what comes out."""

    def __init__(self, path: Path, shown: str, folder: Path, limits: Limits) -> None:
        self.path, self.shown, self.folder, self.limits = path, shown, folder, limits
        self.packed = max(path.stat().st_size, 1)
        self.total = 0
        self.count = 0

    def of_gzip(self, shown: str) -> Unpacked:
        try:
            with gzip.open(self.path) as source:
                member = self._write(gzip_member(shown), source)
        except _BROKEN as error:
            raise self._broken(error) from error
        return Unpacked((member,))

    def of_zip(self, ignore: tuple[str, ...], only: str | None) -> Unpacked:
        if _directory_size(self.path) > _DIRECTORY_MAX:
            raise self._too_many("more")
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos, ignored = self._sort(archive.infolist(), ignore)
                self._declared(infos)
                members = []
                for info in infos:
                    if only is not None and info.filename != only:
                        members.append(Member(info.filename, self.path, "", info.file_size))
                        continue
                    with archive.open(info) as source:
                        members.append(self._write(info.filename, source))
        except _BROKEN as error:
            raise self._broken(error) from error
        if not members:
            raise refuse(self.shown, "archive-empty", "there is no file of data in it")
        return Unpacked(tuple(members), tuple(ignored))

    def _sort(
        self, infos: list[zipfile.ZipInfo], ignore: tuple[str, ...]
    ) -> tuple[list[zipfile.ZipInfo], list[str]]:
        """Part members from what is ignored; refuse every member that cannot be one, all in one report."""
        kept, ignored = [], []
        problems: list[Problem] = []
        seen: set[str] = set()
        for info in infos:
            name = info.orig_filename
            same = unicodedata.normalize("NFC", name)
            if same in seen:
                problems.append(Problem("archive-name", "the name stands twice", self._place(name)))
            seen.add(same)
            if is_ignored(name, ignore):
                ignored.append(printable(name))
                continue
            fault = _fault(info, self._place(name))
            if fault:
                problems.append(fault)
            elif not info.is_dir():
                kept.append(info)
        if problems:
            raise InputRefused(self.shown, problems[:1000], len(problems))
        if len(kept) > self.limits.max_members:
            raise self._too_many(str(len(kept)))
        return kept, ignored

    def _declared(self, infos: list[zipfile.ZipInfo]) -> None:
        declared = sum(i.file_size for i in infos)
        if declared > self.limits.max_unpacked_bytes:
            raise self._too_much("it declares", declared)
        self._ratio("it declares", declared)

    def _place(self, member: str) -> str:
        return f"{self.shown}/{printable(member)}"

    def _write(self, name: str, source: IO[bytes] | gzip.GzipFile) -> Member:
        """Copy one member out, counting; the digest is taken on the way."""
        self.count += 1
        suffix = PurePosixPath(name).suffix
        ending = suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ""
        path = self.folder / f"member-{self.count:04d}{ending}"
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as out:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                self.total += len(chunk)
                if self.total > self.limits.max_unpacked_bytes:
                    raise self._too_much("it unpacks to more than", self.limits.max_unpacked_bytes)
                self._ratio("it unpacks to", self.total)
                digest.update(chunk)
                out.write(chunk)
        inner = kind(path)
        if inner is not None:
            raise refuse(self._place(name), "archive-nested", f"a {inner} file within a container")
        return Member(name, path, digest.hexdigest(), size)

    def _ratio(self, what: str, size: int) -> None:
        if size > _RATIO_FROM and size > self.packed * self.limits.max_ratio:
            raise refuse(
                self.shown,
                "archive-bomb",
                f"{what} {size} bytes out of {self.packed}; the limit is max_ratio = "
                f"{self.limits.max_ratio} under [intake] in finops.toml",
            )

    def _too_much(self, what: str, size: int) -> InputRefused:
        return refuse(
            self.shown,
            "archive-size",
            f"{what} {size} bytes; the limit is max_unpacked_bytes = "
            f"{self.limits.max_unpacked_bytes} under [intake] in finops.toml",
        )

    def _too_many(self, count: str) -> InputRefused:
        return refuse(
            self.shown,
            "archive-size",
            f"{count} files; the limit is max_members = {self.limits.max_members} "
            "under [intake] in finops.toml",
        )

    def _broken(self, error: Exception) -> InputRefused:
        told = printable(str(error)) or type(error).__name__
        return refuse(
            self.shown,
            "archive-broken",
            f"it cannot be unpacked: {told}",
            expected="the whole file",
        )


def _fault(info: zipfile.ZipInfo, place: str) -> Problem | None:
    """Say why a member of a zip is refused, by what its entry says; None for a plain file or folder."""
    name = info.orig_filename
    parts = name.removesuffix("/").split("/")
    form = stat.S_IFMT(info.external_attr >> 16)
    if (
        not name.isprintable()
        or "\\" in name
        or _DRIVE.match(name)
        or len(name) > _NAME_LENGTH
        or not all(p.strip() and p not in (".", "..") for p in parts)
    ):
        return Problem("archive-name", "the name is not that of a file within a folder", place)
    if info.is_dir():
        told = "a folder that holds bytes"
        return Problem("archive-name", told, place) if info.file_size else None
    if form not in (0, stat.S_IFREG):
        return Problem("archive-link", "a link or a device, not a file", place)
    if info.flag_bits & 0x1:
        return Problem("archive-encrypted", "encrypted; nothing is read under a password", place)
    if info.compress_type not in _METHODS:
        told = f"packed by method {info.compress_type}, which is not read"
        return Problem("archive-kind", told, place)
    return None
