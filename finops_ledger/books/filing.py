"""Filing an original: under which account, at which place in the archive, once and as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from finops_ledger.books.arrivals import Arrival, Opened
from finops_ledger.books.config import Source
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.ids import account_component, sha256_file
from finops_ledger.core.names import file_name
from finops_ledger.intake.model import SourceInfo
from finops_ledger.subledger import files
from finops_ledger.subledger.manifest import Line


class Changed(Exception):
    """A file is not what it was when its reading began."""


def account_of(source: Source) -> str | None:
    """Return the account that a source proves: given, or by its role."""
    if source.account:
        return source.account
    name = account_component(source.counterparty or "")
    return {
        "supply": f"Assets:Deposits:{name}",
        "deposit": f"Assets:Deposits:{name}",
        "settlement": f"Assets:Clearing:Settlement-In-Transit:{name}",
        "bank": f"Assets:Bank:{name}",
        "report": "Equity:Financial-Reports",
    }.get(source.role)


def filed_under(source: Source) -> str:
    """Return the account whose folder keeps a source's originals."""
    return account_of(source) or "Liabilities:Customer-Orders:Undelivered"


def archive_path(source: Source, day: date, sha256: str, name: str) -> str:
    """Return where an original is kept, from the workspace's root."""
    folder = "/".join(filed_under(source).split(":"))
    return f"archive/{folder}/{day.isoformat()}.{sha256[:8]}.{file_name(name)}"


def original(space: Workspace, whole: Opened, arrival: Arrival, source: Source, day: date) -> Line:
    """Name the original, and the member of it. A container is archived once, where its first member put it."""
    archive = archive_path(source, day, whole.sha256, whole.name)
    if arrival.member is not None:
        for other in space.state.batches.values():
            if other.member is not None and other.line["original"]["sha256"] == whole.sha256:
                archive = other.archive
                break
    original: Line = {
        "name": whole.name,
        "sha256": whole.sha256,
        "bytes": whole.path.stat().st_size,
        "archive": archive,
    }
    if arrival.member is not None:
        original["member"] = {
            "name": arrival.member,
            "sha256": arrival.sha256,
            "bytes": arrival.size,
            "account": filed_under(source),
        }
    return original


@contextmanager
def keeping(whole: Opened, kept: Path) -> Iterator[None]:
    """Keep the original as it came, beside the work of the block; once, where several members came in it.

    It stands in the archive when the block has ended without an exception.

    Raises:
        Changed: it is not any more what was read.
    """
    if whole.contained and kept.exists() and sha256_file(kept) == whole.sha256:
        yield
        return
    with files.copying(whole.path, kept) as copied:
        yield
        try:
            temp, sha256 = copied.result()
        except FileNotFoundError as gone:
            raise Changed(whole.name) from gone
        if sha256 != whole.sha256:
            raise Changed(whole.name)
        files.publish(temp, kept)


def info_of(space: Workspace, source: Source, batch: str, day: date) -> SourceInfo:
    """Return what the books say about a file of a source."""
    company = space.config.company
    return SourceInfo(
        name=source.name,
        role=source.role,
        zone=company.zone,
        currency=company.currency,
        batch=batch,
        file_day=day,
        counterparty=source.counterparty,
        account=account_of(source),
        account_number=source.account_number,
        gateway=source.gateway or (source.counterparty if source.role == "settlement" else None),
        partner_aliases=space.registry.aliases(),
        status=source.status,
        codes=source.codes,
        secret=space.config.privacy.key.encode(),
    )
