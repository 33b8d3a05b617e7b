"""What an SOP may declare, and what it is told when it does not fit."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from finops_ledger.core.errors import UsageError
from finops_ledger.intake import toml
from finops_ledger.sop.matching import LEGS_OF, Match
from finops_ledger.sop.model import Sop

HEAD: dict[str, Any] = {
    "counterparty": "AggA",
    "type": "supplier",
    "versions": [
        {
            "effective": "2026-01-01", "change_id": "SOP-1", "reason": "first", "author": "a",
            "approver": "b", "supply": {},
        }
    ],
}  # fmt: skip


def match(text: str) -> Match:
    return Match.model_validate(tomllib.loads(text))


def sop(text: str) -> Sop:
    version = {**HEAD["versions"][0], "match": tomllib.loads(text)}
    return Sop.model_validate({**HEAD, "versions": [version]})


def test_names_alone_stay_valid() -> None:
    assert match('passes = ["ref", "partner_ref"]').names == ("ref", "partner_ref")
    assert Match().names == ("ref", "partner_ref")


def test_a_declared_pass() -> None:
    made = match("""
    [[passes]]
    name = "ref"
    [[passes]]
    name = "near"
    on = ["customer", "ref = partner_ref"]
    normalise = { ref = ["trim", "strip"] }
    amount = { limit = "50", account = "Expenses:Differences", owner = "finops-1" }
    minutes = 30
    """)
    near = made.passes[1]
    assert near.pairs == (("customer", "customer"), ("ref", "partner_ref"))
    assert near.within is not None
    assert (near.within.limit, near.exact) == (Decimal(50), False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('passes = ["reff"]', "did you mean 'ref'"),
        ('passes = ["ref", "ref"]', "stands twice"),
        ('[[passes]]\nname = "x"', "declare what it compares"),
        ('[[passes]]\nname = "x"\nminutes = 5', "compares nothing"),
        ('[[passes]]\nname = "x"\non = ["ref"]\namount = { limit = "5" }', "account and owner"),
        ('[[passes]]\nname = "x"\non = ["ref"]\namount = { limit = 5.5, account = "Expenses:X", owner = "o" }',
         "write the number as text"),
        ('[[passes]]\nname = "x"\non = ["ref"]\namount = { limit = "5", account = "cost", owner = "o" }',
         "is no account"),
        ('[[passes]]\nname = "x"\non = ["ref"]\namount = "roughly"', "neither"),
        ('[[passes]]\nname = "x"\non = ["customer"]\nnormalise = { customer = "msisdn" }', "keyed hash"),
        ('[[passes]]\nname = "x"\non = ["ref"]\nnormalise = { reff = "trim" }', "did you mean 'ref'"),
        ('[[passes]]\nname = "x"\non = ["ref"]\nnormalise = { ref = "zeros" }', "'digits' or 'msisdn'"),
        ('[[passes]]\nname = "x"\non = ["ref", "ref"]', "stands twice"),
        ('[[passes]]\nname = "x"\non = ["amount = ref"]', "amount is compared with amount"),
        ('[[passes]]\nname = "partner_ref"\non = ["ref"]', "known by its name"),
        ('[[passes]]\nname = "tax"\non = ["ref"]', "a rule of the program"),
        ('[[passes]]\nname = "x"\non = ["ref"]\n[[passes]]\nname = "ref"', "exact first"),
        ('[[passes]]\nname = "x"\non = ["ref"]\ncardinality = "subset"\n'
         'amount = { limit = "5", account = "Expenses:X", owner = "o" }', "adds up exactly"),
        ('[[passes]]\nname = "x"\non = ["ref"]\nsuggest = true\n'
         'amount = { limit = "5", account = "Expenses:X", owner = "o" }', "absorbs nothing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        match(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[[passes]]\nname = "x"\non = ["refs"]',
            "sale-supply has no column 'refs'; did you mean 'ref'",
        ),
        (
            '[[passes]]\nname = "x"\non = ["customer"]\nleg = "supply-statement"',
            "has no column 'customer'",
        ),
        ('[[passes]]\nname = "x"\non = ["ref"]\nleg = "sale-suply"', "did you mean 'sale-supply'"),
        (
            '[[passes]]\nname = "x"\non = ["ref"]\nleg = "supply-statement"\nproducts = ["P50"]',
            "have none",
        ),
    ],
)
def test_what_does_not_fit_the_leg_is_told(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        sop(text)


def test_every_leg_of_a_pass_is_known() -> None:
    from finops_ledger.recon.legs import LEGS

    assert {leg for legs in LEGS_OF.values() for leg in legs} <= set(LEGS)


def test_a_category_that_the_partner_does_not_sell_is_refused() -> None:
    own = '[[passes]]\nname = "x"\non = ["customer"]\ncategories = ["Pulse"]'
    version = {
        **HEAD["versions"][0],
        "match": tomllib.loads(own),
        "recognition": {"Pulsa": {"model": "agent"}},
    }
    with pytest.raises(ValidationError, match="'Pulse' is none of Pulsa; did you mean 'Pulsa'"):
        Sop.model_validate({**HEAD, "versions": [version]})


def test_of_a_value_of_several_forms_only_what_was_meant_is_told(tmp_path: Path) -> None:
    path = tmp_path / "match.toml"
    path.write_text(
        '[[passes]]\nname = "x"\non = ["ref"]\n'
        'amount = { limit = "-5", account = "Expenses:Differences", owner = "o" }\n'
    )
    with pytest.raises(UsageError) as refused:
        toml.load(path, Match)
    assert str(refused.value).splitlines() == [
        f"{path}:4: passes.0.amount.Within.limit: Input should be greater than 0"
    ]
