"""One day of the journal as text: batches, #recon, documents, and what the day asserts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from finops_ledger.books import assertions, narration, statement
from finops_ledger.books.jobs import claims_account, component_of
from finops_ledger.books.verdicts import DayVerdict
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.kinds import ROLES
from finops_ledger.core.money import ZERO
from finops_ledger.posting import bank, report, sale, settlement, store, supply
from finops_ledger.posting import summaries as sm
from finops_ledger.posting.entries import Entry, Posting, quote, write
from finops_ledger.posting.tables import NO_PARTNER
from finops_ledger.recon import entries as recon
from finops_ledger.recon.legs import EVERYBODY, LEGS, SALE_SUPPLY
from finops_ledger.subledger.compiled import query
from finops_ledger.subledger.manifest import Batch

_TAG_ORDER = (*ROLES, "recon")


_SUMS: dict[str, Callable[[Any], Any]] = {
    "sale": sale.shares,
    "supply": supply.shares,
    "deposit": supply.shares,
    "settlement": settlement.shares,
    "bank": bank.shares,
    "report": report.shares,
    "new": sale.sums_of_new,
    "supplied": supply.sums,
    "stated": supply.sums,
    "settled": settlement.sums,
    "banked": bank.sums,
}
_ROLE_OF = {
    "new": "sale",
    "supplied": "supply",
    "stated": "deposit",
    "settled": "settlement",
    "banked": "bank",
}
#: Roles whose entries are by the rows' partner; the others are by the source's counterparty.
_BY_PARTNER = ("sale", "supply", "deposit")


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
                day_name = days.get(component, "day_refund")
                orig = row[day_name.replace("day_", "orig_")]
                count = row[f"n_{component}"]
                if count:
                    sm.add_sale(self.drafts, row, component, row[day_name], orig, 1, count)
        for component in sale.COMPONENTS:
            for row in rows(query(sums, component)):
                full = {**dict.fromkeys(sale.VALUES, ZERO), **row}
                sm.add_sale(
                    self.drafts, full, component, row["day"], row["orig"], row["sign"], row["count"]
                )
        for row in rows(query(sums, "supplied")):
            stated = self.space.registry.stated(row["partner"], row["day_post"])
            name = component_of(self.space, row["partner"])
            sm.add_supply(self.drafts, row, name, stated=stated)
        for row in rows(query(sums, "stated")):
            sm.add_deposit(self.drafts, row, component_of(self.space, row["partner"]))
        by_gateway: dict[str, list[dict[str, Any]]] = {}
        for row in rows(query(sums, "settled")):
            by_gateway.setdefault(self._gateway(row["batch"]), []).append(row)
        for gateway, settled in sorted(by_gateway.items()):
            sm.add_settlement(self.drafts, settled, gateway)
        for row in rows(query(sums, "banked")):
            batch = self.space.state.batches.get(row["batch"])
            if batch is not None:
                sm.add_bank(self.drafts, row, self._party(batch), row["account"])
        for role in ROLES:
            for row in rows(query(sums, role)):
                batch = self.space.state.batches[row["batch"]]
                who = row["partner"] if role in _BY_PARTNER else self._party(batch)
                draft = self.drafts.of(row["batch"], who, row["day"], row["orig"])
                draft.rows += row["rows"]
                draft.new += row["new"]
                draft.control += row["control"]
        posted = {key[0] for key in self.drafts.by_key}
        for batch in self.space.state.batches.values():
            if batch.id not in posted and batch.home in self.wanted:
                self.drafts.of(batch.id, self._party(batch), batch.home)
            again = batch.issue and not batch.late and statement.moves(self.space, batch)
            if again and batch.covers[1] in self.wanted:
                # What it says of the balance is told, even where none of its rows is new.
                self.drafts.of(batch.id, self._party(batch), batch.covers[1])

    def _gateway(self, batch_id: str) -> str:
        return self._party(self.space.state.batches[batch_id])

    def _party(self, batch: Batch) -> str:
        return batch.counterparty or NO_PARTNER

    def text(self, day: date) -> str:
        """Return the day's file below its first line."""
        posted = list(self._batch_entries(day))
        entries = [*posted, *self._recon_entries(day, posted)]
        entries.sort(key=lambda e: (_TAG_ORDER.index(e.tag), e.sort))
        for entry in entries:
            if entry.total() != ZERO:
                raise AssertionError(f"{entry.day} {entry.narration}: off by {entry.total()}")
        currency = self.space.config.company.currency
        blocks = [write(e, currency) for e in entries]
        for lines in (
            self._documents(day),
            assertions.registers(self.space, day),
            assertions.verdicts(self.space, day, self.verdicts),
            assertions.balances(self.space, day),
        ):
            if lines:
                blocks.append("".join(lines))
        return "\n" + "\n".join(blocks)

    # --- batches ----------------------------------------------------------------------------------

    def _batch_entries(self, day: date) -> Iterable[Entry]:
        for (batch_id, partner, of_day, orig), draft in self.drafts.by_key.items():
            batch = self.space.state.batches.get(batch_id)
            if of_day == day and batch is not None:
                yield self._entry(batch, partner, day, orig, draft)

    def _entry(
        self, batch: Batch, partner: str, day: date, orig: date | None, draft: sm.Draft
    ) -> Entry:
        meta: list[tuple[str, Any]] = [
            ("batch", batch.id),
            ("rows", draft.rows),
            ("control", draft.control),
            ("partner", partner),
            ("source", batch.source),
            ("rules", self._rules(partner, batch)),
        ]
        if orig is not None:
            meta.append(("orig_date", orig))
        postings = list(draft.postings())
        if batch.role in statement.LEG_OF and day == batch.covers[1] and orig is None:
            more, difference = self._chain(batch, partner)
            meta += more
            postings += difference
        elif batch.role in statement.LEG_OF and batch.late:
            postings += self._moved_then(batch, partner, postings)
        return Entry(
            day=day,
            payee=partner if batch.role != "bank" else self._party(batch),
            narration=narration.of_batch(batch.role, draft),
            tag=batch.role,
            postings=tuple(postings),
            meta=tuple(meta),
            links=(batch.id,),
            sort=(partner, batch.source, batch.day.isoformat(), batch.id, str(orig or "")),
        )

    def _rules(self, partner: str, batch: Batch) -> str:
        sop = self.space.registry.sops.get(partner)
        rules = f"{batch.format}/{batch.format_version}"
        return rules if sop is None else f"{rules} {sop.rule_id(batch.day)}"

    def _chain(self, batch: Batch, partner: str) -> tuple[list[tuple[str, Any]], list[Posting]]:
        found = statement.of_batch(self.space, batch)
        if found is None:
            return [], []
        meta: list[tuple[str, Any]] = [
            ("opening", found.opening),
            ("closing", found.closing),
            ("low", found.low),
            ("chain", found.place),
        ]
        name = component_of(self.space, partner)
        made = []
        for gaps in (found.lost, found.gained):
            moved = sum((g.amount for g in gaps), ZERO)
            if gaps:
                made += _difference(batch, name, moved, len(gaps))
        return meta, made

    def _moved_then(self, batch: Batch, partner: str, postings: list[Posting]) -> list[Posting]:
        """Take back on the deposit what its rows post of a locked day: it moved then, the statement said so."""
        name = component_of(self.space, partner)
        deposit = f"Assets:Deposits:{name}"
        moved = sum((p.amount for p in postings if p.account == deposit), ZERO)
        if moved == ZERO or not statement.of_locked_day(self.space, batch):
            return []
        return _difference(batch, name, -moved, 1)

    # --- reconciliation ---------------------------------------------------------------------------

    def _recon_entries(self, day: date, posted: Sequence[Entry]) -> Iterable[Entry]:
        for line in self.space.state.proofs_on(day):
            leg, who = LEGS[line["leg"]], line["counterparty"]
            if who == EVERYBODY:
                continue
            name = component_of(self.space, who)
            items = next((self.space.root / f for f in line["files"] if "/breaks/" in f), None)
            made = recon.postings(
                self.space.local,
                items,
                leg,
                name,
                claims_account(self.space, who),
                Decimal(line["moved"]),
                assertions.before(self.space, line),
                {a: recon.Register.of(r) for a, r in line["registers"].items()},
                _rows_moved(leg.clearing(name), posted),
                (Decimal(line["bridge"]["left"]), Decimal(line["bridge"]["right"])),
            )
            if not made and leg.name != SALE_SUPPLY:
                continue
            yield Entry(
                day=day,
                payee=who,
                narration=narration.of_reconciliation(line),
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

    # --- directives -------------------------------------------------------------------------------

    def _documents(self, day: date) -> list[str]:
        made = []
        for batch in self.space.state.batches.values():
            if batch.home != day:
                continue
            path = quote(f"../../{batch.archive}")
            made.append(f"{day.isoformat()} document {batch.account} {path} ^{batch.id}\n")
        return sorted(made)


def _difference(batch: Batch, name: str, amount: Decimal, count: int) -> list[Posting]:
    """Post what a statement says beyond its rows: the deposit, against the account of the leg that answers."""
    kind = (("kind", "statement-difference"),)
    moved = Posting(f"Assets:Deposits:{name}", amount, kind)
    if batch.role == "deposit":
        marks = (*kind, ("count", count), ("move", "close"))
        return [moved, Posting(sm.usage(name), -amount, marks)]
    return [moved, Posting(f"Assets:Clearing:Supply:{name}", -amount, kind)]


def _rows_moved(account: str, posted: Iterable[Entry]) -> recon.Register:
    """What the day's batch entries do to the count, debits and credits of an account."""
    count, debits, credits = 0, ZERO, ZERO
    for posting in (p for entry in posted for p in entry.postings if p.account == account):
        meta = dict(posting.meta)
        opens = meta.get("move") == "open"
        count += int(meta.get("count", 0)) * (1 if opens else -1)  # type: ignore[arg-type]
        if opens == (posting.amount > ZERO):
            debits += posting.amount
        else:
            credits -= posting.amount
    return recon.Register(count, debits, credits, "")
