"""Confirmations by themselves: how letters and answers fold, and what a letter says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from finops_ledger.treasury import confirming as c
from finops_ledger.treasury import letters
from finops_ledger.treasury import rollforward as rf

CLOSING = Decimal(165_890_600)
TEN = timedelta(days=10)


def apr(day: int) -> date:
    return date(2026, 4, day)


def event(day: int, what: str, balance: int = 165_890_600) -> c.Event:
    return c.Event(apr(day), "AggA", "2026-03", what, Decimal(balance), "preparer-1", "mail", "")


def asked(
    *events: c.Event, now: Decimal = CLOSING, as_of: int = 5, form: str = "positive"
) -> c.Asked:
    return c.ask("AggA", "2026-03", events, now, apr(as_of), TEN, form)


@pytest.mark.parametrize(
    ("events", "as_of", "form", "state", "is_open"),
    [
        ([], 5, "positive", "due", True),
        ([event(1, "sent")], 11, "positive", "sent", True),
        ([event(1, "sent")], 12, "positive", "overdue", True),
        ([event(1, "sent")], 12, "blank", "overdue", True),
        # By this form nobody answers who agrees; silence is no agreement all the same.
        ([event(1, "sent")], 12, "negative", "unanswered", True),
        ([event(1, "sent"), event(6, "reply")], 30, "positive", "agreed", False),
        ([event(1, "sent"), event(6, "reply", 165_840_800)], 30, "positive", "differs", True),
        # The partner corrects itself; and a second letter asks again.
        ([event(1, "sent"), event(6, "reply", 1), event(7, "reply")], 30, "positive", "agreed", False),
        ([event(1, "sent"), event(6, "reply"), event(8, "sent")], 10, "positive", "sent", True),
    ],
)  # fmt: skip
def test_letters_and_answers_fold(
    events: list[c.Event], as_of: int, form: str, state: str, is_open: bool
) -> None:
    one = asked(*events, as_of=as_of, form=form)
    assert (one.state, one.open) == (state, is_open)


def test_the_form_of_the_letter_goes_before_that_of_the_procedure() -> None:
    negative = replace(event(1, "sent"), form="negative")
    assert asked(negative, as_of=30, form="positive").state == "unanswered"


def test_a_difference_is_their_answer_less_our_letter() -> None:
    one = asked(event(1, "sent"), event(6, "reply", 165_840_800))
    assert one.difference == -49_800
    assert one.told() == "differs by -49800, answered 2026-04-06"


def test_a_month_that_was_restated_wants_a_new_letter() -> None:
    one = asked(event(1, "sent"), event(6, "reply"), now=CLOSING - 49_800)
    assert (one.state, one.restated, one.open) == ("agreed", True, True)
    assert one.told().endswith("; the books say 165840800 by now")


def test_below_the_threshold_a_letter_is_due_at_the_end_of_the_year_alone() -> None:
    due = [c.is_due(f"2026-{m:02}", Decimal(10), Decimal(100)) for m in (11, 12)]
    assert due == [False, True]
    assert c.is_due("2026-11", Decimal(100), Decimal(100))


MARCH = rf.roll(
    Decimal(250_000_000),
    date(2026, 3, 31),
    date(2026, 3, 31),
    {(date(2026, 3, 31), "topup"): Decimal(100_000_000), (date(2026, 3, 31), "usage"): Decimal(-184_109_400)},
    {date(2026, 3, 31): rf.Said(None, CLOSING)},
)  # fmt: skip
LETTER = c.Letter(
    number="CONF-AggA-2026-03/1",
    company="PT Contoh <Digital> & Co",
    address=("Jalan Contoh 1", "Jakarta"),
    city="Jakarta",
    signatory="Siti Rahma",
    title="Finance Controller",
    partner="AggA",
    name="PT Agregator Alfa",
    to=("Jalan Alfa 2",),
    attention="Bagian Keuangan",
    member="M-7781",
    month="2026-03",
    written=apr(1),
    answer_by=apr(11),
    form="positive",
    currency="IDR",
    closes="2026-03-31 23:00",
    zone="Asia/Jakarta",
    rolled=rf.together(MARCH),
    in_transit=(c.Line(date(2026, 3, 31), "", "dikirim / sent", Decimal(50_000_001)),),
    open=(c.Line(date(2026, 3, 31), "O-17", "late_success", Decimal(49_800)),),
)


def test_a_letter_says_balance_hour_and_what_led_there_in_both_languages() -> None:
    text = letters.text(LETTER)
    for words in (
        "Konfirmasi saldo deposit per 31 Maret 2026 (tutup hari 2026-03-31 23:00 WIB)",
        "PT Agregator Alfa", "u.p. / attn. Bagian Keuangan", "number M-7781", "IDR 165.890.600",
        "IDR -184.109.400", "IDR 50.000.001", "late_success O-17", "11 April 2026", "Siti Rahma",
        "dibubuhi meterai Rp10.000", "[ ] Agrees   [ ] Differs",
    ):  # fmt: skip
        assert words in " ".join(text.split()) or words in text, words
    assert max(map(len, text.splitlines())) <= 78
    assert letters.text(LETTER) == text


def test_a_page_is_one_file_and_holds_names_as_text() -> None:
    page = letters.page(LETTER)
    assert "PT Contoh &lt;Digital&gt; &amp; Co" in page
    assert "<Digital>" not in page
    assert "IDR 165.890.600" in page
    assert not any(word in page for word in ("<script", "http://", "https://", "src="))


def test_a_blank_form_gives_no_balance_away() -> None:
    blank = replace(LETTER, form="blank")
    for made in (letters.text(blank), letters.page(blank)):
        assert "165.890.600" not in made
        assert "Mohon isi saldo" in made


def test_a_small_balance_needs_no_stamp() -> None:
    small = rf.roll(Decimal(5_000_000), apr(1), apr(1), {}, {})
    assert "meterai" not in letters.text(replace(LETTER, rolled=rf.together(small)))


def test_a_directive_reads_back_as_it_was_written() -> None:
    text = c.directive(event(6, "reply"), "IDR", {"reason": 'our "late" row'})
    assert text == (
        '2026-04-06 custom "finops-confirmation" "AggA" "2026-03" "reply" 165890600 IDR\n'
        '  by: "preparer-1"\n  evidence: "mail"\n  reason: "our \\"late\\" row"\n'
    )
