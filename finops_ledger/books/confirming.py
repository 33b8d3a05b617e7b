"""Balance confirmations: letters written from the books, answers recorded, what is still open.

What was sent and what came back are decisions (:mod:`finops_ledger.treasury.confirming`): the letter and the answer
lie in ``archive/Decisions`` under their hash, and a rebuild replays them. The letter to be sent is
``reports/confirmations/<partner>/<month>.html`` and ``.txt``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from finops_ledger.books import confirmed, journal, positions, recovery
from finops_ledger.books import deposits as rolled
from finops_ledger.books.evidences import Kept
from finops_ledger.books.workspace import Workspace, writing
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO
from finops_ledger.core.names import file_name
from finops_ledger.subledger import files
from finops_ledger.treasury import confirming, letters
from finops_ledger.treasury.confirming import Event, Letter, Line
from finops_ledger.treasury.rollforward import RolledDay, together

if TYPE_CHECKING:
    from finops_ledger.books.books import Books

FOLDER: Final = "reports/confirmations"
#: So many open differences stand in a letter one by one.
LISTED: Final = 20
FORMS: Final = ("positive", "negative", "blank")


@dataclass
class Confirmations:
    """Letters and answers of one set of books: :meth:`listed`, :meth:`write`, :meth:`reply`."""

    books: Books
    begin: Callable[[], Workspace]
    clock: Callable[[], datetime]

    def listed(
        self, as_of: date | None = None, month: str | None = None, partner: str | None = None
    ) -> list[dict[str, Any]]:
        """Return where the confirmation of each partner and whole month stands, oldest first; amounts are text."""
        space = self.books.space
        now = as_of or space.expected.as_of
        if now is None:
            return []
        asked = confirmed.asked(space, self.books, now, confirmed.read(space, as_of))
        return [
            confirmed.told(a)
            for a in asked
            if month in (None, a.month) and partner in (None, a.partner)
        ]

    def write(
        self,
        month: str,
        by: str,
        partner: str | None = None,
        day: date | None = None,
        form: str = "",
    ) -> list[dict[str, Any]]:
        """Write the letters of a month, one a partner, and record them as sent; return where each stands.

        ``day``: the letter's date; else today in the company's zone. ``form``: instead of the SOP's. Without a
        partner, letters that are due: not those below the threshold, nor those that say again what has been sent.

        Raises UsageError when the month is not over, a partner has no proven balance at its end, or nothing is due.
        """
        first, last = confirmed.month_of(month)
        _who(by)
        with writing(self.books.root):
            space = self.begin()
            journal.derive(space)
            written = day or self.clock().astimezone(zone(space.config.company.zone)).date()
            made = self._letters(space, month, partner, (first, last), written, form)
            kept = Kept(space)
            events = []
            for letter in made:
                page = letters.page(letter)
                _publish(space.root, letter, page)
                told = kept.keep(f"{letter.number}.html", page.encode())
                event = Event(
                    day=written,
                    partner=letter.partner,
                    month=month,
                    what=confirming.SENT,
                    balance=letter.rolled.closing,
                    by=by.strip(),
                    evidence=told,
                    place="",
                    form=letter.form,
                )
                events.append(confirming.directive(event, letter.currency))
            _record(space, written, "\n".join(events), kept, self.clock())
        self.books.close()
        names = {letter.partner for letter in made}
        return [c for c in self.listed(month=month) if c["partner"] in names]

    def reply(
        self,
        partner: str,
        month: str,
        balance: Decimal,
        evidence: str,
        by: str,
        day: date | None = None,
        reason: str = "",
    ) -> dict[str, Any]:
        """Record what a partner answered to the last letter of a month; return where it stands.

        Raises UsageError when no letter was sent, the answer is older than it, or the evidence is missing.
        """
        confirmed.month_of(month)
        _who(by)
        if not evidence.strip():
            raise UsageError(
                "--evidence: the answer itself: a file, or a text that says where it is"
            )
        with writing(self.books.root):
            space = self.begin()
            journal.derive(space)
            _known(space, partner)
            on = day or self.clock().astimezone(zone(space.config.company.zone)).date()
            sent = [
                e
                for e in confirmed.read(space)
                if (e.partner, e.month, e.what) == (partner, month, confirming.SENT)
            ]
            if not sent:
                raise UsageError(
                    f"no letter of {month} was sent to {partner}: finops confirm write --month {month} "
                    f"--partner {partner}"
                )
            if on < sent[-1].day:
                raise UsageError(
                    f"--day {on}: the letter of {month} to {partner} was sent on {sent[-1].day}"
                )
            kept = Kept(space)
            told = " ".join(kept.told(evidence).split())
            event = Event(on, partner, month, confirming.REPLY, balance, by.strip(), told, "")
            more = {"reason": " ".join(reason.split())}
            text = confirming.directive(event, space.config.company.currency, more)
            _record(space, on, text, kept, self.clock())
        self.books.close()
        return next(c for c in self.listed(month=month) if c["partner"] == partner)

    def _letters(
        self,
        space: Workspace,
        month: str,
        partner: str | None,
        days: tuple[date, date],
        written: date,
        form: str,
    ) -> list[Letter]:
        if partner is not None:
            _known(space, partner)
        if form and form not in FORMS:
            raise UsageError(f"--form {form}: known are {', '.join(FORMS)}")
        as_of = space.expected.as_of
        if as_of is None or as_of < days[1]:
            reach = f"reach to {as_of}" if as_of else "are none yet"
            raise UsageError(f"{month} is not over in the books: the files that are in {reach}")
        if written <= days[1]:
            raise UsageError(f"--day {written}: a letter about {month} is written after {days[1]}")
        asked = {
            (a.partner, a.month): a
            for a in confirmed.asked(space, self.books, as_of, confirmed.read(space))
        }
        made = []
        for who, _, found in sorted(rolled.rolled(space, self.books.load(), days[1])):
            one = asked.get((who, month))
            rule = confirmed.rule_of(space, who, days[1])
            closing = found[-1].closing
            if partner not in (None, who) or found[-1].day < days[1]:
                continue
            said_already = one is not None and one.letters > 0 and not one.restated
            if partner is None and (
                said_already or not confirming.is_due(month, closing, rule.above)
            ):
                continue
            if said_already and one is not None:
                raise UsageError(
                    f"the letter of {month} to {who} went out on {one.sent} and says what the books say; "
                    f"it lies in {FOLDER}/{who}/{month}.html"
                )
            shown = form or rule.form
            if found[-1].said.closing is None and shown != "blank":
                raise UsageError(
                    f"{who} has no statement for {days[1]}: bring its file first, or let the partner fill the "
                    "balance in: --form blank"
                )
            letter_no = 1 + (one.letters if one is not None else 0)
            letter = _letter(space, self.books, who, found, days, written, shown, letter_no)
            made.append(letter)
        if not made:
            raise UsageError(f"no letter of {month} is due: finops confirm --month {month}")
        return made


def _letter(
    space: Workspace,
    books: Books,
    partner: str,
    found: list[RolledDay],
    days: tuple[date, date],
    written: date,
    form: str,
    number: int,
) -> Letter:
    """Compose a letter from the books as they stood at the end of the month."""
    rule = confirmed.rule_of(space, partner, days[1])
    company, head = space.config.company, space.config.letters
    [stand] = [
        s for s in positions.positions(space, books.load(), days[1]) if s["partner"] == partner
    ]
    month = f"{days[1]:%Y-%m}"
    return Letter(
        number=f"CONF-{partner}-{month}/{number}",
        company=company.name,
        address=head.address,
        city=head.city,
        signatory=head.signatory,
        title=head.title,
        partner=partner,
        name=rule.name or partner,
        to=rule.address,
        attention=rule.attention,
        member=rule.member,
        month=month,
        written=written,
        answer_by=written + rule.reply,
        form=form,
        currency=company.currency,
        closes=stand["closes"],
        zone=stand["zone"],
        rolled=together([d for d in found if d.day >= days[0]]),
        in_transit=tuple(_line(t, t["since"], _way(t)) for t in stand["in_transit"]),
        open=_listed(
            [
                *(_line(i, days[1].isoformat(), i["class"]) for i in stand["disputed"]),
                *(_line(t, t["since"], t["class"]) for t in stand["suspect"]),
            ]
        ),
    )


def _listed(lines: list[Line]) -> tuple[Line, ...]:
    """The greatest differences one by one, the others in one line: a letter is read by people."""
    most = sorted(lines, key=lambda one: (-abs(one.amount), one.ref))
    shown, rest = most[:LISTED], most[LISTED:]
    if rest:
        more = f"dan {len(rest)} lainnya / and {len(rest)} more"
        shown.append(Line(rest[0].day, "", more, sum((one.amount for one in rest), ZERO)))
    return tuple(shown)


def _way(topup: dict[str, Any]) -> str:
    sent = topup["direction"] == "sent"
    return "dikirim, belum dikreditkan / sent, not credited" if sent else "dikreditkan / credited"


def _line(told: dict[str, Any], day: str, text: str) -> Line:
    return Line(date.fromisoformat(day), str(told.get("ref", "")), text, Decimal(told["amount"]))


def _publish(root: Path, letter: Letter, page: str) -> None:
    """Write what is to be sent: one page and one text, replaced whole."""
    folder = root / FOLDER / file_name(letter.partner)
    for ending, data in (("html", page), ("txt", letters.text(letter))):
        files.write_atomic(folder / f"{letter.month}.{ending}", data.encode())


def _record(space: Workspace, day: date, text: str, kept: Kept, now: datetime) -> None:
    """Append to the decisions of a month and commit; evidence first, as every decision does it."""
    for path, data in kept.files:
        if not path.exists():
            files.write_atomic(path, data)
    path = space.root / "decisions" / f"{day.year:04d}" / f"{day:%Y-%m}.beancount"
    old = path.read_bytes() if path.exists() else b""
    if old and not old.endswith(b"\n"):
        old += b"\n"
    between = b"\n" if old and not old.endswith(b"\n\n") else b""
    files.write_atomic(path, old + between + text.encode())
    recovery.take_in_decisions(space, now)
    journal.derive(space)


def _who(by: str) -> None:
    if not by.strip():
        raise UsageError("--by: say who; it is recorded")


def _known(space: Workspace, partner: str) -> None:
    from difflib import get_close_matches

    suppliers = [s.counterparty for s in space.registry.named("supplier")]
    if partner not in suppliers:
        near = get_close_matches(partner, suppliers, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(suppliers)}"
        raise UsageError(f"{partner} is no supplier of these books: {hint}")
