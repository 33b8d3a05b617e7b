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
    with_statement = {p["name"] for p in stage["partners"] if p["statement"]}
    partners = [*partners, *(p["name"] for p in stage["partners"])]
    for partner in partners:
        path = root / "sops" / f"{partner}.toml"
        _write(path, "demo/supplier.toml", partner=partner)
        if partner in with_statement:
            text = path.read_text(encoding="utf-8")
            text = text.replace('model = "prepaid"', 'model = "prepaid"\nstatement = "deposit"', 1)
            path.write_text(text, encoding="utf-8")
        shutil.copyfile(simulated / "prices" / f"{partner}.csv", root / "prices" / f"{partner}.csv")
    topups = "".join(
        f'  {{ when = "TOPUP {p.upper()} ", kind = "topup", counterparty = "{p}" }},\n'
        for p in partners
    )
    if "gateway" in stage:
        _write_stage(root, stage)
        topups += (
            f'  {{ when = "{stage["gateway"]} SETTLEMENT", kind = "payout", '
            f"counterparty = \"{stage['gateway']}\", settlement_ref = '{stage['gateway']}-\\d{{8}}' }},\n"
        )
    _write(root / "sops" / "BCA.toml", "demo/bank.toml", topups=topups)
    _write(root / "sops" / "PG1.toml", "demo/gateway.toml", gateway="PG1", lag="1")
    _write(root / "sops" / "Tokopedia.toml", "demo/gateway.toml", gateway="Tokopedia", lag="60")
    _write_opening(root, first, opening)
    for path in sorted((simulated / "inbox").iterdir()):
        shutil.move(path, root / "inbox" / path.name)
    if (simulated / "truth").exists():
        shutil.copytree(simulated / "truth", root / "truth")


def _write_stage(root: Path, stage: dict[str, Any]) -> None:
    """Declare what the stage adds: a shop, its gateway with a fee, partners with one file or two."""
    gateway = stage["gateway"]
    text = template("demo/stage-sources.toml").replace("{gateway}", gateway)
    for partner in stage["partners"]:
        name = partner["name"]
        one = template("demo/supplier-source.toml").replace("{partner}", name)
        text += "\n" + one.replace("{name}", name.lower())
        if partner["statement"]:
            one = template("demo/deposit-source.toml").replace("{partner}", name)
            text += "\n" + one.replace("{name}", name.lower())
    with (root / "finops.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + text)
    path = root / "sops" / f"{gateway}.toml"
    _write(path, "demo/gateway.toml", gateway=gateway, lag="1")
    fee = '[versions.settlement.fee]\nrate = "0.007"\nvat = "0.11"\nper = "report"\n\n'
    text = path.read_text(encoding="utf-8").replace(
        "[versions.owners]", fee + "[versions.owners]", 1
    )
    path.write_text(text, encoding="utf-8")


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
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
