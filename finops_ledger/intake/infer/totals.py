"""Figures in title and footer lines that are what the records give: control totals."""

from __future__ import annotations

import re
from decimal import Decimal

from finops_ledger.intake.cells import parse_number
from finops_ledger.intake.infer.amounts import Amounts
from finops_ledger.intake.infer.draft import Table
from finops_ledger.intake.infer.look import Look, literal
from finops_ledger.intake.infer.notation import DIGITS

_ENDS = {"opening": re.compile(r"saldo awal|opening", re.IGNORECASE),
         "closing": re.compile(r"saldo akhir|closing", re.IGNORECASE)}  # fmt: skip


def find_totals(look: Look, amounts: Amounts) -> list[Table]:
    """Return a ``[[totals]]`` for each figure that is just what the records give.

    A figure that is nothing of the kind is told in a remark: it may state what nobody mapped.
    """
    if not look.whole or len(amounts.specs) != 1:
        return []
    figures = _figures(look, amounts)
    found: list[Table] = []
    odd: list[str] = []
    for line in [*look.footers, *look.titles]:
        start = f"^{literal(line[0])}{literal(look.delimiter)}" if line[0] else None
        for at, cell in enumerate(line[1:], 1):
            value = parse_number(cell, amounts.specs[0], DIGITS) if cell.strip() else None
            if value is None or start is None:
                continue
            said = _said(line[0], value, at, look, figures)
            if said is None:
                if line in look.footers:
                    odd.append(
                        f"{line[0]!r} cell {at} states {cell}: nothing that was read gives it"
                    )
                continue
            equals, more, why = said
            table = Table("[[totals]]")
            table.put("row", start)
            table.put("cell", at)
            table.put("equals", equals, why)
            if more is not None:
                table.put("field", more)
            found.append(table)
    if odd:
        found.append(Table("", remarks=odd))
    return found


def _figures(look: Look, amounts: Amounts) -> dict[tuple[str, str | None], tuple[str, Decimal]]:
    """What the records give: (equals, field) -> the column it stands below, and the value."""
    figures: dict[tuple[str, str | None], tuple[str, Decimal]] = {}
    for name, (value, _) in amounts.chosen.items():
        if name == "balance" and isinstance(value, str) and value in amounts.values:
            _ends(figures, amounts, value)
        if isinstance(value, dict) and "debit" in value:
            for side in ("debit", "credit"):
                column = str(value[side])
                figures[side, None] = column, _sum(amounts, column)
        elif isinstance(value, dict) and "marker" in value and isinstance(value["column"], str):
            cells = look.column(look.columns.index(str(value["marker"])))
            for side in ("debit", "credit"):
                marks = value[f"{side}_mark"]
                figures[side, None] = "", sum(
                    (v for v, c in zip(amounts.values[value["column"]], cells, strict=True)
                     if v is not None and c in marks), Decimal(0))  # fmt: skip
        elif isinstance(value, str) and value in amounts.values and name != "balance":
            figures["sum", name] = value, _sum(amounts, value)
    return figures


def _ends(
    figures: dict[tuple[str, str | None], tuple[str, Decimal]], amounts: Amounts, column: str
) -> None:
    balances = [v for v in amounts.values[column] if v is not None]
    if not balances:
        return
    if amounts.order == "newest-first":
        balances.reverse()
    figures["closing", None] = column, balances[-1]
    if amounts.moves:
        figures["opening", None] = column, amounts.moves[0].opening


def _sum(amounts: Amounts, column: str) -> Decimal:
    return sum((v for v in amounts.values[column] if v is not None), Decimal(0))


def _said(
    word: str, value: Decimal, at: int, look: Look,
    figures: dict[tuple[str, str | None], tuple[str, Decimal]],
) -> tuple[str, str | None, str] | None:  # fmt: skip
    """Return what a figure states: below its own column, by its word, or as the number of records."""
    under = look.columns[at] if at < len(look.columns) else ""
    for equals, pattern in _ENDS.items():
        if pattern.search(word):
            known = figures.get((equals, None))
            if known is not None and known[1] == value:
                return equals, None, f"{value}: what {known[0]!r} gives"
    for (equals, name), (column, given) in figures.items():
        if column == under and given == value:
            return equals, name, f"{value}: what {column!r} gives"
    by_word = {"kredit": "credit", "credit": "credit", "debet": "debit", "debit": "debit"}
    side = by_word.get(re.sub(r"\W", "", word.lower()), "")
    if (side, None) in figures and figures[side, None][1] == value:
        return side, None, f"{value}: what the records give"
    if value == len(look.rows) and at <= 2:
        return "rows", None, f"{len(look.rows)} records"
    return None
