"""A format proposed for each shipped sample, as if nobody had written one: answered, it reads the file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.books.samples import samples_of
from finops_ledger.core.errors import InputRefused, UsageError
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.infer import propose
from finops_ledger.intake.read import read
from finops_ledger.intake.spec import FieldSpec, Format
from tests.intake.test_shipped import info

#: Files that a proposal is not made for: their lines are no table, or of several types.
LEFT = {"fixed", "xml", "beangulp"}
#: A trial balance has a debit and a credit in one record: sums, no movements.
BALANCES = {"erp_trial_balance"}
#: That the column of the currency is the customer's, not that of the amounts, no file tells.
BEYOND = {"dlocal_legacy"}
SAMPLES = [(n, p) for n in sorted(set(shipped()) - BALANCES - BEYOND) for p in samples_of(n)]


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads(shipped()[name].read_text("utf-8"))


def answered(proposed: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Answer every question with what the format written by hand says, else with anything sound."""
    out = dict(proposed)
    if out["role"] == "?":
        out["role"] = known["role"]
    if out["key"] == ["?"]:
        out["key"] = known["key"]
    for name, value in out.get("numbers", {}).items():
        if value == "?":
            out["numbers"][name] = known.get("numbers", {}).get(
                name, {"decimal": ".", "thousands": ""}[name]
            )
    times, fields = known.get("times", {}), known["fields"]
    for name, value in list(out.get("times", {}).items()):
        if value == "?":
            out["times"][name] = (
                times.get("zone", "Asia/Jakarta") if name == "zone" else times["format"]
            )
        elif name == "zone" and isinstance(value, dict):
            value["map"] = dict.fromkeys(value["map"], "+07:00")
    for name, value in list(out.get("fields", {}).items()):
        if value == "?":
            out["fields"].pop(name)
            if name in fields:
                out["fields"][name] = fields[name]
                if name.endswith("_at") and times:
                    own = (
                        {"column": fields[name]} if isinstance(fields[name], str) else fields[name]
                    )
                    out["fields"][name] = {"format": times["format"], **own}
        elif isinstance(value, dict):
            if value.get("format") == "?":
                own = fields.get(name)
                value["format"] = (own.get("format") if isinstance(own, dict) else None) or times[
                    "format"
                ]
            for mark in ("debit_mark", "credit_mark"):
                if value.get(mark) == ["?"]:
                    value[mark] = ["(other)"]
            if value.get("signed") == "?":
                value["signed"] = True
            said = known["fields"].get("kind", {}).get("rules", [])
            for rule in value.get("rules", []):
                rule["is"] = next(
                    (
                        k["is"]
                        for k in said
                        if rule.get("equals") in (k.get("equals"), *k.get("one_of", ()))
                    ),
                    "payment",
                )
    out["fields"] = {n: v for n, v in out["fields"].items() if possible(v, out["file"])}
    if "amount" not in out["fields"] and not (out["role"] == "sale" and "price" in out["fields"]):
        out["fields"]["amount"] = {"constant": "0"}
    if "year" in times:
        out["times"] = {**out.get("times", {}), "year": times["year"]}
    if "%z" in str(out.get("times", {}).get("format")):
        out["times"].pop("zone", None)
    for name in {"amount", "price"} & set(out["fields"]):
        given = out["fields"][name]
        out["fields"][name] = {
            **({"column": given} if isinstance(given, str) else given),
            "required": False,
        }
    if out.get("times", {}) == {} and "times" in known:
        out["times"] = known["times"]
    for table in ("map", "codes"):
        if (held := out.get("status", {}).get(table)) is not None:
            said = known.get("status", {}).get(table, {})
            # A settlement's row moved money or did not: its status may not stay unknown.
            other = "success" if out["role"] == "settlement" else "unknown"
            out["status"][table] = {v: said.get(v, other) for v in held}
            if other == "success":
                out["status"][table].setdefault("", other)
    for rule in out.get("exclude", {}).get("rules", []):
        rule["reason"] = "left out"
    if "exclude" in known and not out.get("exclude"):
        there = {*out["file"].get("header", ()), *out["file"].get("optional", ())}
        rules = [r for r in known["exclude"].get("rules", []) if r["column"] in there]
        out["exclude"] = {"rules": rules}
    have = {*out["fields"], "day", "kind", "account"}
    out["key"] = [k for k in out["key"] if k in have] or ["amount"]
    out["revisions_in_file"] = True
    return out


def possible(field: Any, file: dict[str, Any]) -> bool:
    """Whether the proposed file has the columns that an answer names."""
    spec = FieldSpec.model_validate({"column": field} if isinstance(field, str) else field)
    return {*spec.columns()} <= {*file["header"], *file.get("optional", ())}


@pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[f"{n}-{p.name}" for n, p in SAMPLES])
def test_a_proposal_reads_its_file_once_answered(name: str, sample: Path, tmp_path: Path) -> None:
    known = raw(name)
    if known["file"].get("kind") in LEFT or "lines" in known["file"]:
        pytest.skip("no proposal for this kind")
    if known["file"].get("sheet"):
        # Which sheet holds the records is the first question of such a workbook.
        with pytest.raises(InputRefused, match=r"visible sheets; there are: '"):
            propose(sample, name, known["role"])
        return
    proposal = propose(sample, name, known["role"])
    data = tomllib.loads(proposal.text)
    path = tmp_path / "proposed.toml"
    path.write_text(proposal.text, "utf-8")
    if proposal.open:
        with pytest.raises(UsageError, match="undecided"):
            load_format(path)
    fmt = Format.model_validate(answered(data, known))
    given = info(name, known["role"])
    try:
        result = read(sample, fmt, given, tmp_path / "rows.parquet")
    except InputRefused as refused:
        codes = {p.code for p in refused.problems}
        print(name, [str(p) for p in refused.problems][:5])
        raise AssertionError(codes) from refused
    assert result.rows >= proposal.records
