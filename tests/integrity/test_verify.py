"""Each check fires on a copy of sound books that is corrupted in just the way that it looks for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from finops_ledger.books import Books
from finops_ledger.books.verify import CHECKS, verify
from finops_ledger.subledger.engine import content_digest
from finops_ledger.subledger.manifest import NAME, Line
from tests.integrity import workspaces as iw
from tests.worked import workspace as w

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("integrity") / "books"
    iw.history(root)
    return root


def one(root: Path, pattern: str) -> Path:
    """The first file of a workspace that fits."""
    return min(root.glob(pattern))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} does not say {old!r}"
    path.write_text(text.replace(old, new, 1))


def flip(path: Path, place: int = -3) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def other_amount(path: Path) -> None:
    """Write a Parquet file again with one rupiah more on its first row that has an amount."""
    table = pq.read_table(path)
    amounts = table.column("amount").to_pylist()
    row = next(n for n, a in enumerate(amounts) if a)
    amounts[row] += 1
    at = table.column_names.index("amount")
    field = table.schema.field("amount")
    pq.write_table(table.set_column(at, field, pa.array(amounts, field.type)), path)


def fewer_rows(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.filter(pc.invert(pc.equal(table.column("ref"), "O1"))), path)


def forged(kind: str, change: Callable[[Line], object]) -> Spoil:
    """Change the last line of a kind, and everything that follows from it."""

    def spoil(root: Path) -> None:
        last = [line for line in iw.lines(root) if line["kind"] == kind][-1]["seq"]
        iw.forge(root, lambda line: line["seq"] == last and change(line) is None)

    return spoil


def forged_rows(root: Path) -> None:
    """Another amount in Parquet, with the digest in the manifest made to fit."""
    path = one(root, "subledger/rows/source=orders/day=2026-03-02/*.parquet")
    name = path.relative_to(root).as_posix()
    other_amount(path)

    def fit(line: Line) -> bool:
        if name in line.get("files", {}):
            line["files"][name] = content_digest(path)
        return True

    iw.forge(root, fit)


def share(line: Line) -> None:
    """Say that a batch stands at one rupiah more."""
    stands = line["standing"][line["batch"]]
    stands["control"] = str(Decimal(stands["control"]) + 1)


def register(root: Path) -> None:
    """Say that an account's open items are one more than they are."""

    def change(line: Line) -> bool:
        for found in line.get("registers", {}).values():
            found[0] += 1
        return True

    iw.forge(root, change)


def read_one_more(line: Line) -> None:
    line["rows"]["read"] += 1


def leave_a_rest(line: Line) -> None:
    line["bridge"]["residual"] = "1"


def state_other_opens(line: Line) -> None:
    line["open"] = {"cost_mismatch": {"count": 1, "amount": "1", "exposure": "1"}}


def other_hash(line: Line) -> None:
    line["digest"] = "sha256:" + "0" * 64


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@dataclass(frozen=True)
class Case:
    name: str
    check: str
    spoil: Spoil
    closed: bool = False


DAY = "journal/2026/2026-03-02.beancount"
ORDERS = "subledger/rows/source=orders/day=2026-03-02/*.parquet"
BREAKS = "subledger/breaks/leg=sale-supply/*/*/*.parquet"
MATCHES = "subledger/matches/leg=sale-supply/*/*/*.parquet"

CASES = [
    Case("a byte of a line", "chain", lambda r: flip(r / NAME, 700)),
    Case("a line changed", "chain", lambda r: replace(r / NAME, '"rows":4', '"rows":5')),
    Case("a line gone", "chain", lambda r: _drop_line(r / NAME, 3)),
    Case("a line that is no JSON", "chain", lambda r: append(r / NAME, "}{\n")),
    Case("a torn line", "torn", lambda r: append(r / NAME, '{"seq":99,"kind":"ba')),
    Case("rows gone", "files", lambda r: one(r, ORDERS).unlink()),
    Case("matches gone", "files", lambda r: one(r, MATCHES).unlink()),
    Case("an original gone", "files", lambda r: one(r, "archive/Assets/Bank/*/*").unlink()),
    Case("a byte of an original", "archive", lambda r: flip(one(r, "archive/Assets/Bank/*/*"))),
    Case("another amount in rows", "digest", lambda r: other_amount(one(r, ORDERS))),
    Case("a row less", "digest", lambda r: fewer_rows(one(r, ORDERS))),
    Case("another amount in items", "digest", lambda r: other_amount(one(r, BREAKS))),
    Case("another amount in matches", "digest", lambda r: flip(one(r, MATCHES), 40)),
    Case("rows cut short", "digest", lambda r: one(r, ORDERS).write_bytes(b"PAR1")),
    Case("a kept SOP changed", "rules", lambda r: flip(one(r, "archive/Rules/*.AggA.toml"))),
    Case("a kept format gone", "rules", lambda r: one(r, "archive/Rules/*.bca.toml").unlink()),
    Case("an SOP not taken in", "rules", lambda r: append(r / "sops/AggA.toml", "\n# later\n")),
    Case(
        "a decision changed",
        "decisions",
        lambda r: replace(r / "decisions/2026/2026-03.beancount", "300 IDR", "301 IDR"),
    ),
    Case("decisions gone", "decisions", lambda r: one(r, "decisions/2026/2026-01*").unlink()),
    Case(
        "a decision not taken in",
        "decisions",
        lambda r: append(r / "decisions/2026/2026-03.beancount", "; later\n"),
    ),
    Case("a row more read", "conservation", forged("batch", read_one_more)),
    Case("rows changed, digest made to fit", "conservation", forged_rows),
    Case("a bridge with a rest", "bridge", forged("reconcile", leave_a_rest)),
    Case("a standing of one more", "standing", forged("batch", share)),
    Case("a register of one more", "registers", register),
    Case("other open items", "registers", forged("reconcile", state_other_opens)),
    Case("a head of before", "head", lambda r: _old_head(r)),
    Case("no index", "head", lambda r: (r / "journal/index.beancount").unlink()),
    Case("an amount in a day", "journal", lambda r: replace(r / DAY, "49800", "49801")),
    Case("a narration in a day", "journal", lambda r: replace(r / DAY, "4 orders", "5 orders")),
    Case("a day gone", "journal", lambda r: (r / DAY).unlink()),
    Case(
        "a day too many",
        "journal",
        lambda r: (r / DAY.replace("03-02", "03-09")).write_text("; nothing\n"),
    ),
    Case(
        "an include dropped",
        "journal",
        lambda r: replace(
            r / "journal/index.beancount", 'include "2026/2026-03-02.beancount"\n', ""
        ),
    ),
    Case(
        "accounts opened otherwise",
        "journal",
        lambda r: append(r / "journal/accounts.beancount", "2026-01-01 open Assets:Extra\n"),
    ),
    Case("an amount in a closed day", "locked", lambda r: replace(r / DAY, "49800", "49801"), True),
    Case("a closed day gone", "locked", lambda r: (r / DAY).unlink(), True),
    Case("a close of another hash", "closes", forged("close", other_hash), True),
    Case(
        "a transaction put into a closed period",
        "closes",
        lambda r: append(
            r / "main.beancount",
            '\n2026-03-02 * "by hand"\n  Assets:Bank:BCA  1 IDR\n  Equity:Opening-Balances  -1 IDR\n',
        ),
        True,
    ),
    Case(
        "the index not included",
        "books",
        lambda r: replace(r / "main.beancount", 'include "journal/index.beancount"', ""),
    ),
    Case(
        "a batch posted again",
        "books",
        lambda r: _post_again(r),
    ),
    Case(
        "a plugin taken out",
        "plugins",
        lambda r: replace(r / "main.beancount", 'plugin "finops_ledger.plugins.clearing"\n', ""),
    ),
    Case(
        "an assertion that fails",
        "assertions",
        lambda r: append(r / "main.beancount", "\n2026-03-03 balance Assets:Deposits:AggA 1 IDR\n"),
    ),
    Case(
        "money moved past the files",
        "assertions",
        lambda r: append(
            r / "main.beancount",
            '\n2026-03-02 * "by hand"\n  Assets:Deposits:AggA  1 IDR\n  Assets:Bank:BCA  -1 IDR\n',
        ),
    ),
]


def _drop_line(path: Path, number: int) -> None:
    raws = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(raws[:number] + raws[number + 1 :]))


def _old_head(root: Path) -> None:
    path = root / "journal/index.beancount"
    text = path.read_text()
    place = text.rindex('"finops-head"') + 15
    path.write_text(text[:place] + "0" * 64 + text[place + 64 :])


def _post_again(root: Path) -> None:
    batch = next(line["batch"] for line in iw.lines(root) if line["kind"] == "batch")
    append(
        root / "main.beancount",
        f'\n2026-03-02 * "AggA" "again" #supply\n  batch: "{batch}"\n  rows: 1\n  control: 5\n'
        '  partner: "AggA"\n  Assets:Deposits:AggA  5 IDR\n  Assets:Bank:BCA  -5 IDR\n',
    )


def test_sound_books_have_no_finding(sound: Path) -> None:
    kinds = {line["kind"] for line in iw.lines(sound)}
    assert kinds == {"rules", "decision", "batch", "reconcile", "refused"}
    assert verify(sound) == []
    assert Books(sound).verify() == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.check}: {c.name}")
def test_a_corrupted_copy_fires_exactly_its_check(case: Case, sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "books"
    shutil.copytree(sound, root)
    if case.closed:
        with Books(root, clock=lambda: w.NOW) as books:
            books.close_period(date(2026, 3, 3), "controller-1")
        assert verify(root) == []
    case.spoil(root)
    before = _tree(root)
    found = verify(root)
    assert {f.check for f in found} == {case.check}, [str(f) for f in found]
    for finding in found:
        assert finding.message
        assert finding.place
        assert str(root) not in finding.place, "a place is named from the workspace's root"
    assert _tree(root) == before, "verify reads only"


def _tree(root: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_every_check_is_proven() -> None:
    assert {c.check for c in CASES} == {c.name for c in CHECKS}


def test_findings_of_independent_checks_stand_together(sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "books"
    shutil.copytree(sound, root)
    flip(one(root, "archive/Assets/Bank/*/*"))
    other_amount(one(root, ORDERS))
    assert {f.check for f in verify(root)} == {"archive", "digest"}


def test_books_without_a_commit_are_sound(tmp_path: Path) -> None:
    root = tmp_path / "books"
    Books.init(root, title="New", start=date(2026, 1, 1)).close()
    assert verify(root) == []


def test_a_hand_edited_day_is_named_with_its_line(sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "books"
    shutil.copytree(sound, root)
    replace(root / DAY, "49800", "49801")
    (found,) = verify(root)
    number = next(
        n for n, text in enumerate((root / DAY).read_text().split("\n"), 1) if "49801" in text
    )
    assert found.place == f"{DAY}:{number}"
    assert "never edited by hand" in found.message
