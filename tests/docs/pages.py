"""Pages as scripts: what their blocks do and show, run in a folder of their own.

A page's blocks, by the words after the fence:

``console``          lines ``$ command`` run, and the lines below each are what it shows
``… file=PATH``      the block is written to PATH; ``append=PATH`` adds it to the end
``pycon``            a Python session, checked by doctest
anything else        is only read

In what is shown, ``…`` stands for anything within a line, and a line of ``…`` alone for any lines.
A page with ``<!-- continues: OTHER.md -->`` begins in the folder that the other one ends with.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finops_ledger.cli.app import cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CONTINUES = re.compile(r"^<!-- continues: (\S+) -->$", re.MULTILINE)
_STATEMENT = re.compile(r"[|;&<>*$]")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its words after the fence, its text, its place in the page."""

    words: tuple[str, ...]
    text: str
    start: int  #: offset of the text in the page
    line: int

    @property
    def kind(self) -> str:
        return self.words[0] if self.words else ""

    def option(self, name: str) -> str | None:
        return next((w.partition("=")[2] for w in self.words if w.startswith(f"{name}=")), None)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a console block and what stands below it."""

    text: str
    shown: str
    start: int  #: offset of what is shown, in the page
    line: int


def pages() -> list[Path]:
    """README and every page of docs/."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(page: str) -> Iterator[Block]:
    for found in _BLOCK.finditer(page):
        line = page.count("\n", 0, found.start()) + 1
        yield Block(tuple(found.group(1).split()), found.group(2), found.start(2), line)


def commands(block: Block) -> Iterator[Command]:
    at = 0
    lines = block.text.splitlines(keepends=True)
    starts = [n for n, line in enumerate(lines) if line.startswith("$ ")]
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    for at, nxt in zip(starts, [*starts[1:], len(lines)], strict=True):
        shown = "".join(lines[at + 1 : nxt])
        yield Command(
            lines[at][2:].rstrip("\n"), shown, block.start + offsets[at + 1], block.line + at + 1
        )


def runs(page: str) -> bool:
    """Whether a page has anything to run."""
    return any(
        b.kind in ("console", "pycon") or b.option("file") or b.option("append")
        for b in blocks(page)
    )


def tidy(text: str) -> str:
    """Drop blanks at line ends: nobody sees them."""
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def agrees(shown: str, made: str) -> bool:
    """Compare what a page shows with what came out."""
    pattern = []
    for line in tidy(shown).splitlines():
        if line.strip() == "…":
            pattern.append(r"(?:[^\n]*\n)*?")
        else:
            pattern.append(re.escape(line).replace("…", r"[^\n]*?") + r"\n")
    return re.fullmatch("".join(pattern), tidy(made)) is not None


def run_finops(arguments: list[str]) -> tuple[str, int]:
    """Run the command line in this process; return what it writes, and its exit code."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            cli.main(args=arguments, prog_name="finops")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    return out.getvalue(), code


class Session:
    """Runs the blocks of one page, in order, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = 0
        self.globals: dict[str, Any] = {"__name__": "__main__"}

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        before, books = Path.cwd(), os.environ.pop("FINOPS_BOOKS", None)
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(before)
            if books is not None:
                os.environ["FINOPS_BOOKS"] = books

    def run(self, command: str) -> str:
        """Run one command line; ``echo $?`` tells how the one before ended."""
        if command == "echo $?":
            return f"{self.code}\n"
        if command.startswith("finops ") and not _STATEMENT.search(command):
            text, self.code = run_finops(shlex.split(command)[1:])
            return text
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.code = done.returncode
        return done.stdout

    def write(self, block: Block) -> None:
        """Write or add to the file that a block names."""
        for option, mode in (("file", "w"), ("append", "a")):
            name = block.option(option)
            if name is not None:
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open(mode, encoding="utf-8") as file:
                    file.write(block.text)

    def python(self, block: Block) -> str:
        """Run a Python session; return doctest's report of what differs."""
        found = doctest.DocTestParser().get_doctest(
            block.text, self.globals, "page", "page", block.line
        )
        out = io.StringIO()
        runner = doctest.DocTestRunner(
            verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        )
        runner.run(found, out=out.write, clear_globs=False)
        self.globals = dict(found.globs)
        return out.getvalue()


def play(path: Path, folder: Path) -> Iterator[tuple[Command | Block, str]]:
    """Run a page in ``folder``; yield each command with what came out, and each faulty session."""
    page = path.read_text("utf-8")
    if before := _CONTINUES.search(page):
        earlier = (path.parent / before.group(1)).resolve()
        shutil.copytree(ended(earlier, folder.parent), folder, dirs_exist_ok=True)
    session = Session(folder)
    with session.inside():
        for block in blocks(page):
            session.write(block)
            if block.kind == "pycon":
                if fault := session.python(block):
                    yield block, fault
            elif block.kind == "console":
                for command in commands(block):
                    yield command, session.run(command.text)


_ENDED: dict[Path, Path] = {}


def ended(path: Path, place: Path) -> Path:
    """The folder as a page leaves it; each page is played once for those that go on from it."""
    if path not in _ENDED:
        folder = place / f"after-{path.stem}"
        folder.mkdir()
        for _ in play(path, folder):
            pass
        _ENDED[path] = folder
    return _ENDED[path]
