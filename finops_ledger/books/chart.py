"""Which accounts the machine opens: those that it uses, and those of known counterparties that people use.

An account that a decision names is opened only if the configuration accounts for it, so that a slip of the pen
is an error and not a new account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

from finops_ledger.books.filing import account_of
from finops_ledger.books.jobs import claims_account, component_of
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.ids import account_component as part
from finops_ledger.posting.stock import account as inventory
from finops_ledger.recon.classes import CLASSES
from finops_ledger.recon.entries import Register, together
from finops_ledger.recon.legs import LEGS
from finops_ledger.recon.treatments import CAUSES, LOSS

_ACCOUNT: Final = re.compile(rb"^  ([A-Z][A-Za-z0-9:-]+) ", re.MULTILINE)
_DIRECTIVE: Final = re.compile(
    rb"^\d{4}-\d{2}-\d{2} (?:balance|document|custom \"finops-register\") ([A-Z][A-Za-z0-9:-]+)",
    re.MULTILINE,
)
_DECIDED: Final = re.compile(rb"^\s+(?:[!*] )?([A-Z][a-z]+:[A-Za-z0-9:-]+)", re.MULTILINE)
_OPEN: Final = re.compile(r"^(\d{4}-\d{2}-\d{2}) open ([A-Z][A-Za-z0-9:-]+)", re.MULTILINE)


def text(space: Workspace, journal: Iterable[Path]) -> str:
    """Return the machine's chart: opens of what the journal uses, dated the books' start (ruling 12)."""
    used: set[str] = set()
    for path in journal:
        data = path.read_bytes()
        used |= {m.decode() for m in _ACCOUNT.findall(data)}
        used |= {m.decode() for m in _DIRECTIVE.findall(data)}
    decided: set[str] = set()
    for path in space.decision_files():
        decided |= {m.decode() for m in _DECIDED.findall(path.read_bytes())}
    if decided:
        used |= decided & accounted_for(space)
    chart = (space.root / "accounts.beancount").read_text(encoding="utf-8")
    opened = {account for _, account in _OPEN.findall(chart)}
    company = space.config.company
    lines = ["; Accounts opened by the machine at their first use; written by finops-ledger.", ""]
    standing, as_of = _standing(space)
    for account in sorted(used - opened):
        # Codes in stock are units of their product, taken oldest first; all else is money.
        stocked = account.startswith("Assets:Inventory:")
        held = '"FIFO"' if stocked else company.currency
        lines.append(f"{company.start.isoformat()} open {account.ljust(54)} {held}")
        now = standing.get(account)
        if now is not None and now.oldest is not None and as_of is not None:
            # What a query shows as the age of open items: by the books' own day, never by the clock.
            lines.append(f"  open-items: {now.count}")
            lines.append(f"  oldest: {now.oldest.isoformat()}")
            lines.append(f"  age-days: {(as_of - now.oldest).days}")
    return "\n".join(lines) + "\n"


def _standing(space: Workspace) -> tuple[dict[str, Register], date | None]:
    """Return what stands open on each control account by the last reconciliations, and the books' last day."""
    parts: dict[str, list[Register]] = {}
    days = [days[-1] for days in space.state.days_of.values() if days]
    for pair, known in space.state.days_of.items():
        if known:
            for account, line in space.state.reconciled[*pair, known[-1]]["registers"].items():
                parts.setdefault(account, []).append(Register.of(line))
    return {account: together(found) for account, found in parts.items()}, max(days, default=None)


def accounted_for(space: Workspace) -> set[str]:
    """Return every account that the configuration gives a meaning: of sources, counterparties, categories."""
    found = {account for s in space.config.sources if (account := account_of(s))}
    for counterparty in space.registry.sops:
        name = component_of(space, counterparty)
        found |= {leg.clearing(name) for leg in LEGS.values()}
        found |= {leg.waiting(name) for leg in LEGS.values()}
        found |= {f"Assets:Breaks:{name}:{part(class_)}" for class_ in CLASSES}
        found |= {claims_account(space, counterparty), f"Assets:Deposits:{name}"}
    for sop in space.registry.named("supplier"):
        if "postpaid" in sop.models:
            name = component_of(space, sop.counterparty)
            found |= {f"Liabilities:Payable:{name}:{state}" for state in ("Unbilled", "Invoiced")}
            found |= {f"Assets:Receivable:Commission:{name}", "Assets:Tax:PPh23-Prepaid"}
    for rule in space.registry.rules():
        category = part(rule.price.category)
        found |= {f"Income:Net:{category}", f"Income:Gross:{category}", f"Expenses:COGS:{category}"}
        if rule.model == "stock":
            found |= {inventory(rule.price.category), "Expenses:COGS:Inventory-Write-Down"}
    found |= {LOSS + part(cause) for cause in CAUSES}
    return found
