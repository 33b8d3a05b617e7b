"""A file of one column that is tried: what becomes of cells under a format's words."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format
from finops_ledger.intake.read import SourceInfo, read

CONNECTION = duckdb.connect()
FORMAT = """
name = "t"
version = 1
key = ["ref"]
[file]
delimiter = ";"
header = [{columns}]
footer = "^#"
{words}
"""


def read_cells(
    words: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    titles: str = "",
    footers: str = "",
    name: str = "f.csv",
    file: str = "",
    **info: Any,
) -> list[dict[str, Any]]:
    """Read rows of cells under the words of a format; the rows of the books, or InputRefused."""
    given = {
        "name": "s", "role": "bank", "zone": "Asia/Jakarta", "currency": "IDR", "batch": "b-1",
        "file_day": date(2026, 3, 2), "account": "BCA", **info,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path, toml = Path(folder) / name, Path(folder) / "t.toml"
        listed = ", ".join(f'"{c}"' for c in columns)
        text = FORMAT.format(columns=listed, words=words)
        toml.write_text(text.replace('footer = "^#"', f'footer = "^#"\n{file}'), "utf-8")
        lines = [";".join(columns), *(";".join(row) for row in rows)]
        path.write_text(titles + "".join(f"{line}\n" for line in lines) + footers, "utf-8")
        out = Path(folder) / "out.parquet"
        read(path, load_format(toml), SourceInfo(**given), out, connection=CONNECTION)
        return pq.read_table(out).to_pylist()


def codes(*args: Any, **given: Any) -> set[str]:
    """Read like :func:`read_cells`; the codes for which the file is refused, none when it is not."""
    try:
        read_cells(*args, **given)
    except InputRefused as refused:
        return {p.code for p in refused.problems}
    return set()
