"""What a proposal says of files that are clear, and of files that are not: no guess is silent."""

from __future__ import annotations

import contextlib
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from finops_ledger.core.errors import InputRefused, UsageError
from finops_ledger.intake.formats import load_format
from finops_ledger.intake.infer import propose


def proposed(
    folder: Path, text: str | bytes, role: str | None = None, name: str = "f.csv"
) -> tuple[dict[str, Any], str]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    made = propose(path, "f", role).text
    return tomllib.loads(made), made


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


RUNNING = """No;Tanggal;Keterangan;Masuk;Keluar;Sisa Saldo
1;13/01/2026;SETORAN;1.000.000;;1.000.000
2;14/01/2026;PULSA;;10.250;989.750
3;02/02/2026;TOKEN;;50.150;939.600
"""


def test_a_running_balance_proves_amount_order_and_notation(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, RUNNING)
    assert data["fields"]["amount"] == {"debit": "Keluar", "credit": "Masuk"}
    assert "proven: each 'Sisa Saldo'" in text
    assert (data["numbers"]["decimal"], data["numbers"]["thousands"]) == (",", ".")
    assert data["order"] == "oldest-first"
    assert data["times"]["format"] == "%d/%m/%Y"
    assert "the day stands first: 13/01/2026" in text


def test_newest_first(tmp_path: Path) -> None:
    head, *rows = RUNNING.splitlines()
    data, _ = proposed(tmp_path, "\n".join([head, *reversed(rows)]) + "\n")
    assert data["order"] == "newest-first"
    assert data["fields"]["amount"] == {"debit": "Keluar", "credit": "Masuk"}


def test_the_name_does_not_win_over_the_balance(tmp_path: Path) -> None:
    """Debit raises this balance: it is the partner's book, not ours."""
    data, _ = proposed(tmp_path, "Debet,Kredit,Saldo\n100,,100\n,30,70\n,20,50\n5,,55\n")
    assert data["fields"]["amount"] == {"debit": "Kredit", "credit": "Debet"}


@pytest.mark.parametrize("cells", [["1.000", "2.500"], ["1,000", "500", "12,500"], ["-1.000", "3"]])
def test_one_thousand_or_one(tmp_path: Path, cells: list[str]) -> None:
    text = "Ref;Jumlah\n" + "".join(f"A{n};{c}\n" for n, c in enumerate(cells))
    data, made = proposed(tmp_path, text, "bank")
    assert data["numbers"]["decimal"] == data["numbers"]["thousands"] == "?"
    assert "reads it as 1000" in line_of(made, "decimal") or "1000" in line_of(made, "decimal")
    with pytest.raises(UsageError, match="decide"):
        load_format(_kept(tmp_path, made))


def _kept(folder: Path, text: str) -> Path:
    path = folder / "f.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands"),
    [
        (["1.000", "1.234.567"], ",", "."),
        (["1.000", "12,5"], ",", "."),
        (["1,000", "1,234.50"], ".", ","),
        (["10.25", "3.5"], ".", ""),
        (["1000", "25"], ".", ""),
        (["Rp 1.000,00", "Rp 25,00"], ",", "."),
        (["1 000 000,00", "5,00"], ",", " "),
    ],
)
def test_one_number_decides_the_notation(
    tmp_path: Path, cells: list[str], decimal: str, thousands: str
) -> None:
    text = "Ref;Jumlah\n" + "".join(f"A{n};{c}\n" for n, c in enumerate(cells))
    data, _ = proposed(tmp_path, text, "bank")
    assert (data["numbers"]["decimal"], data["numbers"]["thousands"]) == (decimal, thousands)


def test_the_balance_tells_one_from_one_thousand(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, "Jumlah;Saldo\n500;2.500\n-250;2.250\n-999;1.251\n", "bank")
    assert (data["numbers"]["decimal"], data["numbers"]["thousands"]) == (",", ".")
    assert "the running balance holds in this notation alone" in text


def test_day_or_month_first(tmp_path: Path) -> None:
    data, text = proposed(
        tmp_path, "Ref,Tanggal,Amount\nA,03/04/2026,10\nB,05/04/2026,20\n", "bank"
    )
    assert data["times"]["format"] == "?"
    assert "%d/%m/%Y or %m/%d/%Y" in line_of(text, "format")
    data, _ = proposed(tmp_path, "Ref,Tanggal,Amount\nA,03/04/2026,10\nB,03/14/2026,20\n", "bank")
    assert data["times"]["format"] == "%m/%d/%Y"


def test_two_candidates_for_the_amount(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, "Ref,Amount,Total\nA,10,11\nB,20,23\n", "bank")
    assert data["fields"]["amount"] == "?"
    assert "'Amount', 'Total'" in line_of(text, "amount")


def test_two_amounts_that_both_move_the_balance(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, "Jumlah,Mutasi,Saldo\n10,10,10\n5,5,15\n-3,-3,12\n", "bank")
    assert data["fields"]["amount"] == "?"
    assert "each of these moves" in line_of(text, "amount")


def test_two_keys(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, "Order ID,Transaction ID,Amount\nA,X,1\nB,Y,2\n", "sale")
    assert data["key"] == ["?"]
    assert "ref (Order ID), partner_ref (Transaction ID)" in line_of(text, "key")


def test_a_fee_beside_the_amount_leaves_it_open(tmp_path: Path) -> None:
    """Before or after the fee: no sum tells; with one it is decided."""
    data, text = proposed(tmp_path, "Ref,Amount,Fee\nA,10,1\nB,20,2\nC,35,4\n", "settlement")
    assert data["fields"]["amount"] == "?"
    assert "'Amount' alone, or with 'Fee' added or taken off" in line_of(text, "amount")
    with_sum = "Ref,Gross,Fee,Amount\nA,11,1,10\nB,22,2,20\nC,39,4,35\n"
    data, _ = proposed(tmp_path, with_sum, "settlement")
    assert data["fields"]["amount"] == "Amount"


def test_a_balance_that_nothing_moves_is_a_question(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, "Ref,Amount,Saldo\nA,10,7\nB,20,999\nC,35,4\n", "supply")
    assert data["fields"]["balance"] == "?"
    assert "by its name alone; no column of amounts moves it" in line_of(text, "balance")


@pytest.mark.parametrize("cells", [("1000", "2500", "400"), ("-1000", "200", "300")])
def test_minor_units_are_asked_for(tmp_path: Path, cells: tuple[str, ...]) -> None:
    text = "Ref;Jumlah\n" + "".join(f"A{n};{c}\n" for n, c in enumerate(cells))
    data, made = proposed(tmp_path, text, "bank")
    assert data["numbers"]["minor_units"] == "?"
    largest = max(cells, key=lambda c: abs(int(c))).lstrip("-")
    told = f"{largest} is {largest} with false, {largest[:-2]}.00 with 2"
    assert told in line_of(made, "minor_units")
    for other in ("250", "2500.00"):
        data, _ = proposed(tmp_path, text + f"B;{other}\n", "bank")
        assert "minor_units" not in data["numbers"] or other == "2500.00"


def test_two_notations_in_one_column_are_told_with_their_lines(tmp_path: Path) -> None:
    rows = "".join(f"A{n};1.00{n},50\n" for n in range(9))
    data, text = proposed(tmp_path, f"Ref;Jumlah\n{rows}B;1,234.50\nC;2,000.75\n", "bank")
    assert data["numbers"]["decimal"] == "?"
    told = line_of(text, "decimal")
    assert '9 cells fit decimal = ",", thousands = "."' in told
    assert "line 11: '1,234.50', line 12: '2,000.75'" in told


def test_indonesian_months(tmp_path: Path) -> None:
    text = "Ref;Tanggal;Jumlah\nA;02 Agustus 2026;1\nB;03 Desember 2026;2\nC;04 Mei 2026;3\n"
    data, _ = proposed(tmp_path, text, "bank")
    assert (data["times"]["format"], data["times"]["months"]) == ("%d %B %Y", "id")


def test_serial_days_are_counted_from_two_days(tmp_path: Path) -> None:
    text = "Ref,Tanggal,Amount\nA,46083,10\nB,46084,20\n"
    data, made = proposed(tmp_path, text, "bank")
    assert data["times"]["format"] == "?"
    told = line_of(made, "format")
    assert "46083 is 2026-03-02" in told
    assert "excel-date or excel-1904-date" in told
    answer = made.replace('format = "?"', 'format = "excel-date"').replace('["?"]', '["ref"]')
    load_format(_kept(tmp_path, answer))


def test_midnight_in_every_cell_may_be_no_time(tmp_path: Path) -> None:
    text = "Ref,Tanggal,Amount\nA,2026-03-02 00:00:00,10\nB,2026-03-13 00:00:00,20\n"
    data, made = proposed(tmp_path, text, "bank")
    assert data["times"]["format"] == "?"
    assert "a date alone, and the time may stand elsewhere, or midnight" in line_of(made, "format")


def test_debits_with_a_minus(tmp_path: Path) -> None:
    """With a balance the sum is proven; without it both readings are left."""
    rows = ("-100,,900", "-50,,850", ",70,920", "-1,,919")
    data, _ = proposed(tmp_path, "Debet,Kredit,Saldo\n" + "\n".join(rows) + "\n", "bank")
    assert data["fields"]["amount"] == {"sum": ["Kredit", "Debet"]}
    bare = "\n".join(r.rsplit(",", 1)[0] for r in rows)
    data, text = proposed(tmp_path, f"Debet,Kredit\n{bare}\n", "bank")
    assert data["fields"]["amount"] == "?"
    assert "sum = ['Debet', 'Kredit']" in line_of(text, "amount")


def test_a_credit_in_the_first_record_is_not_left_out(tmp_path: Path) -> None:
    """Its balance follows from nothing: the debits alone hold from the second record on."""
    text = "Debet,Kredit,Saldo\n0,1250,11250\n1000,0,10250\n2.5,,10247.5\n-2.5,,10250\n"
    data, _ = proposed(tmp_path, text, "bank")
    assert data["fields"]["amount"] == {"debit": "Debet", "credit": "Kredit", "signed": True}
    text = "Debet,Kredit,Saldo\n3,1250,11250\n1000,,10250\n2.5,,10247.5\n1,,10246.5\n"
    data, made = proposed(tmp_path, text, "bank")
    assert data["fields"]["amount"] == "?"
    assert "'Kredit' is filled where no balance stands before it" in line_of(made, "amount")


@pytest.mark.parametrize("count", [99, 100])
def test_a_key_takes_a_hundred_records_that_differ(tmp_path: Path, count: int) -> None:
    rows = "".join(f"T{n},{n}.5\n" for n in range(count))
    data, _ = proposed(tmp_path, f"Transaction ID,Amount\n{rows}", "settlement")
    assert data["key"] == (["?"] if count < 100 else ["partner_ref"])


def test_the_sheet_is_named_where_several_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Ringkasan").write_row(0, 0, ("a", "b"))
        sheet = book.add_worksheet("Rincian")
        for row, cells in enumerate([("Ref", "Amount"), ("A", 10.5), ("B", 11.25)]):
            sheet.write_row(row, 0, cells)
    with pytest.raises(InputRefused, match="'Ringkasan', 'Rincian'"):
        propose(path, "f", "sale")
    data = tomllib.loads(propose(path, "f", "sale", "Rincian").text)
    assert (data["file"]["sheet"], data["file"]["header"]) == ("Rincian", ["Ref", "Amount"])
    with pytest.raises(InputRefused):
        propose(path, "f", "sale", "Rincain")


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"<a><b>1</b></a>", "which elements are records"), (b"Tanggal   Jumlah\n01/02      12\n", 'kind = "fixed"')],
)  # fmt: skip
def test_what_cannot_be_proposed_says_what_to_do(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(InputRefused) as caught:
        proposed(tmp_path, data)
    assert told in str(caught.value)
    assert "written by hand" in str(caught.value)


def test_statuses_are_listed_and_not_judged(tmp_path: Path) -> None:
    data, text = proposed(
        tmp_path, "Ref,Amount,Status\nA,1,SUKSES\nB,2,GAGAL\nC,3,SUKSES\nD,1,QLR\n"
    )
    assert data["status"]["map"] == {"SUKSES": "?", "GAGAL": "?", "QLR": "?"}
    assert "SUKSES: 2 rows, likely success" in line_of(text, "map")
    assert "QLR: 1 row" in line_of(text, "map")


def test_sums_and_totals(tmp_path: Path) -> None:
    text = "Ref,Gross,Fee,Net\nA,100.00,5.00,95.00\nB,50.00,2.00,48.00\nC,10.50,0.50,10.00\nTOTAL,160.50,7.50,153.00\n"
    data, _ = proposed(tmp_path, text, "settlement")
    assert [(i["left"], sorted(i["right"])) for i in data["identities"]] == [
        (["Gross"], ["Fee", "Net"])
    ]
    assert {(t["equals"], t.get("field"), t["cell"]) for t in data["totals"]} == {
        ("sum", "price", 1), ("sum", "fee", 2), ("sum", "amount", 3),
    }  # fmt: skip
    assert data["file"]["footer"] == ["^TOTAL,"]


def test_a_total_that_nothing_gives_is_told(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, "Ref,Amount\nA,100\nB,50\nTOTAL,151\n", "bank")
    assert "totals" not in data
    assert "'TOTAL' cell 1 states 151: nothing that was read gives it" in text


def test_cells_that_are_no_times_are_told(tmp_path: Path) -> None:
    rows = "".join(f"{d:02d}/01/2026,x,{d}\n" for d in range(1, 20))
    data, _ = proposed(tmp_path, f"Tanggal,Keterangan,Jumlah\n{rows}PEND,y,7\n", "bank")
    assert data["exclude"]["rules"] == [{"column": "Tanggal", "pattern": "PEND", "reason": "?"}]


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        ("Ref|Amount\nA|1\nB|2\n".encode("utf-16"), "utf-16", "|"),
        ("Ref;Amount;Keterangan\nA;1;caf\xe9\nB;2;x\n".encode("cp1252"), "cp1252", ";"),
        ("\ufeffRef\tAmount\nA\t1\nB\t2\n".encode(), None, "\t"),
    ],
)
def test_bytes(tmp_path: Path, data: bytes, encoding: str | None, delimiter: str) -> None:
    made, text = proposed(tmp_path, data, "sale")
    assert made["file"].get("encoding") == encoding
    assert made["file"]["delimiter"] == delimiter
    load_format(_kept(tmp_path, text.replace('"?"', '"ref"')))


def test_two_delimiters(tmp_path: Path) -> None:
    data, text = proposed(tmp_path, "a,b;c,d\n1,2;3,4\n5,6;7,8\n")
    assert data["file"]["delimiter"] in {"?", ","}
    if data["file"]["delimiter"] == "?":
        assert "both cut every line evenly" in text


def test_no_header(tmp_path: Path) -> None:
    data, _ = proposed(tmp_path, "A1,02/13/2026,10.50\nA2,02/14/2026,3.00\n", "bank")
    assert data["file"]["header_row"] is False
    assert data["file"]["header"] == ["column 1", "column 2", "column 3"]
    assert data["times"]["format"] == "%m/%d/%Y"


@pytest.mark.parametrize(
    "data", [b"", b"  \n", b"%PDF-1.7", b"\x1f\x8bxx", b"one\ntwo\n", b"a,b\0c\n1,2\n"]
)
def test_what_no_format_describes(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputRefused):
        proposed(tmp_path, data)


def test_a_question_names_its_line_when_the_format_is_loaded(tmp_path: Path) -> None:
    _, text = proposed(tmp_path, "Ref,Tanggal,Amount\nA,03/04/2026,10\nB,05/04/2026,20\n", "bank")
    with pytest.raises(UsageError) as caught:
        load_format(_kept(tmp_path, text))
    number = text.splitlines().index(line_of(text, "format")) + 1
    assert f"f.toml:{number}: format = " in str(caught.value)
    assert "%d/%m/%Y or %m/%d/%Y" in str(caught.value)
    load_format(
        _kept(
            tmp_path,
            text.replace('format = "?"', 'format = "%d/%m/%Y"').replace('["?"]', '["ref"]'),
        )
    )


def test_names_that_would_break_toml(tmp_path: Path) -> None:
    data, text = proposed(
        tmp_path, 'Ref,"A ""b"" # c","x\u202ey",Amount\nA,1,2,3\nB,2,3,5\n', "bank"
    )
    assert data["file"]["header"] == ["Ref", 'A "b" # c', "x\u202ey", "Amount"]
    assert all("\u202e" not in line for line in text.splitlines() if line.startswith("# "))


PIECES = [b"", b"\0", b'"', b"\n", b";", b"\xff\xfe", b"NaN", b"9" * 40, b"{", b"]", b"?"]
GOOD = {
    "f.csv": RUNNING.encode(),
    "f.jsonl": b'{"data":{"ref_id":"A","price":10,"rc":"00"}}\n{"data":{"ref_id":"B","price":11,"rc":"02"}}\n',
    "f.json": b'{"data":[{"id":"A","net":"10.50"},{"id":"B","net":"3.00"}]}',
}


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(GOOD)), data=st.data())
def test_any_bytes_end_in_a_proposal_that_is_toml_or_a_refusal(
    name: str, data: st.DataObject
) -> None:
    changed = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed)))
        piece = data.draw(
            st.sampled_from(
                [b"", b"\0", b'"', b"\n", b";", b"\xff\xfe", b"NaN", b"9" * 40, b"{", b"]", b"?"]
            )
        )
        changed[at : at + data.draw(st.integers(0, 9))] = piece
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(bytes(changed))
        try:
            text = propose(path, "f").text
        except InputRefused:
            return
        kept = _kept(Path(folder), text)
        tomllib.loads(text)
        with contextlib.suppress(UsageError):
            load_format(kept)
