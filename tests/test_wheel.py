"""The wheel brings everything along that the package reads at run time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "finops_ledger"


def shipped(folder: Path, inside: str) -> set[str]:
    """The files of ``folder`` as they must be named in the wheel."""
    return {
        f"{inside}/{path.relative_to(folder).as_posix()}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What is in a wheel of this checkout, built with what is installed (no network)."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = target.glob("finops_ledger-*.whl")
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_wheel_holds_the_whole_package(names: set[str]) -> None:
    package = shipped(PACKAGE, "finops_ledger")
    assert "finops_ledger/py.typed" in package
    assert package - names == set()


@pytest.mark.slow
def test_wheel_holds_the_importers_below_the_package(names: set[str]) -> None:
    importers = shipped(ROOT / "importers", "finops_ledger/_importers")
    assert any(name.endswith("/format.toml") for name in importers)
    assert importers - names == set()


@pytest.mark.slow
def test_wheel_installs_one_top_level_package(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"finops_ledger"}
