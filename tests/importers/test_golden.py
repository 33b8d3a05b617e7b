"""The shipped samples as beangulp importers: the golden file of each, to the byte."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from beangulp import testing
from beangulp.exceptions import Error

from finops_ledger.books import Books
from finops_ledger.books.importer import FormatImporter, SampleImporter, of_workspace
from finops_ledger.books.samples import import_sample, samples_of
from finops_ledger.intake.formats import shipped

SAMPLES = {n: samples_of(n)[0] for n in shipped()}
SCRIPT = Path(__file__).parents[2] / "importers" / "import.py"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples_give_their_golden_files(name: str, tmp_path: Path) -> None:
    importer = SampleImporter(tmp_path / "rules", name)
    for sample in samples_of(name):
        assert importer.identify(str(sample))
        told = io.StringIO()
        testing.write_expected(told, *testing.run_importer(importer, str(sample)))
        golden = sample.with_name(f"{sample.name}.beancount")
        assert told.getvalue() == golden.read_text("utf-8"), sample.name


def test_every_sample_is_known_by_one_importer_only() -> None:
    folder = SCRIPT.parent
    command = [sys.executable, str(SCRIPT), "identify", str(folder)]
    environment = {k: v for k, v in os.environ.items() if k != "FINOPS_BOOKS"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    samples = [sample for name in SAMPLES for sample in samples_of(name)]
    for sample in samples:
        assert f"{sample}" in done.stdout, sample
    assert done.stdout.count("finops.") == len(samples)


def test_what_is_in_the_books_is_marked_by_its_batch(tmp_path: Path) -> None:
    root, sample = tmp_path / "books", SAMPLES["pg_settlement"]
    report = import_sample(root, "pg_settlement", sample)
    assert report.balanced
    [importer] = of_workspace(root)
    file = tmp_path / "report_20260303.csv"
    file.write_bytes(sample.read_bytes())
    with Books(root) as books:
        existing = list(books.load().transactions())
    entries = importer.extract(str(file), existing)
    importer.deduplicate(entries, existing)
    assert [e.meta["__duplicate__"].date for e in entries] == [e.date for e in entries]
    # One figure changed is another file: nothing is like enough to be the same.
    file.write_text(sample.read_text().replace("2026-03-01 23:04:10", "2026-03-01 23:04:11"))
    others = importer.extract(str(file), existing)
    importer.deduplicate(others, existing)
    assert all("__duplicate__" not in e.meta for e in others)


def test_a_refused_file_says_why(tmp_path: Path) -> None:
    root = tmp_path / "books"
    assert import_sample(root, "stripe_settlement", SAMPLES["stripe_settlement"]).balanced
    importer = FormatImporter(root, "stripe")
    file = tmp_path / "report.csv"
    file.write_text(SAMPLES["stripe_settlement"].read_text().replace("23.97", "23.98"))
    with pytest.raises(Error, match="breaks gross = net"):
        importer.extract(str(file), [])


def test_a_balance_that_does_not_follow_is_refused_with_its_line(tmp_path: Path) -> None:
    root, sample = tmp_path / "books", SAMPLES["generic_sheet"]
    assert import_sample(root, "generic_sheet", sample).balanced
    text = sample.read_text()
    with Books(root) as books:
        (root / "inbox" / "next.csv").write_text(text.replace('"10,245.00"', '"10,246.00"'))
        [report] = books.import_files().files
    assert report.verdict == "refused"
    assert [p.split(":")[1] for p in report.problems] == ["5", "6"]
    assert "balance-chain" in report.problems[0]
