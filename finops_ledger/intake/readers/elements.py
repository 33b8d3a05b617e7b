"""XML: records are elements at a path, their values elements and attributes below them.

Names are local names: a namespace's prefix is another in every file. The file is read as a stream,
one record in memory at a time. What a document type could do (entities, other files) is refused
with the document type itself. A record is told by the line in which its element begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.paths import element_column
from finops_ledger.intake.readers.gather import CHUNK, Gather
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.spec_file import FileSpec

BLOCK: Final = 1 << 16

Names = tuple[str, ...]


class _Enough(Exception):
    """The first record was seen, and no more was wanted."""


class _Tree:
    """Where the parser stands: called for each start, end and text of an element."""

    def __init__(self, file: FileSpec, gather: Gather, limits: Limits, first_only: bool) -> None:
        self.file, self.gather, self.limits = file, gather, limits
        self.first_only = first_only
        self.parser: Any = None  #: set by the caller; tells the line
        self.way = tuple(filter(None, file.records.strip("/").split("/")))
        self.columns = [
            [_place(p, self.way) for p in element_column(name)] for name in gather.columns
        ]
        self.inside = {path for group in self.columns for out, path in group if not out}
        self.outside = {path for group in self.columns for out, path in group if out}
        stated = (*file.figures.values(), *file.must_be_empty, *file.envelope)
        self.stated: dict[Names, list[str]] = {_whole(text): [] for text in stated}
        self.above: dict[Names, list[str]] = {}  #: values outside the record, as they stand now
        self.taken: set[Names] = set()  #: those that a record has used since
        self._wanted: dict[Names, Names | None] = {}
        self.stack: list[str] = []
        self.texts: list[list[str]] = []
        self.parents: list[bool] = []  #: whether each open element has elements in it
        self.record: dict[Names, list[str | None]] | None = None
        self.root = ""  #: name of the outermost element
        self.way_seen = False  #: the element around the records is there, perhaps without any
        self.depth = self.place = 0  #: of the record's element, and the line it begins in
        self.fed = self.fed_at = 0  #: bytes in all, and when the last record ended
        self.rows: list[list[str | None]] = []
        self.places: list[int] = []
        self.faults: dict[int, Problem] = {}

    @property
    def line(self) -> int:
        """The line at which the parser stands."""
        return int(self.parser.parser.CurrentLineNumber)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.stack.append(tag.rpartition("}")[2])
        self.root = self.root or self.stack[0]
        if len(self.stack) > self.limits.max_depth:
            raise raw.refuse(
                self.gather.name, "too-deep", "elements within elements without end", self.line,
                value="/".join(self.stack[-5:])[:200], expected=f"{self.limits.max_depth} at most",
            )  # fmt: skip
        if self.parents:
            self.parents[-1] = True
        self.texts.append([])
        self.parents.append(False)
        if self.record is None and self._on_way() and len(self.stack) == max(len(self.way), 1):
            self.record, self.depth, self.place = {}, len(self.stack), self.line
        elif self.record is None and self._on_way():
            self._forget(len(self.stack))
            self.way_seen |= len(self.stack) == len(self.way) - 1 > 0
        for name, value in attributes.items():
            self._value(("@" + name.rpartition("}")[2],), value)

    def data(self, text: str) -> None:
        """Text within an element."""
        self.texts[-1].append(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        text = "".join(self.texts.pop())
        if not self.parents.pop():
            self._value((), text)
        else:
            if text.strip():
                self._value((".",), text)
            if self.record is not None:
                path = tuple(self.stack[self.depth :])
                if path in self.inside:
                    self.record.setdefault(path, []).append(None)
        if self.record is not None and len(self.stack) == self.depth:
            self._finish()
        self.stack.pop()

    def close(self) -> None:
        """The document ends."""

    def _on_way(self) -> bool:
        """Say whether the open element is on the way to the records, or a record."""
        way = self.way or ("*",)
        return len(self.stack) <= len(way) and all(
            w in ("*", s) for w, s in zip(way, self.stack, strict=False)
        )

    def _forget(self, depth: int) -> None:
        """Forget what stood in the element before this one, of the same depth."""
        for path in [p for p in self.above if len(p) > depth and _same(p[:depth], self.stack)]:
            del self.above[path]
        self.taken = {p for p in self.taken if p in self.above}

    def _value(self, tail: Names, text: str) -> None:
        """Take a value: of the record, of what is wanted outside, or of a field nobody declared."""
        text = text.strip()
        path = (*self.stack, *tail)
        if self.record is not None:
            own = path[self.depth :] or (".",)
            if own in self.inside:
                self.record.setdefault(own, []).append(text)
                return
        wanted = self._is_wanted(path)
        if wanted is None:
            if text and self.file.extra_columns == "refuse":
                shown = own if self.record is not None else ("", *path)
                self.gather.extra("/".join(shown), self.line)
            return
        if wanted in self.stated:
            self.stated[wanted].append(text)
        if wanted not in self.outside:
            return
        if wanted in self.taken and text not in self.above.get(wanted, [""]):
            raise raw.refuse(
                self.gather.name, "field-late", "stands behind records that need it", self.line,
                column="/" + "/".join(path), value=text[:200], expected="before the first of them",
            )  # fmt: skip
        self.above.setdefault(wanted, []).append(text)

    def _is_wanted(self, path: Names) -> Names | None:
        if path not in self._wanted:
            if len(self._wanted) > 10_000:
                self._wanted.clear()
            found = (w for w in (*self.outside, *self.stated) if _same(w, path))
            self._wanted[path] = next(found, None)
        return self._wanted[path]

    def _finish(self) -> None:
        """Make a row of the record that ends."""
        assert self.record is not None
        row: list[str | None] = []
        for at, group in enumerate(self.columns):
            found, there = list[str](), False
            for out, path in group:
                values = self.above.get(path) if out else self.record.get(path)
                if values is not None and None in values:
                    self._fault("field-shape", "an element with elements in it", at, "")
                elif values is not None and len(values) > 1:
                    self._fault(
                        "field-shape", "stands more than once", at, " | ".join(map(str, values))
                    )
                there = there or values is not None
                found += [v for v in values or () if v]
            if not there and at in self.gather.required:
                self.faults.setdefault(len(self.rows), self.gather.missing(at, self.place))
            row.append(found[0] if found else None)
        self.taken |= self.outside
        self.rows.append(row)
        self.places.append(self.place)
        self.record, self.fed_at = None, self.fed
        if self.first_only:
            raise _Enough
        if len(self.rows) >= CHUNK:
            self.flush()

    def _fault(self, code: str, message: str, at: int, value: str) -> None:
        self.faults.setdefault(len(self.rows), self.gather.problem(
            code, message, self.place, column=self.gather.columns[at], value=value[:200],
            expected="one value",
        ))  # fmt: skip

    def flush(self) -> None:
        """Write what was taken."""
        if self.rows:
            self.gather.write(self.places, list(zip(*self.rows, strict=True)), self.faults)
        self.rows, self.places, self.faults = [], [], {}

    def figures(self) -> dict[str, str]:
        """Return what the document states; an error code or a further page refuses it."""
        name, problems = self.gather.name, list[Problem]()
        for text, wanted in self.file.envelope.items():
            values = self.stated[_whole(text)]
            if not values or not set(values) <= set(wanted):
                problems.append(Problem(
                    "envelope-wrong", "the answer is not what was asked for", name, None, text,
                    " | ".join(values)[:200], " or ".join(wanted),
                ))  # fmt: skip
        for text in self.file.must_be_empty:
            values = [v for v in self.stated[_whole(text)] if v not in ("", "false")]
            if values:
                problems.append(Problem(
                    "file-short", "there is more than this file holds", name, None, text,
                    " | ".join(values)[:200], "nothing: the last page, or all pages in one",
                ))  # fmt: skip
        figures = {}
        for figure, text in self.file.figures.items():
            values = self.stated[_whole(text)]
            if len(values) > 1:
                problems.append(Problem(
                    "field-shape", "stands more than once", name, None, text,
                    " | ".join(values)[:200], "one value",
                ))  # fmt: skip
            elif values:
                figures[figure] = values[0]
        if not self.gather.seen and not self.rows and not self.way_seen:
            problems.append(Problem(
                "records-missing", "the document has no records", name, None,
                "/" + "/".join(self.way), self.root, "an element on the way to the records",
            ))  # fmt: skip
        if problems:
            raise InputRefused(name, problems)
        return figures


def _same(path: Sequence[str], names: Sequence[str]) -> bool:
    """Say whether names are those of a path, in which ``*`` is any."""
    return len(path) == len(names) and all(p in ("*", n) for p, n in zip(path, names, strict=True))


def _whole(text: str) -> Names:
    """Return the names of a path from the document."""
    return tuple(text.strip("/").split("/"))


def _place(path: str, way: Names) -> tuple[bool, Names]:
    """Return whether a path leads out of the record, and its names (from the document if it does)."""
    if path.startswith("/"):
        return True, _whole(path)
    names = path.split("/")
    up = names.count("..")
    if not up:
        return False, tuple(names)
    return True, (*way[: len(way) - up], *names[up:])


def _parse(path: Path, fmt: Format, gather: Gather, limits: Limits, first_only: bool) -> _Tree:
    """Read a file to its end, or to the end of its first record.

    Raises:
        InputRefused: no XML, a document type, an element of any length.
    """
    name = path.name
    tree = _Tree(fmt.file, gather, limits, first_only)
    parser = tree.parser = DefusedXMLParser(target=tree, forbid_dtd=True)
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                tree.fed += len(block)
                parser.feed(block)
                if tree.fed - tree.fed_at > limits.max_record_bytes + BLOCK:
                    raise raw.refuse(
                        name, "too-large", f"{tree.fed - tree.fed_at} bytes without a record",
                        tree.line, expected=f"at most {limits.max_record_bytes}",
                    )  # fmt: skip
            parser.close()
    except _Enough:
        return tree
    except ParseError as error:
        line, column = error.position
        raise raw.refuse(
            name, "xml-syntax", f"no XML: {str(error.msg).partition(':')[0]}, at character {column + 1}",
            line, expected="a whole document",
        ) from error  # fmt: skip
    except DefusedXmlException as error:
        raise raw.refuse(
            name, "xml-forbidden", "a document type, entity or reference to another file",
            tree.line, expected="elements, attributes and text",
        ) from error  # fmt: skip
    except (LookupError, ValueError, UnicodeError) as error:
        raise raw.refuse(
            name, "encoding-wrong", f"the declared encoding cannot be read: {error}", 1
        ) from error
    tree.flush()
    return tree


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Parse a file and write its records to a table; the encoding is the one the file declares."""
    if path.stat().st_size == 0:
        raise raw.refuse(path.name, "file-empty", "the file has no bytes at all")
    gather = Gather(fmt.file, path.name, folder)
    try:
        figures = _parse(path, fmt, gather, limits, first_only=False).figures()
    finally:
        gather.close()
    return gather.source(figures)


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the first record has every declared field."""
    with tempfile.TemporaryDirectory(prefix="finops-") as folder:
        gather = Gather(fmt.file, path.name, Path(folder))
        try:
            tree = _parse(path, fmt, gather, limits, first_only=True)
        except InputRefused:
            return False
        finally:
            gather.close()
    return bool(tree.rows) and not any(gather.absent)
