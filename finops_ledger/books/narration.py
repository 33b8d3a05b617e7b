"""What entries of the machine say in words: how many rows, how many revisions, what was found."""

from __future__ import annotations

from finops_ledger.posting.summaries import Draft
from finops_ledger.subledger.manifest import Line


def of_batch(role: str, draft: Draft) -> str:
    """Say what a file brought on a day: first versions, and revisions."""
    what, noun = {
        "sale": ("Sales", "order"),
        "supply": ("Supply", "row"),
        "deposit": ("Deposit statement", "row"),
        "settlement": ("Settlement report", "row"),
        "invoice": ("Invoice", "row"),
        "bank": ("Statement", "line"),
        "report": ("Financial report", "line"),
    }[role]
    revised = draft.rows - draft.new
    parts = []
    if draft.new or not revised:
        parts.append(_count(draft.new, noun))
    if revised:
        parts.append(_count(revised, "revision"))
    return f"{what}, {', '.join(parts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def of_reconciliation(line: Line) -> str:
    """Say what a reconciliation found."""
    parts = [f"{line['matched']} matched"]
    found: dict[str, int] = {}
    for class_, one in line["open"].items():
        shown = class_ if class_ in ("pending", "timing") else "breaks"
        found[shown] = found.get(shown, 0) + one["count"]
    parts += [f"{found[k]} {k}" for k in ("pending", "timing") if k in found]
    if "breaks" in found:
        parts.append(_count(found["breaks"], "break") + " open")
    return f"Reconciled: {', '.join(parts)}"
