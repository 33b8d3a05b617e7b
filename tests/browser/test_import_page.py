"""Fava's import page on our sources, in a real browser: listed, extracted, and none skipped for its size."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from finops_ledger.books.samples import import_sample, samples_of
from tests.browser.test_fava import browser, visiting

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = Path(__file__).parents[2] / "importers" / "import.py"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of nobody's making whose import page looks into a folder of downloads."""
    root, downloads = tmp_path / "books", tmp_path / "downloads"
    [sample] = samples_of("orders")
    assert import_sample(root, "orders", sample).balanced
    downloads.mkdir()
    head, first, *rest = sample.read_text().splitlines()
    (downloads / "orders.csv").write_text("\n".join([head, first, *rest]) + "\n")
    large = [first.replace("0001", f"{n:07d}") for n in range(90_000)]
    (downloads / "orders_large.csv").write_text("\n".join([head, *large]) + "\n")
    assert (downloads / "orders_large.csv").stat().st_size > 8 << 20
    (downloads / "orders_bad.csv").write_text(f"{head}\n{first.replace('11000', '11.000')}\n")
    main = tmp_path / "main.beancount"
    main.write_text(
        'option "title" "Import"\noption "operating_currency" "IDR"\n'
        f'2026-01-01 custom "fava-option" "import-config" "{SCRIPT}"\n'
        f'2026-01-01 custom "fava-option" "import-dirs" "{downloads}"\n'
    )
    monkeypatch.setenv("FINOPS_BOOKS", str(root))
    return main


def test_import_page_lists_and_extracts(ledger: Path, browser: Browser, tmp_path: Path) -> None:
    with visiting(browser, ledger, tmp_path) as visit:
        shown = visit.to("import/")
        page = visit.page
        rows = page.locator("article button", has_text="Extract")
        assert rows.count() == 3
        assert "orders_large.csv" in shown
        assert shown.count("finops.orders") == 3
        rows.nth(0).click()
        page.locator(".overlay form, dialog form").first.wait_for()
        page.screenshot(path=tmp_path / "extracted.png")
        told = page.locator(".overlay, dialog").first
        payees = [f.input_value() for f in told.locator("input").all()]
        assert "2026-03-01" in payees or "2026-03-02" in payees
        page.keyboard.press("Escape")
        assert visit.wrong == []


def test_a_refused_file_is_told_and_takes_nothing_down(
    ledger: Path, browser: Browser, tmp_path: Path
) -> None:
    with visiting(browser, ledger, tmp_path) as visit:
        visit.to("import/")
        page = visit.page
        page.locator("article button", has_text="Extract").nth(1).click()
        note = page.locator(".overlay textarea, dialog textarea").first
        note.wait_for()
        page.screenshot(path=tmp_path / "refused.png")
        assert "[cell-number] not a number in the declared form" in note.input_value()
        assert "nothing of it is posted" in note.input_value()
        assert visit.wrong == []
