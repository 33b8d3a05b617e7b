"""Reference pages say what the code has: no key, class, code or command more or less."""

from __future__ import annotations

import ast
import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from finops_ledger.books import config, config_engine, config_payments, files_due
from finops_ledger.core import kinds
from finops_ledger.core.errors import FinopsError, InputRefused, IntegrityError, UsageError
from finops_ledger.intake import spec, spec_file
from finops_ledger.recon import classes, legs
from finops_ledger.sop import funding, matching, pay, rails, schedule, terms
from finops_ledger.sop import legs as sop_legs
from finops_ledger.sop import model as sop
from finops_ledger.sop.confirmation import Confirmation
from finops_ledger.subledger import manifest
from finops_ledger.treasury import uploads
from tests.docs import pages as p
from tests.docs.references import written

REFERENCE = p.DOCS / "reference"
PACKAGE = p.ROOT / "finops_ledger"

CONFIGURATION: dict[str, type[BaseModel]] = {
    "`[company]`": config.Company,
    "`[privacy]`": config.Privacy,
    "`[engine]`": config.EngineLimits,
    "`[engine.spark]`": config_engine.Spark,
    "`[limits]`": config.Limits,
    "`[payments]`": config_payments.Payments,
    "`[[payments.accounts]]`": config_payments.OwnAccount,
    "`[payments.layouts.<name>]`": uploads.Layout,
    "`columns = [{ … }]`": uploads.Cell,
    "`[intake]`": config.Intake,
    "`[letters]`": config.Letters,
    "`[[legs]]`": sop_legs.LegRule,
    "`left = { … }`": sop_legs.Rows,
    "`classes = { … }`": sop_legs.Classes,
    "`[[allowance]]`": config.Allowance,
    "`[[rails]]`": rails.Rail,
    "`hours = { … }`": rails.Hours,
    "`[[sources]]`": config.Source,
    "`day = { … }`": config.FileDay,
    "`parts = { … }`": config.Parts,
}
SOPS: dict[str, type[BaseModel]] = {
    "The file": sop.Sop,
    "`[[versions]]`": sop.Version,
    "`[versions.supply]`": sop.Supply,
    "`[versions.supply.window]`": sop.WindowRule,
    "`[versions.deposit]`": sop.Deposit,
    "`[versions.deposit.confirmation]`": Confirmation,
    "`[versions.deposit.tax]`": sop.TopupTax,
    "`[versions.funding]`": funding.Funding,
    "`[[versions.funding.events]]`": funding.Event,
    "`[versions.funding.approvers]`": funding.OpenHours,
    "`[versions.funding.crediting]`": funding.Crediting,
    "`[versions.funding.concentration]`": funding.Concentration,
    "`[versions.recognition.<category>]`": sop.Recognition,
    "`[versions.tolerance.cost]`": terms.Tolerance,
    "`[versions.match]`": sop.Match,
    "`[[versions.match.passes]]`": matching.Pass,
    "`[versions.settlement]`": terms.Settlement,
    "`[versions.settlement.schedule]`": schedule.Schedule,
    "`[versions.settlement.pay]`": pay.Pay,
    "`[versions.settlement.fee]`": terms.Fee,
    "`[versions.settlement.tax]`": terms.Taken,
    "`[[versions.rebates]]`": terms.Rebate,
    "`[[versions.lines]]`": sop.BankLine,
}
FORMATS: dict[str, type[BaseModel]] = {
    "The file": spec.Format,
    "`[file]`": spec.FileSpec,
    "`[file.lines]`": spec_file.LinesSpec,
    "`[[file.pieces]]`": spec_file.Piece,
    "`[[file.continued]]`": spec_file.Continuation,
    "`[numbers]`": spec.NumberSpec,
    "`[times]`": spec.TimeSpec,
    "`zone = { … }`": spec.ZoneSpec,
    "`[fields.<column>]`": spec.FieldSpec,
    "`[status]`": spec.StatusSpec,
    "`[privacy]`": spec.PrivacySpec,
    "`[[identities]]`": spec.Identity,
    "`[[totals]]`": spec.Total,
    "`[period]`": spec.Period,
    "`[exclude]`": spec.ExcludeSpec,
}
TABLES = [
    *((name, head, model) for name, heads in
      (("configuration", CONFIGURATION), ("sops", SOPS), ("formats", FORMATS))
      for head, model in heads.items()),
]  # fmt: skip


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def section(name: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    found = re.search(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", page(name), re.DOTALL | re.MULTILINE
    )
    assert found, f"{name}.md has no heading {heading}"
    return found.group(1)


def table(text: str) -> list[list[str]]:
    """The cells of the first table whose first column is code."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def keys(model: type[BaseModel]) -> dict[str, Any]:
    """The keys of a model as TOML has them, with their fields."""
    return {f.alias or n: f for n, f in model.model_fields.items()}


def default(field: Any) -> str:
    """A field's default as a page writes it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, timedelta):
        return f'`"{int(value.total_seconds() // 3600)}h"`'
    if isinstance(value, BaseModel):
        return "model"
    if hasattr(value, "isoformat"):
        return f'`"{value:%H:%M}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return '`"{}"`'.format(value.replace('"', '\\"'))
    if isinstance(value, tuple):
        return f"`{json.dumps([getattr(v, 'name', v) for v in value])}`"
    return f"`{value}`"


@pytest.mark.parametrize("name", ["rows", "commands", "taxes", "../how-to/resolve-a-break"])
def test_generated_text_is_the_code_s(name: str) -> None:
    assert written(page(name)) == page(name), "python -m tests.docs writes it"


@pytest.mark.parametrize(("name", "heading", "model"), TABLES)
def test_the_page_has_each_key_with_its_default(
    name: str, heading: str, model: type[BaseModel]
) -> None:
    told = {row[0].strip("`"): row for row in table(section(name, heading))}
    known = keys(model)
    assert list(told) == list(known)
    for key, field in known.items():
        shown, real = told[key][1], default(field)
        if real != "model":
            assert shown in (real, f'`"{real.strip("`")}"`') or (
                key == "undelivered" and shown == '`"72h"`'
            ), f"{heading} {key}: {shown}, the code has {real}"


def test_conditions_have_each_key() -> None:
    told = [row[0].strip("`") for row in table(section("formats", "Conditions"))]
    assert sorted(told) == sorted({*keys(spec.Rule), *keys(spec.Exclusion)})


def test_every_class_with_its_priority_and_home() -> None:
    rows = {row[0].strip("`"): row for row in table(page("breaks").split("## Not breaks")[0])}
    assert list(rows) == list(classes.CLASSES)
    for class_, row in rows.items():
        above, below = (classes.priority(class_, Decimal(sign)) for sign in (1, -1))
        assert row[5] == (f"{above}, {below}" if class_ in classes.BELOW_ZERO else f"{above}")
        assert above == below or class_ in classes.BELOW_ZERO
        assert row[3] == ("stays" if class_ in classes.RESIDUE_ZERO else "Breaks"), class_
        known = (*legs.LEGS, files_due.LEG)
        assert all(leg in known for leg in row[1].split(", ") if leg), class_
    others = [row[0].strip("`") for row in table(section("breaks", "Not breaks"))]
    assert others == list(classes.NOT_BREAKS)


def _first_code(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = ("Problem", "problem", "_fault", "fault", "Check", "check", "Refused", "Fault")
    second = ("refuse", "unreadable", "_refused")
    place = {**dict.fromkeys(first, 0), **dict.fromkeys(second, 1)}.get(name)
    if place is None or len(call.args) <= place:
        return None
    code = call.args[place]
    return code.value if isinstance(code, ast.Constant) and isinstance(code.value, str) else None


def codes() -> set[str]:
    """Every code that a problem of a file can have."""
    found = set()
    names = ("importing", "bank_statement", "statement", "parts", "invoices", "billing")
    books = [PACKAGE / "books" / f"{name}.py" for name in names]
    for path in [*(PACKAGE / "intake").rglob("*.py"), *books]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (code := _first_code(node)):
                found.add(code)
    return {c for c in found if re.fullmatch(r"[a-z]+(-[a-z]+)*", c)}


def test_every_code_of_a_problem() -> None:
    text = page("errors").split("## What is wrong with a file")[1]
    told = [row[0].strip("`") for row in table(text)]
    assert len(told) == len(set(told))
    assert set(told) == codes()


def test_every_exit_code() -> None:
    told = {int(n) for n in re.findall(r"^\| (\d+) \|", page("errors"), re.MULTILINE)}
    known = {e.exit_code for e in (FinopsError, UsageError, IntegrityError)}
    known.add(InputRefused("f", []).exit_code)
    assert told == {0, 1, 130, *known}


def test_every_kind_of_posting() -> None:
    text = page("books")
    listed = re.search(r"^Kinds: (.*?)\. On accounts", text, re.DOTALL | re.MULTILINE)
    assert listed
    assert re.findall(r"`([a-z-]+)`", listed.group(1)) == list(kinds.POSTING_KINDS)


def test_every_kind_of_line_of_the_manifest() -> None:
    source = ast.parse(Path(manifest.__file__).read_text("utf-8"))
    known = {
        node.comparators[0].value
        for node in ast.walk(source)
        if isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Name)
        and node.left.id == "kind"
        and isinstance(node.comparators[0], ast.Constant)
    }
    assert set(re.findall(r"^## `([a-z]+)`", page("manifest"), re.MULTILINE)) == known
