"""Codes that expire or that a count does not find: a decision takes them out of their lot."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data

from finops_ledger.core.errors import UsageError
from tests.worked.story import equal
from tests.worked.test_cases_stock import STOCK, Vault, _case, may

pytestmark = pytest.mark.samples
LOST = "Expenses:COGS:Inventory-Write-Down"


def written(story: Vault, day: int, units: int, cost: int, came: int, label: str) -> None:
    """People write a decision that takes codes of one lot out of the vault."""
    path = story.root / "decisions" / "2026" / f"2026-{may(day):%m}.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    lot = f'{{{cost} IDR, {may(came)}, "{label}"}}'
    with path.open("a") as file:
        file.write(
            f'\n{may(day)} * "PubC" "Expired" #decision\n  maker: "preparer-1"\n  checker: "approver-1"\n'
            f"  {STOCK}  {-units} MLBB86 {lot}\n  {LOST}  {units * cost} IDR\n"
        )


def test_expired_codes_leave_their_lot(tmp_path: Path) -> None:
    """Of 80 codes left ten are past their date (domain.md J73): 70 stay, and sales go on with them."""
    story = _case(tmp_path / "books")
    story.sale(may(14), "W1", at="2026-05-14 10:00:00")
    story.run(may(12))
    written(story, 13, 10, 19_500, 11, "B-2605-02")
    story.run(may(14))
    equal(story.lots(may(13)), [(70, 19_500, "B-2605-02")])
    equal(story.lots(may(14)), [(69, 19_500, "B-2605-02")])
    equal(story.balance(LOST, may(14)), 195_000)
    [last] = [e for e in story.directives("balance") if e.account == STOCK and e.date == may(15)]
    equal(last.amount, data.Amount(Decimal(69), "MLBB86"))
    story.right(tmp_path / "again")


def test_what_leaves_before_a_sale_changes_what_the_sale_costs(tmp_path: Path) -> None:
    """A decision of the 12th, written after the sale of the 13th, leaves it 2 codes of the first lot."""
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 3, "19000")
    story.lot(may(11), "B-2", 5, "19500")
    for number in range(3):
        story.sale(may(13), f"V{number}", at=f"2026-05-13 10:00:0{number}")
    story.run(may(13))
    equal(story.balance("Expenses:COGS:Game-Voucher", may(13)), 3 * 19_000)
    written(story, 12, 1, 19_000, 11, "B-1")
    story.run(may(13))
    equal(story.lots(may(13)), [(4, 19_500, "B-2")])
    equal(story.balance("Expenses:COGS:Game-Voucher", may(13)), 2 * 19_000 + 19_500)
    story.right(tmp_path / "again")


@pytest.mark.parametrize(
    ("units", "cost", "came", "label", "told"),
    [
        (
            81,
            19_500,
            11,
            "B-2605-02",
            "holds 80 MLBB86 at the end of 2026-05-13, the decision takes 81",
        ),
        (1, 19_000, 11, "B-2605-01", "holds 0 MLBB86"),
        (1, 19_500, 12, "B-2605-02", r'there are 80 MLBB86 \{19500 IDR, 2026-05-11, "B-2605-02"\}'),
        (-1, 19_500, 11, "B-2605-02", "with a minus"),
        (1, 19_500, 13, "B-2605-02", "date the decision on a later day"),
    ],
)
def test_a_decision_that_fits_no_lot_is_refused(
    tmp_path: Path, units: int, cost: int, came: int, label: str, told: str
) -> None:
    story = _case(tmp_path / "books")
    story.run(may(12))
    written(story, 13, units, cost, came, label)
    with pytest.raises(UsageError, match=told):
        story.run(may(13))


def shelved(story: Vault, shelf: str) -> None:
    """The supplier's codes keep so long."""
    sop = story.root / "sops" / "PubC.toml"
    sop.write_text(
        sop.read_text().replace('model = "stock"\n', f'model = "stock"\nshelf = "{shelf}"\n')
    )


def test_the_vault_shows_its_lots_and_until_when_they_keep(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    shelved(story, "2d")
    story.lot(may(11), "B-1", 3, "19000")
    story.lot(may(13), "B-2", 2, "19500")
    story.sale(may(12), "V1")
    story.run(may(14))
    found = story.books.stock()
    wanted: list[Any] = [
        ("B-1", "2", "38000", "2026-05-13", -1, "expired"),
        ("B-2", "2", "39000", "2026-05-15", 1, ""),
    ]
    equal(
        [
            tuple(r[k] for k in ("lot", "units", "value", "expires", "left", "state"))
            for r in found["lots"]
        ],
        wanted,
    )
    equal([r["units"] for r in story.books.stock(may(11))["lots"]], ["3"])
    frame = story.books.frame("stock")
    equal(frame.value.tolist(), [Decimal(38_000), Decimal(39_000)])


def test_a_count_is_a_balance_that_a_person_writes(tmp_path: Path) -> None:
    story = _case(tmp_path / "books")
    path = story.root / "decisions" / "2026" / "2026-05.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"2026-05-13 balance {STOCK}  80 MLBB86\n")
    story.run(may(12))
    [count] = story.books.stock()["counts"]
    equal(
        (count["day"], count["counted"], count["books"], count["difference"]),
        ("2026-05-12", "80", "80", "0"),
    )
    story.load()
    with path.open("a") as file:
        file.write(f"2026-05-14 balance {STOCK}  79 MLBB86\n")
    story.run(may(13))
    [count] = story.books.stock()["counts"]
    equal((count["counted"], count["books"], count["difference"]), ("79", "80", "-1"))
    [error] = loader.load_file(str(story.root / "main.beancount"))[1]
    assert "Balance failed" in error.message
    assert Path(error.source["filename"]) == path


def test_a_shelf_is_of_codes_in_stock_alone(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    shelved(story, "2d")
    sop = story.root / "sops" / "PubC.toml"
    sop.write_text(sop.read_text().replace('model = "stock"\n', ""))
    with pytest.raises(UsageError, match="shelf is of codes in stock"):
        story.run(may(11))
