"""What a file that came as a workbook really is, and whether it is safe to unpack."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Final

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.workbooks import biff

#: What a broken archive raises, by module.
BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError,
    RuntimeError, OverflowError,
)  # fmt: skip
BROKEN_OLE: Final = (ValueError, IndexError, KeyError, OverflowError, struct.error)
MEMBERS: Final = 10_000
#: Archives that unpack to less are small whatever their ratio.
_SMALL: Final = 16 << 20
_HEAD: Final = 1 << 16
_ODS: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_ARTICLE: Final = {"xlsx": "an xlsx workbook", "xls": "an xls workbook", "ods": "an ods workbook"}


def looks_like(path: Path, kind: str) -> bool:
    """Say whether the first bytes can be those of a workbook of this kind; nothing is unpacked."""
    with path.open("rb") as file:
        head = file.read(8)
    return head == biff.SIGNATURE if kind == "xls" else head.startswith(b"PK\x03\x04")


def check(path: Path, kind: str, limits: Limits) -> int:
    """Return how many bytes a workbook of ``kind`` holds, unpacked.

    Raises:
        InputRefused: empty, something else under this name, locked, broken, too big to unpack.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise raw.refuse(
            path.name, "file-empty", "the file has no bytes at all", expected="a workbook"
        )
    if head.startswith(b"PK\x03\x04"):
        return _check_archive(path, kind, limits)
    if head.startswith(biff.SIGNATURE):
        return _check_ole(path, kind, limits)
    raise _other(path, kind, _text_kind(head))


def _check_archive(path: Path, kind: str, limits: Limits) -> int:
    try:
        with zipfile.ZipFile(path) as book:
            size = _bounded(path, book, limits)
            found = _archive_kind(book)
            if found == kind:
                _no_document_type(path, book)
    except BROKEN as error:
        raise raw.refuse(
            path.name, "workbook-broken", f"the archive cannot be read: {error}"
        ) from error
    if found != kind:
        raise _other(path, kind, _ARTICLE.get(found, found))
    return size


def _bounded(path: Path, book: zipfile.ZipFile, limits: Limits) -> int:
    members = book.infolist()
    if len(members) > MEMBERS:
        raise _large(path, f"{len(members)} parts", f"at most {MEMBERS}")
    size, packed = sum(m.file_size for m in members), path.stat().st_size
    if size > limits.max_workbook_bytes:
        raise _large(path, f"{size} bytes unpacked", f"at most {limits.max_workbook_bytes}")
    if size > _SMALL and size > limits.max_ratio * packed:
        raise _large(
            path, f"{packed} bytes that unpack to {size}", f"at most {limits.max_ratio} times"
        )
    if sum(m.compress_size for m in members) > packed:
        raise _large(path, "parts that lie over each other", "each byte in one part")
    return size


def _large(path: Path, message: str, expected: str) -> InputRefused:
    return raw.refuse(path.name, "workbook-large", message, expected=expected)


def _archive_kind(book: zipfile.ZipFile) -> str:
    names = {n.replace("\\", "/").lower() for n in book.namelist()}
    if "mimetype" in names:
        kind = book.read("mimetype")[:200].strip()
        return (
            "ods"
            if kind.startswith(_ODS)
            else f"a document of type {kind.decode('ascii', 'replace')}"
        )
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "an xlsb workbook"
    return "a zip archive"


def _no_document_type(path: Path, book: zipfile.ZipFile) -> None:
    """Refuse XML that declares entities: no program that writes workbooks does."""
    for member in book.infolist():
        if member.filename.lower().endswith((".xml", ".rels")):
            with book.open(member) as part:
                head = part.read(_HEAD)
            if b"<!DOCTYPE" in head.replace(b"\0", b"") or b"<!ENTITY" in head.replace(b"\0", b""):
                raise raw.refuse(
                    path.name, "workbook-unsafe", f"{member.filename} declares a document type",
                    expected="parts without one",
                )  # fmt: skip


def _check_ole(path: Path, kind: str, limits: Limits) -> int:
    size = path.stat().st_size
    if size > limits.max_workbook_bytes:
        raise _large(path, f"{size} bytes", f"at most {limits.max_workbook_bytes}")
    try:
        names = set(biff.streams(path.read_bytes()))
    except BROKEN_OLE as error:
        raise raw.refuse(
            path.name, "workbook-broken", f"the OLE file cannot be read: {error}"
        ) from error
    if "EncryptedPackage" in names:
        raise locked(path)
    if kind != "xls" or not names & {"Workbook", "Book"}:
        found = (
            "an xls workbook" if names & {"Workbook", "Book"} else "an OLE file without a workbook"
        )
        raise _other(path, kind, found)
    return size


def locked(path: Path) -> InputRefused:
    """Return the refusal of a workbook that only opens with a password."""
    return raw.refuse(
        path.name, "workbook-locked", "the workbook is locked with a password",
        expected="a workbook saved without one",
    )  # fmt: skip


def _other(path: Path, kind: str, found: str) -> InputRefused:
    return raw.refuse(path.name, "workbook-kind", f"the file is {found}", expected=_ARTICLE[kind])


def _text_kind(head: bytes) -> str:
    """Say what a file is that is no workbook at all."""
    if head.startswith(b"%PDF"):
        return "a PDF document"
    if head[:2] == b"\x09\x08" or (head[:1] == b"\x09" and head[1:2] in (b"\0", b"\2", b"\4")):
        return "an Excel file of before 1997, or without its OLE container"
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in head and not wide:
        return "no workbook: it begins with unknown bytes"
    text = (
        head.decode("utf-16" if wide else "latin-1", "replace").lstrip("\ufeffï»¿ \r\n\t").lower()
    )
    if text.startswith("<?xml") and "urn:schemas-microsoft-com:office:spreadsheet" in text:
        return "an XML spreadsheet of 2003"
    if text.startswith(("<html", "<!doctype html", "<table", "<meta", "<head")) or "<table" in text:
        return "an HTML page under the name of a workbook"
    if text.startswith("<?xml"):
        return "an XML document"
    first = text.split("\n", 1)[0]
    for mark, name in (("\t", "tabs"), (";", "semicolons"), ("|", "bars"), (",", "commas")):
        if mark in first:
            return f"text delimited by {name}, under the name of a workbook"
    return "plain text under the name of a workbook"
