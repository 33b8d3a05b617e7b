"""One day of the journal as text: batches, #recon, documents, and what the day asserts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from finops_ledger.books import accruals, assertions, crossing, narration, statement, tracing
from finops_ledger.books import settling_terms as terms
from finops_ledger.books.jobs import absorbs, claims_account, component_of, paid
from finops_ledger.books.verdicts import DayVerdict
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.kinds import ROLES
from finops_ledger.core.money import ZERO
from finops_ledger.posting import bank, chain, report, sale, settlement, store, supply
from finops_ledger.posting import summaries as sm
from finops_ledger.posting.entries import Entry, Posting, quote, write
from finops_ledger.posting.stock import Stock
from finops_ledger.posting.tables import NO_PARTNER
from finops_ledger.recon import entries as recon
from finops_ledger.recon.legs import EVERYBODY, PAYMENT_BANK, SALE_SUPPLY, Leg
from finops_ledger.subledger.compiled import query
from finops_ledger.subledger.manifest import Batch

_TAG_ORDER = (*ROLES, "recon", accruals.TAG)


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
        self,
        space: Workspace,
        wanted: set[date],
        verdicts: dict[tuple[date, str], DayVerdict],
        stock: Stock,
    ) -> None:
        self.space = space
        self.stock = stock
        self.wanted = wanted
        self.verdicts = verdicts
        self.drafts = sm.Drafts()
        self._draft()

    def _draft(self) -> None:
        """Sum all batches of the chunk by batch, counterparty and day."""
        space, rows = self.space, self.space.engine.rows
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
            if space.registry.supplies(gateway):
                name = component_of(space, gateway)
                due = partial(terms.due_of_invoice, space, gateway)
                for row in settled:
                    sm.add_invoice(self.drafts, row, gateway, name, due)
            else:
                due = partial(terms.due_of_report, space, gateway)
                taxed = partial(terms.taxed_to, space, gateway)
                sm.add_settlement(self.drafts, settled, gateway, due, taxed)
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
        entries = [*posted, *self._recon_entries(day, posted), *accruals.entries(self.space, day)]
        entries.sort(key=lambda e: (not _brings_stock(e), _TAG_ORDER.index(e.tag), e.sort))
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
            assertions.units(self.stock, day),
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
        postings += self.stock.postings.get((batch.id, partner, day, orig), [])
        if batch.role in statement.LEG_OF and day == batch.covers[1] and orig is None:
            more, difference = self._chain(batch, partner)
            meta += more
            postings += difference
        elif batch.role in statement.LEG_OF and batch.late:
            postings += self._moved_then(batch, partner, postings)
        if batch.role in statement.LEG_OF and orig is None:
            meta += self._dip(batch, partner, day, {k for k, _ in meta})
        return Entry(
            day=day,
            payee=partner if batch.role != "bank" else self._party(batch),
            narration=narration.of_batch(self._what(batch), draft),
            tag=batch.role,
            postings=tuple(postings),
            meta=tuple(meta),
            links=(batch.id,),
            sort=(partner, batch.source, batch.day.isoformat(), batch.id, str(orig or "")),
        )

    def _what(self, batch: Batch) -> str:
        supplied = batch.role == "settlement" and self.space.registry.supplies(batch.counterparty)
        return "invoice" if supplied else batch.role

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
            ("chain", tracing.line_of(self.space, batch, found.place)),
        ]
        if found.negative:
            meta.append(("low_at", tracing.line_of(self.space, batch, found.negative)))
        name = component_of(self.space, partner)
        if name != partner:
            # A day without rows has no posting that shows the account.
            meta.append(("deposit", f"Assets:Deposits:{name}"))
        made = []
        for gaps in (found.lost, found.gained):
            moved = sum((g.amount for g in gaps), ZERO)
            if gaps:
                made += _difference(batch, name, moved, len(gaps))
        return meta, made

    def _dip(self, batch: Batch, partner: str, day: date, told: set[str]) -> list[tuple[str, Any]]:
        """How deep the day's rows go, where no statement says so, or several files share the day.

        Counted from where the day opens, which the plugin knows: so it follows from the day's rows alone.
        """
        if batch.role != statement.mover(self.space, partner, day) or batch.late:
            return []
        if "low" in told and not statement.shared(self.space, batch, day):
            return []
        deepest = chain.dip(self.space.engine, batch.role, partner, day)
        return [("dip", deepest)] if deepest != ZERO else []

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
            who = line["counterparty"]
            leg = self.space.legs.of(line["leg"], who, day)
            if who == EVERYBODY or not leg.posts:
                continue
            name = component_of(self.space, who)
            items = next((self.space.root / f for f in line["files"] if "/breaks/" in f), None)
            met = crossing.met(line)
            made = recon.postings(
                self.space.local,
                items,
                leg,
                name,
                claims_account(self.space, who),
                # Foreign rows settle a sale; they move nothing on its seller's account.
                Decimal(line["moved"]) - sum((m.cost for m in met), ZERO),
                assertions.before(self.space, line),
                {a: recon.Register.of(r) for a, r in line["registers"].items()},
                self._rows_moved(leg, who, day, posted, line.get("decided", {})),
                (Decimal(line["bridge"]["left"]), Decimal(line["bridge"]["right"])),
                absorbs(self.space, who, day),
            )
            made += tuple(
                crossing.postings(
                    met, {m.deliverer: component_of(self.space, m.deliverer) for m in met}
                )
            )
            stocked = self.space.registry.model(who, day) == "stock"
            if not made and (leg.name != SALE_SUPPLY or stocked):
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
                    *_cases(made),
                ),
                sort=(who, str(self.space.legs.place(leg.name))),
            )

    def _rows_moved(
        self,
        leg: Leg,
        who: str,
        day: date,
        posted: Sequence[Entry],
        decided: dict[str, Any],
    ) -> recon.Register:
        """What the day's rows, and where a leg has decisions for rows, these do to its clearing account."""
        name = component_of(self.space, who)
        shared = "" if "{}" in leg.account else who
        moved = _rows_moved(leg.clearing(name), posted, decided, shared)
        if leg.name != PAYMENT_BANK:
            return moved
        lists = [p.amount for p in paid(self.space, who, day)]
        debits = sum((n for n in lists if n > ZERO), ZERO)
        credits = sum((-n for n in lists if n < ZERO), ZERO)
        return recon.Register(
            moved.count + len(lists), moved.debits + debits, moved.credits + credits, ""
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


def _brings_stock(entry: Entry) -> bool:
    """Say whether codes come into stock: before what is sold of them on the same day."""
    return entry.tag == "supply" and any(p.units for p in entry.postings)


def _difference(batch: Batch, name: str, amount: Decimal, count: int) -> list[Posting]:
    """Post what a statement says beyond its rows: the deposit, against the account of the leg that answers."""
    kind = (("kind", "statement-difference"),)
    moved = Posting(f"Assets:Deposits:{name}", amount, kind)
    if batch.role == "deposit":
        marks = (*kind, ("count", count), ("move", "close"))
        return [moved, Posting(sm.usage(name), -amount, marks)]
    return [moved, Posting(f"Assets:Clearing:Supply:{name}", -amount, kind)]


def _cases(made: Iterable[Posting]) -> list[tuple[str, str]]:
    """The cases under which something written off has come back."""
    found = {str(v) for p in made for k, v in p.meta if k == "case"}
    return [("case", "; ".join(sorted(found)))] if found else []


def _rows_moved(
    account: str, posted: Iterable[Entry], decided: dict[str, Any], payee: str
) -> recon.Register:
    """What the day's batch entries and decisions do to the count, debits and credits of an account.

    ``payee``: only its entries, where several counterparties share the account.
    """
    count, *sides = decided.get(account, [0, "0", "0"])
    debits, credits = map(Decimal, sides)
    own = [e for e in posted if not payee or e.payee == payee]
    for posting in (p for entry in own for p in entry.postings if p.account == account):
        meta = dict(posting.meta)
        opens = meta.get("move") == "open"
        count += int(meta.get("count", 0)) * (1 if opens else -1)  # type: ignore[arg-type]
        if opens == (posting.amount > ZERO):
            debits += posting.amount
        else:
            credits -= posting.amount
    return recon.Register(count, debits, credits, "")
