"""What calamine does not tell of an xlsx: its date system, cells in error, formulas never computed."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from defusedxml import ElementTree

CHUNK: Final = 1 << 22
_ERROR: Final = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*\bt=[\"']e[\"'][^<>]*)(?<!/)>(.*?)</(?:\w+:)?c\s*>", re.DOTALL
)
_VALUE: Final = re.compile(rb"<(?:\w+:)?v\b[^<>]*>([^<]*)<")
#: A cell that begins with a formula, and what stands behind the formula.
_FORMULA: Final = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*)>\s*<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f\s*>)\s*"
    rb"(<(?:\w+:)?v[^<>]*/>|<(?:\w+:)?v[^<>]*>[^<]*<|</(?:\w+:)?c)"
)
_PLACE: Final = re.compile(rb"\br=[\"']([A-Za-z]{1,3})(\d{1,7})[\"']")
_TYPE: Final = re.compile(rb"\bt=[\"'](\w+)[\"']")


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell of which calamine gives nothing, by row and column from 0; None: it has no address."""

    row: int | None
    column: int
    kind: str  #: "e" or "f", as in :mod:`.columns`
    text: str


def epoch(book: zipfile.ZipFile) -> str:
    """Return the workbook's date system, 1900 or 1904."""
    root = ElementTree.fromstring(book.read(_name(book, "xl/workbook.xml")), forbid_dtd=True)
    for element in root.iter():
        if _local(element.tag) == "workbookPr" and element.get("date1904") in {"1", "true", "on"}:
            return "1904"
    return "1900"


def marks(book: zipfile.ZipFile, sheet: str) -> Iterator[Mark]:
    """Yield the cells of a sheet that are in error, or formulas without a stored value."""
    carry = b""
    with book.open(_part(book, sheet)) as file:
        while True:
            chunk = file.read(CHUNK)
            data = carry + chunk
            cut = data.rfind(b"row>") + 4 if chunk else len(data)
            if cut < 4:
                cut = len(data) if len(data) > 16 * CHUNK else 0
            part, carry = data[:cut], data[cut:]
            yield from _marks_in(part)
            if not chunk:
                return


def _marks_in(part: bytes) -> Iterator[Mark]:
    if b't="e"' in part or b"t='e'" in part:
        for found in _ERROR.finditer(part):
            value = _VALUE.search(found[2])
            shown = value[1].decode("utf-8", "replace") if value else "#ERROR"
            yield _mark(found[1], "e", shown)
    if b"<f" in part or b":f" in part:
        for found in _FORMULA.finditer(part):
            kind = _TYPE.search(found[1])
            empty = found[2].endswith(b"/>") or found[2].endswith(b"><")
            # An empty value is one for a formula that gives text.
            if found[2].startswith(b"</") or (empty and (kind is None or kind[1] != b"str")):
                yield _mark(found[1], "f", "")


def _mark(attributes: bytes, kind: str, text: str) -> Mark:
    place = _PLACE.search(attributes)
    if place is None:
        return Mark(None, 0, kind, text)
    column = 0
    for letter in place[1].upper():
        column = column * 26 + letter - 64
    return Mark(int(place[2]) - 1, column - 1, kind, text)


def _part(book: zipfile.ZipFile, sheet: str) -> str:
    """Return the part of the archive that holds a sheet."""
    workbook = _name(book, "xl/workbook.xml")
    relations = ElementTree.fromstring(
        book.read(_name(book, "xl/_rels/workbook.xml.rels")), forbid_dtd=True
    )
    targets = {e.get("Id"): e.get("Target", "") for e in relations.iter()}
    root = ElementTree.fromstring(book.read(workbook), forbid_dtd=True)
    for element in root.iter():
        if _local(element.tag) == "sheet" and element.get("name") == sheet:
            relation = next((v for k, v in element.attrib.items() if _local(k) == "id"), None)
            target = targets.get(relation, "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
            return _name(book, posixpath.normpath(path))
    raise KeyError(f"no part for sheet {sheet!r}")


def _name(book: zipfile.ZipFile, wanted: str) -> str:
    """Return the archive's own spelling of a part's name."""
    for name in book.namelist():
        if name.replace("\\", "/").lower() == wanted.lower():
            return name
    raise KeyError(f"the archive has no {wanted}")


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]
