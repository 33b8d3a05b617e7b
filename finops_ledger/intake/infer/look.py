"""What a file is, and where its records stand: kind, encoding, delimiter, header, titles, footers."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem, UsageError
from finops_ledger.intake.infer.statements import statement_kind
from finops_ledger.intake.limits import Limits

LIMIT = 10_000  #: records looked at
_BYTES = 16 << 20
_DELIMITERS = (",", ";", "\t", "|")
_TOTAL = re.compile(
    r"\s*(grand\s*total|sub\s*total|total|jumlah|sum|saldo (awal|akhir)|kredit|debet|debit|mutasi"
    r"|(opening|closing|starting|ending|beginning) balance|balance (at|as of|on))\b",
    re.IGNORECASE,
)
_NUMBERISH = re.compile(r"\W*[\d.,]*\d[\d.,:/ -]*\W*")
_MAGIC = (
    (b"PK\x03\x04", "xlsx"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"%PDF", "pdf"),
    (b"\x1f\x8b", "gzip"),
)


@dataclass
class Look:
    """The parts of a file, as far as it was looked at."""

    kind: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  #: the place of each record
    titles: list[list[str]] = field(default_factory=list)
    footers: list[list[str]] = field(default_factory=list)
    file: dict[str, object] = field(default_factory=dict)  #: keys of [file]
    why: dict[str, str] = field(default_factory=dict)  #: evidence for each of them
    whole: bool = True  #: every record was looked at
    delimiter: str = "\t"

    def column(self, at: int) -> list[str | None]:
        """Return the cells of a column."""
        return [row[at] if at < len(row) else None for row in self.rows]


def kind_of(path: Path, head: bytes) -> str:
    """Tell the kind of a file by its first bytes; ``csv`` when nothing else shows."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return "ods" if kind == "xlsx" and b"opendocument.spreadsheet" in head[:200] else kind
    text = head.decode("utf-8-sig", "replace").lstrip()
    if re.match(r"\{1:F|:20:|\{4:", text):
        return "mt942" if re.search(r"(?m)^:34F:|^:13D:", text) else "mt940"
    if text.startswith(("{", "[")) and not re.match(
        r"\[[\w .-]*[A-Za-z][\w .-]*\]\s*$", text.split("\n")[0]
    ):
        first = text.split("\n")[0].rstrip()
        more = [line for line in text.split("\n")[1:3] if line.strip()]
        lines = first.startswith("{") and first.endswith("}") and all(m[:1] == "{" for m in more)
        return "jsonl" if lines and more else "json"
    if text.startswith("OFXHEADER") or "<OFX>" in text[:2000]:
        return "ofx"
    if text.startswith("<"):
        return "camt" if re.search(r"camt\.05[234]", text[:4000]) else "xml"
    if text.startswith("!Type:") or text.startswith("!Account"):
        return "qif"
    if re.match(r"01,[^,\n]*,[^,\n]*,\d{6},\d{4},", text):
        return "bai2"
    return "csv"


def refuse(path: Path, message: str, expected: str) -> InputRefused:
    """Return the refusal of a file that nothing can be proposed for."""
    return InputRefused(path.name, [Problem("not-inferred", message, path.name, expected=expected)])


def look(path: Path, sheet: str | None = None, limits: Limits | None = None) -> Look:
    """Look at a file; InputRefused when it is empty or nothing that a format can describe."""
    with path.open("rb") as file:
        head = file.read(_BYTES + 1)
    if not head.strip():
        raise refuse(path, "the file is empty", "a file with records")
    kind = kind_of(path, head)
    if kind in {"pdf", "gzip"}:
        raise refuse(
            path, f"a {kind} file: no format describes it", "the file that it holds or prints"
        )
    if kind == "csv" and (standard := statement_kind(path)) is not None:
        kind = standard
    if kind == "csv":
        return _text(path, head[:_BYTES], len(head) <= _BYTES)
    if kind in {"xlsx", "xls", "ods"}:
        from finops_ledger.intake.infer.books import workbook

        return workbook(path, kind, sheet, limits or Limits())
    if sheet is not None:
        raise UsageError(f"--sheet: {path.name} is no workbook ({kind})")
    if kind in {"json", "jsonl"}:
        from finops_ledger.intake.infer.trees import documents

        return documents(path, kind)
    if kind == "xml":
        raise refuse(
            path, "nothing is proposed for XML: which elements are records is not guessed",
            "a format written by hand: kind = \"xml\", records = the path of the repeated element, header = "
            "the paths below it; docs/reference/formats.md, Documents",
        )  # fmt: skip
    return Look(kind, file={"kind": kind}, why={"kind": "by its first bytes"})


def _encoding(data: bytes) -> tuple[str, str]:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return name, "by its byte order mark"
    try:
        data.decode("ascii")
        return "utf-8", ""
    except UnicodeDecodeError:
        pass
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
        return "utf-8", ""
    except UnicodeDecodeError:
        return "cp1252", "not UTF-8; cp1252 holds all of latin-1 but its control characters"


def _text(path: Path, data: bytes, whole: bool) -> Look:
    encoding, why = _encoding(data)
    if encoding != "utf-16" and b"\0" in data:
        raise refuse(path, "NUL bytes: not a text file", "text, or a kind of file that is known")
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    if not whole:
        text = text[: text.rfind("\n") + 1]
    delimiter, why_delimiter = _delimiter(text)
    records = _split(text, delimiter or _DELIMITERS[0])
    if len(records) > LIMIT + 50:
        records, whole = records[: LIMIT + 50], False
    file: dict[str, object] = {"kind": "csv", "delimiter": delimiter or "?"}
    found = Look("csv", file=file, why={"delimiter": why_delimiter}, whole=whole)
    found.delimiter = delimiter or ","
    if encoding != "utf-8":
        found.file["encoding"], found.why["encoding"] = encoding, why
    cut(found, records)
    if not found.columns:
        raise refuse(
            path,
            "no table of two columns is seen",
            'delimited text; for text in fixed columns a format written by hand: kind = "fixed" with '
            "[[file.pieces]], docs/reference/formats.md",
        )
    return found


def _split(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error:
        pass
    return found


def _delimiter(text: str) -> tuple[str, str]:
    """Return the sign that cuts most lines into one number of cells; "" when two do as well."""
    head = "\n".join(text.splitlines()[:2000])
    scores = {}
    for sign in _DELIMITERS:
        widths = Counter(len(c) for _, c in _split(head, sign) if any(x.strip() for x in c))
        several = [(n, w) for w, n in widths.items() if w > 1]
        if several:
            scores[sign] = (max(several)[0], max(several)[1])
    if not scores:
        return ",", "no other sign cuts the lines"
    best = max(scores, key=lambda s: scores[s])
    rivals = [s for s in scores if s != best and scores[s][0] == scores[best][0]]
    if rivals and any(scores[s][1] * 2 > scores[best][1] for s in rivals):
        names = " and ".join(repr(s) for s in [best, *rivals])
        return "", f"{names} both cut every line evenly"
    lines, width = scores[best]
    return best, f"cuts {lines:,} of the first lines into {width} cells"


def cut(found: Look, lines: Sequence[tuple[int, Sequence[str | None]]]) -> None:
    """Find header, records, titles and footers among lines of cells."""
    filled = [(n, c) for n, c in lines if any((x or "").strip() for x in c)]
    if not filled:
        return
    width = _usual(filled)
    if width < 2:
        return
    at = next((i for i, (_, c) in enumerate(filled[:100]) if _is_header(c, width)), None)
    if at is None:
        start = next(i for i, (_, c) in enumerate(filled) if len(c) == width)
        found.columns = [f"column {n}" for n in range(1, width + 1)]
        found.file["header_row"] = False
        found.why["header_row"] = "no line of names is seen; the names are made up"
        if start:
            found.file["skip_lines"] = filled[start][0] - 1
        body = filled[start:]
    else:
        start = at
        names = [(c or "") for c in filled[at][1]]
        if len(set(names)) < len(names):
            found.why["header"] = (
                "names that stand twice were numbered: the file is read by position"
            )
            found.file["header_row"] = False
            found.file["skip_lines"] = filled[at][0]
            names = _numbered(names)
        elif filled[at][0] > 1:
            found.file["header_within"] = filled[at][0] + 10
            found.why["header_within"] = f"the header stands in line {filled[at][0]}"
        found.columns = names
        body = filled[at + 1 :]
    found.titles = [[x or "" for x in c] for _, c in filled[:start]]
    end = len(body)
    while end and found.whole and _is_footer(body[end - 1][1], width):
        end -= 1
    found.footers = [[x or "" for x in c] for _, c in body[end:]]
    body = body[:end]
    if len(body) > LIMIT:
        body, found.whole = body[:LIMIT], False
    if short := [n for n, c in body if len(c) < width]:
        found.file["ragged"] = True
        if found.file.get("skip_lines"):
            found.file["skip_lines"] = start  # a reader of ragged lines counts no blank ones
        found.why["ragged"] = (
            f"{len(short):,} records have fewer cells, the first in line {short[0]}"
        )
    if long := [n for n, c in body if len(c) > width]:
        found.why["header"] = f"{len(long):,} lines have more cells, the first is line {long[0]}"
    found.lines = [n for n, _ in body]
    found.rows = [[(x if x else None) for x in c] for _, c in body]
    if found.footers:
        found.file["footer"] = list(
            dict.fromkeys(start_of(f, found.delimiter) for f in found.footers)
        )
        number = len(found.footers)
        found.why["footer"] = (
            "the last line is no record"
            if number == 1
            else f"the last {number} lines are no records"
        )


def start_of(cells: Sequence[str], delimiter: str) -> str:
    """Return the expression of how a line begins: its first cell, or its words up to a figure."""
    if len(cells) > 1:
        return f"^{literal(cells[0])}{literal(delimiter)}"
    words = re.match(r"[^\d:=]*", cells[0])
    return f"^{literal(words[0].rstrip() if words else cells[0])}"


def literal(text: str) -> str:
    """Return the expression of a text as it stands."""
    return re.escape(text).replace("\\ ", " ").replace("\\\t", "\\t")


def _numbered(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out


def _usual(lines: Sequence[tuple[int, Sequence[str | None]]]) -> int:
    widths = Counter(len(c) for _, c in lines if len(c) > 1)
    return max(widths, key=lambda w: (widths[w], w)) if widths else 1


def _is_header(cells: Sequence[str | None], width: int) -> bool:
    texts = [(c or "").strip() for c in cells]
    named = [t for t in texts if t]
    return (
        len(cells) == width
        and width > 1
        and len(named) >= max(2, width * 3 // 5)
        and not any(_NUMBERISH.fullmatch(t) for t in named)
    )


def _is_footer(cells: Sequence[str | None], width: int) -> bool:
    first = next((c for c in cells if (c or "").strip()), "") or ""
    filled = sum(bool((c or "").strip()) for c in cells)
    return bool(_TOTAL.match(first)) or (len(cells) != width and filled <= max(1, width // 2))
