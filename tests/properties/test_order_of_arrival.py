"""While the days are open the books are the same in whatever order files arrive; twice is once."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties import business as b


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(1, 10_000), order=st.integers(0, 10_000))
def test_any_order_of_arrival_gives_the_same_bytes(seed: int, order: int) -> None:
    with TemporaryDirectory() as folder:
        books = b.lay_out(Path(folder), days=4, orders=40, seed=seed)
        other = b.copy(books, Path(folder) / "other")
        b.run_all(books)
        b.run_shuffled(other, random.Random(order))
        assert b.proofs(other) == b.proofs(books)
        assert b.journal(other.root) == b.journal(books.root)


def test_importing_twice_is_importing_once(tmp_path: Path) -> None:
    books = b.lay_out(tmp_path, days=3, orders=40, seed=3)
    kept = tmp_path / "kept"
    shutil.copytree(books.root / "inbox", kept)
    b.run_all(books)
    before = b.journal(books.root), (books.root / "subledger" / "manifest.jsonl").read_bytes()
    shutil.copytree(kept, books.root / "inbox", dirs_exist_ok=True)
    report = books.import_files()
    assert {f.verdict for f in report.files} == {"known"}
    assert books.reconcile() == 0
    after = b.journal(books.root), (books.root / "subledger" / "manifest.jsonl").read_bytes()
    assert after == before
    assert list((books.root / "inbox").iterdir()) == []
