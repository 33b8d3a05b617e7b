"""The demo's workspace: sources, SOPs, price lists and opening for the simulated business.

Reads only what a business would have: the price lists and the opening balances that lie beside the files.
"""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_ledger.books.layout import lay_out, template
from finops_ledger.core.money import plain

#: The demo's customers do not exist, and its books must come out the same everywhere.
KEY = "demo-books-of-nobody-0001"


def lay_out_demo(root: Path, simulated: Path, partners: list[str]) -> None:
    """Lay out a workspace for files that the simulator wrote to ``simulated``; move its inbox over.

    ``partners``: the suppliers' names. The truth, if there, goes to ``root/truth`` untouched.
    """
    opening = json.loads((simulated / "opening.json").read_text(encoding="utf-8"))
    start = date.fromisoformat(opening["start"])
    first = start - timedelta(days=1)
    lay_out(root, title="Demo: PT Contoh Digital", start=first, key=KEY)
    with (root / "finops.toml").open("a", encoding="utf-8") as file:
        file.write(_sources(simulated, partners))
    stage = opening.get("stage", {"partners": []})
    for partner in partners:
        _write_supplier(root, simulated, partner)
    for player in stage["partners"]:
        _write_supplier(root, simulated, player["name"], player)
    partners = [*partners, *(p["name"] for p in stage["partners"] if p["model"] != "postpaid")]
    topups = "".join(
        f'  {{ when = "TOPUP {p.upper()} ", kind = "topup", counterparty = "{p}" }},\n'
        for p in partners
    )
    if "gateway" in stage:
        _write_stage(root, stage)
        topups += _stage_lines(stage)
    _write(root / "sops" / "BCA.toml", "demo/bank.toml", topups=topups)
    _write(root / "sops" / "PG1.toml", "demo/gateway.toml", gateway="PG1", lag="1")
    _write(root / "sops" / "Tokopedia.toml", "demo/gateway.toml", gateway="Tokopedia", lag="60")
    _write_opening(root, first, opening)
    for path in sorted((simulated / "inbox").iterdir()):
        shutil.move(path, root / "inbox" / path.name)
    if (simulated / "truth").exists():
        shutil.copytree(simulated / "truth", root / "truth")


def _write_supplier(
    root: Path, simulated: Path, partner: str, player: dict[str, Any] | None = None
) -> None:
    """Write a supplier's SOP and price list; ``player``: what the stage says of it."""
    prices = f"{partner}.csv"
    shutil.copyfile(simulated / "prices" / prices, root / "prices" / prices)
    path = root / "sops" / f"{partner}.toml"
    if player is not None and player["model"] == "postpaid":
        _write(path, "demo/biller.toml", partner=partner)
        return
    _write(path, "demo/supplier.toml", partner=partner)
    if player is None:
        return
    text = path.read_text(encoding="utf-8")
    model = f'model = "{player["model"]}"'
    if player["statement"]:
        model += '\nstatement = "deposit"'
    text = text.replace('model = "prepaid"', model, 1)
    # Its top-ups are near each other in size: a credit is taken for one only if it is very near.
    text = text.replace("crediting = ", 'nearest = "0.005"\ncrediting = ', 1)
    path.write_text(text, encoding="utf-8")


def _write_stage(root: Path, stage: dict[str, Any]) -> None:
    """Declare what the stage adds: a shop, its gateway with a fee, partners of each model, what was decided to pay."""
    gateway = stage["gateway"]
    text = template("demo/stage-sources.toml").replace("{gateway}", gateway)
    for partner in stage["partners"]:
        name = partner["name"]
        one = template("demo/supplier-source.toml").replace("{partner}", name)
        if partner["model"] == "postpaid":
            one = one.replace('"aggregator"', '"bills"')
        if partner["due"]:
            one = one.rstrip("\n") + f'\ndue = "{partner["due"]}"\n'
        text += "\n" + one.replace("{name}", name.lower())
        if partner["statement"]:
            one = template("demo/deposit-source.toml").replace("{partner}", name)
            text += "\n" + one.replace("{name}", name.lower())
    with (root / "finops.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + text)
    _write(root / "formats" / "bills.toml", "demo/bills.toml")
    path = root / "sops" / f"{gateway}.toml"
    _write(path, "demo/gateway.toml", gateway=gateway, lag="1")
    fee = '[versions.settlement.fee]\nrate = "0.007"\nvat = "0.11"\nper = "report"\n\n'
    text = path.read_text(encoding="utf-8").replace(
        "[versions.owners]", fee + "[versions.owners]", 1
    )
    path.write_text(text, encoding="utf-8")
    _write_payments(root, stage["payments"])


def _stage_lines(stage: dict[str, Any]) -> str:
    """What the bank's lines of the stage's gateway and biller look like."""
    gateway = stage["gateway"]
    lines = (
        f'  {{ when = "{gateway} SETTLEMENT", kind = "payout", counterparty = "{gateway}", '
        f"settlement_ref = '{gateway}-\\d{{8}}' }},\n"
    )
    for name in (p["name"] for p in stage["partners"] if p["model"] == "postpaid"):
        lines += (
            f'  {{ when = "{name.upper()} ", kind = "payment", counterparty = "{name}", '
            f"settlement_ref = '{name}-\\d{{8}}' }},\n"
        )
    return lines


def _write_payments(root: Path, payments: list[dict[str, Any]]) -> None:
    """The payment lists that people decided: what was billed, less the commission granted, is on its way."""
    by_month: dict[str, str] = {}
    for one in sorted(payments, key=lambda p: (p["day"], p["settlement"])):
        who, net = one["counterparty"], one["gross"] - one["granted"]
        text = (
            f'{one["day"]} * "{who}" "payment list" #settlement #decision ^STL-{one["settlement"]}\n'
            '  maker: "finops-lead"\n  checker: "controller"\n'
            f"  Liabilities:Payable:{who}:Unbilled  {one['gross']} IDR\n"
            f"  Assets:Receivable:Commission:{who}  -{one['granted']} IDR\n"
            f"  Assets:Clearing:Settlement-In-Transit:{who}  -{net} IDR\n\n"
        )
        month = str(one["day"])[:7]
        by_month[month] = by_month.get(month, "") + text
    for month, text in by_month.items():
        path = root / "decisions" / month[:4] / f"{month}.beancount"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


def _write(path: Path, name: str, **values: str) -> None:
    text = template(name)
    for word, value in values.items():
        text = text.replace("{" + word + "}", value)
    path.write_text(text, encoding="utf-8")


def _sources(simulated: Path, partners: list[str]) -> str:
    text = "\n" + template("demo/sources.toml")
    for partner in partners:
        one = template("demo/supplier-source.toml").replace("{partner}", partner)
        text += "\n" + one.replace("{name}", partner.lower())
    if any((simulated / "inbox").glob("tokopedia_*.csv")):
        text += "\n" + template("demo/tokopedia-source.toml")
    return text


def _write_opening(root: Path, day: date, opening: dict[str, dict[str, str]]) -> None:
    """The opening balances, as the decision that they are."""
    currency = opening["currency"]
    lines = [f'{day.isoformat()} * "opening balances" #decision']
    total = Decimal(0)
    for bank, amount in sorted(opening["bank"].items()):
        lines.append(f"  Assets:Bank:{bank}  {amount} {currency}")
        total += Decimal(amount)
    for partner, amount in sorted(opening["deposits"].items()):
        lines.append(f"  Assets:Deposits:{partner}  {amount} {currency}")
        total += Decimal(amount)
    lines.append(f"  Equity:Opening-Balances  {plain(-total)} {currency}")
    path = root / "decisions" / f"{day.year}" / f"{day:%Y-%m}.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
