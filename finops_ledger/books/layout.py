"""``finops init``: a workspace laid out, clean under ``bean-check`` at once (DESIGN §3)."""

from __future__ import annotations

import secrets
from datetime import date
from importlib import resources
from pathlib import Path

from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import minor_units

FOLDERS = ("decisions", "formats", "sops", "prices", "inbox", "archive", "quarantine", "reports")
FILES = ("finops.toml", "main.beancount", "accounts.beancount", "queries.beancount")


def template(name: str) -> str:
    """Return one of the files that a new workspace starts from."""
    return resources.files("finops_ledger.books").joinpath("template", name).read_text("utf-8")


def lay_out(
    root: Path,
    *,
    title: str,
    start: date,
    currency: str = "IDR",
    zone: str = "Asia/Jakarta",
    key: str | None = None,
) -> None:
    """Write a new workspace into an empty or missing folder.

    ``key`` is for worked examples that must come out the same; left out, a secret one is drawn.
    """
    if root.exists() and any(root.iterdir()):
        raise UsageError(f"{root} is not empty; name a folder that is, or does not exist yet")
    values = {
        "title": title,
        "start": start.isoformat(),
        "currency": currency,
        "zone": zone,
        "precision": str(minor_units(currency)),
        "key": key or secrets.token_hex(16),
    }
    try:
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{root} cannot be written to: {error.strerror}") from error
    for name in FILES:
        text = template(name)
        for word, value in values.items():
            text = text.replace("{" + word + "}", value)
        (root / name).write_text(text, encoding="utf-8")
    (root / "journal").mkdir()
    (root / "journal" / "accounts.beancount").write_text("; none yet\n", encoding="utf-8")
    (root / "journal" / "index.beancount").write_text(
        'include "accounts.beancount"\n', encoding="utf-8"
    )
