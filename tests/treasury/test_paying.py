"""A settlement run over values: each guard, what a payment is made up of, how it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ledger.core.calendars import load
from finops_ledger.core.errors import UsageError
from finops_ledger.sop import rails
from finops_ledger.sop.schedule import Period
from finops_ledger.treasury import paying, proposals, transfers
from finops_ledger.treasury.paying import LeftOut, Line
from finops_ledger.treasury.settlements import Settlement
from finops_ledger.treasury.terms import Around, Asked, Terms
from finops_ledger.treasury.transfers import Account

D = Decimal
TODAY = date(2026, 5, 18)
OURS = Account("BCA", "1234567890", "PT CONTOH DIGITAL")
THEIRS = Account("Mandiri", "0012345678901", "PT AGREGATOR B", "BMRIIDJA")
TERMS = Terms(to=THEIRS, source=OURS, ledger="Assets:Bank:BCA")


def settlement(ref: str = "20260515", **more: Any) -> Settlement:
    """100 bills of 350,000 + 2,500, commission 1,200 + 132 each, 24 withheld: 35,119,200, as they state it."""
    values: dict[str, Any] = {
        "counterparty": "AggB",
        "component": "AggB",
        "type": "supplier",
        "direction": "pay",
        "ref": ref,
        "period": Period(date(2026, 5, 15), date(2026, 5, 15)),
        "due": TODAY,
        "gross": D(35_250_000),
        "commission": D(120_000),
        "vat": D(13_200),
        "granted": D(120_000),
        "granted_vat": D(13_200),
        "withheld": D(2_400),
        "net": D(35_119_200),
        "stated": D(35_119_200),
        "state": "invoiced",
    }
    return Settlement(**values | more)


def asked(**more: Any) -> Asked:
    return Asked(**{"as_of": TODAY, "due_by": TODAY} | more)


def around(terms: Terms | str = TERMS, **more: Any) -> Around:
    values: dict[str, Any] = {
        "currency": "IDR",
        "calendar": load("ID"),
        "terms": lambda who, day: terms,
        "rails": lambda bank: rails.known((), bank),
        "listed": {},
        "proposed": {},
        "paid_to": {"AggB": (date(2026, 5, 4), THEIRS.told)},
    }
    return Around(**values | more)


def run(
    *found: Settlement,
    terms: Terms | str = TERMS,
    how: Mapping[str, Any] | None = None,
    **more: Any,
) -> tuple[list[Line], list[LeftOut]]:
    return paying.propose(found, asked(**(how or {})), around(terms, **more))


def parts(line: Line) -> dict[str, int]:
    return {
        part.account.rpartition(":AggB")[0] or part.account: int(part.amount) for part in line.parts
    }


PAYABLE, GRANTED = "Liabilities:Payable", "Assets:Receivable:Commission"
CLAIMS, WITHHELD = "Assets:Claims:Partner", "Assets:Tax:PPh23-Prepaid"
TRANSIT = "Assets:Clearing:Settlement-In-Transit"


# --- what a payment is made up of -----------------------------------------------------------------


def test_a_payment_is_gross_less_commission_with_their_withholding_given_back() -> None:
    [line], left = run(settlement())
    assert left == []
    assert parts(line) == {
        PAYABLE: 35_250_000,
        GRANTED: -133_200,
        WITHHELD: 2_400,
        TRANSIT: -35_119_200,
    }
    assert line.parts[0].account.endswith(":Invoiced")
    assert (line.amount, line.held, line.warnings) == (D(35_119_200), D(0), ())


def test_claims_that_their_statement_grants_are_set_off() -> None:
    """Their rows granted 5,600 too little; it was claimed, and their statement comes to what we expect."""
    claimed = tuple((f"x-{n:016d}", "fee_mismatch", D(56)) for n in range(100))
    one = settlement(granted=D(115_000), granted_vat=D(12_600), disputed=D(5_600), claimed=claimed)
    [line], _ = run(one, terms=replace(TERMS, dispute_limit=D(5_600)))
    assert parts(line) == {
        PAYABLE: 35_250_000,
        GRANTED: -127_600,
        CLAIMS: -5_600,
        WITHHELD: 2_400,
        TRANSIT: -35_119_200,
    }
    assert [c.item for part in line.parts for c in part.claims] == [i for i, _, _ in claimed]


def test_claims_that_their_statement_does_not_grant_stay_and_so_does_what_they_ask_for_them() -> (
    None
):
    one = settlement(
        granted=D(115_000), granted_vat=D(12_600), disputed=D(5_600), stated=D(35_124_700),
        claimed=(("x-1", "fee_mismatch", D(5_600)),),
    )  # fmt: skip
    [line], _ = run(one, terms=replace(TERMS, dispute_limit=D(5_600)))
    assert parts(line) == {
        PAYABLE: 35_244_400,
        GRANTED: -127_600,
        WITHHELD: 2_400,
        TRANSIT: -35_119_200,
    }
    assert (line.held, line.claims) == (D(5_600), D(0))


def test_of_claims_of_several_classes_those_are_set_off_that_come_to_what_is_granted() -> None:
    claimed = (("x-2", "duplicate_delivery", D(351_168)), ("x-1", "fee_mismatch", D(5_600)))
    one = settlement(
        granted=D(115_000), granted_vat=D(12_600), disputed=D(356_768), claimed=claimed
    )
    [line], _ = run(one, terms=replace(TERMS, dispute_limit=D(400_000)))
    assert [c.item for part in line.parts for c in part.claims] == ["x-1"]


def test_where_two_classes_could_be_granted_none_is_guessed() -> None:
    claimed = (("x-2", "cost_mismatch", D(5_600)), ("x-1", "fee_mismatch", D(5_600)))
    one = settlement(granted=D(115_000), granted_vat=D(12_600), disputed=D(11_200), claimed=claimed)
    [line], _ = run(one, terms=replace(TERMS, dispute_limit=D(11_200)))
    assert (line.claims, line.held) == (D(0), D(5_600))


def test_what_they_ask_less_is_paid_as_they_ask() -> None:
    one = settlement(stated=D(35_000_000), disputed=D(119_200))
    [line], _ = run(one, terms=replace(TERMS, dispute_limit=D(200_000)))
    assert (line.amount, line.held) == (D(35_000_000), D(119_200))


def test_rounding_has_its_account() -> None:
    [line], _ = run(settlement(stated=D(35_119_201), rounding=D(1)))
    assert parts(line)["Expenses:Rounding"] == 1
    assert line.amount == D(35_119_201)


def test_before_their_statement_the_unbilled_payable_is_paid() -> None:
    one = settlement(state="unbilled", stated=None)
    [line], _ = run(one, terms=replace(TERMS, before_statement=True))
    assert line.parts[0].account == "Liabilities:Payable:AggB:Unbilled"


def test_settled_gross_the_whole_is_paid() -> None:
    one = settlement(
        commission=D(0), vat=D(0), granted=D(0), granted_vat=D(0), withheld=D(0),
        net=D(35_250_000), stated=D(35_250_000),
    )  # fmt: skip
    [line], _ = run(one)
    assert parts(line) == {PAYABLE: 35_250_000, TRANSIT: -35_250_000}


money = st.integers(0, 10**9).map(D)


@given(granted=money, more=st.integers(1, 10**12), withheld=money, claim=money)
def test_a_payment_always_balances(granted: D, more: int, withheld: D, claim: D) -> None:
    gross = granted + more + claim + withheld
    net = gross - granted - claim + withheld
    one = settlement(
        gross=gross, granted=granted, granted_vat=D(0), withheld=withheld, net=net, stated=net,
        disputed=claim, claimed=(("x-1", "fee_mismatch", claim),) if claim else (),
    )  # fmt: skip
    [line], _ = run(one, terms=replace(TERMS, dispute_limit=claim))
    assert sum(p.amount for p in line.parts) == 0
    assert line.claims == claim
    assert sum(t.amount for t in line.transfers) == line.amount == net


# --- guards ---------------------------------------------------------------------------------------

GUARDS: list[tuple[str, Settlement, dict[str, Any], str]] = [
    ("listed", settlement(), {"listed": {"STL-AggB-20260515": "2026-05.beancount:1"}}, "already: 2026-05.beancount:1"),
    ("listed", settlement(codes=("INV-7",)), {"listed": {"STL-AggB-INV-7": "2026-05.beancount:1"}}, "list already"),
    ("proposed", settlement(), {"proposed": {"STL-AggB-20260515": "pay-1"}}, "on the open list pay-1"),
    ("paid", settlement(paid=D(1_000)), {}, "the bank shows a payment of it already"),
    ("currency", settlement(currency="USD"), {}, "it is in USD, and these books pay in IDR"),
    ("rows", settlement(net=D(0)), {}, "so nothing is owed by our figures; they ask for 35119200"),
    ("owed", settlement(net=D(-5)), {}, "it comes to -5: they owe us"),
    ("owed", settlement(stated=D(-5)), {}, "their statement comes to -5: they owe us"),
    ("unbilled", settlement(state="unbilled", stated=None), {}, "they have not billed it yet"),
    ("minimum", settlement(), {"terms": replace(TERMS, minimum=D(50_000_000))}, "below the minimum of 50000000"),
    ("minimum", settlement(flags=frozenset({"carried"})), {}, "waits for the next period"),
    ("beneficiary", settlement(), {"terms": "no account to pay to"}, "no account to pay to"),
    ("disputed", settlement(disputed=D(5_600)), {}, "5600 of it is in dispute, dispute_limit is 0"),
    ("differs", settlement(stated=D(35_119_300)), {}, "35119300, 100 more than its rows come to"),
    ("differs", settlement(stated=D(35_119_000)), {}, "200 less than its rows come to"),
    ("differs", settlement(stated=D(35_119_300), disputed=D(50)), {"terms": replace(TERMS, dispute_limit=D(500))},
     "50 of that is in dispute"),
    ("unexplained", settlement(gross=D(35_000_000)), {}, "the books owe 34869200"),
    ("unreconciled", settlement(), {"unproven": lambda one: one.period.first}, "2026-05-15 is not reconciled"),
    ("code", settlement("A;B"), {}, "cannot stand as a link"),
    ("rail", settlement(), {"terms": replace(TERMS, rails=("RTGS",))}, "none of the rails RTGS carries 35119200"),
    ("rail", settlement(), {"terms": replace(TERMS, rails=("BI-SLOW",))}, "there is no rail BI-SLOW"),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "one", "more", "why"), GUARDS)
def test_what_is_left_out_and_why(
    guard: str, one: Settlement, more: dict[str, Any], why: str
) -> None:
    lines, [left] = run(one, **more)
    assert lines == []
    assert (left.guard, left.of) == (guard, one)
    assert why in left.why
    with pytest.raises(UsageError, match=one.link.split(";")[0]):
        run(one, how={"named": (one.link,)}, **more)


def test_nothing_else_keeps_it_from_being_paid() -> None:
    """Each guard above is one change of this one, which is paid."""
    assert run(settlement())[1] == []


@pytest.mark.parametrize("state", ["listed", "part-paid", "paid"])
def test_what_is_listed_or_paid_is_not_looked_at_again(state: Any) -> None:
    one = settlement(state=state)
    assert run(one) == ([], [])
    with pytest.raises(UsageError, match=r"(already|approved list): a settlement is paid once"):
        run(one, how={"named": (one.link,)})


def test_what_is_not_due_is_paid_in_advance_only_if_asked() -> None:
    early = settlement(due=TODAY + timedelta(days=2))
    assert run(early) == ([], [])
    with pytest.raises(UsageError, match="it is due on 2026-05-20, after 2026-05-18; --advance"):
        run(early, how={"named": ("AggB-20260515",)})
    [line], _ = run(early, how={"advance": True})
    assert line.day == date(2026, 5, 20), "it is sent on its due date even so"
    [line], _ = run(early, how={"due_by": date(2026, 5, 20)})
    assert line.amount == D(35_119_200)


def test_without_a_due_date_only_in_advance() -> None:
    one = settlement(due=None)
    assert run(one) == ([], [])
    with pytest.raises(UsageError, match="nothing says when it is due"):
        run(one, how={"named": (one.link,)})
    assert run(one, how={"advance": True})[0][0].day == TODAY


def test_a_code_is_paid_once() -> None:
    with pytest.raises(
        UsageError, match="STL-AggB-20260515 is named 2 times: a settlement is paid once"
    ):
        run(settlement(), how={"named": ("STL-AggB-20260515", "AggB-20260515")})
    with pytest.raises(
        UsageError, match="STL-AggB-20260515 stands 2 times in the list of settlements"
    ):
        run(settlement(), settlement(gross=D(1)))


def test_a_code_that_nobody_knows() -> None:
    with pytest.raises(
        UsageError, match=r"STL-AggB-20260516: there is no such settlement.*STL-AggB-20260515"
    ):
        run(settlement(), how={"named": ("STL-AggB-20260516",)})


def test_what_a_gateway_pays_us_is_not_paid_by_us() -> None:
    theirs = settlement(direction="receive", type="gateway")
    assert run(theirs) == ([], [])
    with pytest.raises(UsageError, match="AggB pays it to us"):
        run(theirs, how={"named": (theirs.link,)})


def test_only_one_partner() -> None:
    other = settlement(counterparty="AggC", component="AggC")
    lines, _ = run(settlement(), other, how={"counterparty": "AggC"})
    assert [line.of.counterparty for line in lines] == ["AggC"]


# --- who is paid ----------------------------------------------------------------------------------


def warnings(**more: Any) -> str:
    [line], _ = run(settlement(), **more)
    return " ".join(line.warnings)


def test_an_account_that_is_not_the_one_last_paid_is_told() -> None:
    told = warnings(paid_to={"AggB": (date(2026, 5, 4), "BNI 99887766 PT AGREGATOR B")})
    assert "the account has changed: paid to BNI 99887766 PT AGREGATOR B on 2026-05-04" in told
    assert "ask them on a number you know" in told
    assert "first payment to Mandiri" in warnings(paid_to={})


def test_an_account_that_changed_lately_is_told_for_a_while() -> None:
    since = replace(TERMS, since=date(2026, 5, 1), change="SOP-AggB-2")
    assert "new since 2026-05-01 (SOP-AggB-2)" in warnings(terms=since)
    assert warnings(terms=since, watch=timedelta(days=10)) == ""


def test_what_can_only_be_sent_late_is_told() -> None:
    """14 to 17 May 2026 is a closed run: RTGS sends on the 18th what was due on the 14th."""
    one = settlement(due=date(2026, 5, 14), gross=D(3_525_000_000), net=D(3_525_000_000), stated=D(3_525_000_000),
                     granted=D(0), granted_vat=D(0), withheld=D(0))  # fmt: skip
    how = {"as_of": date(2026, 5, 14), "due_by": date(2026, 5, 14)}
    [line], _ = run(one, terms=replace(TERMS, rails=("RTGS",)), how=how)
    assert (line.day, line.transfers[0].until) == (date(2026, 5, 18), "16:30")
    assert line.warnings == ("due on 2026-05-14, sent on 2026-05-18: late",)
    [line], _ = run(one, how=how)
    assert (line.day, line.transfers[0].rail, len(line.transfers)) == (
        date(2026, 5, 14),
        "BI-FAST",
        15,
    )


# --- how it is sent -------------------------------------------------------------------------------


def way(amount: int, day: date = TODAY, *wanted: str, within: bool = False) -> transfers.Way | str:
    return transfers.way(D(amount), rails.known(), wanted, day, load("ID"), within=within)


@pytest.mark.parametrize(
    ("amount", "day", "rail", "count", "fee"),
    [
        (35_119_200, TODAY, "BI-FAST", 1, 2_500),
        (250_000_000, TODAY, "BI-FAST", 1, 2_500),
        (250_000_001, TODAY, "SKN", 1, 2_900),
        (1_000_000_001, TODAY, "RTGS", 1, 25_000),
        (3_511_920_000, TODAY, "RTGS", 1, 25_000),
        (600_000_000, date(2026, 5, 16), "BI-FAST", 3, 2_500),
    ],
)
def test_the_rail(amount: int, day: date, rail: str, count: int, fee: int) -> None:
    """The first to leave, then the fewest transfers, then the cheapest."""
    found = way(amount, day)
    assert isinstance(found, transfers.Way)
    assert (found.rail, len(found.parts), found.fee, found.day) == (rail, count, fee, day)


def test_an_amount_above_the_limit_is_split_and_numbered() -> None:
    one = settlement(gross=D(600_000_000), net=D(600_000_000), stated=D(600_000_000), granted=D(0),
                     granted_vat=D(0), withheld=D(0))  # fmt: skip
    lines, _ = run(one, settlement("20260516"), terms=replace(TERMS, rails=("BI-FAST",)))
    sent = [t for line in lines for t in line.transfers]
    assert [int(t.amount) for t in sent] == [250_000_000, 250_000_000, 100_000_000, 35_119_200]
    assert [t.number for t in sent] == [1, 2, 3, 4]
    assert [t.reference for t in sent][:2] == ["AggB-20260515/1", "AggB-20260515/2"]
    assert {t.remark for t in sent} == {"AggB-20260515", "AggB-20260516"}


def test_within_the_same_bank_nothing_else_is_taken() -> None:
    found = way(900_000_000, within=True)
    assert isinstance(found, transfers.Way)
    assert (found.rail, len(found.parts), found.fee) == ("same-bank", 1, 0)
    assert way(900_000_000, TODAY, "same-bank") == "none of the rails  carries 900000000"


@given(st.integers(1, 10**13))
def test_parts_are_within_the_limit_and_sum_to_the_amount(amount: int) -> None:
    found = way(amount)
    assert isinstance(found, transfers.Way)
    assert sum(found.parts) == amount
    assert all(rails.known()[found.rail].carries(part) for part in found.parts)


# --- what is compared -----------------------------------------------------------------------------


def test_every_figure_that_changes_is_named() -> None:
    [line], _ = run(settlement())
    before = [proposals.told(line)]
    assert proposals.changes(before, before) == []
    [other], _ = run(settlement(disputed=D(10)), terms=replace(TERMS, dispute_limit=D(10)))
    assert proposals.changes(before, [proposals.told(other)]) == [
        "STL-AggB-20260515: disputed was 0, is 10"
    ]
    elsewhere = replace(TERMS, to=replace(THEIRS, number="99887766"))
    [other], _ = run(settlement(), terms=elsewhere)
    [told] = proposals.changes(before, [proposals.told(other)])
    assert "to was Mandiri 0012345678901" in told
    assert "is Mandiri 99887766" in told
    assert proposals.changes(before, []) == ["STL-AggB-20260515 is no longer on the list"]
