"""What stands behind decisions: evidence kept under its hash, lists of items, and the numbers of cases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.ids import sha256_bytes
from finops_ledger.core.money import plain
from finops_ledger.core.names import file_name
from finops_ledger.recon.decisions import EVIDENCE, LISTED, SHA

_LOOKS_LIKE_A_FILE: Final = re.compile(r"^(?!sha256:)\S*(/|\.[A-Za-z]{2,4}$)\S*$")


class Kept:
    """The evidence of one decision: what it says in the entry, and the files to keep."""

    def __init__(self, space: Workspace) -> None:
        self.root = space.root
        self.files: list[tuple[Path, bytes]] = []

    def told(self, text: str) -> str:
        """Return how an entry names evidence: a file by its hash, anything else as it is written."""
        text = text.strip()
        if not text:
            return ""
        path = Path(text)
        try:
            if path.is_file():
                return self.keep(path.name, path.read_bytes())
        except OSError as error:
            raise UsageError(f"--evidence {text}: cannot be read: {error.strerror}") from error
        if _LOOKS_LIKE_A_FILE.match(text):
            raise UsageError(f"--evidence {text}: there is no such file")
        return text

    def listing(self, name: str, rows: Iterable[tuple[str, str, Decimal]]) -> str:
        """Keep a list of items, account by account, and return how a posting names it."""
        lines = [",".join(LISTED)]
        lines += [f"{item},{account},{plain(amount)}" for item, account, amount in sorted(rows)]
        return self.keep(name, ("\n".join(lines) + "\n").encode())

    def keep(self, name: str, data: bytes) -> str:
        """Keep bytes under their hash, and return how a directive names them."""
        digest = sha256_bytes(data)
        held = sorted((self.root / EVIDENCE).glob(f"{digest[:16]}.*"))
        if not held:
            self.files.append((self.root / EVIDENCE / f"{digest[:16]}.{file_name(name)}", data))
        return SHA + digest


def next_case(space: Workspace, prefix: str, before: int = 0) -> str:
    """Return the next free case number: ``CLM-0002``, after all that decisions name (and ``before`` more)."""
    numbered = re.compile(rf'case: "{prefix}-(\d+)"')
    used = [
        int(number)
        for path in space.decision_files()
        for number in numbered.findall(path.read_text(encoding="utf-8"))
    ]
    return f"{prefix}-{max(used, default=0) + 1 + before:04d}"
