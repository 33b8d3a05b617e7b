"""Refusing a file: into quarantine, with one report of everything that is wrong with it, as text and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from finops_ledger.books.inbox import FileReport, shown
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.names import file_name, harmless, printable
from finops_ledger.subledger import files

LISTED = 1000


def refuse(
    space: Workspace, path: Path, source: str, sha256: str, refused: InputRefused, now: datetime
) -> FileReport:
    """Copy a refused file to quarantine with its report, and commit that it was refused.

    The caller takes it out of the inbox. The same bytes refused again are recorded once.
    """
    for temp in (space.root / "subledger" / "rows").glob(f"{files.TEMP_PREFIX}*"):
        temp.unlink()
    name = shown(path)
    kept = f"quarantine/{sha256[:8]}.{file_name(name)}"
    files.copy_atomic(path, space.root / kept)
    problems = list(refused.problems)[:LISTED]
    listed = [printable(str(p)) for p in problems]
    report = space.root / f"{kept}.report.txt"
    files.write_atomic(report, _text(name, listed, refused.total).encode())
    files.write_atomic(report.with_suffix(".csv"), table(problems))
    if all(line["original"]["sha256"] != sha256 for line in space.state.refused):
        space.manifest.append(
            space.state,
            "refused",
            {
                "at": now.isoformat(timespec="seconds"),
                "source": source,
                "original": {"name": name, "sha256": sha256, "quarantine": kept},
                "problems": refused.total,
                "first": listed[0] if listed else "",
            },
        )
    told = printable(str(refused))
    return FileReport(name, "refused", told, "", source, problems=listed, total=refused.total)


def _text(name: str, listed: Sequence[str], total: int) -> str:
    text = [f"{name} was refused; nothing of it is posted.", f"{total} problems:", "", *listed]
    if total > len(listed):
        text.append(f"… and {total - len(listed)} more, not listed")
    return "\n".join(text) + "\n"


def table(problems: Sequence[Problem]) -> bytes:
    """Write problems as CSV for a spreadsheet, which takes none of it for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "line", "column", "value", "expected", "code", "message"])
    for p in problems:
        cells = [p.file, p.line, p.column, p.value, p.expected, p.code, p.message]
        writer.writerow([c if c is None or isinstance(c, int) else harmless(c) for c in cells])
    return out.getvalue().encode()


def relabelled(refused: InputRefused, was: str, name: str) -> InputRefused:
    """Return the refusal with the file called as messages call it, and not as it is called on the way."""
    problems = [
        Problem(p.code, p.message, name, p.line, p.column, p.value, p.expected)
        if p.file == was
        else p
        for p in refused.problems
    ]
    return InputRefused(name, problems, refused.total)
