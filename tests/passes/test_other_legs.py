"""Passes on the legs that are added up: a gateway's report, and a partner's two files."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tests.worked import workspace as w
from tests.worked.story import Story

DAY = date(2026, 3, 2)
NEXT = DAY + timedelta(days=1)
REF = """
[versions.match]
[[versions.match.passes]]
name = "order"
on = ["ref"]
normalise = { ref = "upper" }
"""


def test_a_gateways_report_without_our_payment_numbers(tmp_path: Path) -> None:
    made = Story(tmp_path / "books", DAY, gateway="PG1", fee=REF)
    made.sold(DAY, "T1")
    made.row(DAY, "A1", "T1", debit=49_800)
    line = w.settled("S1", NEXT, "t1", "PAYMENT", 51_000)
    made.reports[NEXT].append(line.replace("PAY-t1", "GW-77"))
    made.run(NEXT)
    leg = made.books.space.state.reconciled["sale-gateway", "PG1", NEXT]
    assert leg["open"] == {}
    (proof,) = [p for p in made.books.explain("GW-77")["proofs"] if p["leg"] == "sale-gateway"]
    assert (proof["rule"], proof["compared"][0]) == ("order", "ref: T1 = t1 (upper)")
    made.proven()


def test_the_two_files_of_a_partner_meet_over_days(tmp_path: Path) -> None:
    own = '[[versions.match.passes]]\nname = "ref"\n'
    own += '[[versions.match.passes]]\nname = "tidy"\nleg = "supply-statement"\non = ["ref"]\n'
    own += 'normalise = { ref = "upper" }\n'
    made = Story(tmp_path / "books", DAY, statement=True, more=own)
    made.sold(DAY, "T1")
    made.row(DAY, "A1", "T1", debit=49_800)
    made.moves(NEXT, "M1", "t1", debit=49_800)
    made.run(NEXT)
    lines = made.books.space.state.reconciled
    assert lines["supply-statement", "AggA", DAY]["open"] != {}
    assert lines["supply-statement", "AggA", NEXT]["open"] == {}
    made.proven()
