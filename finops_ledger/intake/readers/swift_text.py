"""What an ``:86:`` field says: free text, or one of the structures that banks write into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from finops_ledger.intake.readers.statement import joined

#: German banks: a code of three digits, then subfields ``?20``; the separator is the bank's choice.
_SUBFIELDS = re.compile(r"\d{3}([?>~@+])(?=\d\d)")
_CHUNK: Final = 27  #: length of a full subfield, behind which a word runs on
#: Keywords that stand within the remittance of such a field.
_KEYWORD = re.compile(
    r"(?<![A-Z])(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|MTLG)[+:]"
)
#: Code words between strokes, as in ``/EREF/123/REMI/text``.
_STROKES = re.compile(
    r"/(EREF|PREF|MARF|CSID|CNTP|REMI|RTRN|PURP|ULTD|ULTC|TRCD|ORDP|BENM|NAME|ADDR|IBAN|BIC|ISDT|"
    r"TRTP|KREF|MREF|CRED|SVCL|ACCW|OCMT|CHGS|EXCH|INIT|ID)/"
)


@dataclass(frozen=True, slots=True)
class Remittance:
    """The parts of a text that have columns of their own; ``text`` holds all that people read."""

    text: str
    end_to_end: str = ""
    name: str = ""
    account: str = ""


def remittance(lines: list[str]) -> Remittance:
    """Read the lines of one or more ``:86:`` fields."""
    whole = "".join(lines)
    if (start := _SUBFIELDS.match(whole)) is not None:
        return _subfields(whole[start.end() - 1 :], start[1])
    if _STROKES.match(whole):
        return _strokes(lines)
    return Remittance(joined(*lines))


def _subfields(text: str, mark: str) -> Remittance:
    pieces: dict[int, list[str]] = {}
    for found in re.finditer(rf"{re.escape(mark)}(\d\d)(.*?)(?={re.escape(mark)}\d\d|\Z)", text):
        pieces.setdefault(int(found[1]), []).append(found[2])
    parts = {code: "".join(texts) for code, texts in pieces.items()}
    said = ""
    for code in (*range(20, 30), *range(60, 64)):
        part = parts.get(code, "")
        full = len(part) >= _CHUNK
        said += part if full else f"{part} "
    keywords = _keywords(said)
    # 00 is the bank's word for the booking; 20 to 29 and 60 to 63 are the remittance.
    return Remittance(
        joined(parts.get(0, ""), said),
        keywords.get("EREF", ""),
        joined(parts.get(32, "") + parts.get(33, "")),
        joined(parts.get(31, "")).replace(" ", ""),
    )


def _keywords(text: str) -> dict[str, str]:
    """Return what follows each keyword, up to the next one."""
    marks = [*_KEYWORD.finditer(text)]
    ends = [*(m.start() for m in marks), len(text)][1:]
    return {m[1]: text[m.end() : end].strip() for m, end in zip(marks, ends, strict=True)}


def _strokes(lines: list[str]) -> Remittance:
    """Read code words between strokes. The text stays whole: rules may look for any part of it."""
    whole = "".join(lines)
    marks = [*_STROKES.finditer(whole)]
    ends = [*(m.start() for m in marks), len(whole)][1:]
    found: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        found.setdefault(mark[1], whole[mark.end() : end].strip("/ "))
    # Account, bank, name and town of the other side, in this order.
    other = found.get("CNTP", "").split("/")
    name = found.get("NAME") or (other[2] if len(other) > 2 else "")
    account = found.get("IBAN") or other[0]
    return Remittance(joined(*lines), found.get("EREF", ""), joined(name), joined(account))
