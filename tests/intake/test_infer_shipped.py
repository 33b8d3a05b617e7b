"""A format proposed for each shipped sample, as if nobody had written one: answered, it reads the file."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.books.samples import samples_of
from finops_ledger.core.errors import InputRefused, UsageError
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.infer import propose
from finops_ledger.intake.infer.look import look
from finops_ledger.intake.read import read
from finops_ledger.intake.spec import FieldSpec, Format
from tests.intake.test_shipped import info

#: Files that a proposal is not made for: their lines are no table, or of several types.
LEFT = {"fixed", "xml", "beangulp"}
#: What a proposal says otherwise than the format written by hand, and why it is no wrong guess.
SAME = {
    ("xendit_balance", "amount"): "the amounts have their sign, and the running balance proves it",
    ("xendit_balance", "balance"): "proven, and not needed to read the file",
    ("pg_settlement", "format"): "the form that most of its columns of times have",
    ("paypal_activity", "balance"): "proven, and not needed to read the file",
    ("paypal_statement", "balance"): "proven, and not needed to read the file",
    ("mandiri", "format"): "days are written with two digits in every cell",
}
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
    if "header" not in out["file"]:  # of a standard: the shipped format under a new name
        return out
    if out["role"] == "?":
        out["role"] = known["role"]
    if out["key"] == ["?"]:
        out["key"] = known["key"]
    if out.get("numbers", {}).get("minor_units") == "?":
        out["numbers"]["minor_units"] = known.get("numbers", {}).get("minor_units", False)
    for name, value in out.get("numbers", {}).items():
        if value == "?":
            out["numbers"][name] = known.get("numbers", {}).get(
                name, {"decimal": ".", "thousands": ""}[name]
            )
    times, fields = known.get("times", {}), known["fields"]
    for name, value in list(out.get("times", {}).items()):
        if value == "?":
            zone = times.get("zone", "Asia/Jakarta")
            if isinstance(zone, dict) and zone.get("column") not in {*out["file"]["header"], None}:
                zone = "Asia/Jakarta"
            out["times"][name] = zone if name == "zone" else times["format"]
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
            if "?" in value.get("zero_when_status", ()):
                value["zero_when_status"] = ["failed"]
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
        if rule.get("in_totals") == "?":
            rule["in_totals"] = known["exclude"]["rules"][0].get("in_totals", True)
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


def sheet_of(sample: Path, known: dict[str, Any]) -> str | None:
    """The name that the sheet of records has in a sample, of those that the format knows."""
    names = known["file"].get("sheet", [])
    names = [names] if isinstance(names, str) else names
    with contextlib.suppress(InputRefused):
        look(sample)
        return None
    for name in names:
        with contextlib.suppress(InputRefused):
            look(sample, name)
            return str(name)
    return None


def columns(field: Any) -> set[str]:
    """The columns that a field of money reads."""
    if field is None:
        return set()
    spec = FieldSpec.model_validate({"column": field} if isinstance(field, str) else field)
    return {*spec.amounts()}


@pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[f"{n}-{p.name}" for n, p in SAMPLES])
def test_what_is_decided_is_what_a_person_wrote(name: str, sample: Path) -> None:
    """A guess that another file of the partner would prove wrong is a question, not a guess."""
    known = raw(name)
    if known["file"].get("kind") in LEFT:
        pytest.skip("no proposal for this kind")
    data = tomllib.loads(propose(sample, name, known["role"], sheet_of(sample, known)).text)
    if "header" not in data["file"]:
        assert {**data, "name": name} == known
        return
    wrong = []

    def compare(what: str, proposed: object, written: object, *fine: object) -> None:
        decided = proposed not in (None, "?", ["?"], *fine)
        if decided and proposed != written and (name, what) not in SAME:
            wrong.append((what, proposed, written))

    numbers_, times = known.get("numbers", {}), known.get("times", {})
    compare("order", data.get("order"), known.get("order"))
    compare("delimiter", data["file"].get("delimiter"), known["file"].get("delimiter", ","))
    compare("decimal", data.get("numbers", {}).get("decimal"), numbers_.get("decimal", "."))
    # No mark of thousands is the strict reading where the file has none.
    compare(
        "thousands", data.get("numbers", {}).get("thousands"), numbers_.get("thousands", ""), ""
    )
    compare("minor_units", data.get("numbers", {}).get("minor_units"), numbers_.get("minor_units"))
    said = times.get("format", "%Y-%m-%d %H:%M:%S")
    compare(
        "format",
        data.get("times", {}).get("format"),
        said,
        *(said if isinstance(said, list) else ()),
    )
    key = data["key"]
    if known["role"] == "bank":
        assert key == ["?"] or {"account", "text", "amount"} <= {*key}
    else:
        compare("key", key, known["key"])
    for field in ("amount", "balance"):
        guess = data.get("fields", {}).get(field)
        if guess not in (None, "?"):
            compare(field, columns(guess), columns(known["fields"].get(field)))
    assert not wrong


@pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[f"{n}-{p.name}" for n, p in SAMPLES])
def test_a_proposal_reads_its_file_once_answered(name: str, sample: Path, tmp_path: Path) -> None:
    known = raw(name)
    if known["file"].get("kind") in LEFT or "lines" in known["file"]:
        pytest.skip("no proposal for this kind")
    sheet = sheet_of(sample, known)
    if sheet is not None:
        # Which sheet holds the records is the first question of such a workbook.
        with pytest.raises(InputRefused, match=r"visible sheets; there are: '"):
            propose(sample, name, known["role"])
    proposal = propose(sample, name, known["role"], sheet)
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
