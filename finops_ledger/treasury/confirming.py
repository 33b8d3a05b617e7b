"""Balance confirmations: what was asked of a partner, what it answered, and what is still open.

A letter and an answer are decisions: ``custom`` directives in ``decisions/``, each with its evidence::

    2026-04-01 custom "finops-confirmation" "AggA" "2026-03" "sent" 165890600 IDR
      by: "preparer-1"
      form: "positive"
      evidence: "sha256:…"
    2026-04-06 custom "finops-confirmation" "AggA" "2026-03" "reply" 165890600 IDR
      by: "preparer-1"
      evidence: "sha256:…"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from finops_ledger.core.money import plain
from finops_ledger.treasury.rollforward import RolledDay

KIND: Final = "finops-confirmation"
SENT: Final = "sent"
REPLY: Final = "reply"
State = Literal["due", "sent", "overdue", "unanswered", "agreed", "differs"]


@dataclass(frozen=True, slots=True)
class Event:
    """One directive: a letter that went out, or an answer that came."""

    day: date
    partner: str
    month: str
    what: str
    balance: Decimal
    by: str
    evidence: str
    place: str
    #: Of a letter: in which form it asked; empty: as the SOP says.
    form: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a letter beside its roll-forward: a top-up on its way, or an open difference."""

    day: date
    ref: str
    text: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says: of whom, to whom, which balance at which hour, and what led there."""

    number: str
    company: str
    address: tuple[str, ...]
    city: str
    signatory: str
    title: str
    partner: str
    name: str
    to: tuple[str, ...]
    attention: str
    member: str
    month: str
    written: date
    answer_by: date
    form: str
    currency: str
    closes: str
    zone: str
    rolled: RolledDay
    in_transit: tuple[Line, ...]
    open: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the confirmation of one partner and month stands.

    ``difference``: the answer less what the letter said. ``now``: what the books say today; it differs from
    ``balance`` when the month has been restated since, and a new letter is due.
    """

    partner: str
    month: str
    state: State
    now: Decimal
    balance: Decimal | None = None
    sent: date | None = None
    answer_by: date | None = None
    replied: date | None = None
    answer: Decimal | None = None
    letters: int = 0

    @property
    def difference(self) -> Decimal | None:
        """By how much the partner's answer is above what the letter said."""
        if self.answer is None or self.balance is None:
            return None
        return self.answer - self.balance

    @property
    def restated(self) -> bool:
        """Whether the books say something else by now than the letter did."""
        return self.balance is not None and self.balance != self.now

    @property
    def open(self) -> bool:
        """Whether something is left to do: no answer is no agreement."""
        return self.state != "agreed" or self.restated

    def told(self) -> str:
        """Say it in words."""
        if self.state == "due":
            return "no letter yet"
        text = {
            "sent": f"sent {self.sent}, answer by {self.answer_by}",
            "overdue": f"no answer since {self.answer_by}: remind the partner",
            "unanswered": "no answer: by this form none is asked for, and none is no agreement",
            "agreed": f"agreed {self.replied}",
            "differs": f"differs by {plain(self.difference or Decimal(0))}, answered {self.replied}",
        }[self.state]
        return f"{text}; the books say {plain(self.now)} by now" if self.restated else text


def ask(
    partner: str,
    month: str,
    events: Iterable[Event],
    now: Decimal,
    as_of: date,
    reply: timedelta,
    form: str,
) -> Asked:
    """Fold the directives of one partner and month, in their order, into where its confirmation stands.

    An answer is one to the letter before it; a letter after it asks again.
    """
    letter: Event | None = None
    answer: Event | None = None
    letters = 0
    for event in sorted(events, key=lambda e: e.day):
        if event.what == SENT:
            letter, answer, letters = event, None, letters + 1
        else:
            answer = event
    if letter is None:
        return Asked(partner, month, "due", now)
    by = letter.day + reply
    state: State
    if answer is not None:
        state = "agreed" if answer.balance == letter.balance else "differs"
    elif (letter.form or form) == "negative":
        state = "unanswered" if as_of > by else "sent"
    else:
        state = "overdue" if as_of > by else "sent"
    return Asked(
        partner,
        month,
        state,
        now,
        letter.balance,
        letter.day,
        by,
        answer.day if answer else None,
        answer.balance if answer else None,
        letters,
    )


def is_due(month: str, closing: Decimal, above: Decimal) -> bool:
    """Whether a letter is due: each month above the threshold, at the end of the year whatever the balance."""
    return closing >= above or month.endswith("-12")


def directive(event: Event, currency: str, more: Mapping[str, str] | None = None) -> str:
    """Write a letter or an answer as it stands in ``decisions/``."""
    told = {"by": event.by, "form": event.form, "evidence": event.evidence, **(more or {})}
    said = " ".join(map(_quote, (KIND, event.partner, event.month, event.what)))
    head = f"{event.day.isoformat()} custom {said} {plain(event.balance)} {currency}\n"
    return head + "".join(f"  {k}: {_quote(v)}\n" for k, v in told.items() if v)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
