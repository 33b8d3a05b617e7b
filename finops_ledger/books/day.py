"""One day of the journal as text: batches, #recon, documents, registers, balances, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from finops_ledger.books import bank_statement, statement
from finops_ledger.books.jobs import claims_account, component_of
from finops_ledger.books.verdicts import DayVerdict, incomplete_before
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting import bank, sale, settlement, store, supply
from finops_ledger.posting import summaries as sm
from finops_ledger.posting.entries import Entry, Posting, balance, custom, quote, write
from finops_ledger.posting.tables import NO_PARTNER
from finops_ledger.recon import entries as recon
from finops_ledger.recon.legs import EVERYBODY, LEGS, SALE_SUPPLY
from finops_ledger.subledger.compiled import query
from finops_ledger.subledger.manifest import Batch, Line

_TAG_ORDER = ("sale", "supply", "deposit", "settlement", "bank", "recon")


_SUMS: dict[str, Callable[[Any], Any]] = {
    "sale": sale.shares,
    "supply": supply.shares,
    "settlement": settlement.shares,
    "bank": bank.shares,
    "new": sale.sums_of_new,
    "supplied": supply.sums,
    "settled": settlement.sums,
    "banked": bank.sums,
}
_ROLE_OF = {"new": "sale", "supplied": "supply", "settled": "settlement", "banked": "bank"}


def sums(name: str) -> Any:
    """Sums over the line tables, by name: a role's shares, or what it posts."""
    if name in sale.COMPONENTS:
        return sale.sums_of_revised(store.table("sale"), name)
    return _SUMS[name](store.table(_ROLE_OF.get(name, name)))


class DayWriter:
    """Writes the days of one chunk; the line tables of those days must stand in the engine."""

    def __init__(
        self, space: Workspace, wanted: set[date], verdicts: dict[tuple[date, str], DayVerdict]
    ) -> None:
        self.space = space
        self.wanted = wanted
        self.verdicts = verdicts
        self.drafts = sm.Drafts()
        self._draft()

    def _draft(self) -> None:
        """Sum all batches of the chunk by batch, counterparty and day."""
        rows = self.space.engine.rows
        days = {"paid": "day_paid", "delivered": "day_state", "failed": "day_state"}
        for row in rows(query(sums, "new")):
            for component in sale.COMPONENTS:
                day = row[days.get(component, "day_refund")]
                count = row[f"n_{component}"]
                if count:
                    sm.add_sale(self.drafts, row, component, day, 1, count)
        for component in sale.COMPONENTS:
            for row in rows(query(sums, component)):
                full = {**dict.fromkeys(sale.VALUES, ZERO), **row}
                sm.add_sale(self.drafts, full, component, row["day"], row["sign"], row["count"])
        for row in rows(query(sums, "supplied")):
            sm.add_supply(self.drafts, row, component_of(self.space, row["partner"]))
        by_gateway: dict[str, list[dict[str, Any]]] = {}
        for row in rows(query(sums, "settled")):
            by_gateway.setdefault(self._gateway(row["batch"]), []).append(row)
        for gateway, settled in sorted(by_gateway.items()):
            sm.add_settlement(self.drafts, settled, gateway)
        for row in rows(query(sums, "banked")):
            batch = self.space.state.batches.get(row["batch"])
            if batch is not None:
                sm.add_bank(self.drafts, row, self._party(batch), row["account"])
        for role in ("sale", "supply", "settlement", "bank"):
            for row in rows(query(sums, role)):
                batch = self.space.state.batches[row["batch"]]
                who = row["partner"] if role in ("sale", "supply") else self._party(batch)
                draft = self.drafts.of(row["batch"], who, row["day"])
                draft.rows += row["rows"]
                draft.new += row["new"]
                draft.control += row["control"]
        posted = {batch for batch, _, _ in self.drafts.by_key}
        for batch in self.space.state.batches.values():
            if batch.id not in posted and batch.day in self.wanted:
                self.drafts.of(batch.id, self._party(batch), batch.day)

    def _gateway(self, batch_id: str) -> str:
        return self._party(self.space.state.batches[batch_id])

    def _party(self, batch: Batch) -> str:
        return batch.counterparty or NO_PARTNER

    def text(self, day: date) -> str:
        """Return the day's file below its first line."""
        entries = [*self._batch_entries(day), *self._recon_entries(day)]
        entries.sort(key=lambda e: (_TAG_ORDER.index(e.tag), e.sort))
        for entry in entries:
            if entry.total() != ZERO:
                raise AssertionError(f"{entry.day} {entry.narration}: off by {entry.total()}")
        currency = self.space.config.company.currency
        blocks = [write(e, currency) for e in entries]
        for lines in (
            self._documents(day),
            self._registers(day),
            self._verdicts(day),
            self._balances(day),
        ):
            if lines:
                blocks.append("".join(lines))
        return "\n" + "\n".join(blocks)

    # --- batches ----------------------------------------------------------------------------------

    def _batch_entries(self, day: date) -> Iterable[Entry]:
        for (batch_id, partner, of_day), draft in self.drafts.by_key.items():
            batch = self.space.state.batches.get(batch_id)
            if of_day == day and batch is not None:
                yield self._entry(batch, partner, day, draft)

    def _entry(self, batch: Batch, partner: str, day: date, draft: sm.Draft) -> Entry:
        meta: list[tuple[str, Any]] = [
            ("batch", batch.id),
            ("rows", draft.rows),
            ("control", draft.control),
            ("partner", partner),
            ("source", batch.source),
            ("rules", self._rules(partner, batch)),
        ]
        postings = list(draft.postings())
        if batch.role == "supply" and day == batch.covers[1]:
            more, difference = self._chain(batch, partner)
            meta += more
            postings += difference
        return Entry(
            day=day,
            payee=partner if batch.role != "bank" else self._party(batch),
            narration=_narration(batch.role, draft),
            tag=batch.role,
            postings=tuple(postings),
            meta=tuple(meta),
            links=(batch.id,),
            sort=(partner, batch.source, batch.day.isoformat(), batch.id),
        )

    def _rules(self, partner: str, batch: Batch) -> str:
        sop = self.space.registry.sops.get(partner)
        rules = f"{batch.format}/{batch.format_version}"
        return rules if sop is None else f"{rules} {sop.rule_id(batch.day)}"

    def _chain(self, batch: Batch, partner: str) -> tuple[list[tuple[str, Any]], list[Posting]]:
        found = self._statement(batch)
        if found is None:
            return [], []
        meta: list[tuple[str, Any]] = [
            ("opening", found.opening),
            ("closing", found.closing),
            ("low", found.low),
            ("chain", found.place),
        ]
        name = component_of(self.space, partner)
        kind = (("kind", "statement-difference"),)
        made = []
        for gap in (found.lost, found.gained):
            if gap != ZERO:
                made.append(Posting(f"Assets:Deposits:{name}", gap, kind))
                made.append(Posting(f"Assets:Clearing:Supply:{name}", -gap, kind))
        return meta, made

    def _statement(self, batch: Batch) -> statement.Statement | None:
        """The statement of a batch; its opening is compared only when its day has been reconciled."""
        key = (SALE_SUPPLY, str(batch.counterparty), batch.covers[1])
        return statement.read(self.space, batch, across=key in self.space.state.reconciled)

    # --- reconciliation ---------------------------------------------------------------------------

    def _lines(self, day: date) -> list[Line]:
        return self.space.state.proofs_on(day)

    def _recon_entries(self, day: date) -> Iterable[Entry]:
        for line in self._lines(day):
            leg, who = LEGS[line["leg"]], line["counterparty"]
            if who == EVERYBODY:
                continue
            name = component_of(self.space, who)
            items = next((self.space.root / f for f in line["files"] if "/breaks/" in f), None)
            made = recon.postings(
                self.space.engine,
                items,
                leg,
                name,
                claims_account(self.space, who),
                Decimal(line["moved"]),
                self._before(line),
                {a: recon.Register.of(r) for a, r in line["registers"].items()},
                self._rows_moved(leg.clearing(name), day),
                (Decimal(line["bridge"]["left"]), Decimal(line["bridge"]["right"])),
            )
            if not made and leg.name != SALE_SUPPLY:
                continue
            yield Entry(
                day=day,
                payee=who,
                narration=_recon_narration(line),
                tag="recon",
                postings=made,
                meta=(
                    ("partner", who),
                    ("leg", leg.name),
                    ("rules", line["rules"]),
                    ("matched", line["matched"]),
                ),
                sort=(who, str(list(LEGS).index(leg.name))),
            )

    def _before(self, line: Line) -> dict[str, recon.Register]:
        """Registers of the last reconciled day before, of the same leg and counterparty."""
        day = date.fromisoformat(line["day"])
        last = self.space.state.proof_before(line["leg"], line["counterparty"], day)
        if last is None:
            return {}
        return {a: recon.Register.of(r) for a, r in last["registers"].items()}

    def _rows_moved(self, account: str, day: date) -> recon.Register:
        """What the day's batch entries do to the count, debits and credits of an account."""
        count, debits, credits = 0, ZERO, ZERO
        for (_, _, of_day), draft in self.drafts.by_key.items():
            if of_day != day:
                continue
            for posting in draft.postings():
                if posting.account != account:
                    continue
                meta = dict(posting.meta)
                opens = meta.get("move") == "open"
                count += int(meta.get("count", 0)) * (1 if opens else -1)  # type: ignore[arg-type]
                if opens == (posting.amount > ZERO):
                    debits += posting.amount
                else:
                    credits -= posting.amount
        return recon.Register(count, debits, credits, "")

    # --- directives -------------------------------------------------------------------------------

    def _documents(self, day: date) -> list[str]:
        made = []
        for batch in self.space.state.batches.values():
            if batch.day != day:
                continue
            account = ":".join(PurePosixPath(batch.archive).parent.parts[1:])
            path = quote(f"../../{batch.archive}")
            made.append(f"{day.isoformat()} document {account} {path} ^{batch.id}\n")
        return sorted(made)

    def _registers(self, day: date) -> list[str]:
        currency = self.space.config.company.currency
        made = []
        changed = self._changed_registers(day)
        for account, now in sorted(changed.items()):
            made.append(
                custom(
                    day,
                    "finops-register",
                    account,
                    str(now.count),
                    f"{plain(now.debits)} {currency}",
                    f"{plain(now.credits)} {currency}",
                    quote(now.digest),
                )
            )
        return made

    def _changed_registers(self, day: date) -> dict[str, recon.Register]:
        """Registers that are not what they were, added up over the legs that share an account."""
        before: dict[str, list[recon.Register]] = {}
        after: dict[str, list[recon.Register]] = {}
        withheld = self._withheld(day)
        expected = self.space.expected
        for line in self._lines(day):
            if incomplete_before(expected, line["counterparty"], day, LEGS[line["leg"]]):
                continue  # what the rows of that day moved is in the books and not yet on the lists
            old = self._before(line)
            new = {a: recon.Register.of(r) for a, r in line["registers"].items()}
            for account in {*old, *new}:
                before.setdefault(account, []).append(old.get(account, recon.EMPTY))
                after.setdefault(account, []).append(new.get(account, recon.EMPTY))
        return {
            a: recon.together(after[a])
            for a in after
            if a not in withheld and recon.together(after[a]) != recon.together(before[a])
        }

    def _withheld(self, day: date) -> set[str]:
        """Accounts on which a decision of this or an earlier day does not fit: nothing proves them now."""
        found: set[str] = set()
        for (_, _, of_day), line in self.space.state.reconciled.items():
            if of_day <= day:
                found.update(line["withheld"])
        return found

    def _verdicts(self, day: date) -> list[str]:
        made = []
        for (of_day, who), one in sorted(self.verdicts.items()):
            if of_day != day:
                continue
            made.append(custom(day, "finops-day", quote(who), quote(one.verdict)))
            if one.verdict == "incomplete":
                text = quote(f"incomplete: {one.missing}")
                made.append(f"{day.isoformat()} event {quote(f'finops:{who}')} {text}\n")
        accounts = {a for line in self._lines(day) for a in line["withheld"]}
        made += [
            custom(day, "finops-withheld", account, quote("a decision does not fit"))
            for account in sorted(accounts)
        ]
        return made

    def _balances(self, day: date) -> list[str]:
        """Balances that prove the day: they stand in its file, dated the next day (ruling 36)."""
        after = day + timedelta(days=1)
        currency = self.space.config.company.currency
        made = []
        ending = [b for b in self.space.state.batches.values() if b.covers[1] == day]
        for batch in sorted(ending, key=lambda b: b.id):
            if batch.role == "supply" and batch.counterparty:
                made += self._supply_balances(batch, day, after)
            if batch.role == "bank":
                folder = PurePosixPath(batch.archive).parent
                same = [b for b in ending if PurePosixPath(b.archive).parent == folder]
                if batch in bank_statement.at_day_end(same):
                    closing = Decimal(batch.line["stated"]["closing"])
                    made.append(balance(after, ":".join(folder.parts[1:]), closing, currency))
        return made

    def _supply_balances(self, batch: Batch, day: date, after: date) -> list[str]:
        who = str(batch.counterparty)
        live = (SALE_SUPPLY, who, day) in self.space.state.reconciled
        if not live or incomplete_before(self.space.expected, who, day):
            return []
        currency = self.space.config.company.currency
        name = component_of(self.space, who)
        made = [balance(after, f"Assets:Clearing:Supply:{name}", ZERO, currency)]
        found = self._statement(batch)
        if found is not None:
            made.append(balance(after, f"Assets:Deposits:{name}", found.closing, currency))
        return made


def _narration(role: str, draft: sm.Draft) -> str:
    what, noun = {
        "sale": ("Sales", "order"),
        "supply": ("Supply", "row"),
        "settlement": ("Settlement report", "row"),
        "bank": ("Statement", "line"),
    }[role]
    revised = draft.rows - draft.new
    parts = []
    if draft.new or not revised:
        parts.append(_count(draft.new, noun))
    if revised:
        parts.append(_count(revised, "revision"))
    return f"{what}, {', '.join(parts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _recon_narration(line: Line) -> str:
    parts = [f"{line['matched']} matched"]
    found: dict[str, int] = {}
    for class_, one in line["open"].items():
        shown = class_ if class_ in ("pending", "timing") else "breaks"
        found[shown] = found.get(shown, 0) + one["count"]
    parts += [f"{found[k]} {k}" for k in ("pending", "timing") if k in found]
    if "breaks" in found:
        parts.append(_count(found["breaks"], "break") + " open")
    return f"Reconciled: {', '.join(parts)}"
