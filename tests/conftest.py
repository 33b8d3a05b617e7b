"""What all tests share: the places outside the checkout, and what to do when they are missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT.parent / "shared" / "samples"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

#: Files that take longest, longest first: begun last, one of them would keep the other processes waiting.
LONGEST = (
    "integrity/test_kill_every_step.py",
    "worked/test_closed_periods.py",
    "worked/test_refunds_apart.py",
    "worked/test_cases_postpaid.py",
    "resolving/test_worked_by_command.py",
    "engines/test_same_rows.py",
    "worked/test_cases_statement.py",
    "worked/test_cases_cross.py",
    "docs/test_pages.py",
    "samples/test_text_banks.py",
    "worked/test_deposits.py",
    "integrity/test_rebuild.py",
    "samples/test_real_files.py",
    "properties/test_truth.py",
    "properties/test_order_of_arrival.py",
    "properties/test_stage.py",
    "engines/test_across_suppliers.py",
    "resolving/test_without_money.py",
    "stories/test_amounts.py",
    "worked/test_goods.py",
    "worked/test_cases_stock.py",
    "worked/test_withdraw.py",
    "loop/test_own_legs.py",
    "worked/test_restated_closing.py",
    "worked/test_cases_deposit.py",
    "treasury/test_paying_books.py",
    "properties/test_statement.py",
    "cli/test_exit_codes.py",
    "benchmarks/test_bench.py",
)

# No deadlines: a busy machine is not a bug. In CI the same examples every time.
settings.register_profile("house", deadline=None, derandomize=IN_CI)
settings.load_profile("house")


def find_chromium() -> Path | None:
    """The system's Chromium, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def missing(what: str) -> None:
    """Skip on somebody's desk, fail in CI: there a test that does not run proves nothing."""
    if IN_CI:
        pytest.fail(f"{what}, and CI is set", pytrace=False)
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {ROOT / "tests" / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("samples") and not SAMPLES.is_dir():
        missing("no ../shared/samples beside the checkout")
    if item.get_closest_marker("browser") and find_chromium() is None:
        missing("no Chromium on PATH")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real files beside the checkout, read in place."""
    if not SAMPLES.is_dir():
        missing("no ../shared/samples beside the checkout")
    return SAMPLES


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program; as root it needs ``--no-sandbox``."""
    found = find_chromium()
    if found is None:
        missing("no Chromium on PATH")
    assert found is not None
    return found
