"""Files as they arrive: a day's two files, packed, and what is wrong with a container."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from datetime import date
from pathlib import Path

from finops_ledger.books import Books
from tests.worked import workspace as w

DAY = date(2026, 3, 2)
STATEMENT = "AggA_mutasi_20260302.csv"
ORDERS = "orders_2026-03-02.csv"


def make(root: Path, **settings: object) -> Books:
    """Books of one partner, nothing in the inbox."""
    return w.make(root, **settings)  # type: ignore[arg-type]


def taken(root: Path, name: str) -> bytes:
    """Take a file out of the inbox; return its bytes."""
    path = root / "inbox" / name
    data = path.read_bytes()
    path.unlink()
    return data


def statement(root: Path) -> bytes:
    """A sound report of two rows."""
    report = w.Statement(DAY, 1_000_000)
    report.row("02/03/2026 10:01:05", "A1", "O1", debit=49_800)
    report.row("02/03/2026 10:02:05", "A2", "O2", debit=49_800)
    report.drop(root)
    return taken(root, STATEMENT)


def orders(root: Path) -> bytes:
    """The sales that go with it."""
    at = "2026-03-02 10:0{}:00"
    lines = [w.order(f"O{n}", at.format(n), "SUCCESS", at.format(n)) for n in (1, 2)]
    w.orders(root, DAY, lines)
    return taken(root, ORDERS)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of members, the same bytes every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (2026, 3, 3, 0, 0, 0))
            info.external_attr = 0o644 << 16
            info.compress_type = method
            archive.writestr(info, data)
    return out.getvalue()


def with_link(members: dict[str, bytes], target: str = "/etc/passwd") -> bytes:
    """A zip in which one entry is a symbolic link."""
    out = io.BytesIO(zipped(members))
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("link.csv", (2026, 3, 3, 0, 0, 0))
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return out.getvalue()


def encrypted(data: bytes) -> bytes:
    """The same zip, its entries marked as encrypted."""
    made = bytearray(data)
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = made.find(magic)
        while place >= 0:
            made[place + at] |= 1
            place = made.find(magic, place + 4)
    return bytes(made)


def lying(data: bytes, size: int, says: int) -> bytes:
    """The same zip, declaring another unpacked size."""
    return data.replace(size.to_bytes(4, "little"), says.to_bytes(4, "little"))


def gzipped(data: bytes) -> bytes:
    """A gzip, the same bytes every time."""
    return gzip.compress(data, mtime=0)
