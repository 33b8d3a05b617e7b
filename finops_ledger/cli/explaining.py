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
        if found["proofs"] and key in ("rule", "operands"):
            continue
        output.note(f"  {key.replace('_', ' ')}: {_fact(key, value)}")
    for proof in found["proofs"]:
        _proof(proof)
    _rows(found)
    _history(found["history"])
    _entries(found)


def _fact(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_fact(k, v)}" for k, v in value.items() if v not in ("0", 0))
    return amount(value) if key in _MONEY or key == "amount" else str(value)


def _proof(proof: dict[str, Any]) -> None:
    """Print why an item is what it is: the rule, what it compared, both lines, the sum, what it did not take."""
    by = f"by {proof['rule']}, " if proof["rule"] else ""
    output.note()
    output.note(f"Proof of {proof['match'] or proof['item'] or proof['class']}:")
    where = f"{proof['leg']} {proof['counterparty']} {proof['day']}"
    lines = [("outcome", f"{proof['class']}   {where}"), ("rule", f"{by}SOP {proof['rules']}")]
    lines += [("compared" if not n else "", text) for n, text in enumerate(proof["compared"])]
    for side, what in (("left", "left"), ("right", "right")):
        row = proof[side]
        lines.append((what, "nothing" if row is None else _line(row)))
    sums = [amount(proof["sums"][n]) for n in ("left", "right", "settled")]
    told = f"{sums[0]} + {sums[1]} - {sums[2]} = {amount(proof['residue'])}"
    lines.append(("residue", f"{told}   (left + right - settled)"))
    lines += [("not taken" if not n else "", _line(r)) for n, r in enumerate(proof["not_taken"])]
    if proof["and_more"]:
        lines.append(("", f"and {proof['and_more']} more"))
    lines += [
        ("suggested" if not n else "", f"{one['item']}   {one['why']}")
        for n, one in enumerate(proof["suggested"])
    ]
    lines += [("bound hit" if not n else "", text) for n, text in enumerate(proof["bound_hit"])]
    for label, text in lines:
        output.note(f"  {label:<10} {text}")


def _line(row: dict[str, Any]) -> str:
    place = f"{row['file']}:{row['line']}   " if row["file"] else ""
    return f"{place}{row['row']}"


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
