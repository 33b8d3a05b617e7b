"""``finops explain`` on the terminal."""

from __future__ import annotations

from typing import Any

from finops_ledger.cli import output
from finops_ledger.reports.report import amount

_MONEY = {
    "moved",
    "rows_post",
    "residue",
    "claimed",
    "price",
    "cost",
    "fee",
    "vat",
    "discount",
    "balance",
}
_ENTRIES, _POSTINGS = 6, 8


def show(found: dict[str, Any]) -> None:
    """Print what an explanation holds: facts, lines of files, entries, and how an item went."""
    from rich.text import Text

    output.headline(Text(found["title"], style="bold"))
    for key, value in found["facts"].items():
        output.note(f"  {key.replace('_', ' ')}: {_fact(key, value)}")
    _rows(found)
    _history(found["history"])
    _entries(found)


def _fact(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_fact(k, v)}" for k, v in value.items() if v not in ("0", 0))
    return amount(value) if key in _MONEY or key == "amount" else str(value)


def _rows(found: dict[str, Any]) -> None:
    if not found["rows"]:
        return
    output.note()
    output.note("Lines of the original files:")
    for row in found["rows"]:
        posts = f"   posts {amount(row['posts'])}" if "posts" in row else ""
        output.note(f"  {row['file']}:{row['line']}   {row['row']}{posts}")
        output.note(f"      {row['text']}")
    if found["more_rows"] > 0:
        output.note(f"  … and {found['more_rows']:,} rows more: --limit")
    originals = dict.fromkeys(row["archive"] for row in found["rows"])
    output.note("Originals: " + ", ".join(originals))


def _history(history: list[dict[str, Any]]) -> None:
    if not history:
        return
    output.note()
    titles = ("Day", "Leg", "Outcome", "Item", "Account", "Residue", "By")
    headers = [(t, t == "Residue") for t in titles]
    rows = []
    before: tuple[Any, ...] = ()
    for at in history:
        now = (at["leg"], at["ref"], at["class"], at["account"], at["residue"], at["id"])
        if now != before:
            rows.append(
                [at["day"], at["leg"], at["class"], at["id"] or "", at["account"] or "",
                 amount(at["residue"]), at["rule"] or ""]
            )  # fmt: skip
        before = now
    output.table(headers, rows)


def _entries(found: dict[str, Any]) -> None:
    if not found["entries"]:
        return
    output.note()
    output.note("Entries of the journal:")
    for entry in found["entries"][:_ENTRIES]:
        output.note(
            f'  {entry["place"]}   {entry["date"]} "{entry["payee"]}" "{entry["narration"]}"'
        )
        if found["kind"] not in ("figure", "item"):
            continue
        for posting in entry["postings"][:_POSTINGS]:
            text = f"{amount(posting['amount'])} {posting['currency']}"
            output.note(
                f"      {posting['account']:<52} {text:>20}  {posting['kind'] or ''}".rstrip()
            )
    if len(found["entries"]) > _ENTRIES:
        output.note(f"  … and {len(found['entries']) - _ENTRIES} entries more: --json")
