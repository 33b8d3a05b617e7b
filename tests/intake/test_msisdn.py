"""A customer's number is one number in every file: its form is made one before it is hashed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from finops_ledger.core.errors import UsageError
from finops_ledger.intake import formats
from tests.worked import workspace as w
from tests.worked.story import Story

DAY = date(2026, 3, 2)
FORMS = ("081200001234", "6281200001234", "+62 812-0000-1234", "0062 812 0000 1234")


def customers(story: Story) -> dict[str, set[str]]:
    """The stored customers, by role."""
    found: dict[str, set[str]] = {}
    for batch in story.books.space.state.batches.values():
        rows = story.books.space.local.rows(
            f"select distinct customer as c from '{story.root / batch.file}' where customer is not null"
        )
        found.setdefault(batch.role, set()).update(r["c"] for r in rows)
    return found


def lay_out(root: Path, numbers: tuple[str, ...]) -> Story:
    """One order and one row a number; the order has it as the first one, the row as it is."""
    made = Story(root / "books", DAY)
    statement = w.Statement(DAY, 10_000_000)
    lines = []
    for n, number in enumerate(numbers):
        lines.append(w.order(f"T{n}", f"{DAY} 10:00:00", "SUCCESS", f"{DAY} 10:00:00"))
        statement.row(f"{DAY:%d/%m/%Y} 10:00:05", f"A{n}", f"T{n}", debit=49_800)
        statement.lines[-1] = statement.lines[-1].replace("081200001234", number)
    w.orders(made.root, DAY, lines)
    statement.drop(made.root)
    made.work()
    return made


def test_all_forms_hash_to_one(tmp_path: Path) -> None:
    found = customers(lay_out(tmp_path, FORMS))
    assert len(found["sale"]) == 1
    assert found["supply"] == found["sale"]


def test_what_is_no_mobile_number_keeps_its_zeros(tmp_path: Path) -> None:
    meters = ("012345678901", "12345678901", "81200001234")
    assert len(customers(lay_out(tmp_path, meters))["supply"]) == 3


def test_a_form_is_for_texts(tmp_path: Path) -> None:
    text = (Path(formats.__file__).parents[2] / "importers/orders/format.toml").read_text()
    path = tmp_path / "own.toml"
    path.write_text(
        text.replace('name = "orders"', 'name = "own"').replace(
            'price = "price"', 'price = { column = "price", normalise = "msisdn" }'
        )
    )
    with pytest.raises(UsageError, match=r"\[fields.price\] normalise: is for texts"):
        formats.load_format(path)
