"""The whole benchmark at a tiny size, so that it cannot rot; each run checks the counts."""

from pathlib import Path

from tests.benchmarks.__main__ import main


def test_the_benchmark_runs_and_its_counts_agree_with_the_truth(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    work = str(tmp_path / "work")
    small = ["--rows", "2000", "--rounds", "1", "--days", "3", "--partners", "1"]
    main([*small, "--work", work, "--page", str(page)])
    text = page.read_text()
    assert "over `baseline.sql`" in text
    assert "peak memory" in text
