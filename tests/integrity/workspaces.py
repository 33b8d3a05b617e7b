"""Small books with a history: files, a refusal, a decision, a changed price, all reconciled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

from finops_ledger.books import Books
from finops_ledger.core.ids import sha256_bytes
from finops_ledger.subledger.manifest import NAME, Line, encode
from tests.worked import workspace as w

D2, D3 = date(2026, 3, 2), date(2026, 3, 3)


def drop_second(root: Path) -> None:
    """2 March: four orders, one of them pending, one too dear; a top-up, and the bank's line."""
    at = "2026-03-02 10:0{}:00"
    w.orders(
        root,
        D2,
        [
            w.order("O1", at.format(1), "SUCCESS", at.format(1), promo=1000),
            w.order("O2", at.format(2), "SUCCESS", at.format(2), product="T50"),
            w.order("O3", at.format(3), "SUCCESS", at.format(3)),
            w.order("O5", at.format(5), "PENDING", at.format(5)),
        ],
    )
    at = "02/03/2026 10:0{}:05"
    statement = w.Statement(D2, 1_000_000)
    statement.row("02/03/2026 09:00:00", "A100", "", code="TOPUP", credit=100_000_001)
    statement.row(at.format(1), "A1", "O1", debit=49_800)
    statement.row(at.format(2), "A2", "O2", debit=50_100, code="T50")
    statement.row(at.format(5), "A5", "O5", "PENDING", debit=49_800)
    statement.drop(root)
    w.bank(root, D2, 500_000_000, [("TRSF E-BANKING DB TOPUP AGGA 100.000.001", -100_000_001)])


def drop_third(root: Path) -> None:
    """3 March: O5 delivered on both sides, nothing in the bank."""
    w.orders(root, D3, [w.order("O5", "2026-03-02 10:05:00", "SUCCESS", "2026-03-03 08:00:00")])
    statement = w.Statement(D3, 100_850_301)
    statement.row("02/03/2026 10:05:05", "A5", "O5", debit=49_800, moved=0)
    statement.drop(root)
    w.bank(root, D3, 399_999_999, [])


def history(root: Path) -> Books:
    """Books in which every kind of line stands in the manifest."""
    books = w.make(root, bank=True)
    drop_second(root)
    bad = root / "inbox" / "orders_2026-03-01.csv"
    bad.write_text(w.ORDERS_HEADER + "\nO0,yesterday,AggA\n")
    books.import_files()
    books.reconcile()
    item = next(b["id"] for b in books.breaks() if b["ref"] == "O2")
    w.decide(
        root,
        D3,
        f"""
2026-03-03 * "AggA" "Resolved: O2, the price rise had been notified" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "{item}"
  Income:Net:PLN-Token                             300 IDR
  Assets:Breaks:AggA:Cost-Mismatch                -300 IDR
""",
    )
    with (root / "prices" / "AggA.csv").open("a") as file:
        file.write("P100,Pulsa,100000,98000,,\n")
    drop_third(root)
    books.import_files()
    books.reconcile()
    books.close()
    return books


def lines(root: Path) -> list[Line]:
    """The manifest, read plainly."""
    return [json.loads(raw) for raw in (root / NAME).read_bytes().splitlines()]


def forge(root: Path, change: Callable[[Line], bool]) -> None:
    """Change lines as a forger would: the chain made good again, and the journal derived anew."""
    raws, before = [], ""
    for line in lines(root):
        change(line)
        line["prev"] = before
        raws.append(encode(line))
        before = sha256_bytes(raws[-1])
    (root / NAME).write_bytes(b"".join(raw + b"\n" for raw in raws))
    books = Books(root, clock=lambda: w.NOW)
    books.recover()
    books.close()
