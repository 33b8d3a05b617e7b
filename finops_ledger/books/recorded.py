"""Rules and decisions as the manifest recorded them, laid out again in another folder.

The archive keeps every state of every rule under its digest, and decision files only grow; so what
held when a line was written can be put back at any time, whatever people have changed since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from finops_ledger.books.recovery import RULES
from finops_ledger.core import calendars
from finops_ledger.core.errors import IntegrityError
from finops_ledger.core.ids import sha256_bytes
from finops_ledger.recon import decisions
from finops_ledger.subledger.manifest import Line

SHIPPED = "shipped/"
_RULE_FOLDERS = ("sops", "prices", "formats", calendars.FOLDER)
EVIDENCE: Final = re.compile(rb'evidence: "sha256:([0-9a-f]{64})"')


def kept_at(name: str, digest: str) -> str:
    """Return where the archive keeps one state of a rule, from the workspace's root."""
    return f"{RULES}/{digest[:16]}.{Path(name).name}"


def kept_rule(root: Path, name: str, digest: str) -> bytes:
    """Read one state of a rule from the archive; IntegrityError when it is gone or changed."""
    path = root / kept_at(name, digest)
    if not path.is_file():
        raise IntegrityError(f"{path}: the copy kept of {name} is gone; restore it from a backup")
    data = path.read_bytes()
    if sha256_bytes(data) != digest:
        raise IntegrityError(
            f"{path}: the copy kept of {name} has been changed; restore it from a backup"
        )
    return data


def put_rules(root: Path, rules: Mapping[str, str], target: Path, shipped: Path) -> None:
    """Lay out the rules that one line names: the company's in ``target``, shipped formats apart."""
    own_folders = (target / name for name in _RULE_FOLDERS)
    for folder in (*own_folders, shipped / calendars.FOLDER, shipped):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()
    for name, digest in rules.items():
        data = kept_rule(root, name, digest)
        own = shipped / name.removeprefix(SHIPPED) if name.startswith(SHIPPED) else target / name
        own.write_bytes(data)


def recorded_decisions(root: Path, entry: Line) -> bytes:
    """Read as much of a decisions file as was recorded; IntegrityError when that has changed."""
    path = root / str(entry["path"])
    data = path.read_bytes()[: entry["bytes"]] if path.is_file() else b""
    if sha256_bytes(data) != entry["sha256"]:
        raise IntegrityError(
            f"{path}: its first {entry['bytes']} bytes are not the decisions that were taken; "
            "restore them from a backup, and write new decisions below"
        )
    return data


def put_decisions(root: Path, entries: Iterable[Line], target: Path) -> None:
    """Lay out decision files, each cut to the length that the line recorded, and the evidence that they name."""
    for entry in entries:
        path = target / str(entry["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        data = recorded_decisions(root, entry)
        path.write_bytes(data)
        for kept in evidence_of(root, data):
            copy = target / kept.relative_to(root)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(kept.read_bytes())


def evidence_of(root: Path, data: bytes) -> list[Path]:
    """Return the files of the archive that decisions name by their hash, as far as they are there."""
    digests = dict.fromkeys(found.decode() for found in EVIDENCE.findall(data))
    folder = root / decisions.EVIDENCE
    return [path for digest in digests for path in sorted(folder.glob(f"{digest[:16]}.*"))]
