"""JSON, JSON lines and XML: what stands in a document comes as it stands, or the document is refused."""

from __future__ import annotations

import json
import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.paths import element_column, json_column, json_path
from finops_ledger.intake.read import ReadResult, SourceInfo, read
from finops_ledger.intake.readers import open_source, recognises
from finops_ledger.intake.readers.table import TableSource
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format

INFO = SourceInfo(
    name="s", role="bank", zone="Asia/Jakarta", currency="USD", batch="b-1",
    file_day=date(2026, 3, 2), account="BCA",
)  # fmt: skip
DOCUMENT = {
    "code": 0,
    "count": 2,
    "page": {"next": ""},
    "data": {"settlement": "S1", "rows": [{"id": 1, "sum": 10.50}, {"id": "2", "sum": "3"}]},
}
JSON = {
    "kind": "json",
    "records": "data.rows",
    "header": ["id", "sum", "^.settlement"],
    "envelope": {"code": "0"},
    "must_be_empty": "page.next",
    "figures": {"count": "count"},
}
TOTALS = [{"figure": "count", "equals": "rows"}]
LINES = {"kind": "jsonl", "header": ["id", "sum"]}
XML = {"kind": "xml", "records": "r/t", "header": ["@id", "sum"]}


def make(file: dict[str, Any], **more: Any) -> Format:
    names = file["header"]
    given = {"ref": names[0], "amount": names[1], "settlement_ref": names[-1], **more}
    fields = {k: v for k, v in given.items() if k not in ("totals", "exclude", "status")}
    rest = {k: v for k, v in given.items() if k in ("totals", "exclude", "status")}
    return Format.model_validate(
        {"name": "t", "version": 1, "key": ["ref"], "file": file, "fields": fields, **rest}
    )


def take(folder: Path, data: object, fmt: Format, **more: Any) -> tuple[ReadResult, list[Any]]:
    path = folder / "f.json"
    text = data if isinstance(data, (bytes, str)) else json.dumps(data)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = read(path, fmt, INFO, folder / "rows.parquet", **more)
    return result, pq.read_table(folder / "rows.parquet").to_pylist()


def refused(folder: Path, data: object, fmt: Format, **more: Any) -> list[Problem]:
    with pytest.raises(InputRefused) as caught:
        take(folder, data, fmt, **more)
    return list(caught.value.problems)


def codes(problems: list[Problem]) -> list[str]:
    return [p.code for p in problems]


def test_records_lie_in_an_envelope(tmp_path: Path) -> None:
    result, rows = take(tmp_path, DOCUMENT, make(JSON, totals=TOTALS))
    assert [(r["ref"], r["amount"], r["settlement_ref"]) for r in rows] == [
        ("1", Decimal("10.5"), "S1"),
        ("2", Decimal(3), "S1"),
    ]
    assert result.totals == {"rows": Decimal(2)}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": 17}, "envelope-wrong"),
        ({"code": None}, "envelope-wrong"),
        ({"page": {"next": "abc"}}, "file-short"),
        ({"page": {"next": True}}, "file-short"),
        ({"count": 3}, "total-wrong"),
        ({"data": None}, "records-missing"),
        ({"data": {"settlement": "S1", "rows": None}}, "records-missing"),
        ({"data": {"settlement": "S1"}}, "records-missing"),
        ({"data": {"settlement": "S1", "rows": [7]}, "count": 1}, "field-shape"),
        ({"data": {"settlement": "S1", "rows": [], "others": [{"id": 3}]}, "count": 0},
         "header-extra"),
    ],
)  # fmt: skip
def test_what_the_envelope_says_against_the_file(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    assert code in codes(refused(tmp_path, {**DOCUMENT, **change}, make(JSON, totals=TOTALS)))


def test_an_error_is_not_an_empty_day(tmp_path: Path) -> None:
    found = refused(tmp_path, {"code": 1234, "message": "no"}, make(JSON))
    assert codes(found) == ["envelope-wrong", "records-missing"]
    empty = {**DOCUMENT, "data": {"settlement": "S1", "rows": []}, "count": 0}
    assert take(tmp_path, empty, make(JSON, totals=TOTALS))[0].rows == 0


def test_each_undeclared_field_is_told_once(tmp_path: Path) -> None:
    rows = [{"id": i, "sum": 1, "tax": {"vat": 1}, "fees": [{"a": 1}, {"a": 2}]} for i in range(3)]
    changed = {**DOCUMENT, "data": {"settlement": "S1", "rows": rows}, "more": 1, "count": 3}
    found = refused(tmp_path, changed, make(JSON))
    told = {p.column: p.message for p in found}
    assert set(told) == {"$.more", "tax.vat", "fees.a"}
    assert "6 times" in told["fees.a"]
    result, _ = take(tmp_path, changed, make({**JSON, "extra_columns": "ignore"}))
    assert result.kept == 3


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"id": 3}', "field-missing"),
        ('{"id": 3, "sum": {"value": 1}}', "field-shape"),
        ('{"id": 3, "sum": [1]}', "field-shape"),
        ('{"id": 3, "sum": NaN}', "json-syntax"),
        ('{"id": 3, "sum": -Infinity}', "json-syntax"),
        ('{"id": 3, "sum": 1, "sum": 2}', "header-duplicate"),
        ('{"id": "\\ud800", "sum": 1}', "encoding-wrong"),
        ('{"id": "a\\u0000", "sum": 1}', "nul-byte"),
        ('{"id": 3, "sum": 1', "json-syntax"),
        ("[" * 100_000, "too-deep"),
        ('{"a":' * 100_000, "too-deep"),
        ("7", "field-shape"),
        ('{"id": 3, "sum": 1e400}', "cell-number"),
        ('{"id": 3, "sum": 1E2}', "cell-number"),
        ('{"id": 3, "sum": 1234567890123456789012345678901234567890}', "cell-number"),
        ('{"id": 3, "sum": 1.234}', "cell-number"),
        ('{"id": 3, "sum": true}', "cell-number"),
        ('{"id": 3, "sum": null}', "cell-empty"),
    ],
)  # fmt: skip
def test_a_broken_line_is_one_record(tmp_path: Path, line: str, code: str) -> None:
    text = f'{{"id": 1, "sum": 1.10}}\n\n{line}\n{{"id": 2, "sum": "2"}}\n'
    fmt = make(LINES)
    [problem] = refused(tmp_path, text, fmt)
    assert (problem.code, problem.line) == (code, 3)
    result, rows = take(tmp_path, text, fmt, accept_valid=True)
    assert (result.rows, result.refused, [r["ref"] for r in rows]) == (3, 1, ["1", "2"])


def test_text_stays_as_it_is(tmp_path: Path) -> None:
    fmt = make({**LINES, "header": ["id", "sum", "note"]})
    _, rows = take(tmp_path, '{"id": 007, "sum": 1, "note": ""}'.replace("007", '"007"'), fmt)
    assert rows[0]["ref"] == "007"
    assert rows[0]["settlement_ref"] is None
    _, rows = take(tmp_path, '{"id": 1.0, "sum": 1, "note": false}', fmt)
    assert (rows[0]["ref"], rows[0]["settlement_ref"]) == ("1.0", "false")
    note = "كشف \\ \t"
    _, rows = take(tmp_path, json.dumps({"id": 1, "sum": 1, "note": note}), fmt)
    assert rows[0]["settlement_ref"] == note
    unseen = json.dumps({"id": 1, "sum": 1, "note": "\u202e1"})
    assert [p.code for p in refused(tmp_path, unseen, fmt)] == ["cell-unseen"]


def test_one_document_over_several_lines_is_a_line_of_jsonl(tmp_path: Path) -> None:
    text = json.dumps([{"id": 1, "sum": 1}, {"id": 2, "sum": 2}], indent=2)
    assert take(tmp_path, text, make(LINES))[0].kept == 2
    [problem] = refused(tmp_path, text[:-3], make(LINES))[:1]
    assert problem.code == "json-syntax"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file-empty"),
        (b" \n", "json-syntax"),
        (b'{"id": 1, "sum": 1}\n{"id": 2, "sum": 2}', "json-several"),
        (b'{"id": 1, "sum": 1', "json-syntax"),
        (b'{"id": 1, "sum": "\xff"}', "encoding-wrong"),
        (b'{"id": 1, "sum": 1}\x00', "nul-byte"),
        ('{"id": 1, "sum": 1}'.encode("utf-16"), "encoding-wrong"),
        (b"id,sum\n1,1\n", "json-syntax"),
        (b"[" * 200_000 + b"]" * 200_000, "too-deep"),
        (b'[{"x": 1}]', "header-missing"),
    ],
)
def test_no_document_of_this_kind(tmp_path: Path, data: bytes, code: str) -> None:
    fmt = make({**LINES, "kind": "json"})
    assert codes(refused(tmp_path, data, fmt))[0] == code
    (tmp_path / "f.json").write_bytes(data)
    assert recognises(tmp_path / "f.json", fmt, Limits()) == (code == "no")


def test_encodings(tmp_path: Path) -> None:
    text = '{"id": "é", "sum": 1}'
    assert take(tmp_path, b"\xef\xbb\xbf" + text.encode(), make(LINES))[1][0]["ref"] == "é"
    for encoding in ("utf-16", "cp1252"):
        fmt = make({**LINES, "encoding": encoding})
        assert take(tmp_path, text.encode(encoding), fmt)[1][0]["ref"] == "é"


def test_limits(tmp_path: Path) -> None:
    text = b'{"id": 1, "sum": 1}\n{"id": "' + b"x" * 5000 + b'", "sum": 1}\n'
    small = Limits(max_record_bytes=1000, max_document_bytes=1000)
    for kind in ("json", "jsonl"):
        fmt = make({**LINES, "kind": kind})
        [problem] = refused(tmp_path, text, fmt, limits=small)
        assert problem.code == "too-large"


def test_two_names_of_one_field(tmp_path: Path) -> None:
    fmt = make({**LINES, "header": ["product_code|code", "sum"]})
    text = '{"code": "A", "sum": 1}\n{"product_code": "B", "code": "C", "sum": 1}\n'
    _, rows = take(tmp_path, text, fmt)
    assert [r["ref"] for r in rows] == ["A", "B"]


@pytest.mark.parametrize("text", ["a.", ".a", "a..b", "a[", "a[x]", 'a"b"', "a b[1]c", "a?b", "^a"])
def test_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        json_path(text)


def test_paths() -> None:
    assert json_path('a."b.c"[0].d').steps == ("a", "b.c", 0, "d")
    assert json_path("a[].*.b?").optional == {3}
    assert (json_path("^^.a").up, json_path("$.a").up, json_path("").steps) == (2, -1, ())
    assert [p.text for p in json_column('a|"b|c"')] == ["a", '"b|c"']
    assert element_column("a/b|@c") == ("a/b", "@c")


@pytest.mark.parametrize(
    "file",
    [
        {**LINES, "header": ["id", "rows[]"]},
        {**LINES, "header": ["id", "^.sum"]},
        {**LINES, "figures": {"n": "count"}},
        {**LINES, "kind": "csv", "records": "data"},
        {**XML, "header": ["@id", "a//b"]},
    ],
)
def test_paths_that_lead_nowhere_are_refused_with_the_format(file: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(file)


XML_TEXT = (
    '<?xml version="1.0"?><n:r xmlns:n="urn:x"><n:count>2</n:count>'
    '<n:t id="1"><n:sum>1.50</n:sum></n:t>\n<n:t id="2"><n:sum> 2 </n:sum></n:t></n:r>'
)


def test_xml(tmp_path: Path) -> None:
    file = {**XML, "figures": {"count": "r/count"}, "header": ["@id", "sum", "../count"]}
    result, rows = take(tmp_path, XML_TEXT, make(file, totals=TOTALS))
    assert [(r["ref"], r["amount"], r["settlement_ref"]) for r in rows] == [
        ("1", Decimal("1.5"), "2"),
        ("2", Decimal(2), "2"),
    ]
    assert result.totals == {"rows": Decimal(2)}
    assert recognises(tmp_path / "f.json", make(file), Limits())


def test_xml_values_around_the_record(tmp_path: Path) -> None:
    file = {**XML, "records": "r/b/t", "header": ["@id", "sum", "../@day"], "optional": ["../x"]}
    text = (
        '<r><b day="1"><x>q</x><t id="1"><sum>1</sum></t></b>'
        '<b day="2"><t id="2"><sum>1</sum></t></b></r>'
    )
    _, rows = take(tmp_path, text, make(file, text="../x"))
    assert [(r["settlement_ref"], r["text"]) for r in rows] == [("1", "q"), ("2", None)]
    late = text.replace("</t></b></r>", "</t><x>late</x></b></r>")
    assert codes(refused(tmp_path, late, make(file))) == ["field-late"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<r><t id='1'><sum>1</sum></t>", "xml-syntax"),
        ("<r><t id='1' id='1'><sum>1</sum></t></r>", "xml-syntax"),
        ("no xml", "xml-syntax"),
        ("<!DOCTYPE r [<!ENTITY a 'b'>]><r><t id='1'><sum>&a;</sum></t></r>", "xml-forbidden"),
        ("<!DOCTYPE r SYSTEM 'file:///etc/hostname'><r/>", "xml-forbidden"),
        ("<r>" * 100_000, "too-deep"),
        ("<r>" + "x" * 5_000_000 + "</r>", "too-large"),
        ("<q/>", "records-missing"),
        ("<r><t id='1'><sum>1</sum><tax>2</tax></t></r>", "header-extra"),
        ("<r><t id='1'><sum>1</sum></t><u>3</u></r>", "header-extra"),
        ("<r><t id='1'><sum>1</sum><sum>2</sum></t></r>", "field-shape"),
        ("<r><t id='1'><sum><a>1</a></sum></t></r>", "header-extra"),
        ("<r><t id='1'><sum>1</sum></t><t><sum>1</sum></t></r>", "field-missing"),
        ("<?xml version='1.0' encoding='none'?><r/>", "encoding-wrong"),
        ("", "file-empty"),
    ],
)
def test_xml_refused(tmp_path: Path, text: str, code: str) -> None:
    assert code in codes(refused(tmp_path, text, make(XML)))


def test_xml_in_the_encoding_it_declares(tmp_path: Path) -> None:
    for encoding in ("cp1252", "utf-16", "iso-8859-1"):
        text = f"<?xml version='1.0' encoding='{encoding}'?><r><t id='é'><sum>1</sum></t></r>"
        _, rows = take(tmp_path, text.encode(encoding), make(XML))
        assert rows[0]["ref"] == "é"


def test_stated_but_not_taken(tmp_path: Path) -> None:
    fmt = make(
        {**LINES, "header": ["id", "sum", "state"]},
        amount={"column": "sum", "negate": True, "zero_when_status": ["failed"]},
        status={"column": "state", "map": {"ok": "success", "no": "failed"}},
    )
    text = (
        '{"id":1,"sum":5,"state":"ok"}\n{"id":2,"sum":5,"state":"no"}\n{"id":3,"sum":5,"state":"?"}'
    )
    _, rows = take(tmp_path, text, fmt)
    assert [r["amount"] for r in rows] == [-5, 0, -5]


def test_a_mark_beside_a_signed_amount(tmp_path: Path) -> None:
    amount = {"column": "sum", "marker": "m", "debit_mark": "D", "credit_mark": "C", "signed": True}
    fmt = make({**LINES, "header": ["id", "sum", "m"]}, amount=amount)
    text = '{"id":1,"sum":-5,"m":"D"}\n{"id":2,"sum":5,"m":"D"}\n{"id":3,"sum":5,"m":"C"}'
    _, rows = take(tmp_path, text, fmt)
    assert [r["amount"] for r in rows] == [-5, -5, 5]
    assert codes(refused(tmp_path, '{"id":1,"sum":-5,"m":"C"}', fmt)) == ["cell-sign"]


def test_an_exclusion_of_several_conditions(tmp_path: Path) -> None:
    rule = {
        "column": "type", "equals": "out", "reason": "moved", "and": [
            {"column": "line", "equals": "main"},
        ],
    }  # fmt: skip
    fmt = make({**LINES, "header": ["id", "sum", "type", "line"]}, exclude={"rules": [rule]})
    text = (
        '{"id":1,"sum":1,"type":"out","line":"main"}\n{"id":2,"sum":1,"type":"out","line":"fee"}\n'
        '{"id":3,"sum":1,"type":"in","line":"main"}'
    )
    result, rows = take(tmp_path, text, fmt)
    assert (result.excluded, [r["ref"] for r in rows]) == ({"moved": 1}, ["2", "3"])


# Whatever the bytes: rows or a refusal, and every record has a place.

SEEDS = {
    "json": (make(JSON), json.dumps(DOCUMENT).encode()),
    "jsonl": (make(LINES), b'{"id": 1, "sum": 1.10}\n{"id": "\\u00e9", "sum": "2"}\n'),
    "xml": (make(XML), XML_TEXT.replace("<n:count>2</n:count>", "").encode()),
}
PIECES = [
    b"\x00", b"\xff", b'"', b"{", b"}", b"[", b"]", b",", b":", b"<", b">", b"&", b"/", b"\n", b"\\",
    b"\\ud800", b"\\u0000", b"NaN", b"1e400", b"null", b"true", b"[[[[", b"{}", b"<t id='3'>", b"</t>",
    b"<!DOCTYPE r>", b"<![CDATA[x]]>", b"&#0;", b"&lt;", b'"id": 1,', b"-", b"9" * 40, b"\xe2\x80\xae",
    b"\xef\xbb\xbf", b" ", b"\r",
]  # fmt: skip


@pytest.mark.parametrize("kind", SEEDS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), edits=st.integers(1, 6))
def test_fuzzed(kind: str, tmp_path: Path, seed: int, edits: int) -> None:
    fmt, data = SEEDS[kind]
    dice = random.Random(seed)
    for _ in range(edits):
        at = dice.randrange(len(data) + 1)
        until = min(len(data), at + dice.choice([0, 0, 1, 1, 3, 10]))
        data = data[:at] + dice.choice([*PIECES, b""]) + data[until:]
    path = tmp_path / "f"
    path.write_bytes(data)
    assert recognises(path, fmt, Limits()) in (True, False)
    found = opened(path, fmt, tmp_path)
    if not isinstance(found, TableSource):
        assert found
        for problem in found:
            str(problem).encode("utf-8")
        return
    assert found.count() == found.rows + found.broken
    assert found.broken == 0 or found.problems
    assert pq.read_table(found.parquet).num_rows == found.rows


def opened(path: Path, fmt: Format, folder: Path) -> Source | list[Problem]:
    """The records of a file, or what is wrong with it; nothing else may come out."""
    try:
        return open_source(path, fmt, folder, Limits())
    except InputRefused as error:
        return list(error.problems)
