"""What an accountant sees: plain Fava on the example and on new books, in a real browser."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from finops_ledger.books import Books

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "ledgers" / "example"
QUERIES = (
    "revenue-by-category",
    "movement-by-kind",
    "deposit-vs-statement",
    "open-items",
    "open-by-counterparty",
)
LENSES = ("All entries", "Only deposits", "Only breaks", "Only claims", "Only decisions")
REPORTS = (
    "income_statement", "balance_sheet", "trial_balance", "journal", "query", "documents", "events",
    "statistics", "holdings", "commodities", "options", "import", "errors",
)  # fmt: skip
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def serve(main: Path) -> Iterator[str]:
    """Run plain Fava on a free port of this machine alone; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fava.cli", "--host", "127.0.0.1", "--port", str(port)]
    running = subprocess.Popen([*command, str(main)])
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(150):
            assert running.poll() is None, "Fava ended; its output says why"
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    yield answer.url.partition("/income_statement")[0]
                    return
            except OSError:
                time.sleep(0.2)
        pytest.fail("Fava did not start")
    finally:
        running.terminate()
        running.wait(timeout=20)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=str(chromium), args=ARGUMENTS)
        yield found
        found.close()


class Visit:
    """A page of one set of books, and everything that went wrong on it."""

    def __init__(self, page: Page, base: str, shots: Path) -> None:
        self.page, self.base, self.shots = page, base, shots
        self.wrong: list[str] = []
        page.on("console", self._said)
        page.on("response", self._answered)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.wrong.append(f"{self.page.url}: console: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status} {response.url}")

    def to(self, place: str) -> str:
        """Open a page of the books; return what it shows beside the sidebar."""
        self.page.goto(f"{self.base}/{place}")
        return self.shown(place)

    def shown(self, name: str) -> str:
        """Wait for the page, keep a picture, check for faults, return the text of its article."""
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_selector("article", state="attached")
        name = "".join(c if c.isalnum() else "-" for c in name)[:60]
        self.page.screenshot(path=self.shots / f"{name}.png")
        toasts = self.page.locator("#notifications li, .notifications li").all_inner_texts()
        self.wrong += [f"{self.page.url}: {text}" for text in toasts]
        self.wrong += [
            f"{self.page.url}: errors in the sidebar: {text}"
            for text in self.page.locator("aside .error.bubble").all_inner_texts()
        ]
        assert self.wrong == []
        return self.page.locator("article").inner_text()

    def table(self) -> list[list[str]]:
        """The cells of the query result on the page."""
        newest = self.page.locator("article details[open] table").first
        newest.locator("thead").wait_for()
        rows = newest.locator("tr").all()
        return [[c.strip() for c in row.locator("th, td").all_inner_texts()] for row in rows]


@contextmanager
def visiting(browser: Browser, main: Path, shots: Path) -> Iterator[Visit]:
    with serve(main) as base:
        page = browser.new_page(viewport={"width": 1400, "height": 1000}, locale="en-GB")
        page.set_default_timeout(20_000)
        yield Visit(page, base, shots)
        page.close()


@pytest.fixture(scope="module")
def example(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with visiting(browser, EXAMPLE / "main.beancount", tmp_path_factory.mktemp("example")) as visit:
        yield visit


@pytest.fixture(scope="module")
def empty(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    root = tmp_path_factory.mktemp("books") / "books"
    Books.init(root, title="PT Baru & Co", start=date(2026, 1, 1)).close()
    with visiting(browser, root / "main.beancount", tmp_path_factory.mktemp("empty")) as visit:
        yield visit


def test_statements_show_natural_signs_and_whole_rupiah(example: Visit) -> None:
    income = example.to("income_statement/")
    for figure in ("4,700", "-1,000", "5,700", "2,100", "3,600", "2,492", "2,208"):
        assert figure in income.split()
    balance = example.to("balance_sheet/")
    for figure in ("501,002,208", "400,251,234", "100,750,701", "-49,800", "501,000,000"):
        assert figure in balance.split()
    assert ".00" not in income.partition("Net Profit\n")[2]
    assert "Operational-Loss" not in income


def test_a_clearing_account_opens_to_what_it_is_made_of(example: Visit) -> None:
    before = example.to("trial_balance/")
    assert "Settlement-In-Transit" not in before
    example.page.get_by_text("Expand all").first.click()
    after = example.shown("trial_balance_open")
    assert "Settlement-In-Transit" in after
    assert "Missing-At-Partner" in after


def test_the_journal_tells_the_day_in_words(example: Visit) -> None:
    text = example.to("journal/")
    for words in (
        "Sales, 7 orders",
        "Settlement report, 9 rows",
        "Reconciled: 2 matched",
        "Resolved: O4 claimed from the partner",
        "Resolved: O2, the price rise had been notified",
    ):
        assert words in text


def test_a_deposit_is_proven_and_its_original_opens(example: Visit) -> None:
    text = example.to("account/Assets:Deposits:AggA/")
    assert "100,750,701 IDR" in text
    assert "100,800,501 IDR" in text
    assert example.page.locator("h1 .status-green").count() == 1
    link = example.page.locator("article a", has_text="AggA_mutasi_20260303.csv").first
    address = link.get_attribute("href")
    assert address is not None
    answer = example.page.request.get(f"{example.base.rpartition('/')[0]}{address}")
    assert answer.status == 200
    assert "100.750.701" in answer.text()


def test_every_original_stands_on_the_account_that_it_proves(example: Visit) -> None:
    text = example.to("documents/")
    kept = [p.name for p in (EXAMPLE / "archive").rglob("*.csv") if p.parent.name != "Rules"]
    assert len(kept) == 8
    for name in kept:
        assert name.partition(".")[2] in text
    for account in ("Assets:Bank:BCA", "Liabilities:Customer-Orders:Undelivered"):
        assert ".csv" in example.to(f"account/{account}/")


def query(visit: Visit, name: str) -> list[list[str]]:
    """Run a stored query from the sidebar; its name must be readable there."""
    visit.page.goto(f"{visit.base}/query/")
    visit.page.locator("aside .submenu a", has_text=name).click()
    visit.shown(name)
    return visit.table()


def test_stored_queries_give_the_known_figures(example: Visit) -> None:
    revenue = query(example, "revenue-by-category")
    assert ["2026", "3", "AggA", "PLN-Token", "2,100 IDR", "", "", "2,100 IDR"] in revenue
    assert ["2026", "3", "AggA", "Pulsa", "3,600 IDR", "-1,000 IDR", "", "2,600 IDR"] in revenue
    moved = query(example, "movement-by-kind")
    assert ["Assets:Deposits:AggA", "topup", "100,000,001 IDR", "1", "2026-03-02"] in moved
    refunds = "Liabilities:Customer-Orders:Refund-Payable"
    assert [refunds, "failed", "102,000 IDR", "1", "2026-03-02"] in moved
    tied = query(example, "deposit-vs-statement")
    assert [r[:3] for r in tied[1:]] == [
        ["Assets:Bank:BCA", "2026-03-03", "400,251,234 IDR"],
        ["Assets:Deposits:AggA", "2026-03-03", "100,750,701 IDR"],
    ]
    assert {r[3] for r in tied[1:]} == {"none"}
    assert query(example, "open-items")[1:] == [
        [
            "Assets:Breaks:AggA:Missing-At-Partner", "-49,800 IDR", "1", "2026-03-02", "1",
            "2026-03-02",
        ],
        ["Assets:Claims:Partner:AggA", "49,800 IDR", "1", "2026-03-02", "1", "2026-03-03"],
    ]  # fmt: skip
    assert query(example, "open-by-counterparty")[1:] == [
        ["AggA", "Breaks", "-49,800 IDR", "1", "2026-03-02", "2026-03-02"],
        ["AggA", "Claims", "49,800 IDR", "1", "2026-03-03", "2026-03-03"],
    ]


def workbook(visit: Visit, name: str) -> list[tuple[Any, ...]]:
    """Export a stored query as the page offers it and open the file."""
    query(visit, name)
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("link", name="XLSX").first.click()
    content = Path(waiting.value.path()).read_bytes()
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Results"]
    return list(sheet.iter_rows(values_only=True))


def test_a_query_is_exported_to_excel_with_numbers_as_numbers(example: Visit) -> None:
    tied = workbook(example, "deposit-vs-statement")
    assert tied[0] == ("account", "tied_at_end_of", "statement (IDR)", "difference")
    assert tied[2] == ("Assets:Deposits:AggA", "2026-03-03", 100_750_701, "none")
    revenue = workbook(example, "revenue-by-category")
    column = revenue[0].index("margin (IDR)")
    assert [row[column] for row in revenue[1:]] == [2_100, 2_600]


@pytest.mark.parametrize("name", QUERIES)
def test_every_stored_query_is_exported(example: Visit, name: str) -> None:
    for ending in ("csv", "xlsx", "ods"):
        place = f"download-query/query_result.{ending}?query_string={quote(f'run {name}')}"
        assert example.page.request.get(f"{example.base}/{place}").status == 200, ending


@pytest.mark.parametrize("place", ["income_statement/", "account/Assets:Bank:BCA/", "journal/"])
def test_the_sidebar_links_work_from_every_depth(example: Visit, place: str) -> None:
    example.to(f"{place}?time=2026-03")
    assert example.page.locator("aside ul").first.inner_text().split("\n") == list(LENSES)
    for lens in (*LENSES, "All entries"):
        example.page.locator("aside a", has_text=lens).first.click()
        example.shown(f"{place}-{lens}")
        path, _, arguments = example.page.url.removeprefix(example.base).partition("?")
        assert path == f"/{place}"
        assert "time=2026-03" in arguments
    assert "account=" not in example.page.url


def test_a_lens_narrows_the_journal(example: Visit) -> None:
    example.to("journal/")
    example.page.locator("aside a", has_text="Only decisions").click()
    text = example.shown("only-decisions")
    assert "Resolved: O4" in text
    assert "Sales, 7 orders" not in text


@pytest.mark.parametrize("report", REPORTS)
def test_no_page_of_the_example_has_a_fault(example: Visit, report: str) -> None:
    text = example.to(f"{report}/")
    if report == "errors":
        assert "No errors" in text


@pytest.mark.parametrize("report", REPORTS)
def test_no_page_of_new_books_has_a_fault(empty: Visit, report: str) -> None:
    empty.to(f"{report}/")


@pytest.mark.parametrize("name", QUERIES)
def test_stored_queries_run_on_new_books(empty: Visit, name: str) -> None:
    assert len(query(empty, name)) == 1


def test_a_deposit_that_does_not_tie_is_told_at_its_entry(browser: Browser, tmp_path: Path) -> None:
    """The message of the plugin, and a click to the entry whose statement says otherwise."""
    root = tmp_path / "books"
    shutil.copytree(EXAMPLE, root)
    day = root / "journal" / "2026" / "2026-03-03.beancount"
    text = day.read_text("utf-8")
    assert text.count("  closing: 100750701\n") == 1
    day.write_text(text.replace("  closing: 100750701\n", "  closing: 100750702\n"), "utf-8")
    before = text[: text.index("  closing: 100750701")].splitlines()
    line = max(n for n, at in enumerate(before, 1) if "#supply" in at)
    with visiting(browser, root / "main.beancount", tmp_path) as visit:
        visit.page.goto(f"{visit.base}/errors/")
        told = visit.page.locator("article tr", has_text="[deposit-closing]")
        told.wait_for()
        assert visit.page.locator("article tbody tr").count() == 1
        message = " ".join(told.inner_text().split())
        assert "but the statement closes at 100750702 IDR; difference -1 IDR" in message
        assert str(line) in message.split()
        told.locator("a[href*='line=']").first.click()
        visit.page.locator(".cm-activeLine").first.wait_for()
        assert "#supply" in visit.page.locator(".cm-activeLine").first.inner_text()


def test_new_books_are_clean_under_bean_check_and_bean_query(tmp_path: Path) -> None:
    Books.init(tmp_path / "books", title="Baru", start=date(2026, 1, 1)).close()
    folder = Path(sys.executable).parent
    check = shutil.which("bean-check", path=str(folder)) or "bean-check"
    main = str(tmp_path / "books" / "main.beancount")
    done = subprocess.run([check, main], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ask = shutil.which("bean-query", path=str(folder)) or "bean-query"
    for name in QUERIES:
        done = subprocess.run(
            [ask, main, f".run {name}"], capture_output=True, text=True, check=False
        )
        assert "rror" not in done.stdout + done.stderr
