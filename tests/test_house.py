"""The house rules: who may import whom, no floats, short modules, nothing of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "finops_ledger"

# Data flows one way: a room imports only itself and the rooms to its right.
ORDER = (
    "cli", "fava", "reports", "books", "treasury", "recon", "plugins",
    "posting", "sop", "subledger", "intake", "core",
)  # fmt: skip
# Beside the row: what else a room may import, and what stands outside the order.
ARROWS = {room: {*ORDER[place:]} for place, room in enumerate(ORDER)}
ARROWS["cli"] |= {"simulator", "audit"}
# The second opinion must not share a line with what it judges.
ARROWS["audit"] = {"audit", "sop", "subledger", "core"}
ARROWS["books"] |= {"audit"}
ARROWS["simulator"] = {"simulator", "core"}
# `python -m finops_ledger` is the command line.
ARROWS["__main__"] = ARROWS["cli"]
# The package itself is every room's: it holds the version.
ANY_ROOM = "finops_ledger"

FORBIDDEN = {"plugins": {"duckdb", "pyarrow", "ibis"}}
ONLY = {"core": {*sys.stdlib_module_names, "pyarrow"}}

# Only a simulator draws random figures. A float literal is refused where money is computed.
FLOATS_ALLOWED = {"simulator"}
MONEY_ROOMS = {"core", "posting", "plugins", "recon", "treasury"}

LINES_MAX = 400

TOP_LEVEL = {
    "finops_ledger", "importers", "ledgers", "tests", "docs", "pyproject.toml", "constraints.txt",
    "README.md", "LICENSE", "CHANGES.md", "CONTRIBUTING.md", "Makefile",
    ".ci", ".editorconfig", ".gitattributes", ".gitignore",
}  # fmt: skip

# Written so that this file does not match itself.
UNWANTED = {
    "a path of one machine": re.compile(r"(?<![\w.~:*-])/(?:work|tmp|root|home|Users)/(?=[\w.])"),
    "the address of a package index": re.compile(
        r"pypi\.(?:org|python)|pythonhoste[d]|(?:index-ur[l]|find-link[s]|index_ur[l])\b"
    ),
}

Module = tuple[Path, ast.Module]


def room_of(path: Path) -> str:
    """The room that a module belongs to, seen from the package."""
    first = path.relative_to(PACKAGE).parts[0]
    return ANY_ROOM if first == "__init__.py" else first.removesuffix(".py")


def modules() -> Iterator[Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"), filename=str(path))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each import as (line, dotted name); a relative one starts with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            if base == "finops_ledger":
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, base


def arrow_faults(room: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What a module of ``room`` imports and must not."""
    if room == ANY_ROOM:
        return
    if room not in ARROWS:
        yield 1, f"room {room!r} is not in the table"
        return
    for line, name in imports(tree):
        top, _, rest = name.partition(".")
        if not top:
            yield line, f"relative import {name}"
        elif top != "finops_ledger":
            if top in FORBIDDEN.get(room, ()):
                yield line, f"{room} must not import {top}"
            if room in ONLY and top not in ONLY[room]:
                yield line, f"{room} may import only the standard library and pyarrow, not {top}"
        else:
            target = rest.partition(".")[0]
            if target and not target.startswith("__") and target not in ARROWS[room]:
                yield line, f"{room} must not import {target}"


def float_faults(room: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls of ``float`` anywhere, and float literals where money is computed."""
    if room in FLOATS_ALLOWED:
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="float")):
                yield node.lineno, "float() is called"
            case ast.Constant(value=float() as value) if room in MONEY_ROOMS:
                yield node.lineno, f"float literal {value!r} in {room}"


def faults(rule: Callable[[str, ast.AST], Iterator[tuple[int, str]]]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {fault}"
        for path, tree in modules()
        for line, fault in rule(room_of(path), tree)
    ]


def tracked() -> list[Path]:
    """The files that git knows; in CI the checkout may belong to another user."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_arrows_point_one_way() -> None:
    assert faults(arrow_faults) == []


def test_no_float_touches_money() -> None:
    assert faults(float_faults) == []


@pytest.mark.parametrize(
    ("room", "source", "fault"),
    [
        ("core", "from finops_ledger.intake import read", "core must not import intake"),
        ("core", "import pandas", "core may import only the standard library and pyarrow, not"),
        ("sop", "from finops_ledger import recon", "sop must not import recon"),
        ("plugins", "def f():\n    import duckdb.typing", "plugins must not import duckdb"),
        ("books", "from finops_ledger.simulator import draw", "books must not import simulator"),
        ("simulator", "import finops_ledger.posting", "simulator must not import posting"),
        ("intake", "from . import formats", "relative import ."),
        ("attic", "import decimal", "room 'attic' is not in the table"),
    ],
)
def test_a_wrong_arrow_is_seen(room: str, source: str, fault: str) -> None:
    [(_, found)] = arrow_faults(room, ast.parse(source))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("cli", "from finops_ledger.simulator import draw"),
        ("recon", "import duckdb, ibis\nfrom finops_ledger.core import money"),
        ("core", "import re\nimport pyarrow as pa"),
        ("subledger", "from finops_ledger import __version__"),
    ],
)
def test_a_right_arrow_passes(room: str, source: str) -> None:
    assert list(arrow_faults(room, ast.parse(source))) == []


def test_a_float_is_seen() -> None:
    source = ast.parse("rate = 0.11\ncost = float('1')")
    assert [line for line, _ in float_faults("posting", source)] == [1, 2]
    assert [line for line, _ in float_faults("cli", source)] == [2]
    assert list(float_faults("simulator", source)) == []


def test_modules_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path, _ in modules()
        if (lines := len(path.read_text("utf-8").splitlines())) > LINES_MAX
    }
    assert long == {}


def test_tracked_files_name_no_machine_and_no_index() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found += [
                f"{path.relative_to(ROOT)}:{number}: {what}"
                for what, pattern in UNWANTED.items()
                if pattern.search(line)
            ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of one machine", "see " + "/".join(["", "home", "ann", "books"])),
        ("a path of one machine", 'open("' + "/".join(["", "tmp", "x.csv"]) + '")'),
        ("the address of a package index", "--extra-" + "index" + "-url https://example.org"),
        ("the address of a package index", "https://" + "pypi" + ".org/simple"),
    ],
)
def test_an_unwanted_address_is_seen(what: str, line: str) -> None:
    assert UNWANTED[what].search(line)


def test_the_top_level_holds_only_what_the_design_names() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} - TOP_LEVEL == set()
