"""Decisions: what people wrote into ``decisions/``, as amounts on items.

A decision is itself the transaction. Its postings to Breaks and Claims name their item by ``break: "x-…"``, on
the posting or on the entry; a decision about many items has one posting a class, with ``count``, ``case`` and
``evidence``, the hash of a list of ids and amounts that lies in the archive (ruling 25).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from beancount.core import data
from beancount.parser import parser

from finops_ledger.core.errors import IntegrityError, UsageError
from finops_ledger.core.ids import sha256_file
from finops_ledger.core.money import ZERO

BREAKS = "Assets:Breaks:"
CLAIMS = "Assets:Claims:"
LOSS = "Expenses:Operational-Loss:"
SUSPENSE = "Liabilities:Suspense:Unidentified"
#: Lists of open items that are no breaks; a posting to one that names its item is about that item.
CLEARING = "Assets:Clearing:"
#: What customers owe is no claim on the counterparty of a break: a re-charge settles it, not a restore.
CUSTOMERS = "Assets:Claims:Customer"
#: Where evidence of decisions is kept: ``<first 16 digits of its SHA-256>.<name>``.
EVIDENCE: Final = "archive/Decisions"
SHA: Final = "sha256:"
#: On an entry that takes a decision back: where that stands.
TAKEN_BACK: Final = "taken-back"
#: What an entry says of how it decides (``treatment``): that two items are one, or that one needs no money.
ACCEPT: Final = "accept"
CLOSE: Final = "close"
#: The rule of two items that a person has put together, by a suggestion.
ACCEPTED: Final = "accepted"
#: The columns of a list of items that one posting decides about.
LISTED: Final = ("id", "account", "amount")


@dataclass(frozen=True, slots=True)
class Decided:
    """What one transaction does to one item: on the account where it stands (``breaks``) and on Claims.

    ``lost``: what of it went to Operational-Loss; should it come back, it is recovery income (worked-cases 7).
    """

    day: date
    item: str
    breaks: Decimal
    claims: Decimal
    accounts: tuple[str, ...]
    place: str
    part: bool = False  #: its postings say that they move a part of the item only
    lost: Decimal = ZERO
    case: str = ""
    owed: Decimal = ZERO  #: what the customer is to pay for it
    other: str = ""  #: the item that it is one with, by a suggestion that was accepted
    closes: int = 0  #: more than 0: it is closed, and no money moves
    who: str = ""  #: the counterparty that the entry names

    @property
    def line(self) -> int:
        """The line of the file on which it stands."""
        return int(self.place.rpartition(":")[2])


def read(paths: Iterable[Path]) -> tuple[list[Decided], list[data.Directive]]:
    """Parse decision files; return what they decide about items, and all their entries.

    Raises UsageError, with file and line, when a file does not parse or a posting to Breaks or Claims
    names no item; IntegrityError when a list of items that one names is gone or has changed.
    """
    decided: list[Decided] = []
    entries: list[data.Directive] = []
    for path in paths:
        found, errors, _ = parser.parse_file(str(path))
        if errors:
            lines = [f"{path}:{e.source['lineno']}: {e.message}" for e in errors]
            raise UsageError("\n".join(lines))
        entries.extend(found)
        for entry in found:
            if isinstance(entry, data.Transaction):
                decided.extend(of_entry(entry, path))
    return decided, entries


@dataclass(slots=True)
class _Sum:
    """What one entry does to one item, added up posting by posting."""

    place: str
    breaks: Decimal = ZERO
    claims: Decimal = ZERO
    lost: Decimal = ZERO
    owed: Decimal = ZERO
    accounts: tuple[str, ...] = ()
    part: bool = False


def of_entry(entry: data.Transaction, path: Path) -> list[Decided]:
    """Return what one entry of a decisions file decides about items; the errors are those of :func:`read`."""
    sums: dict[str, _Sum] = {}
    lost = moved = ZERO
    for posting in entry.postings:
        loss = posting.account.startswith(LOSS)
        named = "break" in (posting.meta or {}) and posting.account.startswith(CLEARING)
        if not loss and not named and not posting.account.startswith((BREAKS, CLAIMS, SUSPENSE)):
            continue
        marks = {**entry.meta, **(posting.meta or {})}
        if posting.account == SUSPENSE and not {"break", "count"} & marks.keys():
            continue  # a person may clear suspense without naming a line
        number = getattr(posting.units, "number", None)
        place = f"{path}:{(posting.meta or {}).get('lineno', entry.meta['lineno'])}"
        if not isinstance(number, Decimal):
            raise UsageError(f"{place}: write the amount of {posting.account} in full")
        lost += number if loss else ZERO
        for item, amount in _items(entry, posting, number, path, place):
            one = sums.setdefault(item, _Sum(place))
            if loss:
                one.lost += amount
                continue
            own = posting.account != CUSTOMERS
            one.owed += ZERO if own else amount
            moved += amount if own else ZERO
            one.breaks += amount if own and not posting.account.startswith(CLAIMS) else ZERO
            one.claims += amount if own and posting.account.startswith(CLAIMS) else ZERO
            one.accounts = (*one.accounts, posting.account)
            one.part = one.part or (posting.meta or {}).get("move") == "adjust"
    case = str(entry.meta.get("case", ""))
    how = entry.meta.get("treatment")
    if how == CLOSE and not entry.postings:
        return [_closing(entry, path)]
    together = list(sums) if how == ACCEPT else []
    return [
        Decided(
            entry.date,
            item,
            one.breaks,
            one.claims,
            one.accounts,
            one.place,
            one.part,
            # All that the entry takes from items is lost: then so is what it takes from each.
            -(one.breaks + one.claims) if lost and lost == -moved else one.lost,
            case,
            one.owed,
            ", ".join(other for other in together if other != item),
        )
        for item, one in sums.items()
        if one.accounts
    ]


def _closing(entry: data.Transaction, path: Path) -> Decided:
    """Return what an entry without money decides: that the break it names is all right as it is."""
    place = f"{path}:{entry.meta['lineno']}"
    item = entry.meta.get("break")
    if not item:
        raise UsageError(
            f'{place}: what closes a break must say which; add  break: "x-…"  (see `finops breaks`)'
        )
    who = str(entry.meta.get("partner") or entry.payee or "")
    sign = -1 if TAKEN_BACK in entry.meta else 1
    return Decided(entry.date, str(item), ZERO, ZERO, (), place, closes=sign, who=who)


def _items(
    entry: data.Transaction, posting: data.Posting, number: Decimal, path: Path, place: str
) -> Iterator[tuple[str, Decimal]]:
    """Yield the items that a posting moves, each with its amount."""
    meta = posting.meta or {}
    item, evidence = meta.get("break", entry.meta.get("break")), meta.get("evidence")
    if item:
        yield str(item), number
    elif "count" in meta and isinstance(evidence, str) and evidence.startswith(SHA):
        # What takes a decision back names the same list, and moves the opposite.
        sign = -1 if TAKEN_BACK in entry.meta else 1
        listed = [
            (item, sign * amount)
            for item, account, amount in listing(path, place, evidence)
            if account == posting.account and (sign * amount > ZERO) == (number > ZERO)
        ]
        if len(listed) != meta["count"] or sum((a for _, a in listed), ZERO) != number:
            raise UsageError(
                f"{place}: {posting.account} is {meta['count']} items of {number}, the list that its evidence "
                f"names has {len(listed)} of {sum((a for _, a in listed), ZERO)}"
            )
        yield from listed
    elif not posting.account.startswith((LOSS, SUSPENSE)):
        raise UsageError(
            f"{place}: a posting to {posting.account} must say which break it is about; "
            'add  break: "x-…"  (see `finops breaks`)'
        )


def listing(path: Path, place: str, evidence: str) -> list[tuple[str, str, Decimal]]:
    """Return the list of items that a decisions file names by its hash: id, account, amount that moves."""
    digest = evidence.removeprefix(SHA)
    folder = path.parent.parent.parent / EVIDENCE
    kept = next(iter(sorted(folder.glob(f"{digest[:16]}.*"))), None)
    if kept is None or sha256_file(kept) != digest:
        state = "is gone from" if kept is None else "has been changed in"
        raise IntegrityError(
            f"{place}: the list of items {digest[:16]}… {state} {EVIDENCE}; restore it from a backup"
        )
    with kept.open(encoding="utf-8", newline="") as file:
        return [(r["id"], r["account"], Decimal(r["amount"])) for r in csv.DictReader(file)]


def together(decided: Iterable[Decided]) -> list[Decided]:
    """Add up what is decided about one item on one day.

    A decision that does not fit is taken back by its opposite, dated the same day: together they decide nothing.
    """
    found: dict[tuple[date, str], Decided] = {}
    for one in decided:
        before = found.get((one.day, one.item))
        if before is not None:
            one = replace(
                one,
                breaks=before.breaks + one.breaks,
                claims=before.claims + one.claims,
                lost=before.lost + one.lost,
                owed=before.owed + one.owed,
                case=one.case or before.case,
                accounts=tuple(dict.fromkeys((*before.accounts, *one.accounts))),
                part=before.part or one.part,
                other=one.other or before.other,
                closes=before.closes + one.closes,
                who=one.who or before.who,
            )
        found[one.day, one.item] = one
    return [one for one in found.values() if one.breaks or one.claims or one.closes > 0]
