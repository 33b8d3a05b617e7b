"""Which items a decision is about: found, open on its day, and as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from finops_ledger.books.items import files_of, last_lines
from finops_ledger.books.jobs import claims_account, component_of
from finops_ledger.books.reconciling import decided_on
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, parse, plain
from finops_ledger.intake.conditions import suggestion
from finops_ledger.recon import decisions
from finops_ledger.recon.classes import CLASSES, NOT_BREAKS
from finops_ledger.recon.legs import GATEWAY_FEE, SALE_SUPPLY
from finops_ledger.recon.treatments import Line, Subject, fitting
from finops_ledger.subledger import engine as en


@dataclass(frozen=True, slots=True)
class Standing:
    """One open item as its last run left it; ``case`` is that of the decisions about it."""

    id: str
    class_: str
    leg: str
    counterparty: str
    ref: str
    account: str
    claims: str
    residue: Decimal
    claimed: Decimal
    opened: date
    day: date
    case: str
    row: dict[str, Any]

    @property
    def is_claimed(self) -> bool:
        """Say whether only its claim is left to decide about."""
        return self.residue == ZERO and self.claimed != ZERO

    @property
    def fits(self) -> list[str]:
        """The treatments that fit it as it stands."""
        return fitting(
            self.class_,
            self.residue,
            claimed=self.is_claimed,
            stands=bool(self.account),
            suggested=bool(self.row["suggestion"]),
        )

    @property
    def told_claimed(self) -> str:
        """How much of it is claimed, for a message."""
        return f", {plain(self.claimed)} claimed" if self.claimed else ""


def standing(
    space: Workspace, as_of: date | None = None, *, everything: bool = False
) -> list[Standing]:
    """Return every break and claim that is open at the end of a day (else of the last one); also what waits."""
    paths = files_of(space, last_lines(space, as_of), "breaks")
    if not paths:
        return []
    rows = space.local.rows(
        f"select * from ({en.parquet(paths)}) where not is_closed order by counterparty, leg, key, occurrence"
    )
    cases = {one.item: one.case for one in decisions.read(space.decision_files())[0] if one.case}
    return [
        Standing(
            id=row["id"],
            class_=row["class"],
            leg=row["leg"],
            counterparty=row["counterparty"],
            ref=row["key"],
            account=row["home"] or "",
            claims=claims_account(space, row["counterparty"]),
            residue=row["amount"],
            claimed=row["claimed"],
            opened=row["opened"],
            day=row["day"],
            case=cases.get(row["id"], ""),
            row=row,
        )
        for row in rows
        if everything or row["class"] not in NOT_BREAKS or row["claimed"]
    ]


def choose(
    space: Workspace,
    ids: Sequence[str],
    class_: str | None,
    counterparty: str | None,
    older_than: timedelta | None,
) -> list[Standing]:
    """Return the items that are named, or all of a class (of a counterparty, older than a span)."""
    open_ = standing(space)
    if ids and (class_ or counterparty or older_than):
        raise UsageError("name items, or choose them by --class; not both")
    if ids:
        return [named(space, open_, text) for text in dict.fromkeys(ids)]
    if class_ is None:
        raise UsageError("name the items (finops breaks lists them), or choose them with --class")
    if class_ not in CLASSES:
        raise UsageError(f"--class {class_}: there is no such class{suggestion(class_, CLASSES)}")
    today = space.expected.as_of or date.max
    found = [
        one
        for one in open_
        if one.class_ == class_
        and counterparty in (None, one.counterparty)
        and (older_than is None or today - one.opened >= older_than)
        and (one.residue != ZERO or one.claimed != ZERO or one.fits)
    ]
    if not found:
        raise UsageError(
            f"no open break of class {class_} is so chosen; finops breaks lists what is open"
        )
    return found


def named(space: Workspace, open_: Iterable[Standing], text: str) -> Standing:
    """Return the open item of an id; UsageError names the nearest ones, or the decision that closed it."""
    by_id = {one.id: one for one in open_}
    if text in by_id:
        return by_id[text]
    same = sorted(i for i, one in by_id.items() if one.ref == text)
    near = (
        same
        or get_close_matches(text, by_id, 3, 0.75)
        or sorted(i for i in by_id if i.startswith(text))
    )
    hint = (
        f"; did you mean {', '.join(near[:3])}?" if near else "; finops breaks lists what is open"
    )
    if decided := [d for d in decisions.read(space.decision_files())[0] if d.item == text]:
        place = decided[-1].place.rpartition("decisions/")
        raise UsageError(
            f"{text} is closed: decided in {place[1]}{place[2]}; to take that back: --undo"
        )
    raise UsageError(f"{text}: no item of this id is open{hint}")


def day_of(space: Workspace, items: Sequence[Standing], asked: date | None) -> date:
    """Return the day of a decision: as asked, else the last one that is reconciled for all its items."""
    day = asked or min(one.day for one in items)
    first = space.state.first_open
    if first is not None and day < first:
        if asked is not None:
            raise UsageError(
                f"--day {asked}: the books are closed up to {space.state.locked}; date the decision on an open day"
            )
        day = first
    return day


def check_open(space: Workspace, items: Sequence[Standing], day: date) -> None:
    """Refuse items that were not open on the day as they are now, and those that are decided and not run yet."""
    decided = [one for on in decided_on(space).values() for one in on]
    then = {one.id: one for one in standing(space, day)} if any(day < i.day for i in items) else {}
    for one in items:
        if not space.legs.declares(one.leg, one.counterparty):
            raise UsageError(
                f"{one.id}: the leg {one.leg} of {one.counterparty} is declared no more, so no run would take the "
                "decision up; declare it again"
            )
        waiting = [d for d in decisions.together(decided) if d.item == one.id and d.day > one.day]
        if waiting:
            raise UsageError(
                f"{one.id} is decided already, for {waiting[0].day} ({waiting[0].place}); bring the files of that "
                "day, reconcile, and decide from what is then open"
            )
        if day >= one.day:
            continue
        lines = space.state.reconciled
        before = then.get(one.id)
        if (one.leg, one.counterparty, day) not in lines or before is None:
            raise UsageError(
                f"{one.id} was not open on {day} ({one.leg} {one.counterparty}); it was opened on {one.opened}, and "
                f"the last day reconciled is {one.day}"
            )
        if (before.account, before.residue, before.claimed) != (
            one.account,
            one.residue,
            one.claimed,
        ):
            raise UsageError(f"{one.id} has changed since {day}; date the decision on {one.day}")


def subject(
    space: Workspace, one: Standing, day: date, amount: Decimal, *, from_claims: bool
) -> Subject:
    """Return what a decision of ``amount`` about an item has to know."""
    row, who = one.row, one.counterparty
    claims = claims_account(space, who)
    sop = space.registry.sops.get(who)
    how = sop.on(day).recognition.get(row["category"] or "") if sop else None
    parts = (row["left_now"], row["right_now"]) if one.leg == GATEWAY_FEE else None
    return Subject(
        item=one.id,
        class_=one.class_,
        counterparty=who,
        component=component_of(space, who),
        account=claims if from_claims else one.account,
        amount=amount,
        claims=claims,
        claimed=from_claims,
        category=row["category"] or "",
        model=row["model"] or "",
        tax=how.tax if how else "",
        value=(row["left_value"] or ZERO) if one.leg == SALE_SUPPLY else ZERO,
        parts=parts,
        day=_sold_on(space, row.get("left_at")) or day,
    )


def _sold_on(space: Workspace, at: datetime | None) -> date | None:
    return at.astimezone(zone(space.config.company.zone)).date() if at is not None else None


#: What no decision moves: the owners of these accounts are files (rule R1); and what is no home of a loss.
_NEVER = (
    "Assets:Deposits:",
    "Assets:Bank:",
    "Assets:Clearing:Supply:",
    "Assets:Clearing:Supply-Pending:",
    "Assets:Clearing:Timing:",
    "Assets:Clearing:Usage:",
    "Expenses:Rounding",
    "Liabilities:Customer-Orders:",
)


def named_accounts(
    texts: Sequence[str], one: Subject, open_: dict[str, Standing]
) -> list[tuple[Line, str]]:
    """Read ``--to``: ACCOUNT, or ACCOUNT=AMOUNT, several times; behind a claim or break ``@`` and its item.

    Amounts are signed as they post, and sum to what leaves the item's account.
    """
    found: list[tuple[Line, str]] = []
    for text in texts:
        account, stated, rest = text.partition("=")
        number, _, item = (rest if stated else account).partition("@")
        account = account if stated else number
        amount = _number(number, text) if stated else one.amount
        if account.startswith(_NEVER) or account == one.account:
            raise UsageError(
                f"--to {account}: files move this account, not people; and nothing is lost in it"
            )
        if account.startswith((decisions.BREAKS, decisions.CLAIMS, decisions.CLEARING)):
            _names_its_item(open_, text, account, amount, item or one.item)
        found.append((Line(account, amount), item))
    total = sum((line.amount for line, _ in found), ZERO)
    if total != one.amount:
        raise UsageError(
            f"--to: the amounts sum to {plain(total)}, {one.item} is {plain(one.amount)}; the difference is "
            f"{plain(one.amount - total)}"
        )
    return found


def _names_its_item(
    open_: dict[str, Standing], text: str, account: str, amount: Decimal, item: str
) -> None:
    """Refuse a posting to a list of open items that does not take up what stands on it under an id."""
    other = open_.get(item)
    claims = account.startswith(decisions.CLAIMS)
    if other is not None and claims and account == other.claims and amount > ZERO:
        return  # a claim that is made
    stands = ZERO
    if other is not None:
        stands = other.claimed if claims and account == other.claims else ZERO
        stands = other.residue if account == other.account else stands
    if stands == ZERO or (stands > ZERO) == (amount > ZERO) or abs(amount) > abs(stands):
        raise UsageError(
            f"--to {text}: {plain(amount)} takes up nothing that stands on {account} under {item}; say which item "
            f"it is about: {account}={plain(amount)}@x-… (finops breaks --all lists them)"
        )


def _number(text: str, whole: str) -> Decimal:
    try:
        return parse(text)
    except (ValueError, InvalidOperation) as error:
        raise UsageError(
            f"--to {whole}: {text!r} is no amount; write ACCOUNT=1234 or ACCOUNT=-1234.50"
        ) from error
