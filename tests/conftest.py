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
