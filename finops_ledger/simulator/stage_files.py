"""What the stage hands over: every partner's file of every day, prices, payment lists, and the truth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

from finops_ledger.simulator.players import BILLER, CAST, GATEWAY, OPENING, Player
from finops_ledger.simulator.stage import Stage, Supplied

SHOP_HEADER: Final = (
    "order_id,paid_at,partner,channel,product,quantity,price,promo,status,status_at,refunded_at,"
    "payment_ref,serial,customer"
)
SUPPLY_HEADER: Final = (
    "No;Tanggal;ID Transaksi;Ref ID;Ref Asal;Kode Produk;Nomor Tujuan;Status;SN;Debet;Kredit;Saldo;"
    "Keterangan"
)
BILLS_HEADER: Final = "time,trx,order_id,product,bill,admin,commission,ppn,status"
STATEMENT_HEADER: Final = "Tanggal;No. Mutasi;Keterangan;Ref;Debet;Kredit;Saldo"
REPORT_HEADER: Final = (
    "settlement_id,settlement_date,order_id,payment_ref,type,gross,fee,vat,net,paid_at"
)


def write(stage: Stage, inbox: Path) -> dict[str, int]:
    """Write the files of every day; return the rows by kind of file. Bank lines stay in ``stage.lines``."""
    rows: Counter[str] = Counter()
    for day in range(stage.world.days):
        lines = stage.sales[day]
        _save(inbox / f"shop_{stage.world.date(day)}.csv", [SHOP_HEADER, *lines])
        rows["shop"] += len(lines)
        rows["report"] += _write_report(stage, inbox, day)
    for player in CAST:
        if player is BILLER:
            rows["bills"] += _write_bills(stage, inbox)
            continue
        rows["supply"] += _write_supply(stage, inbox, player.name)
        if player.statement:
            rows["statement"] += _write_statement(stage, inbox, player.name)
    return dict(rows)


def _save(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _write_report(stage: Stage, inbox: Path, day: int) -> int:
    date = stage.world.date(day)
    name = f"{GATEWAY}-{date:%Y%m%d}"
    lines, total = [], 0
    for ref, type_, gross in stage.reported[day]:
        lines.append(f"{name},{date},{ref},PAY-{ref},{type_},{gross},0,0,{gross},{date} 08:00:00")
        total += gross
    fee, vat = stage.fees(day)
    if fee:
        lines.append(f"{name},{date},,,FEE,0,{fee},{vat},{-fee - vat},")
    net = total - fee - vat
    foot = f"TOTAL,{len(lines)},,,,{total},{fee},{vat},{net},"
    _save(inbox / f"{GATEWAY}_settlement_{date:%Y%m%d}.csv", [REPORT_HEADER, *lines, foot])
    on, less = stage.paid_out.get(day, (day, 0))
    if net - less and on is not None:
        stage.bank(on, f"KR OTOMATIS {GATEWAY} SETTLEMENT {name}", net - less, 6)
    return len(lines)


def _write_supply(stage: Stage, inbox: Path, partner: str) -> int:
    balance, count = OPENING, 0
    for day in range(stage.world.days):
        lines: list[str] = []
        date, debits, credits = stage.world.date(day), 0, 0
        for row in stage.of_day(partner, day):
            balance += row.jump + row.moved
            debits, credits = debits + row.debit, credits + row.credit
            lines.append(_supplied(stage, row, len(lines) + 1, balance))
        foot = f"TOTAL;{len(lines)};;;;;;;;{dots(debits)};{dots(credits)};{dots(balance)};"
        head = ["LAPORAN MUTASI DEPOSIT", f"Periode;{date}", SUPPLY_HEADER]
        end = [] if (partner, day) in stage.short else [foot]
        if (partner, day) not in stage.absent:
            _save(inbox / f"{partner}_mutasi_{date:%Y%m%d}.csv", [*head, *lines, *end])
        count += len(lines)
    return count


def _supplied(stage: Stage, row: Supplied, number: int, balance: int) -> str:
    shown = dots(balance) if row.moved or row.jump else ""
    began = f"{stage.world.date(row.began):%d/%m/%Y} {row.clock}"
    cells = [str(number), began, row.own, row.ref, row.orig, row.code, "081200001234", row.status]
    debit = "tidak terbaca" if row.broken else _some(row.debit)
    return ";".join([*cells, row.serial, debit, _some(row.credit), shown, ""])


def _write_bills(stage: Stage, inbox: Path) -> int:
    for day in range(stage.world.days):
        path = inbox / f"{BILLER.name}_mutasi_{stage.world.date(day):%Y%m%d}.csv"
        _save(path, [BILLS_HEADER, *stage.bills[day]])
    return sum(len(stage.bills[day]) for day in range(stage.world.days))


def _write_statement(stage: Stage, inbox: Path, partner: str) -> int:
    balance, count = OPENING, 0
    for day in range(stage.world.days):
        lines: list[str] = []
        date, debits, credits = stage.world.date(day), 0, 0
        opening = balance
        for line in sorted(stage.moves_of[partner, day]):
            balance += line.jump + line.credit - line.debit
            debits, credits = debits + line.debit, credits + line.credit
            debit = "tidak terbaca" if line.broken else _some(line.debit)
            cells = [f"{date:%d/%m/%Y} {line.clock}", line.own, line.text, line.ref, debit]
            lines.append(";".join([*cells, _some(line.credit), dots(balance)]))
        head = ["MUTASI SALDO DEPOSIT", f"SALDO AWAL;;;;;;{dots(opening)}", STATEMENT_HEADER]
        foot = [f"TOTAL MUTASI;;;;{dots(debits)};{dots(credits)};"]
        foot.append(f"SALDO AKHIR;;;;;;{dots(balance)}")
        _save(inbox / f"{partner}_deposit_{date:%Y%m%d}.csv", [*head, *lines, *foot])
        count += len(lines)
    return count


def write_prices(folder: Path) -> None:
    """Write each partner's price list."""
    for player in CAST:
        cost = "face - commission" if player is BILLER else ""
        lines = [
            f"{w.code},{w.category},{w.price if cost else ''},{cost or w.cost},,"
            for w in player.wares
        ]
        _save(folder / f"{player.name}.csv", ["product,category,face,cost,from,to", *lines])


def opening(stage: Stage) -> dict[str, Any]:
    """Return who plays, as the workspace has to declare it, and the payment lists that people decided."""
    return {
        "gateway": GATEWAY,
        "partners": [_declared(player) for player in CAST],
        "payments": [{**p._asdict(), "day": str(stage.world.date(p.day))} for p in stage.payments],
    }


def _declared(player: Player) -> dict[str, Any]:
    return {
        "name": player.name,
        "statement": player.statement,
        "model": player.model,
        "due": player.due,
    }


def deposits() -> dict[str, str]:
    """Return what lies at each partner before the first day; nothing at one that is paid afterwards."""
    return {player.name: str(OPENING) for player in CAST if player is not BILLER}


def write_truth(stage: Stage, folder: Path) -> None:
    """Write every item with its class and residue, from which day on, and until when; and when files come."""
    _tell_gaps(stage)
    lines = ["leg,counterparty,ref,occurrence,outcome,amount,since,until"]
    for item in sorted(stage.items, key=lambda i: (*i[:5], i.since)):
        until = "" if item.until is None else str(stage.world.date(item.until))
        since = str(stage.world.date(item.since))
        lines.append(",".join([*item[:5], str(item.amount), since, until]))
    _save(folder / "items.csv", lines)
    lines = ["file,comes,wrong"]
    for player in CAST:
        for day in range(stage.world.days) if player.due else ():
            if (player.name, day) in stage.absent:
                continue
            hour = "09:00" if (player.name, day) in stage.late else "05:00"
            wrong = "short" if (player.name, day) in stage.short else ""
            name = f"{player.name}_mutasi_{stage.world.date(day):%Y%m%d}.csv"
            lines.append(f"{name},{stage.world.date(day + 1)} {hour},{wrong}")
    _save(folder / "files.csv", lines)


def _tell_gaps(stage: Stage) -> None:
    """A jump of the balance is named by the place of the row after it."""
    stated = {player.name for player in CAST if player.statement}
    for outcome, partner, day, own, amount in stage.gaps:
        if partner in stated:
            moved = sorted(stage.moves_of[partner, day])
            at = next(n for n, line in enumerate(moved) if line.own == own)
            # The statement says its opening, so that a gap before its first line lies within it.
            leg, source, shown = "supply-statement", f"{partner.lower()}-deposit", True
        else:
            rows = stage.of_day(partner, day)
            at = next(n for n, r in enumerate(rows) if r.own == own)
            leg, source = "sale-supply", partner.lower()
            shown = any(r.moved or r.jump for r in rows[:at])
        # Before the first balance that the file shows, the gap lies between two files.
        place = str(at + 1) if shown else "opening"
        mark = "?" if outcome == "file_defect" else "!"
        key = f"{mark}{source} {stage.world.date(day)} {place}"
        stage.true(leg, partner, key, outcome, amount, day)
    stage.gaps.clear()


def dots(amount: int) -> str:
    """Write rupiah with dots between thousands."""
    return f"{amount:,}".replace(",", ".")


def _some(amount: int) -> str:
    return dots(amount) if amount else ""
