"""Links between pages lead somewhere, and every page can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import pages as p

_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def prose(path: Path) -> str:
    return _FENCED.sub("", path.read_text("utf-8"))


def anchors(path: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    found = set()
    for heading in _HEADING.findall(prose(path)):
        plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def links(path: Path) -> Iterator[tuple[str, Path, str]]:
    """Each link of a page to another file: as written, the file, the anchor."""
    for link in _LINK.findall(prose(path)):
        if not re.match(r"[a-z]+:", link):
            name, _, anchor = link.partition("#")
            yield link, (path.parent / name).resolve() if name else path, anchor


#: Pages of the map that are still being written.
COMING = {"benchmarks.md"}
OTHERS = [p.ROOT / "CHANGES.md", p.ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("path", [*p.pages(), *OTHERS], ids=lambda x: x.name)
def test_links_resolve(path: Path) -> None:
    for link, target, anchor in links(path):
        assert target.exists() or target.name in COMING, f"{path.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{path.name}: {link}"


def test_the_map_leads_to_every_page() -> None:
    index = p.DOCS / "index.md"
    reached = {target for _, target, _ in links(index)}
    assert {path for path in p.DOCS.rglob("*.md") if path != index} - reached == set()
