"""Containers: gzip and zip, whole or not at all, and every trick that one can play."""

from __future__ import annotations

import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from finops_ledger.books import Books
from finops_ledger.books.rebuild import rebuild
from finops_ledger.books.verify import verify
from finops_ledger.core.errors import InputRefused
from finops_ledger.intake import containers
from finops_ledger.intake.limits import Limits
from finops_ledger.subledger import files
from finops_ledger.subledger.manifest import NAME
from tests.inbox import made
from tests.integrity import workspaces as iw

SMALL = Limits(max_unpacked_bytes=100_000_000, max_ratio=50)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return made.make(tmp_path / "books")


def drop(books: Books, name: str, data: bytes) -> Path:
    path = books.root / "inbox" / name
    path.write_bytes(data)
    return path


def ignoring(books: Books, *patterns: str, more: str = "") -> None:
    listed = ", ".join(f'"{p}"' for p in patterns)
    with (books.root / "finops.toml").open("a") as file:
        file.write(f"\n[intake]\nignore = [{listed}]\n{more}\n")


def verdicts(books: Books) -> list[tuple[str, str]]:
    return [(f.name, f.verdict) for f in books.import_files().files]


def both(root: Path) -> dict[str, bytes]:
    return {made.ORDERS: made.orders(root), f"march/{made.STATEMENT}": made.statement(root)}


def test_a_gzip_is_what_it_holds(books: Books) -> None:
    data = made.statement(books.root)
    drop(books, f"{made.STATEMENT}.gz", made.gzipped(data))
    assert verdicts(books) == [(f"{made.STATEMENT}.gz", "imported")]
    drop(books, made.STATEMENT, data)
    assert verdicts(books) == [(made.STATEMENT, "known")]
    assert verify(books.root) == []


def test_a_gzip_is_known_by_its_bytes_and_not_by_its_name(books: Books) -> None:
    drop(books, made.STATEMENT, made.gzipped(made.statement(books.root)))
    assert [v for _, v in verdicts(books)] == ["imported"]


def test_a_zip_is_a_batch_for_each_member_and_one_original(books: Books, tmp_path: Path) -> None:
    data = made.zipped(both(books.root))
    drop(books, "march.zip", data)
    assert verdicts(books) == [
        (f"march.zip/{made.ORDERS}", "imported"),
        (f"march.zip/march/{made.STATEMENT}", "imported"),
    ]
    books.reconcile()
    assert books.status()["verdict"] == "reconciled"
    batches = [line for line in iw.lines(books.root) if line["kind"] == "batch"]
    [archive] = {b["original"]["archive"] for b in batches}
    assert (books.root / archive).read_bytes() == data
    assert [b["original"]["member"]["name"] for b in batches] == [
        made.ORDERS,
        f"march/{made.STATEMENT}",
    ]
    assert verify(books.root) == []
    found = books.explain("O2")["rows"]
    assert {(r["file"], r["line"]) for r in found} == {
        (f"march.zip/{made.ORDERS}", 3),
        (f"march.zip/march/{made.STATEMENT}", 5),
    }
    assert all("O2" in r["text"] for r in found)
    books.close()
    report = rebuild(books.root, tmp_path / "again")
    assert report.differences == []
    assert not list((books.root / "inbox").iterdir())


def test_the_same_container_again_changes_nothing(books: Books) -> None:
    data = made.zipped(both(books.root))
    drop(books, "march.zip", data)
    books.import_files()
    before = (books.root / NAME).read_bytes()
    drop(books, "again.zip", data)
    assert [v for _, v in verdicts(books)] == ["known", "known"]
    assert (books.root / NAME).read_bytes() == before
    assert not (books.root / "inbox" / "again.zip").exists()


def test_what_a_kill_left_out_is_added_by_the_next_import(books: Books) -> None:
    data = made.zipped(both(books.root))
    plain = drop(books, made.ORDERS, zipfile.ZipFile(drop(books, "m.zip", data)).read(made.ORDERS))
    books.import_files([plain])
    assert [v for _, v in verdicts(books)] == ["known", "imported"]


def test_a_container_cut_off_between_two_commits_is_finished_by_the_next_import(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(books, "march.zip", made.zipped(both(books.root)))
    steps: list[str] = []

    def stop(name: str) -> None:
        steps.append(name)
        if steps.count("commit") == 4:  # rules, decisions, the first member; not the second
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "on_step", stop)
    with pytest.raises(KeyboardInterrupt):
        books.import_files()
    monkeypatch.undo()
    assert [n["kind"] for n in iw.lines(books.root)].count("batch") == 1
    books.recover()
    assert path.exists(), "recovery does not take it for done"
    assert [v for _, v in verdicts(books)] == ["known", "imported"]
    assert not path.exists()
    assert verify(books.root) == []


def test_all_members_go_in_or_none_does(books: Books) -> None:
    members = both(books.root)
    members[f"march/{made.STATEMENT}"] = members[f"march/{made.STATEMENT}"].replace(
        b"49.800", b"49,8OO", 1
    )
    drop(books, "march.zip", made.zipped(members))
    [report] = books.import_files().files
    assert report.verdict == "refused"
    assert f"march.zip/march/{made.STATEMENT}:4: Debet: '49,8OO': [cell-number]" in report.message
    assert not [line for line in iw.lines(books.root) if line["kind"] == "batch"]
    kept = sorted(p.name.partition(".")[2] for p in (books.root / "quarantine").iterdir())
    assert kept == ["march.zip", "march.zip.report.csv", "march.zip.report.txt"]


def test_a_member_that_nobody_takes_leaves_the_container_where_it_is(books: Books) -> None:
    members = {**both(books.root), "notes.pdf": b"%PDF", "__MACOSX/._x": b"mac"}
    path = drop(books, "march.zip", made.zipped(members))
    [report] = books.import_files().files
    assert (report.verdict, path.exists()) == ("unrecognised", True)
    assert "march.zip/notes.pdf: no source" in report.message
    assert "ignore" in report.message
    ignoring(books, "*.PDF", "__MACOSX/*")
    found = books.import_files().files
    assert [f.verdict for f in found] == ["imported", "imported", "ignored"]
    assert "notes.pdf, __MACOSX/._x" in found[2].message


def test_a_single_member_may_go_by_the_name_of_its_container(books: Books) -> None:
    text = (books.root / "finops.toml").read_text()
    (books.root / "finops.toml").write_text(text.replace("AggA_mutasi_*.csv", "AggA_mutasi_*"))
    data = made.statement(books.root)
    drop(books, "AggA_mutasi_20260302.zip", made.zipped({"export.csv": data}))
    assert [v for _, v in verdicts(books)] == ["imported"]


def test_an_empty_zip_is_refused(books: Books) -> None:
    drop(books, "march.zip", made.zipped({}))
    [report] = books.import_files().files
    assert "[archive-empty]" in report.message


def test_verify_follows_members(books: Books) -> None:
    drop(books, "march.zip", made.zipped(both(books.root)))
    books.import_files()
    books.close()

    def forged(line: dict[str, object]) -> bool:
        if line["kind"] == "batch":
            line["original"]["member"]["sha256"] = "0" * 64  # type: ignore[index]
        return True

    iw.forge(books.root, forged)
    assert {f.check for f in verify(books.root)} == {"archive"}


def test_documents_and_balances_stand_on_the_account_of_their_own_source(tmp_path: Path) -> None:
    books = made.make(tmp_path / "books", bank=True)
    from tests.worked import workspace as w

    w.bank(books.root, made.DAY, 500_000_000, [("BIAYA ADM", -10_000)])
    name = "BCA_mutasi_20260302.csv"
    members = {**both(books.root), name: made.taken(books.root, name)}
    drop(books, "march.zip", made.zipped(members))
    books.import_files()
    text = (books.root / "journal" / "2026" / "2026-03-02.beancount").read_text()
    assert "2026-03-03 balance Assets:Bank:BCA" in text
    for account in ("Liabilities:Customer-Orders:Undelivered", "Assets:Deposits:AggA"):
        assert f"document {account} " in text
    assert books.load().messages() == []


# --- hostile -----------------------------------------------------------------------------------------


def bomb() -> bytes:
    return made.zipped({made.STATEMENT: b"0" * 60_000_000})


SOUND = {made.STATEMENT: b"a,b\n1,2\n"}
HOSTILE: dict[str, tuple[str, bytes]] = {
    "a bomb as declared": ("archive-bomb", bomb()),
    "a bomb that declares little": ("archive-b", made.lying(bomb(), 60_000_000, 1_000)),
    "a bomb of gzip": ("archive-bomb", made.gzipped(b"0" * 60_000_000)),
    "more than the limit": ("archive-size", made.lying(bomb(), 60_000_000, 4_000_000_000)),
    "a zip in a zip": ("archive-nested", made.zipped({"a.csv": made.zipped(SOUND)})),
    "a gzip in a zip": ("archive-nested", made.zipped({"a.csv": made.gzipped(b"x")})),
    "a gzip in a gzip": ("archive-nested", made.gzipped(made.gzipped(b"x"))),
    "encrypted": ("archive-encrypted", made.encrypted(made.zipped(SOUND))),
    "a link": ("archive-link", made.with_link(SOUND)),
    "truncated": ("archive-broken", made.zipped({"a.csv": b"x" * 5000})[:-30]),
    "a truncated gzip": ("archive-broken", made.gzipped(bytes(range(256)) * 9)[:-20]),
    "garbage behind a gzip": ("archive-broken", made.gzipped(b"x") + b"garbage"),
    "another method": ("archive-kind", made.zipped(SOUND, zipfile.ZIP_BZIP2)),
    "a 7z": ("archive-kind", b"7z\xbc\xaf\x27\x1c" + b"\0" * 100),
    "a name twice": ("archive-name", made.zipped({"a.csv": b"1", "b.csv": b"2"}).replace(b"b.csv", b"a.csv")),
}  # fmt: skip
NAMES = (
    "../evil.csv", "a/../../evil.csv", "/evil.csv", "C:/evil.csv", "C:evil.csv", "a\\evil.csv",
    "evil\u202evsc.csv", "evil\n.csv", "evil\x1b[2J.csv", "a//evil.csv", "./evil.csv", " /evil.csv",
)  # fmt: skip


def refused(data: bytes, folder: Path) -> InputRefused:
    path = folder / "x"
    path.write_bytes(data)
    (folder / "out").mkdir()
    with pytest.raises(InputRefused) as error:
        containers.unpack(path, folder / "out", SMALL)
    return error.value


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_container_is_refused(what: str, tmp_path: Path) -> None:
    code, data = HOSTILE[what]
    assert refused(data, tmp_path).problems[0].code.startswith(code)
    written = sum(p.stat().st_size for p in (tmp_path / "out").iterdir())
    assert written < 20_000_000, "it stops long before everything is unpacked"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_a_path_is_refused_and_shown_escaped(name: str, tmp_path: Path) -> None:
    problem = refused(made.zipped({name: b"x"}), tmp_path).problems[0]
    assert problem.code == "archive-name"
    assert str(problem).isprintable()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "x"]


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    data = made.zipped({"evil.csv?.pdf": b"x"}).replace(b"csv?", b"csv\0")
    assert refused(data, tmp_path).problems[0].code == "archive-name"


def test_entries_that_overlap_do_not_unpack_to_more_than_the_limit(tmp_path: Path) -> None:
    """Many entries of the directory point at one and the same data."""
    one = made.zipped({"0.csv": b"0" * 3_000_000})
    place = one.index(b"PK\x01\x02")
    entry, data = one[place : one.index(b"PK\x05\x06")], one[:place]
    entries = b"".join(entry.replace(b"0.csv", b"%d.csv" % n) for n in range(10))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, len(entries), len(data), 0)
    code = refused(data + entries + end, tmp_path).problems[0].code
    assert code in ("archive-broken", "archive-bomb")


def test_too_many_members(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(made.zipped({f"{n}.csv": b"x" for n in range(11)}))
    with pytest.raises(InputRefused, match="max_members"):
        containers.unpack(path, tmp_path, Limits(max_members=10))


def test_a_directory_that_would_fill_the_memory_is_not_even_read(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[20] * 6, 0, 0, 0, 1, *[0] * 4, 0, 0) + b"x"
    entries = entry * 400_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entries), 4, 0)
    assert "max_members" in str(refused(b"PK\x03\x04" + entries + end, tmp_path))


@pytest.mark.parametrize(
    "members",
    [
        {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"},
        {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"},
    ],
)
def test_excel_and_opendocument_files_are_no_containers(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(made.zipped(members))
    assert containers.kind(path) is None
    outer = tmp_path / "outer"
    outer.write_bytes(made.zipped({"book.xlsx": path.read_bytes()}))
    (tmp_path / "out").mkdir()
    [member] = containers.unpack(outer, tmp_path / "out", Limits()).members
    assert member.path.read_bytes() == path.read_bytes()


def test_a_bomb_in_the_inbox_goes_to_quarantine_and_leaves_nothing_behind(books: Books) -> None:
    ignoring(books, more="max_ratio = 50")
    drop(books, f"{made.STATEMENT}.gz", made.gzipped(b"0" * 60_000_000))
    [report] = books.import_files().files
    assert (report.verdict, "[archive-bomb]" in report.message) == ("refused", True)
    assert "max_ratio = 50 under [intake]" in report.message
    assert not list((books.root / "subledger").rglob(".intake-*"))
    shutil.rmtree(books.root)
