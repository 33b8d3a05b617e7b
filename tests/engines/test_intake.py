"""Files read by Spark's tasks become the same batches as files read one after another."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from finops_ledger.books import Books
from finops_ledger.books.ahead import FOLDER, Ahead
from finops_ledger.subledger.manifest import NAME
from tests.conftest import missing
from tests.engines import spark
from tests.integrity import workspaces as iw
from tests.worked import workspace as w


@pytest.fixture(scope="module", autouse=True)
def _spark() -> None:
    if lack := spark.lacking():
        missing(lack)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A workspace with two days of files: one packed, one faulty, one twice, one that nobody takes."""
    root = tmp_path / "books"
    w.make(root, bank=True).close()
    iw.drop_second(root)
    iw.drop_third(root)
    at = root / "inbox"
    plain = at / "AggA_mutasi_20260302.csv"
    (at / f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()
    shutil.copy(at / "orders_2026-03-02.csv", at / "orders_2026-03-02 again.csv")
    (at / "orders_2026-03-01.csv").write_text(w.ORDERS_HEADER + "\nO0,yesterday,AggA\n")
    (at / "unknown.csv").write_text("a,b\n1,2\n")
    return root


def taken_in(root: Path) -> tuple[list[object], list[dict[str, object]]]:
    """Import everything; return the reports, and the lines of the manifest that say what the files were."""
    with Books(root, clock=lambda: w.NOW) as books:
        report = books.import_files(derive=False)
    lines = [json.loads(line) for line in (root / NAME).read_text("utf-8").splitlines()]
    for line in lines:
        line.pop("prev")
    return list(report.files), [x for x in lines if x["kind"] in ("batch", "refused")]


def test_tasks_read_what_one_process_reads(
    inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "spark"
    shutil.copytree(inbox, other)
    with (other / "finops.toml").open("a") as file:
        file.write(f"\n{spark.TOML}")
    found: list[bool] = []
    take = Ahead.take

    def taken(self: Ahead, *what: object) -> object:
        done = take(self, *what)  # type: ignore[arg-type]
        found.append(done is not None)
        return done

    monkeypatch.setattr(Ahead, "take", taken)
    reports, lines = taken_in(inbox)
    assert not any(found)
    found.clear()
    assert taken_in(other) == (reports, lines)
    assert found
    assert all(found)
    assert {r.verdict for r in reports} >= {"imported", "known", "refused", "unrecognised"}  # type: ignore[attr-defined]
    assert not (other / FOLDER).exists()
