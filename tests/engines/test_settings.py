"""What finops.toml says of Spark, and what is said when Spark cannot start; nothing here starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from finops_ledger.books.config import load
from finops_ledger.core.errors import UsageError
from finops_ledger.subledger import spark_settings
from finops_ledger.subledger.spark_sql import Files, NotForSpark, translate
from tests.worked import workspace as w


def settings(tmp_path: Path, text: str) -> spark_settings.Settings:
    w.make(tmp_path / "books").close()
    with (tmp_path / "books" / "finops.toml").open("a") as file:
        file.write(text)
    return load(tmp_path / "books").engine.session()


def test_any_setting_of_spark_can_be_written(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        '[engine]\nname = "spark"\nmemory = "6GB"\nthreads = 3\n'
        '[engine.spark]\nspark.executor.memory = "16g"\n"spark.dynamicAllocation.enabled" = true\n'
        'temp = "spill"\n',
    ).conf("folder")
    assert found["spark.master"] == "local[3]"
    assert found["spark.driver.memory"] == "6g"
    assert found["spark.executor.memory"] == "16g"
    assert found["spark.dynamicAllocation.enabled"] == "true"
    assert found["spark.local.dir"] == "spill"


def test_a_cluster_says_how_much_memory_its_driver_has(tmp_path: Path) -> None:
    text = '[engine]\nname = "spark"\n[engine.spark]\nmaster = "spark://host:7077"\n'
    found = settings(tmp_path, text)
    assert not found.local
    assert "spark.driver.memory" not in found.conf("folder")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("spark.sql.ansi.enabled = false", "spark.sql.ansi.enabled is set by the program"),
        ('spark.sql.session.timeZone = "Asia/Jakarta"', "the rows depend on it"),
        ('mastr = "local"', "mastr"),
        ('storage = "bucket/books"', "storage"),
        ('master = "local"\nspark.master = "yarn"', "write master or spark.master, not both"),
    ],
)
def test_what_cannot_be_set_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settings(tmp_path, f'[engine]\nname = "spark"\n[engine.spark]\n{line}\n')


def java(folder: Path, says: str) -> Path:
    """A Java that says which it is."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return folder


def test_a_machine_without_java_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="apt-get install openjdk-17-jre-headless"):
        spark_settings.check_installed()


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
    ],
)
def test_the_java_that_java_home_names_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, version: int
) -> None:
    pytest.importorskip("pyspark")
    home = java(tmp_path, says)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert spark_settings.java_version() == (version, str(home / "bin" / "java"))
    if version == 8:
        with pytest.raises(UsageError, match="is Java 8"):
            spark_settings.check_installed()


def test_without_the_extra_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_settings, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'finops-ledger\[spark\]'"):
        spark_settings.check_installed()


def test_nothing_of_spark_is_loaded_for_duckdb(tmp_path: Path) -> None:
    """Neither the library nor sqlglot's translation costs anything where DuckDB does the work."""
    w.make(tmp_path / "books").close()
    code = (
        "import sys; from pathlib import Path; from finops_ledger.books import Books\n"
        f"books = Books(Path({str(tmp_path / 'books')!r})); books.space.engine; books.close()\n"
        "loaded = [m for m in sys.modules if m.split('.')[0] == 'pyspark' or 'engine_spark' in m]\n"
        "assert loaded == [], loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def said(text: str) -> str:
    def columns(sql: str) -> list[str]:
        assert "REPLACE" not in sql
        return ["key", "move"]

    return translate(text, lambda files: f"files of {len(files.paths)}", columns)


def test_texts_are_said_in_sparks_words() -> None:
    files: list[Files] = []
    text = "select a, hash(b) from read_parquet(['x', 'y'], file_row_number = true, hive_partitioning = false)"
    made = translate(text, lambda f: files.append(f) or "both", lambda _: [])  # type: ignore[func-returns-value]
    assert made == "SELECT a, XXHASH64(b) FROM `both`"
    assert files == [Files(("x", "y"), position=True)]
    made = said("select r.* replace (-r.move as move) from rhs as r order by r.key desc, r.move")
    assert "`r`" not in made
    assert "r.`key` AS `key`, -r.move AS `move`" in made
    assert made.endswith("ORDER BY r.key DESC, r.move NULLS LAST")
    made = said("select regexp_matches(a, '^TOP-?UP (ref|no)\\.? \\d+') from t")
    assert "RLIKE '^TOP-?UP (ref|no)" in made
    made = said("select * from t qualify row_number() over (partition by key order by move) = 1")
    assert "QUALIFY" not in made


@pytest.mark.parametrize(
    "text",
    [
        "select list(a order by b) from t",
        "select last(a order by b) from t",
        "select string_agg(a, ',' order by a) from t",
        "select * replace (1 as gone) from t",
        "select * from read_parquet(['x'], hive_partitioning = true)",
        "select from where",
        "select regexp_matches(a, '(?i)topup$') from t",
        "select regexp_matches(a, '[[:alpha:]]') from t",
    ],
)
def test_what_spark_would_do_otherwise_is_refused(text: str) -> None:
    with pytest.raises(NotForSpark, match="cannot run on Spark"):
        said(text)
