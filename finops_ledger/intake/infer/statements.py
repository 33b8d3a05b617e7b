"""Kinds whose columns are known before any file is seen: what the shipped format of the kind says is proposed."""

from __future__ import annotations

import re
from pathlib import Path

from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.infer.draft import toml
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec_file import STATEMENTS


def statement_kind(path: Path) -> str | None:
    """Return the kind of statement that a shipped format recognises in a file, whatever its first bytes are."""
    for found in shipped().values():
        fmt = load_format(found)
        if fmt.file.kind in STATEMENTS and fmt.file.importer is None and recognises(fmt, path):
            return fmt.file.kind
    return None


def statement(path: Path, kind: str, name: str) -> str:
    """Return the shipped format that reads a bank statement, under a new name.

    Of the messages of one kind it is the one that recognises the file, else the first.
    """
    of_kind = [
        (p, f) for p in shipped().values() if (f := load_format(p)).file.kind == kind
    ]  # fmt: skip
    found = next((p for p, f in of_kind if recognises(f, path)), of_kind[0][0])
    text = found.read_text(encoding="utf-8")
    fits = "reads this file as it is" if recognises(load_format(found), path) else "is of this kind"
    head = f"# The shipped format {found.parent.name}, which {fits}, under a name of its own to change.\n"
    return head + re.sub(r"(?m)^name = .*$", lambda _: f"name = {toml(name)}", text, count=1)
