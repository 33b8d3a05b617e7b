"""A case told day by day: what people drop into the inbox, compared with the reference."""

from __future__ import annotations

import re
import shutil
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from beancount import loader
from beancount.core import data
from beancount.parser import parser

from finops_ledger.books import Books
from finops_ledger.books.verdicts import DayVerdict, of_days
from tests.worked import workspace as w

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "worked-cases.beancount"
#: Accounts over which the reference leaves out what goes in and out within one entry, or nets.
NET = (
    "Liabilities:Customer-Orders:",
    "Assets:Clearing:Gateway:",
    "Assets:Clearing:Settlement-In-Transit:",
    "Assets:Clearing:Deposit-In-Transit:",
)
Sums = dict[tuple[date, str], Counter[str]]


def segment(case: int) -> list[data.Directive]:
    """The directives of one case of the reference."""
    text = REFERENCE.read_text()
    heads = list(re.finditer(r"^; === (\d+)\. ", text, re.MULTILINE))
    starts = {int(m.group(1)): m.start() for m in heads}
    ends = [*(m.start() for m in heads[1:]), len(text)]
    entries, errors, _ = parser.parse_string(text[starts[case] : ends[case - 1]])
    assert errors == []
    return entries


def sums(entries: list[data.Directive], first: date, last: date) -> Sums:
    """Sum debits and credits by day, tag and account; net where the reference nets."""
    found: Sums = defaultdict(Counter)
    for entry in entries:
        if not isinstance(entry, data.Transaction) or not first <= entry.date <= last:
            continue
        # A payment list is a decision about a settlement: the reference tells it as the latter.
        tag = min(entry.tags - {"decision"} or entry.tags, default="")
        for posting in entry.postings:
            number = posting.units.number
            net = posting.account.startswith(NET)
            net = net or (tag == "recon" and posting.account.startswith("Assets:Clearing:Supply:"))
            side = "" if net else " +" if number > 0 else " -"
            found[entry.date, tag][posting.account + side] += number
    return {
        key: Counter({a: n for a, n in one.items() if n})
        for key, one in found.items()
        if any(one.values())
    }


def equal(made: Any, wanted: Any) -> None:
    """Assert that two things are equal; say what is only here and what only there."""
    if made == wanted:
        return
    lines = []
    if isinstance(made, dict) and all(isinstance(key, tuple) for key in {*made, *wanted}):
        for day, tag in sorted({*made, *wanted}):
            here, there = made.get((day, tag), {}), wanted.get((day, tag), {})
            for account in sorted({*here, *there}):
                if here.get(account) != there.get(account):
                    sides = f"made {here.get(account)}, wanted {there.get(account)}"
                    lines.append(f"{day} #{tag} {account}: {sides}")
    raise AssertionError("\n".join(lines) or f"{made!r} is not {wanted!r}")


class Story:
    """One workspace: sales, statements, reports and bank lines by day, dropped in date order."""

    def __init__(
        self,
        root: Path,
        first: date,
        *,
        deposit: int = 10_000_000,
        bank_opening: int = 50_000_000,
        partner: str = "AggA",
        gateway: str = "",
        bank: bool = False,
        statement: bool = False,
        **more: Any,
    ) -> None:
        opening = f'2026-01-02 * "opening" #decision\n  Assets:Deposits:{partner}  {deposit} IDR\n'
        opening += f"  Assets:Bank:BCA  {bank_opening} IDR\n" if bank else ""
        opening += f"  Equity:Opening-Balances  -{deposit + bank * bank_opening} IDR\n"
        self.books = w.make(
            root,
            partner=partner,
            gateway=gateway,
            bank=bank,
            opening=opening,
            statement=statement,
            **more,
        )
        self.root, self.first, self.partner, self.gateway = root, first, partner, gateway
        self.has_bank, self.deposit, self.bank_balance = bank, deposit, bank_opening
        self.has_statement, self.stated = statement, deposit
        self.moved: dict[date, list[tuple[tuple[Any, ...], dict[str, Any]]]] = defaultdict(list)
        self.missing_statements: set[date] = set()
        self.next = first
        self.sales: dict[date, list[str]] = defaultdict(list)
        self.supply: dict[date, list[tuple[tuple[Any, ...], dict[str, Any]]]] = defaultdict(list)
        self.jumps: dict[date, int] = defaultdict(int)
        self.reports: dict[date, list[str]] = defaultdict(list)
        self.lines: dict[date, list[tuple[str, int]]] = defaultdict(list)
        self.kept = root.parent / f"{root.name}-kept"
        self.kept.mkdir()
        self.missing: set[date] = set()
        self.held: dict[str, str] = {}

    # --- what happens ---

    def sold(self, day: date, ref: str, status: str = "SUCCESS", **more: Any) -> None:
        """An order, or its next state, in our file of a day."""
        at = more.pop("at", f"{day} 10:00:00")
        self.sales[day].append(
            w.order(ref, more.pop("paid", at), status, at, **{"partner": self.partner, **more})
        )

    def row(self, day: date, own: str, ref: str, status: str = "SUKSES", **more: Any) -> None:
        """A row of the partner's file of a day."""
        at = more.pop("at", f"{day:%d/%m/%Y} 10:00:05")
        self.supply[day].append(((at, own, ref, status), more))

    def restored(self, day: date, own: str, ref: str, amount: int, orig: str = "") -> None:
        """The partner gives money back."""
        self.row(day, own, ref, code="REFUND", credit=amount, orig=orig)

    def moves(self, day: date, own: str, ref: str, text: str = "PEMBELIAN", **more: Any) -> None:
        """A line of the partner's deposit statement of a day."""
        at = more.pop("at", f"{day:%d/%m/%Y} 10:00:06")
        self.moved[day].append(((at, own, ref, text), more))

    def pays_out(self, day: date, amount: int, settlement: str) -> None:
        """The bank shows a payout of the gateway."""
        self.lines[day].append((f"KR OTOMATIS {self.gateway} SETTLEMENT {settlement}", amount))

    # --- running ---

    def drop(self, day: date) -> None:
        """Write the files of one day into the inbox."""
        w.orders(self.root, day, self.sales[day])
        statement = w.Statement(day, self.deposit + self.jumps.get(day, 0))
        for cells, more in self.supply[day]:
            gap = more.get("jump", 0)
            statement.balance += gap
            more = {k: v for k, v in more.items() if k != "jump"}
            statement.row(*cells, **more)
        self.deposit = statement.balance
        statement.drop(self.root, self.partner)
        if day in self.missing:
            path = self.root / "inbox" / f"{self.partner}_mutasi_{day:%Y%m%d}.csv"
            self.held[path.name] = path.read_text()
            path.unlink()
        if self.has_statement:
            self._drop_statement(day)
        if self.gateway:
            w.gateway_report(self.root, day, self.reports[day], self.gateway)
        if self.has_bank:
            self.bank_balance = w.bank(self.root, day, self.bank_balance, self.lines[day])
        for path in (self.root / "inbox").iterdir():
            shutil.copy2(path, self.kept / path.name)

    def _drop_statement(self, day: date) -> None:
        statement = w.DepositStatement(day, self.stated)
        for cells, more in self.moved[day]:
            statement.balance += more.get("jump", 0)
            statement.row(*cells, **{k: v for k, v in more.items() if k != "jump"})
        self.stated = statement.balance
        name = statement.drop(self.root, self.partner)
        if day in self.missing_statements:
            path = self.root / "inbox" / name
            self.held[name] = path.read_text()
            path.unlink()

    def run(self, last: date) -> None:
        """Drop every file up to a day, import and reconcile."""
        while self.next <= last:
            self.drop(self.next)
            self.next += timedelta(days=1)
        self.work()

    def bring(self, day: date, what: str = "mutasi") -> None:
        """The partner's file of a day comes after all."""
        self.missing.discard(day)
        self.missing_statements.discard(day)
        name = f"{self.partner}_{what}_{day:%Y%m%d}.csv"
        (self.kept / name).write_text(self.held.pop(name))
        shutil.copy2(self.kept / name, self.root / "inbox" / name)
        self.work()

    def work(self, **how: Any) -> None:
        """Import what lies in the inbox, and reconcile."""
        report = self.books.import_files(**how)
        equal([f.message for f in report.files if f.verdict != "imported"], [])
        self.books.reconcile()

    def item(self, ref: str, class_: str) -> str:
        """The id of the one open break of a class on an order."""
        found = [b for b in self.books.breaks() if b["class"] == class_ and ref in b["ref"]]
        assert len(found) == 1, self.books.breaks()
        return str(found[0]["id"])

    def decide(self, day: date, item: str, *postings: tuple[str, int]) -> None:
        """What one person writes and another approves."""
        text = f'{day} * "{self.partner}" "Resolved" #decision\n  maker: "preparer-1"\n'
        text += f'  checker: "approver-1"\n  break: "{item}"\n'
        text += "".join(f"  {account}  {amount} IDR\n" for account, amount in postings)
        w.decide(self.root, day, text)

    # --- proof ---

    def load(self) -> list[data.Directive]:
        """Load the books with Beancount and its plugins; expect no error."""
        entries, errors, _ = loader.load_file(str(self.root / "main.beancount"))
        told = [f"{e.source.get('filename')}:{e.source.get('lineno')}: {e.message}" for e in errors]
        equal(told, [])
        return entries

    def verdicts(self) -> list[DayVerdict]:
        """The verdict of every counterparty's day."""
        return list(of_days(self.books.space.expected))

    def directives(self, kind: str) -> list[data.Directive]:
        """The directives of one kind."""
        return [e for e in self.load() if type(e).__name__.lower() == kind]

    def made(self, first: date, last: date) -> Sums:
        """What the machine and people posted on the days."""
        return sums(self.load(), first, last)

    def same_as(
        self, case: int, first: date | None = None, last: date | None = None
    ) -> list[data.Directive]:
        """Compare every day of the case with the reference, account by account."""
        reference = segment(case)
        days = [e.date for e in reference if isinstance(e, data.Transaction)]
        first, last = first or min(days), last or max(days)
        equal(self.made(first, last), sums(reference, first, last))
        return reference

    def proven(self) -> None:
        """Clearing of every complete day is empty; the same files once more change nothing."""
        moved: Counter[tuple[date, str]] = Counter()
        for entry in self.load():
            if isinstance(entry, data.Transaction):
                for posting in entry.postings:
                    if posting.account.startswith("Assets:Clearing:Supply:"):
                        moved[entry.date, posting.account] += posting.units.number
        equal([f"{k}: {n}" for k, n in moved.items() if n], [])
        before = snapshot(self.root)
        for path in self.kept.iterdir():
            shutil.copy2(path, self.root / "inbox" / path.name)
        report = self.books.import_files()
        equal([f.message for f in report.files if f.verdict != "known"], [])
        equal(self.books.reconcile(), 0)
        equal([n for n, b in snapshot(self.root).items() if before.get(n) != b], [])

    def balance(self, account: str, after: date) -> Decimal:
        """What stands on an account at the end of a day."""
        total = Decimal(0)
        for entry in self.load():
            if isinstance(entry, data.Transaction) and entry.date <= after:
                total += sum(p.units.number for p in entry.postings if p.account == account)
        return total

    def balances_hold(self, reference: list[data.Directive], *without: str) -> None:
        """The reference's balances hold here too, but for accounts that other cases touch."""
        for entry in reference:
            if isinstance(entry, data.Balance) and not entry.account.startswith(without or ("-",)):
                made = self.balance(entry.account, entry.date - timedelta(days=1))
                where = f"{entry.date} {entry.account}"
                equal((where, made), (where, entry.amount.number))


def snapshot(root: Path) -> dict[str, bytes]:
    """The journal and the log of commits, byte by byte."""
    found = {
        p.relative_to(root).as_posix(): p.read_bytes() for p in root.glob("journal/**/*.beancount")
    }
    return {**found, "manifest": (root / "subledger" / "manifest.jsonl").read_bytes()}


__all__ = ["Books", "Story", "equal", "segment", "snapshot", "sums"]
