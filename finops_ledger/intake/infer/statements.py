"""Bank statements whose layout is a standard: nothing is proposed of their columns, they are known."""

from __future__ import annotations

from finops_ledger.intake.infer.draft import Table


def statement(kind: str, name: str) -> str:
    """Return the format of a bank statement of a standard kind."""
    head = Table("")
    head.put("name", name)
    head.put("version", 1)
    head.put("role", "bank")
    head.put("description", "")
    head.put("source_of_layout", f"The standard of {kind}.")
    parts = ["account", "day", "bank_reference", "text", "amount"]
    head.put("key", [p if p != "bank_reference" else "partner_ref" for p in parts],
             "what is printed on the line, with occurrences")  # fmt: skip
    file = Table("[file]")
    file.put("kind", kind, "by its first bytes")
    times = Table("[times]")
    times.put("format", "%Y-%m-%d")
    fields = Table("[fields]")
    fields.put("occurred_at", "booking_date")
    fields.put("amount", "amount", "signed: plus into our account")
    fields.put("currency", {"column": "currency", "upper": True})
    fields.put("partner_ref", "bank_reference")
    fields.put("text", "text")
    tables = [head, file, times, fields]
    return "\n\n".join("\n".join(t.lines()) for t in tables) + "\n"
