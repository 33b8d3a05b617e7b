"""A configuration that is not clear is named with file, line and key, and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from finops_ledger.cli import cli
from tests.worked import workspace as w


def swap(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            swap("finops.toml", "currency =", "curency ="),
            ("finops.toml:", "did you mean 'currency'"),
        ),
        (swap("finops.toml", "[company]", "[company"), ("finops.toml", "not TOML")),
        (swap("sops/AggA.toml", "grace =", "grase ="), ("AggA.toml:", "did you mean 'grace'")),
        (swap("sops/AggA.toml", '"0h"', '"soon"'), ("AggA.toml:", "grace", "72h")),
        (
            swap("sops/AggA.toml", 'approver = "approver-1"', 'approver = "preparer-1"'),
            ("AggA.toml", "approved by someone else"),
        ),
        (swap("prices/AggA.csv", "49800", "49,8OO"), ("AggA.csv:2",)),
        (lambda root: (root / "prices" / "AggA.csv").unlink(), ("AggA.csv", "no such price list")),
        (swap("finops.toml", 'format = "orders"', 'format = "order"'), ("did you mean 'orders'",)),
        (
            swap(
                "sops/AggA.toml",
                "[versions.supply]",
                '[versions.owners]\ncost_mismach = "x"\n\n[versions.supply]',
            ),
            ("AggA.toml", "[versions.owners] names 'cost_mismach'", "did you mean 'cost_mismatch'"),
        ),
        (
            swap(
                "sops/AggA.toml",
                "[versions.supply]",
                '[versions.deadlines]\nlate_sucess = "24h"\n\n[versions.supply]',
            ),
            ("[versions.deadlines] names 'late_sucess'", "did you mean 'late_success'"),
        ),
    ],
)
def test_what_is_not_clear_is_named(
    tmp_path: Path, change: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    root = tmp_path / "books"
    w.make(root, bank=True)
    w.orders(root, w_day(), [])
    change(root)
    result = CliRunner().invoke(cli, ["--books", str(root), "run"])
    told = result.output + result.stderr
    assert result.exit_code == 2, told
    for word in words:
        assert word in " ".join(told.split())
    assert "Traceback" not in told


def w_day() -> date:
    """The day of the file that waits."""
    return date(2026, 3, 2)
