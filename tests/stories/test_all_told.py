"""No story of the table is left out."""

from __future__ import annotations

import re
from pathlib import Path

from tests import stories

HERE = Path(__file__).parent


def test_each_story_is_told_where_the_table_says() -> None:
    rows = re.findall(r"^ ?(\d+)  .*\s(\w+)$", str(stories.__doc__), re.MULTILINE)
    told = {
        (int(number), path.stem.removeprefix("test_"))
        for path in HERE.glob("test_*.py")
        for number in re.findall(r"^def test_story_(\d+)_", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {(int(number), where) for number, where in rows} == told
    assert [int(number) for number, _ in rows] == list(range(1, 23))
