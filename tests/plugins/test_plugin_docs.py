"""Every error code is documented by a ledger that gives it, and has a test of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "plugins.md").read_text("utf-8")
CODE = re.compile(r"(plugin|deposit|balance|clearing|batch|period|approval|settlement)(-[a-z]+)+")
SECTIONS = dict(re.findall(r"^### `([a-z-]+)`\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))
# It says that a posting could not be read, so it never comes alone.
TOGETHER = {"clearing-balance": {"clearing-balance", "clearing-unmarked"}}


def codes() -> set[str]:
    """All codes that stand in the plugins' source as whole strings."""
    found = set()
    for path in (ROOT / "finops_ledger" / "plugins").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and CODE.fullmatch(node.value)
            ):
                found.add(node.value)
    return found


def test_there_are_codes() -> None:
    assert len(codes()) > 20


def test_the_page_has_each_code_and_no_other() -> None:
    assert set(SECTIONS) == codes()


def test_each_code_has_a_test() -> None:
    tests = "".join(
        path.read_text("utf-8")
        for path in Path(__file__).parent.glob("test_*.py")
        if path != Path(__file__)
    )
    assert {code for code in codes() if f'"{code}"' not in tests} == set()


def _blocks(code: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", SECTIONS[code], re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", sorted(SECTIONS))
def test_the_example_gives_its_error(
    code: str, books: Callable[..., list[tuple[str, int]]]
) -> None:
    (ledger,) = _blocks(code, "beancount")
    manifests = [text.encode() for text in _blocks(code, "json")]
    if code == "batch-torn":
        manifests = [manifests[0].rstrip(b"\n")]
    found = books(ledger, manifests[0] if manifests else None)
    assert {each for each, _ in found} == TOGETHER.get(code, {code})
