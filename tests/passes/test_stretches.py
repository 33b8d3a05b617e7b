"""A long day is joined a stretch of its sales at a time; what is written is the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from finops_ledger.recon import plain
from tests.worked.story import Story

CUT = 49_800


def matches_of(folder: Path) -> list[str]:
    story = Story(folder / "books", date(2026, 4, 1))
    for n in range(25):
        story.sold(date(2026, 4, 1), f"S{n:02}")
        story.row(date(2026, 4, 1), f"A-{n}", f"S{n:02}", debit=CUT + 300 * (n == 7))
    story.run(date(2026, 4, 1))
    story.proven()
    found = (story.root / "subledger" / "matches").rglob("*.parquet")
    return sorted(p.relative_to(story.root).as_posix() for p in found)


def test_the_same_matches_under_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = matches_of(tmp_path / "whole")
    monkeypatch.setattr(plain, "_AT_A_TIME", 4)
    assert matches_of(tmp_path / "cut") == whole
    assert len(whole) == 1
