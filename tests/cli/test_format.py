"""``finops format``: which formats there are, what one makes of a file, one proposed for a file."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from finops_ledger.intake.formats import shipped
from tests.docs.pages import run_finops

SAMPLE = shipped()["aggregator"].parent / "sample.csv"


def finops(folder: Path, *words: str) -> tuple[str, int]:
    return run_finops(["--books", str(folder / "books"), *words])


def test_list_needs_no_books(tmp_path: Path) -> None:
    text, code = finops(tmp_path, "format", "list", "--json")
    found = {f["name"]: f for f in json.loads(text)}
    assert code == 0
    assert set(found) == set(shipped())
    assert found["aggregator"]["role"] == "supply"
    assert found["aggregator"]["source_of_layout"]


def test_list_names_own_formats_and_those_that_do_not_load(tmp_path: Path) -> None:
    assert finops(tmp_path, "init", str(tmp_path / "books"))[1] == 0
    own = tmp_path / "books" / "formats" / "mine.toml"
    own.write_text('name = "mine"\nkey = ["?"]\n')
    found = {f["name"]: f for f in json.loads(finops(tmp_path, "format", "list", "--json")[0])}
    assert found["mine"]["own"]
    assert "undecided" in found["mine"]["fault"]
    assert "mine (own)" in finops(tmp_path, "format", "list")[0]


def test_check_shows_what_an_import_would_make_of_a_file(tmp_path: Path) -> None:
    text, code = finops(tmp_path, "format", "check", str(SAMPLE), "--rows", "2")
    assert code == 0
    assert "recognised by: aggregator" in text
    assert "10 rows: 10 read, 0 left out, 0 refused, 2026-03-01 to 2026-03-02" in text
    assert "rows 10; debit 296,650; credit 5,152,350; closing 14,855,700" in text
    assert "An import would take the file." in text
    assert text.count("2026-03-0") == 2 * 2 + 2


def test_check_counts_and_places_what_would_be_refused(tmp_path: Path) -> None:
    lines = SAMPLE.read_text("utf-8").splitlines()
    lines[3] = lines[3].replace("01/03/2026", "31/02/2026")
    lines[4] = lines[4].replace("PLN50", "PLN50;more")
    file = tmp_path / "broken.csv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    text, code = finops(tmp_path, "format", "check", str(file), "--json", "--format", "aggregator")
    told = json.loads(text)
    assert code == 3
    assert not told["clean"]
    assert told["problems"]["total"] == 2
    assert {p.split(":")[1] for p in told["problems"]["listed"]} == {"4", "5"}
    text, code = finops(tmp_path, "format", "check", str(file))
    assert (code, "An import would refuse the file." in text) == (3, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--format", "agregator"], "did you mean 'aggregator'"),
        (["--role", "buyer"], "--role: unknown name 'buyer'"),
        (["--zone", "Asia/Jakrta"], "unknown time zone"),
        (["--source", "agga"], "--source needs books"),
        (["--format", "nowhere/x.toml"], "cannot be read"),
    ],
)
def test_wrong_usage(tmp_path: Path, words: list[str], told: str) -> None:
    text, code = finops(tmp_path, "format", "check", str(SAMPLE), *words)
    assert (code, told in text) == (2, True), text


def test_check_as_a_source_of_the_books(tmp_path: Path) -> None:
    """Partner codes are known there, and one that is not is refused."""
    assert finops(tmp_path, "demo", str(tmp_path / "books"))[1] == 0
    file = tmp_path / "orders_2026-03-09.csv"
    header = (shipped()["orders"].parent / "sample.csv").read_text("utf-8").splitlines()[0]
    row = "O1,2026-03-09 10:00:00,NOBODY,app,V20,1,20500,0,SUCCESS,2026-03-09 10:00:30,,P1,,0812"
    file.write_text(f"{header}\n{row}\n", "utf-8")
    text, code = finops(tmp_path, "format", "check", str(file), "--source", "orders")
    assert (code, "partner-unknown" in text) == (3, True), text
    text, code = finops(tmp_path, "format", "check", str(file))
    assert (code, "partner codes are not looked at" in text) == (0, True), text


def test_infer_writes_once_and_says_what_is_open(tmp_path: Path) -> None:
    target = tmp_path / "formats" / "agga.toml"
    words = ["format", "infer", str(SAMPLE), "--role", "supply", "-o", str(target)]
    text, code = finops(tmp_path, *words)
    assert code == 0
    assert "Already read by the shipped format aggregator" in text
    for line in ('format = "aggregator"', 'role = "supply"', 'match = "sample.csv"'):
        assert line in text
    assert "Next: answer the questions, then finops format check" in text
    assert "Looked at 10 records." in text
    assert 'name = "agga"' in target.read_text("utf-8")
    text, code = finops(tmp_path, *words)
    assert (code, "exists" in text) == (2, True)
    text, code = finops(tmp_path, "format", "check", str(SAMPLE), "--format", str(target))
    assert (code, "undecided" in text) == (2, True)


def test_containers_are_looked_into(tmp_path: Path) -> None:
    packed, several = tmp_path / "agga_20260302.csv.gz", tmp_path / "march.zip"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    with zipfile.ZipFile(several, "w") as archive:
        archive.write(SAMPLE, "in/agga.csv")
        archive.writestr("readme.txt", "nothing")
    for words in ([str(packed)], [str(several), "--member", "in/agga.csv"]):
        text, code = finops(tmp_path, "format", "check", *words)
        assert (code, "10 rows: 10 read" in text) == (0, True), text
        text, code = finops(tmp_path, "format", "infer", *words)
        assert (code, "Looked at 10 records." in text) == (0, True), text
        assert ("day = { name = 'agga_(\\d{8})' }" in text) is (words == [str(packed)])
    text, code = finops(tmp_path, "format", "check", str(several))
    assert (code, "holds 2 files; choose one with --member: in/agga.csv, readme.txt" in text) == (
        2,
        True,
    )
    text, code = finops(tmp_path, "format", "infer", str(several), "--member", "agga.csv")
    assert (code, "--member: unknown name 'agga.csv'" in text) == (2, True), text
    text, code = finops(tmp_path, "format", "infer", str(SAMPLE), "--member", "x")
    assert (code, "is no gzip or zip file" in text) == (2, True), text
    packed.write_bytes(packed.read_bytes()[:40])
    assert finops(tmp_path, "format", "check", str(packed))[1] == 3


def test_check_says_the_days_of_a_source(tmp_path: Path) -> None:
    """The file's own, and the partner's by the window of its SOP (23:00 to 23:00 in the demo)."""
    assert finops(tmp_path, "demo", str(tmp_path / "books"))[1] == 0
    file = tmp_path / "AggA_mutasi_20260302.csv"
    file.write_bytes(SAMPLE.read_bytes())
    words = ["format", "check", str(file), "--source", "agga"]
    text, _ = finops(tmp_path, *words)
    assert "Business day of the file: 2026-03-02." in text
    told = json.loads(finops(tmp_path, *words, "--json")[0])
    assert told["business_day"] == "2026-03-02"
    assert told["partner_days"][0] == "2026-03-02"
    assert told["days"][0] == "2026-03-01"


def test_infer_of_what_is_no_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"%PDF-1.7 \x00")
    text, code = finops(tmp_path, "format", "infer", str(file))
    assert (code, "not-inferred" in text) == (3, True)
