"""Who may approve how much: limits of an SOP by role, people by role in finops.toml (DESIGN §12)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain
from finops_ledger.recon.legs import EVERYBODY


def of(
    space: Workspace, kind: str, what: str, who: str, day: date, checker: str, amount: Decimal
) -> tuple[str, Decimal]:
    """Return the role in which ``checker`` approves, and its limit; none where the SOP sets no limit.

    ``kind`` is one of ``core.kinds.LIMITED``, ``what`` how a message names it. UsageError when no role of the checker
    reaches the amount.
    """
    if who == EVERYBODY or who not in space.registry.sops:
        return "", ZERO
    version = space.registry.of(who).on(day)
    limits = version.limits.get(kind, version.limits.get("default", {}))
    if not limits:
        return "", ZERO
    roles = [role for role, names in space.config.roles.items() if checker in names]
    mine = {role: limits[role] for role in roles if role in limits}
    shown = ", ".join(f"{role} {plain(limit)}" for role, limit in limits.items())
    if not mine:
        has = f"has {', '.join(roles)}" if roles else "has no role in [roles] of finops.toml"
        raise UsageError(f"--checker {checker} {has}; {what} with {who} is approved by: {shown}")
    reaching = [(limit, role) for role, limit in mine.items() if limit >= amount]
    if not reaching:
        raise UsageError(
            f"{what} of {plain(amount)} with {who} is above the limit of {checker}; limits: {shown}"
        )
    limit, role = min(reaching)
    return role, limit
