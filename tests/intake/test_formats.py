"""What a format file may say: faults name the place, and the nearest known word."""

from __future__ import annotations

from pathlib import Path

import pytest

from finops_ledger.books.samples import samples_of
from finops_ledger.core.errors import UsageError
from finops_ledger.intake.formats import find_format, load_format, shipped

SOUND = """
name = "t"
version = 1
key = ["ref"]
[file]
header = ["id", "amount"]
[fields]
ref = "id"
amount = "amount"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "t.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sound_format(tmp_path: Path) -> None:
    fmt = load_format(write(tmp_path, SOUND))
    assert (fmt.name, fmt.version, fmt.key, fmt.order) == ("t", 1, ("ref",), "oldest-first")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version = 1", "version = 1\nverion = 2", "unknown key 'verion'; did you mean 'version'?"),
        ("[fields]", "delimeter = ';'\n[fields]", "'file.delimeter'; did you mean 'delimiter'?"),
        ('amount = "amount"', 'amount = {colum = "amount"}',
         "'fields.amount.colum'; did you mean 'column'?"),
        ('ref = "id"', 'reff = "id"', "unknown name 'reff'; did you mean 'ref'?"),
        ('ref = "id"', 'ref = "idd"', "the file has no column 'idd'; did you mean 'id'?"),
        ('key = ["ref"]', 'key = ["rev"]', "key: unknown name 'rev'"),
        ('amount = "amount"', 'amount = {column = "amount", sum = ["id"]}', "exactly one of"),
        ('amount = "amount"', 'amount = {column = "amount", pattern = "(a"}', "regular expression"),
        ('amount = "amount"', "", "no control amount"),
        ('amount = "amount"', 'amount = "amount"\nkind = "useage"', "no column 'useage'"),
        ('amount = "amount"', 'amount = "amount"\nkind = {constant = "useage"}', "'usage'"),
        ('["id", "amount"]', '["id", "amount", "id"]', "header names a column twice"),
        ("[fields]", "[numbers]\ndecimal = '.'\nthousands = '.'\n[fields]", "same character"),
        ("[fields]", "[status]\ncolumn = 'id'\nmap = {OK = 'fine'}\n[fields]", "not a status"),
        ("[fields]", "[[totals]]\nrow='x'\ncel=1\n[fields]", "'totals.0.cel'; did you mean 'cell'"),
        ("[file]", "[file]\nencoding = 'utf-9'", "unknown encoding"),
        ("[fields]", "[fields", "not TOML"),
        ('amount = "amount"', 'amount = {column = "amount", pattern = "(?=a)(b)"}', "(?=a)(b)"),
        ("[fields]", "[times]\nformat = '%K'\n[fields]", "%K"),
        ("[fields]", "[times]\nzone = 'Asia/Jakrta'\n[fields]", "unknown time zone"),
        ("[fields]", "[times]\nzone = {column = 'id', map = {X = 'Nowhere'}}\n[fields]", "Nowhere"),
    ],
)  # fmt: skip
def test_fault_is_explained(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SOUND
    with pytest.raises(UsageError) as caught:
        load_format(write(tmp_path, SOUND.replace(old, new, 1)))
    assert words in str(caught.value)
    assert "t.toml" in str(caught.value)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_format(write(tmp_path, SOUND.replace('ref = "id"', 'reff = "idd"')))
    assert "reff" in str(caught.value)
    assert "idd" in str(caught.value)


def test_books_formats_come_first(tmp_path: Path) -> None:
    assert find_format("bca", tmp_path) == shipped()["bca"]
    own = write(tmp_path, SOUND).rename(tmp_path / "bca.toml")
    assert find_format("bca", tmp_path) == own
    with pytest.raises(UsageError, match="did you mean 'bca'"):
        find_format("bcaa", None)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_format_is_sound_and_has_a_sample(name: str) -> None:
    path = shipped()[name]
    fmt = load_format(path)
    assert fmt.name == name
    assert fmt.description
    assert fmt.source_of_layout
    assert fmt.role
    assert samples_of(name)
