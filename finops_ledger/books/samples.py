"""Books of one file: a workspace laid out for one source, and one for each shipped sample.

A shipped sample has a source, an SOP and where needed a price list and an opening balance of its own here, so
that it goes the whole way: imported, posted, reconciled, loaded by Beancount.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from finops_ledger.books.books import Books
from finops_ledger.core.money import plain
from finops_ledger.intake import toml
from finops_ledger.intake.formats import load_format, shipped

#: The samples' customers do not exist, and their books must come out the same everywhere.
KEY: Final = "sample-books-of-nobody-0001"
NOW: Final = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
START: Final = date(2001, 1, 1)


class Setting(BaseModel):
    """What a file needs to become books: who it is from, in which currency, and its surroundings.

    ``sample.toml`` beside a shipped sample. ``day`` is the file's day where its rows do not say it.
    ``opening`` is the balance of the account before the file; a bank statement states its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    counterparty: str = ""
    currency: str = "IDR"
    day: date | None = None
    opening: Decimal | None = None
    #: Suppliers: each one's name, and the rows of its price list.
    partners: dict[str, str] = {}
    gateway: str = ""
    account_number: str = ""  #: of a bank file that holds several accounts


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What became of one shipped sample."""

    name: str
    role: str
    currency: str
    workspace: Path
    verdict: str
    read: int
    posted: int
    excluded: int
    refused: int
    control: str
    errors: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Imported, and Beancount and the plugins find nothing wrong."""
        return self.verdict == "imported" and not self.errors

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return self.read


_BY_ROLE: Final = {
    "sale": Setting(gateway="Gateway"),
    "supply": Setting(counterparty="Partner", partners={"Partner": ""}),
    "deposit": Setting(counterparty="Partner", partners={"Partner": ""}),
    "settlement": Setting(counterparty="Gateway"),
    "bank": Setting(counterparty="Bank"),
    "report": Setting(),
}

_SOURCE = """
[[sources]]
name = "{name}"
role = "{role}"
format = "{format}"
match = "*"
"""
_SOP = """counterparty = "{who}"
type = "{type}"
{aliases}
[[versions]]
effective = {start}
change_id = "SOP-{who}-1"
reason = "first version"
author = "finops-lead"
approver = "controller"
{treatment}"""
_SUPPLIER = """prices = "prices/{who}.csv"

[versions.supply]
statement = "{statement}"
window = {{ opens = "23:00", named_by = "end" }}
grace = "0h"

[versions.recognition.Pulsa]
model = "agent"

[versions.recognition.PLN-Token]
model = "agent"

[versions.recognition.Bill]
model = "agent"

[versions.recognition.Game-Voucher]
model = "principal"
tax = "ppn-margin"
"""
_GATEWAY = """
[versions.settlement]
lag = 1
"""
_BANK = """lines = [
  { when = "^(BIAYA ADM|Bank charge)", kind = "fee" },
]
"""


def lay_out_rules(root: Path, format_: str, setting: Setting) -> str:
    """Lay out a workspace for one source: its source, SOPs and price lists; return the source's name."""
    role = load_format(shipped()[format_]).role or "bank"
    Books.init(root, title=format_, start=START, currency=setting.currency, key=KEY)
    name = setting.counterparty.lower() or format_
    with (root / "finops.toml").open("a", encoding="utf-8") as file:
        file.write(_source(name, format_, role, setting))
    statement = "deposit" if role == "deposit" else "transactions"
    for who, prices in setting.partners.items():
        treatment = _SUPPLIER.format(who=who, statement=statement)
        _sop(root, who, "supplier", treatment, f'aliases = ["{who.upper()}"]\n')
        text = f"product,category,face,cost,from,to\n{prices}"
        (root / "prices" / f"{who}.csv").write_text(text, encoding="utf-8")
    if setting.gateway:
        _sop(root, setting.gateway, "gateway", _GATEWAY)
    if role == "settlement":
        _sop(root, setting.counterparty, "gateway", _GATEWAY)
    if role == "bank":
        _sop(root, setting.counterparty, "bank", _BANK)
    return name


def inbox_name(path: Path, setting: Setting) -> str:
    """Return the name that a file has in the inbox: with its day, where its rows do not say it."""
    if setting.day is None:
        return path.name
    return f"{path.stem}_{setting.day:%Y%m%d}{path.suffix}"


def lay_out_file(root: Path, path: Path, format_: str, setting: Setting) -> Books:
    """Lay out a workspace for one file, a copy of it in the inbox; the file stays where it is."""
    lay_out_rules(root, format_, setting)
    shutil.copyfile(path, root / "inbox" / inbox_name(path, setting))
    return Books(root, clock=lambda: NOW)


def _source(name: str, format_: str, role: str, setting: Setting) -> str:
    text = _SOURCE.format(name=name, role=role, format=format_)
    if setting.counterparty:
        text += f'counterparty = "{setting.counterparty}"\n'
    if role == "bank":
        text += f'account = "Assets:Bank:{setting.counterparty}"\n'
    if setting.account_number:
        text += f'account_number = "{setting.account_number}"\n'
    if setting.gateway:
        text += f'gateway = "{setting.gateway}"\n'
    if setting.day is not None:
        covers = ', covers = "rows"' if role == "bank" else ""
        text += f"day = {{ name = '_(\\d{{8}})\\.'{covers} }}\n"
    return text


def _sop(root: Path, who: str, type_: str, treatment: str, aliases: str = "") -> None:
    text = _SOP.format(
        who=who, type=type_, start=START.isoformat(), treatment=treatment, aliases=aliases
    )
    (root / "sops" / f"{who}.toml").write_text(text, encoding="utf-8")


def open_with(root: Path, account: str, day: date, amount: Decimal, currency: str) -> None:
    """Write the opening balance of an account as the decision that it is, the day before ``day``."""
    before = day - timedelta(days=1)
    path = root / "decisions" / f"{before.year}" / f"{before:%Y-%m}.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (
        f'{before.isoformat()} * "opening balance" #decision\n'
        f"  {account}  {plain(amount)} {currency}\n"
        f"  Equity:Opening-Balances  {plain(-amount)} {currency}\n"
    )
    path.write_text(text, encoding="utf-8")


def import_file(books: Books, setting: Setting) -> tuple[Any, dict[str, Any] | None]:
    """Import what waits in a workspace of one file, open its account, reconcile.

    Returns the file's report and its line of the manifest (None when it was refused).
    """
    [report] = books.import_files().files
    if report.verdict != "imported":
        return report, None
    batch = books.space.state.batches[report.batch]
    stated = batch.line["stated"]["opening"]
    opening = Decimal(stated) if stated is not None else setting.opening
    if batch.role in ("bank", "supply", "deposit") and opening is not None:
        account = ":".join(Path(batch.archive).parent.parts[1:])
        open_with(books.root, account, batch.covers[0], opening, setting.currency)
    books.reconcile()
    return report, batch.line


def samples_of(name: str) -> list[Path]:
    """Return the samples beside a shipped format: ``sample.csv``, or several, each with its golden file."""
    folder = shipped()[name].parent
    found = folder.glob("sample*")
    return sorted(p for p in found if p.suffix not in {".beancount", ".toml"} and p.is_file())


def import_shipped_samples(root: Path, names: Sequence[str] | None = None) -> list[SampleReport]:
    """Make books of every shipped sample below ``root``, a workspace each; say what became of it."""
    wanted = sorted(shipped()) if names is None else sorted(names)
    return [
        import_sample(root / name / sample.name, name, sample)
        for name in wanted
        for sample in samples_of(name)
    ]


def setting_of(name: str) -> Setting:
    """Return the setting of a shipped format's samples: that of its folder, else one by its role."""
    own = shipped()[name].with_name("sample.toml")
    if own.exists():
        return toml.load(own, Setting)
    return _BY_ROLE[load_format(shipped()[name]).role or "bank"]


def import_sample(root: Path, name: str, sample: Path) -> SampleReport:
    """Make books of one sample."""
    setting = setting_of(name)
    with lay_out_file(root, sample, name, setting) as books:
        report, line = import_file(books, setting)
        rows = line["rows"] if line else dict.fromkeys(("new", "revised", "read", "refused"), 0)
        left_out: dict[str, int] = line["rows"]["excluded"] if line else {}
        return SampleReport(
            name=name,
            role=line["role"] if line else "",
            currency=setting.currency,
            workspace=root,
            verdict=report.verdict,
            read=rows["read"],
            posted=rows["new"] + rows["revised"],
            excluded=sum(left_out.values()),
            refused=rows["refused"],
            control=line["control"]["read"] if line else "",
            errors=tuple(books.load().messages()) if line else tuple(report.problems),
        )
