"""The table of treatments: it knows every class, and each of its journals balances."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ledger.core import kinds
from finops_ledger.core.money import ZERO
from finops_ledger.recon.classes import CLASSES, RESIDUE_ZERO
from finops_ledger.recon.treatments import (
    CAUSES,
    CLOSED_BY,
    GOODS,
    SAID,
    TREATMENTS,
    Line,
    Subject,
    Unfit,
    cause_of,
    fitting,
    other_side,
    table,
)

FITTING = [
    (class_, Decimal(sign), name)
    for class_, plus, minus in table()
    for sign, names in ((1, plus), (-1, minus))
    for name in names
    if name != "identify"
]


def subject(class_: str, amount: Decimal, **more: object) -> Subject:
    given_ = {
        "account": "Assets:Breaks:AggA:X",
        "claims": "Assets:Claims:Partner:AggA",
        "category": "Pulsa",
        "model": "agent",
        **more,
    }
    return Subject("x-1", class_, "AggA", "AggA", amount=amount, **given_)  # type: ignore[arg-type]


def test_the_names_are_the_closed_list() -> None:
    assert tuple(TREATMENTS) == kinds.TREATMENTS


def test_every_class_is_treated_or_closed_by_a_row() -> None:
    treated = {class_ for class_, _, _ in table()}
    assert set(CLASSES) <= treated | set(CLOSED_BY) | set(GOODS)
    assert set(RESIDUE_ZERO) - {"unidentified_credit"} <= set(CLOSED_BY) | set(GOODS)
    assert [fitting(class_, Decimal(0)) for class_ in GOODS] == [["close"], ["close"]]
    for class_, plus, minus in table():
        assert plus or minus, class_
        assert set(plus) | set(minus) <= set(TREATMENTS)


def test_what_a_source_will_say_is_a_treatment_of_the_class() -> None:
    for class_, name in SAID:
        names = {*fitting(class_, Decimal(1)), *fitting(class_, Decimal(-1))}
        assert name == "*" or name in names


def test_every_loss_has_a_known_cause_or_asks_for_one() -> None:
    for class_, _, _ in table():
        assert cause_of(class_, "write-off") in CAUSES
        assert cause_of(class_, "loss") in ("", *CAUSES)


@pytest.mark.parametrize("model", ["agent", "principal"])
@given(
    case=st.sampled_from(FITTING),
    size=st.decimals(1, 10**9, places=0),
    margin=st.decimals(-1000, 10**6, places=0),
)
def test_the_other_side_sums_to_what_leaves_the_account(
    model: str, case: tuple[str, Decimal, str], size: Decimal, margin: Decimal
) -> None:
    class_, sign, name = case
    one = subject(
        class_,
        sign * size,
        model=model,
        tax="ppn-margin",
        value=max(size + margin, ZERO),
        parts=(sign * size - 7, Decimal(7)),
    )
    lines = other_side(name, one, "unrecovered")
    assert sum((line.amount for line in lines), ZERO) == one.amount
    assert all(not line.account.startswith("Assets:Clearing:") for line in lines)
    assert "Expenses:Rounding" not in {line.account for line in lines}


def test_a_principal_charges_again_with_its_tax() -> None:
    one = subject(
        "late_success",
        Decimal(19_000),
        category="Game-Voucher",
        model="principal",
        tax="ppn-margin",
        value=Decimal(20_500),
    )
    assert other_side("recharge", one) == [
        Line("Assets:Claims:Customer", Decimal(20_500)),
        Line("Expenses:COGS:Game-Voucher", Decimal(19_000), "Game-Voucher"),
        Line("Income:Gross:Game-Voucher", Decimal(-20_351), "Game-Voucher"),
        Line("Liabilities:Tax:PPN-Out", Decimal(-149), "Game-Voucher"),
    ]


def test_its_tax_is_that_of_the_day_of_the_sale() -> None:
    one = subject(
        "late_success",
        Decimal(19_000),
        category="Game-Voucher",
        model="principal",
        tax="ppn-margin",
        value=Decimal(20_500),
        day=date(2025, 5, 21),  # rounded down
    )
    assert other_side("recharge", one)[-1].amount == -148


def test_an_order_that_we_do_not_know_has_no_category() -> None:
    with pytest.raises(Unfit, match="--to"):
        other_side("cost", subject("unknown", Decimal(1), category=""))
