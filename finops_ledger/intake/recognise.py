"""Whether a file is in a format: its first bytes, title and header, and nothing more."""

from __future__ import annotations

import tempfile
from pathlib import Path

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake import layout, raw
from finops_ledger.intake.spec import Format


def recognises(fmt: Format, path: Path) -> bool:
    """Say whether the start of ``path`` (at most 64 KiB) is what ``fmt`` declares.

    A format without a header line recognises a file by the number of cells in its first record.
    A file that cannot be opened is not recognised.
    """
    try:
        with path.open("rb") as file:
            head = file.read(layout.HEAD)
        raw.check_start(path, fmt.file.encoding)
        text = head.decode(fmt.file.encoding, errors="ignore")
        with tempfile.TemporaryDirectory(prefix="finops-") as folder:
            copy = Path(folder) / "head"
            copy.write_text(text, encoding="utf-8", newline="")
            found = layout.find_layout(copy, fmt.file, path.name)
            if not fmt.file.header_row:
                lines = text.splitlines()[found.skip : found.skip + 1]
                return bool(lines) and len(layout.split_line(lines[0], fmt.file)) == found.width
    except (InputRefused, OSError):
        return False
    return True
