"""The one sheet of a workbook that is looked at: lines of cells, as its reader gives them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from finops_ledger.intake.infer.look import LIMIT, Look, cut, refuse
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers import workbook as reader
from finops_ledger.intake.readers.table import Cells

_ABOVE = 300  #: lines that may stand above the records


def workbook(path: Path, kind: str, named: str | None, limits: Limits) -> Look:
    """Look at a sheet of a workbook: the one named, else the only visible one.

    InputRefused lists the sheets when there are more.
    """
    with TemporaryDirectory(prefix="finops-") as folder:
        sheet, lines = reader.first_lines(path, kind, LIMIT + _ABOVE, Path(folder), limits, named)
    found = Look(kind, file={"kind": kind}, why={"kind": "by its first bytes"})
    found.file["sheet"] = sheet
    found.why["sheet"] = "as asked for" if named else "the only one that is shown"
    found.whole = len(lines) < LIMIT + _ABOVE
    width = max((_filled(cells) for _, cells in lines), default=0)
    cut(found, [(n, cells[:width]) for n, cells in lines])
    if not found.columns:
        raise refuse(path, "no table of two columns is seen", "a sheet with a header and records")
    return found


def _filled(cells: Cells) -> int:
    """Return how many cells a line has up to its last filled one."""
    return max((n for n, c in enumerate(cells, 1) if (c or "").strip()), default=0)
