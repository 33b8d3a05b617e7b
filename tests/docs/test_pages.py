"""What a page says to type works, and shows what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from finops_ledger.cli.app import cli
from tests.docs import pages as p

TESTED = [path for path in p.pages() if p.runs(path.read_text("utf-8"))]
TARGETS = set(re.findall(r"^([a-z]+):", (p.ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def _name(path: Path) -> str:
    return path.relative_to(p.ROOT).as_posix()


@pytest.mark.parametrize("path", TESTED, ids=_name)
def test_the_page_shows_what_its_commands_do(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    page = path.read_text("utf-8")
    done = list(p.play(path, folder))
    for number, (step, made) in enumerate(done):
        if isinstance(step, p.Block):
            pytest.fail(f"{_name(path)}:{step.line}\n{made}", pytrace=False)
        if not p.agrees(step.shown, made):
            place = f"{_name(path)}:{step.line}: $ {step.text}"
            pytest.fail(f"{place}\nshown:\n{step.shown}\ncame out:\n{made}", pytrace=False)
        if step.text.startswith("finops "):
            told = [c.text for c, _ in done[number + 1 : number + 2] if isinstance(c, p.Command)]
            assert "internal error" not in made, step.text
            if "finops: " in made:  # a refusal: the page says how it ends
                assert told == ["echo $?"], f"{_name(path)}:{step.line}: show how it ends: $?"
    assert page.count("```") % 2 == 0


@pytest.mark.parametrize("path", p.pages(), ids=_name)
def test_commands_that_are_not_run_exist(path: Path) -> None:
    known = set(cli.list_commands(click.Context(cli)))
    for block in p.blocks(path.read_text("utf-8")):
        if block.kind != "sh":
            continue
        for line in block.text.splitlines():
            words = line.split("#")[0].split()
            if words[:1] == ["make"]:
                assert words[1] in TARGETS, f"{_name(path)}: {line}"
            if words[:1] == ["finops"] and len(words) > 1:
                assert [w for w in words[1:] if w in known], f"{_name(path)}: {line}"


def test_wildcards() -> None:
    assert p.agrees("a … c\n", "a b c\n")
    assert p.agrees("a\n…\nz\n", "a\nb\nc\nz\n")
    assert p.agrees("a\n…\nz\n", "a\nz\n")
    assert p.agrees("a   \n", "a\n")
    assert not p.agrees("a … c\n", "a b\nc\n")
    assert not p.agrees("a\n", "a\nb\n")
