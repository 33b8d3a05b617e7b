"""The simulator's files tie to each other, and its truth follows from its files alone."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from finops_ledger.simulator import Faults, Summary, simulate, simulate_pair

START = date(2026, 3, 1)
DAYS = 12
Rows = list[dict[str, str]]


@dataclass
class Run:
    """A run in a folder, and how to read its files."""

    out: Path
    summary: Summary
    days: int = DAYS

    def dates(self) -> list[date]:
        return [START + timedelta(days=d) for d in range(self.days)]

    def text(self, name: str) -> list[str]:
        return (self.out / "inbox" / name).read_text("utf-8").splitlines()

    def orders(self, day: date) -> Rows:
        return list(csv.DictReader(self.text(f"orders_{day}.csv")))

    def tokopedia(self, day: date) -> Rows:
        lines = self.text(f"tokopedia_AggA_{day:%Y%m%d}.csv")
        return list(csv.DictReader(lines, delimiter=";"))

    def supply(self, partner: str, day: date) -> Rows:
        lines = self.text(f"{partner}_mutasi_{day:%Y%m%d}.csv")
        assert lines[0] == "LAPORAN MUTASI DEPOSIT"
        return list(csv.DictReader(lines[2:-1], delimiter=";"))

    def gateway(self, day: date) -> tuple[Rows, list[str]]:
        lines = self.text(f"PG1_settlement_{day:%Y%m%d}.csv")
        return list(csv.DictReader(lines[:-1])), lines[-1].split(",")

    def bank(self, day: date) -> tuple[list[list[str]], dict[str, int]]:
        lines = self.text(f"BCA_mutasi_{day:%Y%m%d}.csv")
        assert lines[4] == "Tanggal,Keterangan,Cabang,Jumlah,,Saldo"
        footer = {name: whole(value) for name, _, value in csv.reader(lines[-4:])}
        return list(csv.reader(lines[5:-4])), footer

    def truth(self, name: str) -> Rows:
        with (self.out / "truth" / f"{name}.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))


def dots(text: str) -> int:
    return int(text.replace(".", "") or 0)


def whole(text: str) -> int:
    rupiah, cents = text.split(".")
    assert cents == "00"
    return int(rupiah)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("busy")
    return Run(out, simulate(out, days=DAYS, orders_per_day=900, partners=2, seed=7))


def digest(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(tmp_path / name, days=3, orders_per_day=100, partners=2, seed=seed)
        found.append(digest(tmp_path / name))
    assert found[0] == found[1]
    assert found[0].keys() == found[2].keys()
    assert found[0] != found[2]


def test_files_are_plain_text_with_line_feeds(run: Run) -> None:
    for path in run.out.rglob("*.csv"):
        data = path.read_bytes()
        assert b"\r" not in data
        assert b'"' not in data
        assert data.endswith(b"\n")


@pytest.mark.parametrize("partner", ["AggA", "AggB"])
def test_running_balance_holds_row_by_row_and_ties_to_the_footer(run: Run, partner: str) -> None:
    balance = int(json.loads((run.out / "opening.json").read_text())["deposits"][partner])
    held: dict[str, int] = {}
    deposits = {(r["day"], r["partner"]): r for r in run.truth("deposits")}
    for day in run.dates():
        truth = deposits[str(day), partner]
        assert int(truth["opening"]) == balance
        rows = run.supply(partner, day)
        for row in rows:
            ident, debit, credit = row["ID Transaksi"], dots(row["Debet"]), dots(row["Kredit"])
            balance += held.get(ident, 0) - debit + credit
            held[ident] = debit
            assert row["Saldo"] == "" or dots(row["Saldo"]) == balance
            assert balance >= 0
        footer = run.text(f"{partner}_mutasi_{day:%Y%m%d}.csv")[-1].split(";")
        assert len(footer) == 13
        assert footer[:2] == ["TOTAL", str(len(rows))]
        assert dots(footer[9]) == sum(dots(row["Debet"]) for row in rows)
        assert dots(footer[10]) == sum(dots(row["Kredit"]) for row in rows)
        assert dots(footer[11]) == balance == int(truth["closing"])
        movement = int(truth["topup"]) + int(truth["refund"]) - int(truth["usage"])
        assert int(truth["opening"]) + movement == balance


def test_rows_stand_in_the_file_of_their_partner_day(run: Run) -> None:
    seen: set[str] = set()
    for day in run.dates():
        end = datetime.combine(day, datetime.min.time()) + timedelta(hours=23)
        for row in run.supply("AggA", day):
            moment = datetime.strptime(row["Tanggal"], "%d/%m/%Y %H:%M:%S")  # noqa: DTZ007
            assert moment < end
            known = row["ID Transaksi"] in seen
            assert known == (moment < end - timedelta(days=1))
            seen.add(row["ID Transaksi"])


def test_gateway_ties_to_the_orders_and_to_the_bank(run: Run) -> None:
    cash: dict[str, int] = {}
    refunded: set[str] = set()
    settled: dict[tuple[str, str], int] = {}
    late = {(r["day"], r["order_id"]): int(r["amount"]) for r in run.truth("gateway")}
    due: dict[str, int] = {}
    for day in run.dates():
        rows, footer = run.gateway(day)
        for row in rows[:-1]:
            key = (row["type"], row["order_id"])
            assert key not in settled
            settled[key] = whole(row["gross"])
            assert row["gross"] == row["net"]
            expected = cash[row["order_id"]]
            assert settled[key] == (expected if row["type"] == "PAYMENT" else -expected)
        gross = sum(whole(r["gross"]) for r in rows)
        paid = sum(whole(r["gross"]) for r in rows if r["type"] == "PAYMENT")
        fee = (paid * 7 * 2 + 1000) // 2000
        vat = (fee * 11 * 2 + 100) // 200
        assert footer[1] == str(len(rows))
        assert [whole(v) for v in footer[5:9]] == [gross, fee, vat, gross - fee - vat]
        if rows:
            assert rows[-1]["type"] == "FEE"
            assert [whole(rows[-1][k]) for k in ("fee", "vat", "net")] == [fee, vat, -fee - vat]
        payouts = [line for line in run.bank(day)[0] if f"PG1-{day:%Y%m%d}" in line[1]]
        assert [whole(line[3]) for line in payouts] == ([gross - fee - vat] if rows else [])
        # What yesterday's orders left open is what the truth names.
        owed = {ref: amount for ref, amount in due.items() if ("PAYMENT", ref) not in settled}
        assert owed == {ref: amount for (d, ref), amount in late.items() if d == str(day)}
        assert refunded == {ref for kind, ref in settled if kind == "REFUND"}
        for order in run.orders(day):
            due[order["order_id"]] = int(order["price"]) - int(order["promo"])
            if order["refunded_at"]:
                refunded.add(order["order_id"])
        cash |= due
    assert late


def test_bank_runs_and_top_ups_reach_the_deposit(run: Run) -> None:
    balance = int(json.loads((run.out / "opening.json").read_text())["bank"]["BCA"])
    sent: Counter[tuple[str, int]] = Counter()
    for day in run.dates():
        lines, footer = run.bank(day)
        assert footer["Saldo Awal"] == balance
        moves = [whole(line[3]) * (1 if line[4] == "CR" else -1) for line in lines]
        for line, move in zip(lines, moves, strict=True):
            balance += move
            assert whole(line[5]) == balance
            assert line[0] == f"{day:%d/%m/%Y}"
            if "TOPUP" in line[1]:
                *_, partner, ticket = line[1].split()
                assert dots(ticket) == -move
                sent[partner, -move] += 1
        assert footer["Kredit"] == sum(m for m in moves if m > 0)
        assert footer["Debet"] == -sum(m for m in moves if m < 0)
        assert footer["Saldo Akhir"] == balance
    credited = Counter(
        (partner.upper(), dots(row["Kredit"]))
        for partner in run.summary.partners
        for day in run.dates()
        for row in run.supply(partner, day)
        if row["Kode Produk"] == "TOPUP"
    )
    assert max(sent.values()) == 1
    assert credited <= sent
    assert len(sent - credited) <= len(run.summary.partners)  # the last evening's


@dataclass
class Both:
    """What both sides have said of one order so far."""

    ours: str = ""
    expected: int = 0
    serial: str = ""
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    back: set[str] = field(default_factory=set)

    def residue(self) -> int:
        left = -self.expected if self.ours == "SUCCESS" else 0
        for ident, row in self.rows.items():
            if row["Status"] != "PENDING" and ident not in self.back:
                left += dots(row["Debet"])
        return left

    def matched(self) -> bool:
        live = [r for i, r in self.rows.items() if r["Status"] == "SUKSES" and i not in self.back]
        costs = [dots(row["Debet"]) for row in live]
        return self.ours == "SUCCESS" and self.expected in costs

    def waiting(self) -> bool:
        """Say whether someone is pending and no money tells of it."""
        theirs = any(row["Status"] == "PENDING" for row in self.rows.values())
        return not self.residue() and (self.ours == "PENDING" or theirs)


def prices(run: Run, partner: str) -> dict[str, list[tuple[str, str, int]]]:
    found = defaultdict(list)
    with (run.out / "prices" / f"{partner}.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            span = (row["from"], row["to"] or "9999", int(row["cost"]))
            found[row["product"]].append(span)
    return found


def follow(run: Run) -> Iterator[tuple[date, dict[tuple[str, str], Both]]]:
    """Read the files day by day, as they come in; yield what is known at each day's end."""
    lists = {partner: prices(run, partner) for partner in run.summary.partners}
    known: defaultdict[tuple[str, str], Both] = defaultdict(Both)

    def cost(partner: str, product: str, moment: str) -> int:
        fitting = [c for since, until, c in lists[partner][product] if since <= moment < until]
        assert len(fitting) == 1
        return fitting[0]

    for day in run.dates():
        for row in run.orders(day):
            if not row["partner"]:
                assert row["status"] in {"PENDING", "FAILED"}
                continue
            both = known[row["partner"], row["order_id"]]
            both.ours, both.serial = row["status"], row["serial"]
            both.expected = cost(row["partner"], row["product"], row["paid_at"])
            if row["status"] == "SUCCESS":
                # No order stands astride a change of its price.
                assert both.expected == cost(row["partner"], row["product"], row["status_at"])
        for row in run.tokopedia(day):
            both = known["AggA", row["ref_id"]]
            both.ours = "SUCCESS"
            both.expected = cost("AggA", row["product_code"], row["timestamp"])
        for partner in run.summary.partners:
            for row in run.supply(partner, day):
                if row["Kode Produk"] == "TOPUP":
                    continue
                both = known[partner, row["Ref ID"]]
                if row["Kode Produk"] == "REFUND":
                    both.back.add(row["Ref Asal"])
                    undone = both.rows[row["Ref Asal"]]
                    assert row["Kredit"] == undone["Debet"]
                else:
                    both.rows[row["ID Transaksi"]] = row
        yield day, known


def test_truth_is_the_residue_of_both_sides_order_by_order(run: Run) -> None:
    truth: defaultdict[str, Rows] = defaultdict(list)
    for row in run.truth("outcomes"):
        truth[row["day"]].append(row)
    newly = {(r["day"], r["partner"]): int(r["matched"]) for r in run.truth("matched")}
    done: set[tuple[str, str]] = set()
    for day, known in follow(run):
        named: Counter[tuple[str, str]] = Counter()
        pending = set()
        for row in truth[str(day)]:
            key = (row["partner"], row["ref"])
            named[key] += int(row["amount"])
            if row["outcome"] == "pending":
                assert row["amount"] == "0"
                pending.add(key)
            if row["partner_ref"]:
                assert row["partner_ref"] in known[key].rows
        left = {key: both.residue() for key, both in known.items() if both.residue()}
        assert {key: amount for key, amount in named.items() if amount} == left
        assert pending == {key for key, both in known.items() if both.waiting()}
        new = {key for key, both in known.items() if both.matched()} - done
        for partner in run.summary.partners:
            assert newly[str(day), partner] == sum(key[0] == partner for key in new)
        done |= new


def test_classes_follow_from_what_the_sides_say(run: Run) -> None:
    truth = {(r["day"], r["ref"], r["partner_ref"]): r["outcome"] for r in run.truth("outcomes")}
    by_ref: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for (day, ref, _), outcome in truth.items():
        by_ref[day, ref].append(outcome)
    says = {
        "missing_at_partner": ("SUCCESS", set()),
        "partner_failed": ("SUCCESS", {"GAGAL"}),
        "cost_mismatch": ("SUCCESS", {"SUKSES"}),
        "duplicate_delivery": ("SUCCESS", {"SUKSES"}),
        "late_success": ("FAILED", {"SUKSES"}),
        "restore_missing": ("FAILED", {"GAGAL"}),
        "delivered_not_recorded": ("PENDING", {"SUKSES"}),
        "missing_at_platform": ("", {"SUKSES"}),
    }
    met = set()
    for day, known in follow(run):
        for (_, ref), both in known.items():
            for outcome in by_ref[str(day), ref]:
                met.add(outcome)
                if outcome in says:
                    stated = {row["Status"] for row in both.rows.values()}
                    assert (both.ours, stated) == says[outcome]
    assert met == {*says, "pending", "timing"}


def test_every_outcome_occurs_at_the_default_size(tmp_path: Path) -> None:
    summary = simulate(tmp_path)
    assert len(summary.outcomes) == 10
    assert all(count >= 3 for count in summary.outcomes.values())
    rows = Run(tmp_path, summary, 31).truth("outcomes")
    worst = {r["ref"] for r in rows if r["outcome"] == "delivered_not_recorded"}
    waited = Counter(r["ref"] for r in rows if r["outcome"] == "timing" and r["ref"] in worst)
    assert set(waited.values()) <= {3, 4}  # 72 hours; one evening more before the cut-off


def test_a_quiet_business_has_only_crossings_of_a_cut_off(tmp_path: Path) -> None:
    summary = simulate(tmp_path, days=3, orders_per_day=400, faults=Faults.none())
    assert set(summary.outcomes) <= {"timing", "pending"}
    quiet = Run(tmp_path, summary, 3)
    assert quiet.truth("gateway") == []
    statuses = {row["status"] for day in quiet.dates() for row in quiet.orders(day)}
    assert statuses <= {"SUCCESS", "PENDING"}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("late_success", "late_success"),
        ("partner_failed", "partner_failed"),
        ("missing_at_partner", "missing_at_partner"),
        ("missing_at_platform", "missing_at_platform"),
        ("cost_mismatch", "cost_mismatch"),
        ("silent_raises", "cost_mismatch"),
        ("duplicate_delivery", "duplicate_delivery"),
        ("restore_missing", "restore_missing"),
        ("delivered_not_recorded", "delivered_not_recorded"),
    ],
)
def test_each_fault_alone_brings_its_own_outcome(tmp_path: Path, fault: str, outcome: str) -> None:
    count = 5 if fault == "silent_raises" else 0.02
    faults = Faults.none(**{fault: count})
    summary = simulate(tmp_path, days=6, orders_per_day=300, faults=faults)
    assert set(summary.outcomes) - {"timing", "pending"} == {outcome}


def test_every_fault_can_be_turned_off() -> None:
    assert all(getattr(Faults.none(), f.name) == 0 for f in fields(Faults))


def test_totals_follow_from_the_order_files(run: Run) -> None:
    totals = {(r["day"], r["channel"]): r for r in run.truth("totals")}
    for day in run.dates():
        own = totals[str(day), "own"]
        rows = run.orders(day)
        cash = {r["order_id"]: int(r["price"]) - int(r["promo"]) for r in rows}
        paid = [r["order_id"] for r in rows if r["paid_at"].startswith(str(day))]
        sold = [
            r["order_id"]
            for r in rows
            if r["status"] == "SUCCESS" and r["status_at"].startswith(str(day))
        ]
        back = [r["order_id"] for r in rows if r["refunded_at"].startswith(str(day))]
        for name, refs in (("paid", paid), ("delivered", sold), ("refunded", back)):
            assert int(own[f"{name}_count"]) == len(refs)
            assert int(own[f"{name}_sum"]) == sum(cash[ref] for ref in refs)
        sales = run.tokopedia(day)
        market = totals[str(day), "tokopedia"]
        assert int(market["delivered_count"]) == len(sales)
        total = sum(int(r["amount"]) + int(r["admin_fee"]) for r in sales)
        assert int(market["delivered_sum"]) == total


def test_a_pair_for_measuring_ties_too(tmp_path: Path) -> None:
    summary = simulate_pair(tmp_path, 200_000)
    names = {path.name for path in (tmp_path / "inbox").iterdir()}
    assert names == {"orders_2026-03-02.csv", "AggA_mutasi_20260302.csv"}
    lines = (tmp_path / "inbox" / "AggA_mutasi_20260302.csv").read_text("utf-8").splitlines()
    assert len(lines) == summary.rows["supply"] + 4
    balance = int(json.loads((tmp_path / "opening.json").read_text())["deposits"]["AggA"])
    for row in csv.DictReader(lines[2:-1], delimiter=";"):
        balance += dots(row["Kredit"]) - dots(row["Debet"])
        assert dots(row["Saldo"]) == balance
    assert {"late_success", "duplicate_delivery", "cost_mismatch"} < set(summary.outcomes)


@pytest.mark.parametrize("wrong", [{"days": 0}, {"orders_per_day": 0}, {"partners": 27}])
def test_impossible_sizes_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"at least|between"):
        simulate(tmp_path, **wrong)


def test_an_order_that_reached_no_partner_fails_and_is_refunded(run: Run) -> None:
    last: dict[str, dict[str, str]] = {}
    for day in run.dates():
        last |= {row["order_id"]: row for row in run.orders(day) if not row["partner"]}
    states = Counter((row["status"], bool(row["refunded_at"])) for row in last.values())
    assert states["FAILED", True] >= 5
    assert states["FAILED", True] >= len(last) - 1  # at most one stands open on the last evening
