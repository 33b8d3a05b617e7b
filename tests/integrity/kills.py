"""Kills import and reconciliation, a close, a withdrawal, a decision, a payment list at their n-th step; the next run
finishes them.

Run as a script, in an interpreter of its own: every run is a forked child, so nothing here may open
DuckDB or start a thread before it forks. Prints what went wrong, one line each, then how many
kills there were.

    python -m tests.integrity.kills <empty folder>
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import finops_ledger
from finops_ledger.books import Books
from finops_ledger.core.errors import UsageError
from finops_ledger.subledger import files
from finops_ledger.subledger.engine import content_digest
from finops_ledger.subledger.manifest import NAME, Manifest
from tests.inbox import made
from tests.integrity import workspaces as iw
from tests.treasury.bills import bill, may
from tests.treasury.runs import payer
from tests.worked import workspace as w

Tree = dict[str, str | bytes]
DAY = date(2026, 3, 2)
#: Jobs of which only every third step is tried.
SAMPLED = ("closing", "withdrawn", "resolved", "listed")


def work(root: Path) -> None:
    """What is killed, by the name of the books: a close, a withdrawal, a decision, else the inbox taken in.

    What has been committed is not done twice: then the command says so, after it has repaired the books.
    """
    with Books(root, clock=lambda: w.NOW) as books:
        if root.name.startswith("closing"):
            with suppress_done():
                books.close_period(DAY, "controller-1")
        elif root.name.startswith("withdrawn"):
            lines = books.space.state.lines
            [batch] = [x["batch"] for x in lines if x.get("role") == "supply"]
            with suppress_done():
                books.withdraw(batch, "of another company", "controller-1")
        elif root.name.startswith("resolved"):
            # A decision that the kill left in its file is taken in, and then there is nothing to decide.
            books.reconcile()
            for item in [b["id"] for b in books.breaks() if b["class"] == "cost_mismatch"]:
                books.resolve(
                    [item],
                    "write-off",
                    maker="preparer-1",
                    checker="approver-1",
                    evidence=str(root / "accounts.beancount"),
                )
        elif root.name.startswith("listed"):
            # A list that the kill left in its file is taken in, and then its settlement is paid once.
            books.reconcile()
            proposed = books.pay.propose("preparer-1")
            if proposed.lines:
                books.pay.approve(proposed.run, "approver-1")
        else:
            books.import_files()
            books.reconcile()


@contextmanager
def suppress_done() -> Iterator[None]:
    """Let a command end that finds its work done already."""
    try:
        yield
    except UsageError as error:
        if "already" not in str(error):
            raise


@dataclass
class Killer:
    """Ends the process at its n-th step, the hard way."""

    last: int
    seen: int = 0

    def __call__(self, unused_name: str) -> None:
        self.seen += 1
        if self.seen == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def child(job: Callable[[], None]) -> int:
    """Run a job in a forked child; return its exit code, or −9 when it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            job()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed(root: Path, at: int) -> bool:
    """Run until the n-th step; say whether there was one."""

    def job() -> None:
        files.on_step = Killer(at)
        work(root)

    code = child(job)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"ended with {code}")
    return code != 0


def tree(root: Path) -> Tree:
    """All files of a workspace by what they say; no trace of the lock."""
    found: Tree = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            if not any(path.iterdir()):
                found[name] = "an empty folder"
        elif path.suffix != ".lock":
            found[name] = _content(path)
    return found


def _content(path: Path) -> str | bytes:
    try:
        return content_digest(path) if path.suffix == ".parquet" else path.read_bytes()
    except (OSError, ValueError):
        return path.read_bytes()


def plain_faults(root: Path, final: bytes) -> Iterator[str]:
    """What is wrong with books right after a kill, before anything has repaired them."""
    from beancount import loader

    manifest = Manifest(root)
    whole, rest = manifest.raw_lines()
    if rest or not final.startswith(b"".join(raw + b"\n" for raw in whole)):
        yield "the manifest is neither the old one nor the new one"
    state = manifest.read()
    for line in state.lines:
        named = line["files"] if line["kind"] in ("batch", "reconcile") else {}
        for name, digest in named.items():
            if not (root / name).is_file() or content_digest(root / name) != digest:
                yield f"{name} is named and not there"
        if line["kind"] == "batch" and not (root / line["original"]["archive"]).is_file():
            yield f"{line['original']['archive']} is named and not there"
    index = (root / "journal" / "index.beancount").read_text()
    errors = loader.load_file(str(root / "main.beancount"))[1]
    codes = {e.message.partition("]")[0].strip("[") for e in errors}
    behind = bool(state.head) and state.head not in index
    if behind and "batch-head" not in codes:
        yield f"the journal is behind, and Beancount says only {sorted(codes)}"
    if not behind and codes:
        yield f"the journal is up to date, and Beancount says {sorted(codes)}"


def differences(found: Tree, wanted: Tree) -> Iterator[str]:
    """What a tree has that it should not, and the other way round."""
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            how = "too many" if name not in wanted else "gone" if name not in found else "different"
            yield f"{name}: {how}"


@dataclass(frozen=True)
class Trial:
    """One kill, perhaps a second one inside the recovery, and the run that finishes the job."""

    start: Path
    whole: Path
    at: int
    again: int = 0

    def __str__(self) -> str:
        more = f", then at step {self.again} of the recovery" if self.again else ""
        return f"{self.start.name}, killed at step {self.at}{more}"

    def run(self) -> None:
        """Raise AssertionError with everything that is wrong."""
        place = self.whole.with_name(f"{self.start.name}-{self.at}-{self.again}")
        shutil.copytree(self.start, place)
        if not killed(place, self.at):
            raise AssertionError("it ended before it was killed")
        if self.again:
            killed(place, self.again)
        final = (self.whole / NAME).read_bytes()
        look(lambda: plain_faults(place, final), "right after")
        if child(lambda: work(place)):
            raise AssertionError("the next run fails")
        look(lambda: differences(tree(place), tree(self.whole)), "in the end")
        shutil.rmtree(place)


def look(faults: Callable[[], Iterator[str]], when: str) -> None:
    """Look for faults in a child, so that the parent may go on forking."""

    def job() -> None:
        found = list(faults())
        for fault in found:
            print(f"  {when}: {fault}", flush=True)
        if found:
            os._exit(2)

    if child(job):
        raise AssertionError(f"faults {when}")


def warm() -> None:
    """Import all that a run uses before forking; none of it opens DuckDB or starts a thread."""
    rooms = ("books", "intake", "plugins", "posting", "recon", "subledger", "sop")
    for module in pkgutil.walk_packages(finops_ledger.__path__, "finops_ledger."):
        if module.name.split(".")[1] in rooms:
            importlib.import_module(module.name)
    for name in (
        "ibis",
        "pandas",
        "pyarrow.parquet",
        "beancount.loader",
        "beancount.parser.parser",
    ):
        importlib.import_module(name)


def starts(folder: Path) -> Iterator[Path]:
    """Books from which a job starts: new ones, a container in the inbox, a day behind them that is revised."""
    first = folder / "new"
    w.make(first, bank=True).close()
    with (first / "finops.toml").open("a") as file:
        file.write("\n[engine]\nthreads = 1\n")
    iw.drop_second(first)
    (first / "inbox" / "orders_2026-03-01.csv").write_text(f"{w.ORDERS_HEADER}\nO0,yesterday\n")
    yield first
    done = folder / "done"
    shutil.copytree(first, done)
    (done / "inbox" / "orders_2026-03-01.csv").unlink()
    if child(lambda: work(done)):
        raise AssertionError("the day does not run")
    for name in SAMPLED[:-1]:
        yield Path(shutil.copytree(done, folder / name))
    listed = folder / "listed"
    if child(lambda: billed(listed)):
        raise AssertionError("a postpaid partner's day does not run")
    yield listed
    packed = folder / "packed"
    shutil.copytree(first, packed)
    names = ("orders_2026-03-02.csv", "AggA_mutasi_20260302.csv")
    members = {name: made.taken(packed, name) for name in names}
    for path in (packed / "inbox").iterdir():
        path.unlink()
    (packed / "inbox" / "march.zip").write_bytes(made.zipped(members))
    yield packed
    second = folder / "later"
    shutil.copytree(first, second)
    if child(lambda: work(second)):
        raise AssertionError("the first day does not run")
    iw.drop_third(second)
    yield second


def billed(root: Path) -> None:
    """Books in which a postpaid partner has billed a day, and is to be paid."""
    story = payer(root, may(13))
    with (root / "finops.toml").open("a") as file:
        file.write("\n[engine]\nthreads = 1\n")
    bill(story, may(13), "A1")
    story.invoices_(may(14), "AggB-20260513", may(13), 352_500, 1_200, 132)
    story.run(may(14))
    story.books.close()
    shutil.rmtree(story.kept)


def steps_of(start: Path, whole: Path) -> list[str]:
    """Run undisturbed on a copy; return the names of the steps that it takes."""
    shutil.copytree(start, whole)
    listed = whole.with_name(f"{whole.name}.steps")

    def job() -> None:
        names: list[str] = []
        files.on_step = names.append
        work(whole)
        listed.write_text("\n".join(names))

    if child(job):
        raise AssertionError("it does not even run undisturbed")
    return listed.read_text().split("\n")


def trials(folder: Path) -> Iterator[Trial]:
    """Every step once, and a sample of them with a second kill inside the recovery.

    From the second start without the steps that only say that one is done: what lies on the disk
    then is what lies there when the next one begins.
    """
    for start in starts(folder):
        whole = folder / f"{start.name}-whole"
        for at, name in enumerate(steps_of(start, whole), start=1):
            if start.name in SAMPLED:
                if at % 3 == 1:
                    yield Trial(start, whole, at)
                continue
            if start.name == "new" or not name.startswith(("published ", "committed")):
                yield Trial(start, whole, at)
            if at % 12 == 0:
                yield from (Trial(start, whole, at, again) for again in (2, 9))


def main(folder: Path, jobs: int) -> int:
    """Run all trials, some at a time, each in a child; return 1 when anything went wrong."""
    warm()
    running: dict[int, Trial] = {}
    done = faults = 0

    def one_ends() -> None:
        nonlocal done, faults
        pid, status = os.wait()
        trial = running.pop(pid)
        done += 1
        if status:
            faults += 1
            print(f"{trial}: wrong", flush=True)

    for trial in trials(folder):
        if len(running) >= jobs:
            one_ends()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                trial.run()
                os._exit(0)
            except BaseException as error:
                print(f"{trial}: {error}", flush=True)
                os._exit(1)
        running[pid] = trial
    while running:
        one_ends()
    print(f"{done} trials, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), len(os.sched_getaffinity(0))))
