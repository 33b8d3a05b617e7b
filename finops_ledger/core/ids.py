"""Ids: of batches, rows, open items; and the digests that name files.

An id never depends on class, side, run or clock (DESIGN §5, rulings 15, 18, 19).
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

_ACCOUNT_PART = re.compile(r"[^A-Za-z0-9]+")


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def batch_id(source: str, day: date, member: str, content_sha256: str) -> str:
    """Return ``b-`` + 16 hex over (source, file day, member name, content)."""
    text = "\x1f".join([source, day.isoformat(), member, content_sha256])
    return "b-" + hashlib.sha256(text.encode()).hexdigest()[:16]


def item_id(leg: str, counterparty: str, key: str, occurrence: str = "") -> str:
    """Return ``x-`` + 16 hex: the id of an open item, the same in every state and class."""
    return "x-" + hashlib.sha256(item_key(leg, counterparty, key, occurrence)).hexdigest()[:16]


def item_key(leg: str, counterparty: str, key: str, occurrence: str = "") -> bytes:
    """Return the bytes that :func:`item_id` digests, so that SQL can build the same."""
    return "\x1f".join([leg, counterparty, key, occurrence]).encode()


def account_component(name: str) -> str:
    """Spell a name as a part of an account: ``cost_mismatch`` becomes ``Cost-Mismatch``.

    >>> account_component("cost_mismatch")
    'Cost-Mismatch'
    >>> account_component("PLN postpaid")
    'PLN-Postpaid'
    """
    words = [w for w in _ACCOUNT_PART.split(name) if w]
    return "-".join(w[:1].upper() + w[1:] for w in words)
